#include "worker/connect/smtp.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <string_view>

#include "core/base/base64.h"
#include "worker/connect/curl.h"

namespace millrace::connect {
namespace {

constexpr std::size_t kMostRecipients = 100;

bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// RFC 2047, in words of 45 bytes, never within a character.
std::string Words(std::string_view text) {
  if (IsPlain(text) && text.find("=?") == std::string_view::npos && text.size() <= 900)
    return std::string(text);
  std::string words;
  while (!text.empty()) {
    std::size_t size = std::min<std::size_t>(45, text.size());
    while (size > 1 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U)
      --size;
    words += (words.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + Base64(text.substr(0, size)) + "?=";
    text.remove_prefix(size);
  }
  return words;
}

std::string_view Trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

struct Address {
  std::string shown;  // as a header has it
  std::string bare;   // name@host
};

StatusOr<Address> AddressOf(std::string_view written) {
  std::string_view name;
  std::string_view bare = Trimmed(written);
  if (bare.ends_with('>')) {
    const std::size_t open = bare.rfind('<');
    if (open == std::string_view::npos)
      return InvalidArgument("'" + std::string(written) + "' is no e-mail address");
    name = Trimmed(bare.substr(0, open));
    bare = bare.substr(open + 1, bare.size() - open - 2);
  }
  const bool good = IsPlain(bare) && bare.find('@') != std::string_view::npos && !bare.starts_with('@') &&
                    !bare.ends_with('@') && bare.find_first_of(" <>,;()\"") == std::string_view::npos;
  if (!good || name.find_first_of("\r\n") != std::string_view::npos)
    return InvalidArgument("'" + std::string(written.substr(0, 200)) + "' is no e-mail address");
  if (name.empty()) return Address{std::string(bare), std::string(bare)};
  if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
  std::string shown = Words(name);
  if (shown == name) {
    std::string quoted = "\"";
    for (const char c : name) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    shown = quoted + "\"";
  }
  return Address{shown + " <" + std::string(bare) + ">", std::string(bare)};
}

Status AddAddresses(const char* header, const std::vector<std::string>& addresses, std::string& text) {
  if (addresses.empty()) return OkStatus();
  std::string line;
  for (const std::string& written : addresses) {
    ASSIGN_OR_RETURN(const Address address, AddressOf(written));
    line += (line.empty() ? "" : ",\r\n ") + address.shown;
  }
  text += std::string(header) + ": " + line + "\r\n";
  return OkStatus();
}

std::string DateText(WallTime at) {
  const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %d %02d:%02d:%02d +0000",
                kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour,
                parts.tm_min, parts.tm_sec);
  return text.data();
}

std::string Part(const char* type, const std::string& content) {
  std::string part =
      std::string("Content-Type: ") + type + "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  const std::string encoded = Base64(content);
  for (std::size_t at = 0; at < encoded.size(); at += 76) part += encoded.substr(at, 76) + "\r\n";
  return part;
}

struct Reading {
  std::string_view left;
};

std::size_t OnRead(char* to, std::size_t size, std::size_t count, void* user) {
  std::string_view& left = static_cast<Reading*>(user)->left;
  const std::size_t bytes = std::min(left.size(), size * count);
  std::memcpy(to, left.data(), bytes);
  left.remove_prefix(bytes);
  return bytes;
}

bool IsFinal(CURLcode code, long reply) {
  switch (code) {
    case CURLE_LOGIN_DENIED:
    case CURLE_USE_SSL_FAILED:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
      return reply / 100 != 4;
    default:
      return reply / 100 == 5;
  }
}

// Talks to the server as `curl` is set up to.
Status Perform(CURL* curl, const MailServer& server, const std::atomic<bool>& cancelled) {
  const bool smtps = server.encryption == Encryption::kFromTheStart;
  const int port = server.port != 0 ? server.port : smtps ? 465 : 587;
  const std::string url = (smtps ? "smtps://" : "smtp://") + server.host + ":" + std::to_string(port);
  std::array<char, CURL_ERROR_SIZE> error{};
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl, CURLOPT_USE_SSL,
                   static_cast<long>(server.encryption == Encryption::kRequired    ? CURLUSESSL_ALL
                                     : server.encryption == Encryption::kIfOffered ? CURLUSESSL_TRY
                                                                                   : CURLUSESSL_NONE));
  if (!server.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, server.ca_file.c_str());
  if (!server.user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, server.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, server.password.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
  Bound(curl, server.timeout, cancelled);
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);  // it ends with this function
  if (cancelled) return Cancelled("cancelled");
  if (code == CURLE_OK) return OkStatus();
  long reply = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
  std::string why = error[0] != '\0' ? error.data() : curl_easy_strerror(code);
  if (reply >= 400 && why.find(std::to_string(reply)) == std::string::npos)
    why += " (the server said " + std::to_string(reply) + ")";
  return IsFinal(code, reply) ? InvalidArgument(why) : Unavailable(why);
}

}  // namespace

StatusOr<std::string> MailText(const Mail& mail) {
  std::string text;
  RETURN_IF_ERROR(AddAddresses("From", {mail.from}, text));
  RETURN_IF_ERROR(AddAddresses("To", mail.to, text));
  RETURN_IF_ERROR(AddAddresses("Cc", mail.cc, text));
  if (!mail.reply_to.empty()) RETURN_IF_ERROR(AddAddresses("Reply-To", {mail.reply_to}, text));
  std::string subject = mail.subject;
  std::replace_if(
      subject.begin(), subject.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  text += "Subject: " + Words(subject) + "\r\nDate: " + DateText(mail.at) + "\r\nMessage-ID: <" +
          mail.message_id + ">\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n";
  for (const auto& [name, value] : mail.headers) {
    const bool good = !name.empty() && IsPlain(name) && name.find_first_of(": ") == std::string::npos &&
                      value.find_first_of("\r\n") == std::string::npos;
    if (!good) return InvalidArgument("the header '" + name.substr(0, 100) + "' cannot stand in a mail");
    text += name + ": " + Words(value) + "\r\n";
  }
  if (mail.html.empty()) return text + Part("text/plain", mail.text);
  if (mail.text.empty()) return text + Part("text/html", mail.html);
  const std::string boundary = "=_millrace_" + Base64(mail.message_id).substr(0, 40);
  const std::string between = "--" + boundary;
  return text + "Content-Type: multipart/alternative; boundary=\"" + boundary + "\"\r\n\r\n" + between +
         "\r\n" + Part("text/plain", mail.text) + between + "\r\n" + Part("text/html", mail.html) + between +
         "--\r\n";
}

Status SendMail(const MailServer& server, const Mail& mail, const std::atomic<bool>& cancelled) {
  ASSIGN_OR_RETURN(const std::string text, MailText(mail));
  ASSIGN_OR_RETURN(const Address from, AddressOf(mail.from));
  List recipients;
  std::size_t count = 0;
  for (const auto* addresses : {&mail.to, &mail.cc, &mail.bcc}) {
    for (const std::string& written : *addresses) {
      ASSIGN_OR_RETURN(const Address address, AddressOf(written));
      Append(recipients, "<" + address.bare + ">");
      ++count;
    }
  }
  if (count == 0 || count > kMostRecipients)
    return InvalidArgument("a mail goes to 1 to " + std::to_string(kMostRecipients) + " addresses, not " +
                           std::to_string(count));
  Easy easy = NewEasy();
  if (easy == nullptr) return Internal("libcurl cannot be used");
  CURL* curl = easy.get();
  Reading reading{text};
  const std::string sender = "<" + from.bare + ">";
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, sender.c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, OnRead);
  curl_easy_setopt(curl, CURLOPT_READDATA, &reading);
  return Perform(curl, server, cancelled);
}

Status CheckMailServer(const MailServer& server, const std::atomic<bool>& cancelled) {
  Easy easy = NewEasy();
  if (easy == nullptr) return Internal("libcurl cannot be used");
  curl_easy_setopt(easy.get(), CURLOPT_CONNECT_ONLY, 1L);
  return Perform(easy.get(), server, cancelled);
}

StatusOr<MailServer> MailServerOf(const Uri& uri) {
  if ((uri.scheme != "smtp" && uri.scheme != "smtps") || uri.host.empty())
    return InvalidArgument("it is no smtp:// or smtps:// address");
  const auto option = [&uri](const char* of) {
    const auto found = uri.options.find(of);
    return found == uri.options.end() ? std::string() : found->second;
  };
  MailServer server;
  server.host = uri.host;
  server.port = uri.port;
  server.user = uri.user;
  server.password = uri.password;
  server.ca_file = option("ca_file");
  const std::string tls = option("tls");
  if (uri.scheme == "smtps") {
    server.encryption = Encryption::kFromTheStart;
  } else if (tls == "required" || tls == "none") {
    server.encryption = tls == "none" ? Encryption::kNone : Encryption::kRequired;
  } else if (!tls.empty()) {
    return InvalidArgument("tls is 'required' or 'none', not '" + tls + "'");
  }
  return server;
}

}  // namespace millrace::connect
