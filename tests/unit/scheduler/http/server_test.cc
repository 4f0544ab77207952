#include "scheduler/http/server.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/support/manual_clock.h"
#include "tests/support/raw_http.h"

namespace millrace::http {
namespace {

using test::BodyOf;
using test::RawClient;
using test::StatusOf;

std::string Get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

class ServerTest : public testing::Test {
 protected:
  void Start(ServerOptions options = {}) {
    options.threads = 4;
    server_.emplace(
        options, [this](const Request& request) { return Handle(request); }, clock_, log_);
    const Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
  }

  Response Handle(const Request& request) {
    Response response;
    if (request.path == "/throw") throw std::runtime_error("a secret of the inside");
    if (request.path == "/stream") {
      response.headers.emplace_back("Content-Type", "text/event-stream");
      response.body = "hello\n";
      response.stream = [this](StreamSink& sink, StreamId id) {
        const std::lock_guard lock(mutex_);
        sink_ = &sink;
        stream_ = id;
        opened_.notify_all();
      };
      return response;
    }
    response.headers.emplace_back("Content-Type", "text/plain");
    response.body = request.method + " " + request.path + " " + request.body;
    for (const auto& [key, value] : request.query) response.body += " " + key + "=" + value;
    return response;
  }

  void WaitForStream() {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(opened_.wait_for(lock, std::chrono::seconds(20), [this] { return sink_ != nullptr; }));
  }

  std::string Ask(const std::string& bytes) {
    RawClient client(server_->port());
    client.Send(bytes);
    return client.ReadResponse();
  }

  test::ManualClock clock_;
  test::RecordingLog log_;
  std::mutex mutex_;
  std::condition_variable opened_;
  StreamSink* sink_ = nullptr;
  StreamId stream_{};
  std::optional<Server> server_;
};

TEST_F(ServerTest, ARequestIsAnsweredAndTheConnectionKept) {
  Start();
  RawClient client(server_->port());
  client.Send(Get("/a%20b?x=1%2B1&y=a+b&x=2"));
  const std::string first = client.ReadResponse();
  EXPECT_EQ(StatusOf(first), 200);
  EXPECT_EQ(BodyOf(first), "GET /a%20b  x=1+1 x=2 y=a b");
  EXPECT_NE(first.find("X-Content-Type-Options: nosniff"), std::string::npos);
  EXPECT_NE(first.find("Content-Security-Policy: default-src 'self'; object-src 'none'"), std::string::npos);
  client.Send("POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(BodyOf(client.ReadResponse()), "POST /p body");
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  RawClient client(server_->port());
  client.Send(Get("/1") + "POST /2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc" + Get("/3"));
  EXPECT_EQ(BodyOf(client.ReadResponse()), "GET /1 ");
  EXPECT_EQ(BodyOf(client.ReadResponse()), "POST /2 abc");
  EXPECT_EQ(BodyOf(client.ReadResponse()), "GET /3 ");
}

TEST_F(ServerTest, ARequestSplitAtEveryByteGivesTheSameAnswer) {
  Start();
  const std::string request = "PATCH /q HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nxyz";
  for (std::size_t at = 1; at < request.size(); ++at) {
    RawClient client(server_->port());
    client.Send(request.substr(0, at));
    client.Send(request.substr(at));
    EXPECT_EQ(BodyOf(client.ReadResponse()), "PATCH /q xyz") << at;
  }
}

TEST_F(ServerTest, HeadAnswersWithoutABody) {
  Start();
  const std::string response = Ask("HEAD /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(StatusOf(response), 200);
  EXPECT_EQ(BodyOf(response), "");
}

TEST_F(ServerTest, AnExceptionIsA500ThatTellsNothing) {
  Start();
  const std::string response = Ask(Get("/throw"));
  EXPECT_EQ(StatusOf(response), 500);
  EXPECT_EQ(response.find("secret"), std::string::npos);
  ASSERT_EQ(log_.lines().size(), 1U);
  EXPECT_NE(log_.lines()[0].find("a secret of the inside"), std::string::npos);
}

TEST_F(ServerTest, BadHeadsAreRefusedBeforeTheLibraryParsesThem) {
  Start();
  EXPECT_EQ(StatusOf(Ask("GET /x HTTP/1.1\r\nHost: localhost\r\nX: a%0d%0aY: b\r\n\r\n")), 400);
  EXPECT_EQ(StatusOf(Ask("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
            411);
  EXPECT_EQ(
      StatusOf(Ask("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na")),
      400);
  EXPECT_EQ(StatusOf(Ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")), 421);
}

TEST_F(ServerTest, BombsAreRefusedEarlyAndTheRefusalCanBeRead) {
  Start();
  std::string headers = "GET / HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 20000; ++i) headers += "X-Bomb: aaaaaaaaaa\r\n";
  EXPECT_EQ(StatusOf(Ask(headers)), 431);
  EXPECT_EQ(StatusOf(Ask("GET /" + std::string(1'000'000, 'a'))), 414);
  EXPECT_EQ(StatusOf(Ask("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 209715200\r\n\r\n" +
                         std::string(1'000'000, 'a'))),
            413);
}

TEST_F(ServerTest, DrippingClientsDoNotStopALegitimateRequest) {
  Start();
  std::vector<RawClient> drippers;
  for (int i = 0; i < 64; ++i) {
    drippers.emplace_back(server_->port());
    drippers.back().Send("GET / HT");
  }
  for (RawClient& dripper : drippers) dripper.Send("T");
  EXPECT_EQ(StatusOf(Ask(Get("/legitimate"))), 200);
  clock_.Advance(std::chrono::seconds(3));
  for (RawClient& dripper : drippers) dripper.Send("P");
  EXPECT_EQ(StatusOf(Ask(Get("/legitimate"))), 200);
  // Five seconds for a head are absolute: bytes in between do not prolong them.
  clock_.Advance(std::chrono::seconds(3));
  for (RawClient& dripper : drippers) EXPECT_EQ(StatusOf(dripper.ReadAll()), 408);
}

TEST_F(ServerTest, ABodyHasADeadlineOfItsOwn) {
  Start();
  RawClient client(server_->port());
  client.Send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(StatusOf(Ask(Get("/between"))), 200);
  clock_.Advance(std::chrono::seconds(31));
  EXPECT_EQ(StatusOf(client.ReadAll()), 408);
}

TEST_F(ServerTest, ANewConnectionTakesThePlaceOfTheLongestWaiting) {
  ServerOptions options;
  options.max_connections_per_ip = 8;
  Start(options);
  std::vector<RawClient> idle;
  for (int i = 0; i < 8; ++i) idle.emplace_back(server_->port());
  for (RawClient& client : idle) client.Send("G");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(StatusOf(Ask(Get("/new"))), 200);
  EXPECT_EQ(idle.front().ReadAll(), "");  // it gave way
}

TEST_F(ServerTest, AStreamGoesOnUntilItsEnd) {
  Start();
  RawClient client(server_->port());
  client.Send(Get("/stream"));
  WaitForStream();
  EXPECT_TRUE(sink_->Write(stream_, "more\n"));
  EXPECT_NE(client.ReadUntil("more\n").find("hello\nmore\n"), std::string::npos);
  EXPECT_EQ(StatusOf(Ask(Get("/beside"))), 200);
  sink_->End(stream_);
  const std::string all = client.ReadAll();
  EXPECT_EQ(BodyOf(all), "hello\nmore\n");
  EXPECT_EQ(all.find("Content-Length"), std::string::npos);
}

TEST_F(ServerTest, AStreamEndsAfterItsLifetime) {
  Start();
  RawClient client(server_->port());
  client.Send(Get("/stream"));
  WaitForStream();
  client.ReadUntil("hello\n");
  clock_.Advance(std::chrono::minutes(6));
  client.ReadAll();
  EXPECT_TRUE(client.closed());
  EXPECT_FALSE(sink_->Write(stream_, "late"));
}

TEST_F(ServerTest, AStreamThatIsNotReadIsEnded) {
  ServerOptions options;
  options.max_stream_backlog = 100'000;
  Start(options);
  RawClient client(server_->port());
  client.Send(Get("/stream"));
  WaitForStream();
  const std::string block(50'000, 'x');
  int written = 0;
  while (written < 10'000 && sink_->Write(stream_, block)) ++written;
  EXPECT_LT(written, 10'000);
}

TEST_F(ServerTest, StreamsHaveACapOfTheirOwn) {
  ServerOptions options;
  options.max_streams = 3;
  Start(options);
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(server_->port());
    clients.back().Send(Get("/stream"));
    EXPECT_EQ(StatusOf(clients.back().ReadUntil("hello\n")), 200);
  }
  EXPECT_EQ(StatusOf(Ask(Get("/stream"))), 503);
  EXPECT_EQ(StatusOf(Ask(Get("/other"))), 200);
}

TEST_F(ServerTest, OnlyLoopbackAddressesAreBound) {
  ServerOptions options;
  options.address = "0.0.0.0";
  Server server(
      options, [](const Request&) { return Response(); }, clock_, log_);
  EXPECT_EQ(server.Start().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace millrace::http
