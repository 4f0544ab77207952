// Pairs on their way into a map output, made fewer by the author's combiner: either a class, on the values of a key as they
// come in, or a command, on sorted lines. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "worker/mapreduce/command.h"
#include "worker/mapreduce/counters.h"
#include "worker/mapreduce/pairs.h"
#include "worker/mapreduce/site.h"

namespace millrace::mapreduce {

// Keeps a key's values together in a hash table, combines them when they are many, and hands on what is left when the table
// is large and at the end.
class ClassCombining final : public PairSink {
 public:
  ClassCombining(std::unique_ptr<api::Combiner> combiner, PairSink& next, LoggedCounters& counters, std::size_t memory_bytes);
  Status Put(std::string_view key, std::string_view value) override;
  Status Finish() override;

 private:
  // A cache line, so that most pairs touch one of these and one of the slots.
  struct alignas(64) Entry {
    std::uint64_t hash = 0;
    std::uint32_t key_bytes = 0;
    std::uint32_t collapse_at = 0;       // bytes of values
    std::array<std::uint64_t, 2> key{};  // the key, zeros behind it; of a longer one, where it is in keys_
    std::string values;                  // each with its length before it
  };
  struct Slot {
    std::uint32_t tag = 0;    // of the hash
    std::uint32_t entry = 0;  // + 1; 0 is free
  };
  std::string_view KeyOf(const Entry& entry) const {
    if (entry.key_bytes <= sizeof entry.key) return {reinterpret_cast<const char*>(entry.key.data()), entry.key_bytes};
    return {keys_.data() + entry.key[0], entry.key_bytes};
  }
  Entry& Find(std::string_view key);
  void Grow();
  // The values of one key become fewer, usually one.
  Status Collapse(Entry& entry);
  Status Flush();

  std::unique_ptr<api::Combiner> combiner_;
  PairSink& next_;
  LoggedCounters& counters_;
  const std::size_t memory_bytes_;
  std::size_t used_ = 0;
  std::string keys_;  // that do not fit into their entries
  std::vector<Entry> entries_;
  std::vector<Slot> slots_;
};

// Buffers pairs; when they are many and at the end sorts them and runs the command over them.
class CommandCombining final : public PairSink {
 public:
  CommandCombining(const Site& site, std::vector<std::string> command, PairSink& next, LoggedCounters& counters,
                   std::size_t memory_bytes)
      : site_(site), command_(std::move(command)), next_(next), counters_(counters), memory_bytes_(memory_bytes) {}
  Status Put(std::string_view key, std::string_view value) override;
  Status Finish() override;

 private:
  struct Held {
    std::size_t at;
    std::uint32_t key_bytes;
    std::uint32_t value_bytes;
  };
  Status Flush();

  const Site& site_;
  const std::vector<std::string> command_;
  PairSink& next_;
  LoggedCounters& counters_;
  const std::size_t memory_bytes_;
  std::string bytes_;
  std::vector<Held> held_;
};

// The lines of pairs, "key TAB value", as a command's input.
std::function<std::optional<std::string_view>()> LinesOf(const std::vector<Pair>& pairs);

}  // namespace millrace::mapreduce
