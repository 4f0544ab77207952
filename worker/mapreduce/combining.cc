#include "worker/mapreduce/combining.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace::mapreduce {
namespace {

// Bytes of a key's values when they are combined: at first few, more for keys that come often.
constexpr std::size_t kFirstCollapse = 16;
constexpr std::size_t kMostCollapse = 512;
constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

// One byte for what is small, five for the rest.
void AppendNumber(std::vector<char>& out, std::uint32_t number) {
  if (number < 255) {
    out.push_back(static_cast<char>(number));
    return;
  }
  out.push_back(static_cast<char>(255));
  const auto* bytes = reinterpret_cast<const char*>(&number);
  out.insert(out.end(), bytes, bytes + sizeof number);
}
constexpr std::size_t kMostNumberBytes = 5;

std::uint32_t TakeNumber(std::string_view& bytes) {
  std::uint32_t number = static_cast<unsigned char>(bytes[0]);
  bytes.remove_prefix(1);
  if (number < 255) return number;
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return number;
}

void AppendRun(std::vector<char>& out, std::string_view value, std::uint32_t times) {
  AppendNumber(out, static_cast<std::uint32_t>(value.size()));
  AppendNumber(out, times);
  out.insert(out.end(), value.begin(), value.end());
}

template <typename Word>
std::uint64_t WordAt(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// Up to eight bytes, zeros behind them. Whole words are read, which may overlap: a copy of just so many bytes would be a call.
inline std::uint64_t Packed(const char* bytes, std::size_t size) {
  if (size >= 4) return WordAt<std::uint32_t>(bytes) | WordAt<std::uint32_t>(bytes + size - 4) << (8 * (size - 4));
  if (size >= 2) return WordAt<std::uint16_t>(bytes) | WordAt<std::uint16_t>(bytes + size - 2) << (8 * (size - 2));
  return size == 0 ? 0 : static_cast<unsigned char>(bytes[0]);
}

// A value of less than eight bytes as a word: its length in the last byte.
std::uint64_t WordOf(std::string_view value) { return Packed(value.data(), value.size()) | std::uint64_t{value.size()} << 56; }

class ValueList final : public api::Values {
 public:
  explicit ValueList(const std::vector<char>& runs) : runs_(runs.data(), runs.size()) {}
  bool Next(std::string_view& value) override {
    if (left_ == 0 && !Advance()) return false;
    --left_;
    value = value_;
    return true;
  }
  bool NextRun(std::string_view& value, std::int64_t& times) override {
    if (left_ == 0 && !Advance()) return false;
    value = value_;
    times = std::exchange(left_, 0);
    return true;
  }

 private:
  bool Advance() {
    if (runs_.empty()) return false;
    const std::uint32_t length = TakeNumber(runs_);
    left_ = TakeNumber(runs_);
    value_ = runs_.substr(0, length);
    runs_.remove_prefix(length);
    return true;
  }

  std::string_view runs_;
  std::string_view value_;
  std::uint32_t left_ = 0;
};

// What a combiner emits: values of its own key are kept, all else goes on.
class Emitted final : public api::Context {
 public:
  Emitted(std::string_view key, std::vector<char>& kept, PairSink& next, api::Counters& counters)
      : key_(key), kept_(kept), next_(next), counters_(counters) {}
  void Emit(std::string_view key, std::string_view value) override {
    if (key == key_) {
      AppendRun(kept_, value, 1);
    } else if (!stopped_) {
      stopped_ = !next_.Put(key, value);
    }
  }
  api::Counters& counters() override { return counters_; }
  bool stopped() const { return stopped_; }

 private:
  const std::string_view key_;
  std::vector<char>& kept_;
  PairSink& next_;
  api::Counters& counters_;
  bool stopped_ = false;
};

}  // namespace

ClassCombining::ClassCombining(std::unique_ptr<api::Combiner> combiner, PairSink& next, LoggedCounters& counters,
                               std::size_t memory_bytes)
    : combiner_(std::move(combiner)), next_(next), counters_(counters), memory_bytes_(memory_bytes), slots_(1024) {}

inline ClassCombining::Words ClassCombining::WordsOf(std::string_view key) {
  const std::size_t size = key.size();
  if (size <= 8) return {Packed(key.data(), size), 0};
  if (size <= 16) return {WordAt<std::uint64_t>(key.data()), WordAt<std::uint64_t>(key.data() + size - 8) >> (8 * (16 - size))};
  return {};
}

// Only this table's: partitions go by HashOf.
inline std::uint64_t ClassCombining::HashOfWords(Words words, std::size_t size) {
  const unsigned __int128 product =
      static_cast<unsigned __int128>(words.first ^ 0x9e3779b97f4a7c15 ^ size) * (words.second ^ 0xd6e8feb86659fd93);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::size_t ClassCombining::SlotOf(Words words, std::size_t size, std::uint64_t hash) const {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const std::size_t mask = slots_.size() - 1;
  const Slot* slots = slots_.data();
  std::size_t slot = hash & mask;
  for (; slots[slot].entry != 0; slot = (slot + 1) & mask) {
    if (slots[slot].tag != tag) continue;
    const Entry& entry = entries_.data()[slots[slot].entry - 1];
    if (entry.key == words && entry.key_bytes == size) break;
  }
  return slot;
}

ClassCombining::Entry& ClassCombining::Find(std::string_view key) {
  const Words words = WordsOf(key);
  if (key.size() <= sizeof words) {
    const std::uint64_t hash = HashOfWords(words, key.size());
    const std::size_t slot = SlotOf(words, key.size(), hash);
    return slots_[slot].entry != 0 ? entries_[slots_[slot].entry - 1] : Insert(key, words, hash, slot);
  }
  const std::uint64_t hash = HashOf(key);
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  for (; slots_[slot].entry != 0; slot = (slot + 1) & mask) {
    Entry& entry = entries_[slots_[slot].entry - 1];
    if (slots_[slot].tag == tag && KeyOf(entry) == key) return entry;
  }
  return Insert(key, words, hash, slot);
}

// Put and Count are the way of most pairs: short, and kept free of all that would need a stack. With a table beyond the
// nearest caches the time goes into waiting for memory, so pairs wait in its place, while others are looked at.
bool ClassCombining::Put(std::string_view key, std::string_view value) {
  if (key.size() > sizeof(Words) || value.size() >= sizeof(Entry::newest)) return PutOther(key, value);
  Waiting& place = waiting_.data()[arrived_ % kWaiting];
  const bool fine = arrived_ < kWaiting || Count(place);  // which may make the table larger
  const std::size_t mask = slots_.size() - 1;
  const Slot* slots = slots_.data();
  const Words words = WordsOf(key);
  place = {words, HashOfWords(words, key.size()), WordOf(value), key.size()};
  __builtin_prefetch(&slots[place.hash & mask]);
  const Waiting& halfway = waiting_.data()[(arrived_ + kWaiting / 2) % kWaiting];
  const std::uint32_t entry = slots[halfway.hash & mask].entry;
  __builtin_prefetch(entries_.data() + (entry - (entry != 0 ? 1 : 0)));
  ++arrived_;
  return fine;
}

inline bool ClassCombining::Count(const Waiting& pair) {
  const Slot slot = slots_.data()[SlotOf(pair.key, pair.key_bytes, pair.hash)];
  if (slot.entry != 0) {
    Entry& entry = entries_.data()[slot.entry - 1];
    if (entry.newest == pair.value && entry.times != 0 && entry.times != UINT32_MAX) {
      ++entry.times;
      return true;
    }
  }
  const std::string_view key(reinterpret_cast<const char*>(&pair.key), pair.key_bytes);
  return PutOther(key, {reinterpret_cast<const char*>(&pair.value), static_cast<std::size_t>(pair.value >> 56)});
}

bool ClassCombining::PutOther(std::string_view key, std::string_view value) { return failed_.ok() && Check(Take(key, value)); }

Status ClassCombining::Take(std::string_view key, std::string_view value) {
  if (value.size() > UINT32_MAX || key.size() > UINT32_MAX) return InvalidArgument("a key or a value is longer than 4 GiB");
  RETURN_IF_ERROR(Add(Find(key), value));
  return used_ > memory_bytes_ ? Flush() : OkStatus();
}

Status ClassCombining::Add(Entry& entry, std::string_view value) {
  const bool is_short = value.size() < sizeof entry.newest;
  const std::size_t bytes = (entry.times == 0 ? 0 : sizeof entry.newest + kMostNumberBytes) + (is_short ? 0 : value.size() + kMostNumberBytes + 1);
  if (entry.values.size() + bytes > entry.values.capacity()) {
    if (!entry.values.empty()) RETURN_IF_ERROR(Collapse(entry));
    const std::size_t room = entry.values.capacity();
    entry.values.reserve(std::max(std::clamp(2 * room, kFirstCollapse, kMostCollapse), 2 * (entry.values.size() + bytes)));
    used_ += entry.values.capacity() - room;
  }
  Settle(entry);
  if (is_short) {
    entry.newest = WordOf(value);
    entry.times = 1;
  } else {
    Append(entry, value, 1);
  }
  return OkStatus();
}

void ClassCombining::Append(Entry& entry, std::string_view value, std::uint32_t times) {
  const std::size_t before = entry.values.capacity();
  AppendRun(entry.values, value, times);
  used_ += entry.values.capacity() - before;
}

void ClassCombining::Settle(Entry& entry) {
  if (entry.times == 0) return;
  const auto* bytes = reinterpret_cast<const char*>(&entry.newest);
  Append(entry, {bytes, static_cast<std::size_t>(entry.newest >> 56)}, std::exchange(entry.times, 0));
}

Status ClassCombining::Finish() {
  for (std::size_t i = 0; i < std::min(arrived_, kWaiting) && Count(waiting_[i]);) ++i;
  arrived_ = 0;
  RETURN_IF_ERROR(failed_);
  RETURN_IF_ERROR(Flush());
  return next_.Finish();
}

ClassCombining::Entry& ClassCombining::Insert(std::string_view key, Words words, std::uint64_t hash, std::size_t slot) {
  const bool fits = key.size() <= sizeof words;
  if (!fits) {
    words.first = keys_.size();
    keys_ += key;
  }
  entries_.push_back({.hash = hash, .key = words, .key_bytes = static_cast<std::uint32_t>(key.size()), .values = {}});
  used_ += sizeof(Entry) + 2 * sizeof(Slot) + (fits ? 0 : key.size());
  slots_[slot] = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(entries_.size())};
  if (entries_.size() * 2 > slots_.size()) Grow();
  return entries_.back();
}

void ClassCombining::Grow() {
  std::vector<Slot> larger(slots_.size() * 2);
  const std::size_t mask = larger.size() - 1;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t slot = entries_[i].hash & mask;
    while (larger[slot].entry != 0) slot = (slot + 1) & mask;
    larger[slot] = {static_cast<std::uint32_t>(entries_[i].hash >> 32), static_cast<std::uint32_t>(i + 1)};
  }
  slots_.swap(larger);
}

Status ClassCombining::Collapse(Entry& entry) {
  Settle(entry);
  kept_.clear();
  Emitted emitted(KeyOf(entry), kept_, next_, counters_);
  ValueList values(entry.values);
  combiner_->Combine(KeyOf(entry), values, emitted);
  const std::size_t before = entry.values.capacity();
  entry.values.assign(kept_.begin(), kept_.end());
  used_ += entry.values.capacity() - before;
  return emitted.stopped() ? next_.Finish() : OkStatus();
}

Status ClassCombining::Flush() {
  for (Entry& entry : entries_) {
    RETURN_IF_ERROR(Collapse(entry));
    ValueList values(entry.values);
    for (std::string_view value; values.Next(value);) {
      if (!next_.Put(KeyOf(entry), value)) return next_.Finish();
    }
  }
  entries_.clear();
  keys_.clear();
  std::fill(slots_.begin(), slots_.end(), Slot{});
  used_ = 0;
  return OkStatus();
}

bool CommandCombining::Put(std::string_view key, std::string_view value) {
  if (value.size() > UINT32_MAX || key.size() > UINT32_MAX) return Check(InvalidArgument("a key or a value is longer than 4 GiB"));
  held_.push_back({bytes_.size(), static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size())});
  bytes_ += key;
  bytes_ += value;
  return bytes_.size() + held_.size() * (sizeof(Held) + sizeof(Pair)) <= memory_bytes_ || Check(Flush());
}

Status CommandCombining::Finish() {
  RETURN_IF_ERROR(failed_);
  if (!held_.empty()) RETURN_IF_ERROR(Flush());
  return next_.Finish();
}

Status CommandCombining::Flush() {
  std::vector<Pair> pairs;
  pairs.reserve(held_.size());
  for (const Held& held : held_) {
    const char* at = bytes_.data() + held.at;
    pairs.push_back(MakePair({at, held.key_bytes}, {at + held.key_bytes, held.value_bytes}));
  }
  SortByKey(pairs);
  const auto put = [this](std::string_view line) {
    const auto [key, value] = SplitPair(line);
    return next_.Put(key, value) ? OkStatus() : next_.Finish();
  };
  RETURN_IF_ERROR(RunCommand(site_, command_, {.input = LinesOf(pairs), .output = put}, counters_));
  held_.clear();
  bytes_.clear();
  return OkStatus();
}

std::function<std::optional<std::string_view>()> LinesOf(const std::vector<Pair>& pairs) {
  return [&pairs, next = std::size_t{0}, chunk = std::string()]() mutable -> std::optional<std::string_view> {
    if (next == pairs.size()) return std::nullopt;
    chunk.clear();
    while (next < pairs.size() && chunk.size() < kChunkBytes) {
      const Pair& pair = pairs[next++];
      chunk += pair.key;
      chunk += '\t';
      chunk += pair.value;
      chunk += '\n';
    }
    return chunk;
  };
}

}  // namespace millrace::mapreduce
