// Pairs on their way into a map output, made fewer by the author's combiner: either a class, on the values of a key as they
// come in, or a command, on sorted lines. One thread.
#pragma once

#include <array>
#include <cstddef>
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
  bool Put(std::string_view key, std::string_view value) override;
  Status Finish() override;

 private:
  // A key of at most 16 bytes, zeros behind it; of a longer one the first is where it is in keys_.
  struct Words {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    friend bool operator==(const Words&, const Words&) = default;
  };
  // A cache line, so that most pairs touch one of these and one of the slots. The newest value, where it is short, is kept as a word and
  // a count: most combiners are given the same one over and over.
  struct alignas(64) Entry {
    std::uint64_t hash = 0;
    Words key;
    std::uint32_t key_bytes = 0;
    std::uint32_t times = 0;   // of the newest value; 0: there is none
    std::uint64_t newest = 0;  // its bytes, its length in the last
    std::vector<char> values;  // the others, each with its length and count; combined when it is full
  };
  struct Slot {
    std::uint32_t tag = 0;    // of the hash
    std::uint32_t entry = 0;  // + 1; 0 is free
  };
  std::string_view KeyOf(const Entry& entry) const {
    if (entry.key_bytes <= sizeof entry.key) return {reinterpret_cast<const char*>(&entry.key), entry.key_bytes};
    return {keys_.data() + entry.key.first, entry.key_bytes};
  }
  static Words WordsOf(std::string_view key);
  static std::uint64_t HashOfWords(Words words, std::size_t size);
  // A short pair that waits until what it touches of the table is in the cache.
  struct Waiting {
    Words key;
    std::uint64_t hash = 0;
    std::uint64_t value = 0;  // as Entry::newest
    std::size_t key_bytes = 0;
  };
  // So many wait; after half of that time the slot is there and says which entry is next.
  static constexpr std::size_t kWaiting = 16;

  // Where an entry is, or would be, whose key is at most sizeof(Words) long.
  std::size_t SlotOf(Words words, std::size_t size, std::uint64_t hash) const;
  bool Count(const Waiting& pair);
  Entry& Find(std::string_view key);
  Entry& Insert(std::string_view key, Words words, std::uint64_t hash, std::size_t slot);
  void Grow();
  // All but the newest value of a short key that is known.
  [[gnu::noinline]] bool PutOther(std::string_view key, std::string_view value);
  Status Take(std::string_view key, std::string_view value);
  // A value that is not the newest.
  Status Add(Entry& entry, std::string_view value);
  void Append(Entry& entry, std::string_view value, std::uint32_t times);
  // The newest goes to the others.
  void Settle(Entry& entry);
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
  std::array<Waiting, kWaiting> waiting_;  // a ring
  std::size_t arrived_ = 0;                // in it, ever
  std::vector<char> kept_;                 // of one call of the combiner
};

// Buffers pairs; when they are many and at the end sorts them and runs the command over them.
class CommandCombining final : public PairSink {
 public:
  CommandCombining(const Site& site, std::vector<std::string> command, PairSink& next, LoggedCounters& counters,
                   std::size_t memory_bytes)
      : site_(site), command_(std::move(command)), next_(next), counters_(counters), memory_bytes_(memory_bytes) {}
  bool Put(std::string_view key, std::string_view value) override;
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
