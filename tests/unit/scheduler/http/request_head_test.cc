#include "scheduler/http/request_head.h"

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

HeadLimits Limits() {
  HeadLimits limits;
  limits.hosts = {"localhost", "127.0.0.1", "[::1]"};
  return limits;
}

int Refused(const std::string& head) {
  const HeadVerdict verdict = CheckHead(head, Limits());
  if (const auto* refused = std::get_if<HeadRefused>(&verdict)) return refused->status;
  return std::holds_alternative<HeadAccepted>(verdict) ? 200 : 100;
}

std::string GetHead(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost:8080\r\n" + fields + "\r\n";
}

TEST(RequestHeadTest, AnOrdinaryHeadIsAcceptedAndMeasured) {
  const std::string head = "POST /auth/token HTTP/1.1\r\nHost: LocalHost\r\nContent-Length: 12\r\n\r\n";
  const HeadVerdict verdict = CheckHead(head + "{\"username\"", Limits());
  const auto& accepted = std::get<HeadAccepted>(verdict);
  EXPECT_EQ(accepted.bytes, head.size());
  EXPECT_EQ(accepted.body_bytes, 12U);
  EXPECT_TRUE(accepted.keep_alive);
}

TEST(RequestHeadTest, EveryPrefixOfAHeadIsIncomplete) {
  const std::string head = GetHead("/a?b=c", "Accept: text/plain\r\nConnection: close\r\n");
  for (std::size_t size = 0; size < head.size(); ++size)
    EXPECT_EQ(Refused(head.substr(0, size)), 100) << size;
  EXPECT_EQ(Refused(head), 200);
}

TEST(RequestHeadTest, FramingThatCanBeReadTwoWaysIsRefused) {
  EXPECT_EQ(Refused(GetHead("/", "Content-Length: 3\r\nContent-Length: 3\r\n")), 400);
  EXPECT_EQ(Refused(GetHead("/", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n")), 411);
  EXPECT_EQ(Refused(GetHead("/", "Transfer-Encoding: chunked\r\n")), 411);
  EXPECT_EQ(Refused(GetHead("/", "Content-Length: +3\r\n")), 400);
  EXPECT_EQ(Refused(GetHead("/", "Content-Length: 3, 3\r\n")), 400);
  EXPECT_EQ(Refused(GetHead("/", "Content-Length: 0x3\r\n")), 400);
  EXPECT_EQ(Refused(GetHead("/", "Content-Length: \r\n")), 400);
  EXPECT_EQ(Refused(GetHead("/", "Content-Length : 3\r\n")), 400);
  EXPECT_EQ(Refused(GetHead("/", "X: a\r\n folded\r\n")), 400);
  EXPECT_EQ(Refused("GET / HTTP/1.1\nHost: localhost\n\n"), 400);
  EXPECT_EQ(Refused(GetHead("/", "X: a\rb\r\n")), 400);
  EXPECT_EQ(Refused(GetHead("/", std::string("X: a\0b\r\n", 8))), 400);
  EXPECT_EQ(Refused(GetHead("/", "Content-Encoding: gzip\r\n")), 415);
}

TEST(RequestHeadTest, EncodedLineBreaksAreRefusedAnywhereInTheHead) {
  EXPECT_EQ(Refused(GetHead("/x%0d%0aSet-Cookie:a")), 400);
  EXPECT_EQ(Refused(GetHead("/x?y=%0A")), 400);
  EXPECT_EQ(Refused(GetHead("/", "X: a%0D%0aY: b\r\n")), 400);
  EXPECT_EQ(Refused(GetHead("/x%0b")), 200);
}

TEST(RequestHeadTest, SizesAreBounded) {
  EXPECT_EQ(Refused("GET /" + std::string(9000, 'a')), 414);
  EXPECT_EQ(Refused("GET / HTTP/1.1\r\nX: " + std::string(9000, 'a')), 431);
  std::string many;
  for (int i = 0; i < 120; ++i) many += "X: a\r\n";
  EXPECT_EQ(Refused(GetHead("/", many)), 431);
  std::string large;
  for (int i = 0; i < 20; ++i) large += "X: " + std::string(8000, 'a') + "\r\n";
  EXPECT_EQ(Refused(GetHead("/", large)), 431);
  EXPECT_EQ(Refused(GetHead("/", "Content-Length: 1048576\r\n")), 200);
  EXPECT_EQ(Refused(GetHead("/", "Content-Length: 1048577\r\n")), 413);
  EXPECT_EQ(Refused(GetHead("/", "Content-Length: 99999999999999999999999\r\n")), 413);
}

TEST(RequestHeadTest, OnlyKnownHostsAreServed) {
  EXPECT_EQ(Refused("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421);
  EXPECT_EQ(Refused("GET / HTTP/1.1\r\nHost: localhost.evil.example:80\r\n\r\n"), 421);
  EXPECT_EQ(Refused("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"), 200);
  EXPECT_EQ(Refused("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"), 400);
  EXPECT_EQ(Refused("GET / HTTP/1.1\r\n\r\n"), 400);
}

TEST(RequestHeadTest, RequestLinesAreOfOneFormOnly) {
  EXPECT_EQ(Refused("GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
  EXPECT_EQ(Refused(GetHead("/a#b")), 400);
  EXPECT_EQ(Refused(GetHead("/a b")), 400);
  EXPECT_EQ(Refused("GET / HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(Refused("TRACE / HTTP/1.1\r\n\r\n"), 501);
  EXPECT_EQ(Refused("get / HTTP/1.1\r\n\r\n"), 501);
  EXPECT_EQ(Refused("\r\n"), 400);
  EXPECT_EQ(Refused("GET /\r\n"), 400);
}

}  // namespace
}  // namespace millrace::http
