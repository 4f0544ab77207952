// Whether a connection works, against what really listens on the loopback.
#include "worker/tasks/connection_test.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "core/model/json.h"
#include "tests/unit/worker/tasks/recording_context.h"
#include "worker/sql/instance.h"

namespace millrace::tasks {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Listens; answers one client with `says`, line by line, after each line that it sends.
class Listener {
 public:
  explicit Listener(std::vector<std::string> says = {}) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(descriptor_, 8), 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    if (!says.empty()) thread_ = std::thread([this, says = std::move(says)] { Answer(says); });
  }
  ~Listener() {
    ::shutdown(descriptor_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(descriptor_);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  std::string place() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void Answer(const std::vector<std::string>& says) const {
    const int client = ::accept(descriptor_, nullptr, nullptr);
    if (client < 0) return;
    char heard[4096];
    for (std::size_t i = 0; i < says.size(); ++i) {
      if (says[i].empty()) continue;  // waits for the client first
      if (::send(client, says[i].data(), says[i].size(), MSG_NOSIGNAL) < 0) break;
      if (::recv(client, heard, sizeof(heard), 0) <= 0) break;
    }
    ::close(client);
  }

  const int descriptor_;
  int port_ = 0;
  std::thread thread_;
};

class ConnectionTestTest : public testing::Test {
 protected:
  ConnectionTestTest() {
    std::string pattern = testing::TempDir() + "millrace-connection-XXXXXX";
    root_ = fs::canonical(mkdtemp(pattern.data())).string();
    workplace_.root = root_;
  }
  ~ConnectionTestTest() override { fs::remove_all(root_); }

  TaskEnd Try(const std::string& uri) {
    RecordingContext context(root_, "connection_test",
                             ToJson(Value::Map{{"connection", "tested"}, {"uri", uri}}));
    return ConnectionTest(workplace_).Run(context);
  }
  void ExpectWorks(const std::string& uri, const std::string& message) {
    const TaskEnd end = Try(uri);
    EXPECT_EQ(end.outcome, Outcome::kSuccess) << uri << ": " << end.message;
    EXPECT_THAT(end.message, HasSubstr(message));
  }
  void ExpectFails(const std::string& uri, const std::string& message) {
    const TaskEnd end = Try(uri);
    EXPECT_EQ(end.outcome, Outcome::kFailFinal) << uri << ": " << end.message;
    EXPECT_THAT(end.message, HasSubstr(message));
  }

  std::string root_;
  Workplace workplace_;
};

std::string Http(const std::string& status) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}

TEST_F(ConnectionTestTest, AnHttpServerWorksUnlessItRefusesTheLoginOrIsBroken) {
  for (const auto& [status, works] :
       {std::pair("200 OK", true), std::pair("404 Not Found", true), std::pair("405 Method Not Allowed", true),
        std::pair("401 Unauthorized", false), std::pair("403 Forbidden", false), std::pair("503 Busy", false)}) {
    const Listener server({Http(status)});
    const TaskEnd end = Try("http://ana:secret@" + server.place() + "/api");
    EXPECT_EQ(end.outcome, works ? Outcome::kSuccess : Outcome::kFailFinal) << end.message;
    EXPECT_THAT(end.message, HasSubstr("http://" + server.place() + "/api answered " + std::string(status).substr(0, 3)));
  }
}

TEST_F(ConnectionTestTest, NobodyThereIsSaid) {
  std::string place;
  {
    const Listener gone;
    place = gone.place();
  }
  ExpectFails("http://" + place, "");
  ExpectFails("postgresql://ana:secret@" + place + "/db", "Connection refused");
  ExpectFails("smtp://" + place, "");
}

TEST_F(ConnectionTestTest, APostgresServerIsReachedAndItsLoginIsNotTried) {
  const Listener server;
  ExpectWorks("postgresql://ana:secret@" + server.place() + "/db", server.place() + " takes connections");
}

TEST_F(ConnectionTestTest, AMailServerIsAskedForTheLoginAndGetsNoMail) {
  {
    const Listener server({"220 sink\r\n", "250-sink\r\n250 AUTH PLAIN\r\n", "334 \r\n", "235 yes\r\n", "221 bye\r\n"});
    ExpectWorks("smtp://ana:right@" + server.place(), "takes the login");
  }
  {
    const Listener server({"220 sink\r\n", "250-sink\r\n250 AUTH PLAIN\r\n", "334 \r\n", "535 no\r\n", "221 bye\r\n"});
    ExpectFails("smtp://ana:wrong@" + server.place(), "");
  }
  {
    const Listener server({"220 sink\r\n", "250 sink\r\n", "221 bye\r\n"});
    ExpectFails("smtp://" + server.place() + "?tls=required", "");
  }
}

TEST_F(ConnectionTestTest, ADatabaseFileOpensOrIsSaidToBeNone) {
  {
    const auto instance = *sql::Instance::Open({.path = root_ + "/lake.duckdb", .sandboxed = false});
    ASSERT_TRUE((*instance->Connect())->Run("CREATE TABLE t (a INTEGER)").ok());
  }
  std::ofstream(root_ + "/text.duckdb") << std::string(10'000, 'x');
  std::ofstream(root_ + "/app.sqlite") << std::string("SQLite format 3\0more", 20);
  ExpectWorks("duckdb:lake.duckdb", "lake.duckdb can be opened");
  ExpectFails("duckdb:nothing.duckdb", "");
  ExpectFails("duckdb:text.duckdb", "");
  ExpectWorks("sqlite:app.sqlite", "app.sqlite is there");
  ExpectFails("sqlite:text.duckdb", "is no SQLite database");
  ExpectWorks("file:text.duckdb", "is there");
  ExpectFails("file:../../etc/passwd", "");
  ExpectFails("file:///etc/passwd", "");
}

TEST_F(ConnectionTestTest, WhatCannotBeTriedIsSaid) {
  ExpectFails("aws://key@s3", "connections of type 'aws' cannot be tested");
  ExpectFails("http:", "");
  ExpectFails("no uri at all", "");
}

}  // namespace
}  // namespace millrace::tasks
