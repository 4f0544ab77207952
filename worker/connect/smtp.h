// One mail by SMTP, by libcurl: its text (RFC 5322, MIME) and its delivery to a server, with STARTTLS or TLS,
// certificates verified. Blocks; any thread; a cancel flag ends it within a second.
//
// Deliberately not here: queues and retries (the scheduler's outbox), and what a mail says.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "worker/connect/uri.h"

namespace millrace::connect {

struct Mail {
  std::string from;  // name@host, or Name <name@host>
  std::vector<std::string> to, cc, bcc;
  std::string reply_to;
  std::string subject;
  std::string text;  // UTF-8; with `html` both are sent, and the reader's program chooses
  std::string html;
  std::string message_id;  // without < and >
  WallTime at{};
  std::vector<std::pair<std::string, std::string>> headers;  // further ones
};

enum class Encryption { kIfOffered, kRequired, kNone, kFromTheStart };

struct MailServer {
  std::string host;
  int port = 0;  // 0: 587, of kFromTheStart 465
  Encryption encryption = Encryption::kIfOffered;
  std::string user;
  std::string password;
  std::string ca_file;
  Duration timeout = std::chrono::seconds(30);
};

// INVALID_ARGUMENT when an address or a header cannot stand in a mail.
StatusOr<std::string> MailText(const Mail& mail);

// UNAVAILABLE: another try may do (no answer, a 4xx reply); INVALID_ARGUMENT: none will (a 5xx reply, a login
// that is refused, a certificate that does not verify, no encryption where it is required). Messages hold no
// credentials.
Status SendMail(const MailServer& server, const Mail& mail, const std::atomic<bool>& cancelled);

// The same without a mail: it connects, greets, encrypts and logs in.
Status CheckMailServer(const MailServer& server, const std::atomic<bool>& cancelled);

// smtp://user:password@host:587?tls=required, smtps://...; INVALID_ARGUMENT when it is none.
StatusOr<MailServer> MailServerOf(const Uri& uri);

}  // namespace millrace::connect
