#include "scheduler/store/transitions.h"

#include <bit>
#include <cstring>

namespace millrace::store {

static_assert(std::endian::native == std::endian::little, "the journal's blob is little-endian");

namespace {

constexpr std::size_t kTransitionBytes = 26;

template <typename T>
void Put(char*& out, T value) {
  std::memcpy(out, &value, sizeof value);
  out += sizeof value;
}

template <typename T>
T Get(const char*& in) {
  T value;
  std::memcpy(&value, in, sizeof value);
  in += sizeof value;
  return value;
}

}  // namespace

std::string EncodeTransitions(const std::vector<Transition>& transitions) {
  std::string blob(transitions.size() * kTransitionBytes, '\0');
  char* out = blob.data();
  for (const Transition& transition : transitions) {
    Put(out, ToInt(transition.run));
    Put(out, transition.index);
    Put(out, transition.from);
    Put(out, transition.to);
    Put(out, transition.try_number);
    Put(out, ToMicros(transition.at));
  }
  return blob;
}

StatusOr<std::vector<Transition>> DecodeTransitions(std::string_view blob) {
  if (blob.size() % kTransitionBytes != 0) return DataLoss("a journal row has a length that cannot be");
  std::vector<Transition> transitions(blob.size() / kTransitionBytes);
  const char* in = blob.data();
  for (Transition& transition : transitions) {
    transition.run = RunKey{Get<std::int64_t>(in)};
    transition.index = Get<std::int32_t>(in);
    transition.from = Get<std::uint8_t>(in);
    transition.to = Get<std::uint8_t>(in);
    transition.try_number = Get<std::int32_t>(in);
    transition.at = WallFromMicros(Get<std::int64_t>(in));
  }
  return transitions;
}

}  // namespace millrace::store
