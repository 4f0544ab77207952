#include "core/model/secret_text.h"

#include <algorithm>
#include <array>

#include "core/base/url_text.h"
#include "core/model/json.h"

namespace millrace {
namespace {

constexpr std::size_t kShortestSecret = 3;
constexpr std::array<std::string_view, 13> kSecretWords = {
    "access_token", "api_key",     "apikey", "authorization",   "credential", "keyfile_dict", "passphrase",
    "passwd",       "password",    "secret", "service_account", "token",      "private_key"};

void AddText(const std::string& text, std::vector<std::string>& secrets) {
  const auto add = [&secrets](std::string form) {
    if (form.size() < kShortestSecret) return;
    if (std::find(secrets.begin(), secrets.end(), form) == secrets.end()) secrets.push_back(std::move(form));
  };
  add(text);
  add(UrlEncoded(text));
  const std::string quoted = ToJson(Value(text));
  add(quoted.substr(1, quoted.size() - 2));
}

}  // namespace

bool IsSecretName(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return std::any_of(kSecretWords.begin(), kSecretWords.end(),
                     [&lower](std::string_view word) { return lower.find(word) != std::string::npos; });
}

void AddSecrets(const Value& value, bool all, std::vector<std::string>& secrets) {
  if (value.is_map()) {
    for (const auto& [name, member] : value.as_map()) AddSecrets(member, all || IsSecretName(name), secrets);
  } else if (value.is_list()) {
    for (const Value& item : value.as_list()) AddSecrets(item, all, secrets);
  } else if (all && value.is_string()) {
    AddText(value.as_string(), secrets);
  } else if (all && value.is_number()) {
    AddText(ToJson(value), secrets);
  }
}

Value MaskedValue(const Value& value, bool all) {
  if (value.is_map()) {
    Value masked{Value::Map()};
    for (const auto& [name, member] : value.as_map())
      masked.Set(name, MaskedValue(member, all || IsSecretName(name)));
    return masked;
  }
  if (value.is_list()) {
    Value::List masked;
    for (const Value& item : value.as_list()) masked.push_back(MaskedValue(item, all));
    return Value(std::move(masked));
  }
  const bool hidden = all && (value.is_number() || (value.is_string() && !value.as_string().empty()));
  return hidden ? Value(kSecretMask) : value;
}

std::string MaskedText(std::string text, const std::vector<std::string>& secrets) {
  std::vector<std::string_view> longest_first;
  for (const std::string& secret : secrets) {
    if (secret.size() >= kShortestSecret) longest_first.push_back(secret);
  }
  std::stable_sort(longest_first.begin(), longest_first.end(),
                   [](std::string_view a, std::string_view b) { return a.size() > b.size(); });
  for (const std::string_view secret : longest_first) {
    for (std::size_t at = text.find(secret); at != std::string::npos;
         at = text.find(secret, at + kSecretMask.size())) {
      text.replace(at, secret.size(), kSecretMask);
    }
  }
  return text;
}

}  // namespace millrace
