#include "core/model/ids.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace millrace {
namespace {

bool IsIdCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

std::uint64_t Fnv(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  hash ^= hash >> 32;
  return hash * 0x9e3779b97f4a7c15ULL;
}

}  // namespace

std::string ToString(const Fence& fence) {
  return std::to_string(fence.term) + "." + std::to_string(fence.counter);
}

bool IsValidId(std::string_view id) {
  return !id.empty() && id.size() <= 128 && id != "." && id != ".." && std::all_of(id.begin(), id.end(), IsIdCharacter);
}

bool IsValidRunId(std::string_view id) {
  return !id.empty() && id.size() <= 250 && id != "." && id != ".." &&
         std::all_of(id.begin(), id.end(), [](char c) { return IsIdCharacter(c) || c == ':' || c == '+'; });
}

bool IsValidPartitionKey(std::string_view key) {
  return !key.empty() && key.size() <= 250 &&
         std::none_of(key.begin(), key.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; });
}

std::string UuidOf(std::string_view text) {
  const std::uint64_t high = Fnv(0xcbf29ce484222325ULL, text);
  const std::uint64_t low = Fnv(high, text);
  std::array<char, 37> uuid{};
  // Version 8 (custom), variant 10.
  std::snprintf(uuid.data(), uuid.size(), "%08x-%04x-8%03x-%04x-%012llx", static_cast<unsigned>(high >> 32U),
                static_cast<unsigned>((high >> 16U) & 0xffffU), static_cast<unsigned>(high & 0xfffU),
                static_cast<unsigned>(((low >> 48U) & 0x3fffU) | 0x8000U),
                static_cast<unsigned long long>(low & 0xffffffffffffULL));
  return uuid.data();
}

std::string TaskInstanceUuid(const TaskInstanceKey& key, int try_number) {
  // Version 8 (custom): run key, index and try in fixed places, so that it can be read back by eye.
  std::array<char, 37> text{};
  const auto run = static_cast<unsigned long long>(ToInt(key.run));
  std::snprintf(text.data(), text.size(), "%08llx-%04llx-8%03x-8%03x-%012x", (run >> 16) & 0xffffffffULL, run & 0xffffULL,
                static_cast<unsigned>(try_number) & 0xfffU, static_cast<unsigned>((run >> 48) & 0xfffU),
                static_cast<unsigned>(key.index));
  return text.data();
}

}  // namespace millrace
