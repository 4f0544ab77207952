#include "worker/connect/uri.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace millrace::connect {
namespace {

StatusOr<std::string> Decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    int value = 0;
    if (i + 2 >= text.size() || std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr != text.data() + i + 3 || value == 0) {
      return InvalidArgument("a connection URI has a '%' that is not followed by two hexadecimal digits");
    }
    plain += static_cast<char>(value);
    i += 2;
  }
  return plain;
}

Status ParseAuthority(std::string_view authority, Uri& uri) {
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) {
    const std::string_view account = authority.substr(0, at);
    const std::size_t colon = account.find(':');
    ASSIGN_OR_RETURN(uri.user, Decoded(account.substr(0, colon)));
    if (colon != std::string_view::npos) {
      ASSIGN_OR_RETURN(uri.password, Decoded(account.substr(colon + 1)));
    }
    authority.remove_prefix(at + 1);
  }
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    const auto end = std::from_chars(port.data(), port.data() + port.size(), uri.port);
    if (port.empty() || end.ptr != port.data() + port.size() || uri.port <= 0 || uri.port > 65535) {
      return InvalidArgument("a connection URI has a port that is not a number from 1 to 65535");
    }
    authority = authority.substr(0, colon);
  }
  ASSIGN_OR_RETURN(uri.host, Decoded(authority));
  return OkStatus();
}

Status ParseOptions(std::string_view text, Uri& uri) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view option = text.substr(0, end);
    const std::size_t equals = std::min(option.find('='), option.size());
    ASSIGN_OR_RETURN(std::string name, Decoded(option.substr(0, equals)));
    ASSIGN_OR_RETURN(std::string value, Decoded(equals < option.size() ? option.substr(equals + 1) : std::string_view()));
    uri.options[std::move(name)] = std::move(value);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return OkStatus();
}

}  // namespace

StatusOr<Uri> ParseUri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return InvalidArgument("a connection URI begins with its kind, as in duckdb:warehouse.duckdb or postgresql://host/base");
  }
  Uri uri;
  for (char c : text.substr(0, colon)) uri.scheme += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::string_view rest = text.substr(colon + 1);
  const std::size_t question = rest.find('?');
  if (question != std::string_view::npos) {
    RETURN_IF_ERROR(ParseOptions(rest.substr(question + 1), uri));
    rest = rest.substr(0, question);
  }
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    RETURN_IF_ERROR(ParseAuthority(rest.substr(0, slash), uri));
    rest.remove_prefix(slash);
  }
  ASSIGN_OR_RETURN(uri.path, Decoded(rest));
  return uri;
}

}  // namespace millrace::connect
