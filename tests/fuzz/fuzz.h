// What every fuzz program has: LLVMFuzzerTestOneInput, which driver.cc or libFuzzer calls with bytes that somebody hostile could have
// written, one input after the other on one thread. It must return for all of them; a broken promise ends the process by Check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace millrace::fuzz {

inline void Check(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

// The bytes, read from the front: first some that choose, then the text.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  // 0 to limit - 1; 0 when there is nothing left.
  unsigned Below(unsigned limit) {
    if (rest_.empty()) return 0;
    const auto chosen = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return chosen % limit;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace millrace::fuzz
