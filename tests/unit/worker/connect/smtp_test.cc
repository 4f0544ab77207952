#include "worker/connect/smtp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::connect {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Mail Plain() {
  Mail mail;
  mail.from = "millrace@example.com";
  mail.to = {"Ops Team <ops@example.com>", "bob@example.com"};
  mail.bcc = {"boss@example.com"};
  mail.subject = "it failed";
  mail.text = "look\n";
  mail.message_id = "key@millrace";
  mail.at = WallFromMicros(983'404'800'000'000);
  return mail;
}

TEST(MailText, HeadersSayWhoWhatAndWhenAndNeverWhoGetsABlindCopy) {
  const std::string text = MailText(Plain()).value();
  EXPECT_THAT(text, HasSubstr("From: millrace@example.com\r\n"));
  EXPECT_THAT(text, HasSubstr("To: \"Ops Team\" <ops@example.com>,\r\n bob@example.com\r\n"));
  EXPECT_THAT(text, HasSubstr("Date: Thu, 01 Mar 2001 00:00:00 +0000\r\n"));
  EXPECT_THAT(text, HasSubstr("Message-ID: <key@millrace>\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\n\r\nbG9vawo=\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("boss")));
}

TEST(MailText, WhatIsNotAsciiIsEncodedInWordsThatCutNoCharacter) {
  Mail mail = Plain();
  mail.subject = "";
  for (int i = 0; i < 40; ++i) mail.subject += "ä€";
  mail.to = {"Zoë <zoe@example.com>"};
  const std::string text = MailText(mail).value();
  EXPECT_THAT(text, HasSubstr("To: =?UTF-8?B?Wm/Dqw==?= <zoe@example.com>\r\n"));
  const std::size_t begin = text.find("Subject: ") + 9;
  const std::size_t end = text.find("\r\nDate");
  for (std::size_t at = begin; at < end;) {
    const std::size_t line = std::min(text.find("\r\n ", at), end);
    EXPECT_LE(line - at, 75U);
    at = line + 3;
  }
}

TEST(MailText, ALineBreakInAHeaderIsNoFurtherHeader) {
  Mail mail = Plain();
  mail.subject = "it\r\nBcc: eve@example.com";
  EXPECT_THAT(MailText(mail).value(), HasSubstr("Subject: it  Bcc: eve@example.com\r\n"));
  mail = Plain();
  mail.to = {"ops@example.com\r\nRCPT TO:<eve@example.com>"};
  EXPECT_EQ(MailText(mail).status().code(), Code::kInvalidArgument);
  mail = Plain();
  mail.headers = {{"X-Team", "a\r\nBcc: eve@example.com"}};
  EXPECT_EQ(MailText(mail).status().code(), Code::kInvalidArgument);
}

TEST(MailText, TextAndHtmlAreAlternatives) {
  Mail mail = Plain();
  mail.html = "<b>look</b>";
  const std::string text = MailText(mail).value();
  EXPECT_THAT(text, HasSubstr("Content-Type: multipart/alternative; boundary=\"=_millrace_"));
  EXPECT_THAT(text, HasSubstr("Content-Type: text/html; charset=utf-8\r\n"));
  EXPECT_TRUE(text.ends_with("--\r\n"));
}

TEST(MailText, WhatIsNoAddressIsRefused) {
  for (const char* wrong : {"", "ops", "@example.com", "ops@", "a b@example.com", "<ops@example.com"}) {
    Mail mail = Plain();
    mail.to = {wrong};
    EXPECT_EQ(MailText(mail).status().code(), Code::kInvalidArgument) << wrong;
  }
}

}  // namespace
}  // namespace millrace::connect
