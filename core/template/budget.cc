#include "core/template/builtins.h"

namespace millrace::jinja {

Status Budget::Spend(std::int64_t work) {
  left_ -= work;
  if (left_ >= 0) return OkStatus();
  return ResourceExhausted("the template does too much work (more than " + std::to_string(kMostWork) +
                           " steps)");
}

// SplitMix64.
std::uint64_t Budget::Draw() {
  std::uint64_t z = (random_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Status Budget::CheckSize(std::int64_t bytes) {
  if (bytes <= kLargestText) return OkStatus();
  return ResourceExhausted("the result is larger than 1 MiB");
}

const Datum* Arguments::Find(std::size_t position, std::string_view name) const {
  if (position < positional.size()) return &positional[position];
  for (const auto& [known, value] : named) {
    if (known == name) return &value;
  }
  return nullptr;
}

StatusOr<std::int64_t> Arguments::Integer(std::size_t position, std::string_view name,
                                          std::int64_t fallback) const {
  const Datum* found = Find(position, name);
  if (found == nullptr || found->is_none()) return fallback;
  if (found->is_integral()) return found->integer();
  return InvalidArgument("'" + std::string(name) + "' must be an int, not a " +
                         std::string(TypeName(*found)));
}

StatusOr<std::string> Arguments::Text(std::size_t position, std::string_view name,
                                      std::string_view fallback) const {
  const Datum* found = Find(position, name);
  if (found == nullptr || found->is_none()) return std::string(fallback);
  if (found->is_string()) return found->string();
  return InvalidArgument("'" + std::string(name) + "' must be a str, not a " + std::string(TypeName(*found)));
}

bool Arguments::Flag(std::size_t position, std::string_view name, bool fallback) const {
  const Datum* found = Find(position, name);
  return found == nullptr ? fallback : IsTrue(*found);
}

const Datum& Arguments::Or(std::size_t position, std::string_view name, const Datum& fallback) const {
  const Datum* found = Find(position, name);
  return found == nullptr ? fallback : *found;
}

std::int64_t Arguments::weight() const {
  std::int64_t sum = 0;
  for (const Datum& value : positional) sum += value.weight();
  for (const auto& [name, value] : named) sum += value.weight();
  return sum;
}

}  // namespace millrace::jinja
