// The two messages of the shuffle socket, each one packet. Only local_*.cc include it.
#pragma once

#include <cstdint>

namespace millrace::shuffle {

constexpr std::uint32_t kLocalMagic = 0x534c524d;  // "MRLS"
constexpr std::size_t kMaxSecret = 256;

struct LocalRequest {
  std::uint32_t magic = kLocalMagic;
  std::uint32_t secret_bytes = 0;  // follow the struct
  std::int64_t run = 0;
  std::int32_t index = 0;
  std::int32_t try_number = 0;
  std::int32_t stage = 0;
  std::int32_t map_index = 0;
  std::uint32_t term = 0;
  std::uint32_t reserved = 0;
  std::uint64_t counter = 0;
};
static_assert(sizeof(LocalRequest) == 48);

// With code 0 a descriptor comes along; else the error's text follows.
struct LocalReply {
  std::uint32_t magic = kLocalMagic;
  std::uint32_t code = 0;
};

}  // namespace millrace::shuffle
