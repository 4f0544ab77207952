// Pairs on their way into a map output, made fewer by the author's combiner: either a class, on the values of a key as they
// come in, or a command, on sorted lines. One thread.
#pragma once

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
  struct Entry {
    std::uint64_t hash = 0;
    std::size_t key_at = 0;  // in keys_
    std::uint32_t key_bytes = 0;
    std::size_t collapse_at = 0;  // bytes of values; grows where the combiner does not make them fewer
    std::string values;           // each with its length before it
  };
  std::string_view KeyOf(const Entry& entry) const { return {keys_.data() + entry.key_at, entry.key_bytes}; }
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
  std::string keys_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;  // entry + 1; 0 is free
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
