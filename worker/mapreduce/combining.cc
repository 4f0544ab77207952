#include "worker/mapreduce/combining.h"

#include <algorithm>
#include <cstring>

namespace millrace::mapreduce {
namespace {

// Of a key's values when they are combined: at first as many as fit into a string without an allocation, more for keys that come often.
constexpr std::uint32_t kFirstCollapse = 13;
constexpr std::uint32_t kMostCollapse = 512;
constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

void AppendValue(std::string& values, std::string_view value) {
  // One byte for what is short, five for the rest.
  if (value.size() < 255) {
    values += static_cast<char>(value.size());
  } else {
    const auto length = static_cast<std::uint32_t>(value.size());
    values += static_cast<char>(255);
    values.append(reinterpret_cast<const char*>(&length), sizeof length);
  }
  values += value;
}

class ValueList final : public api::Values {
 public:
  explicit ValueList(std::string_view values) : values_(values) {}
  bool Next(std::string_view& value) override {
    if (values_.empty()) return false;
    std::uint32_t length = static_cast<unsigned char>(values_[0]);
    values_.remove_prefix(1);
    if (length == 255) {
      std::memcpy(&length, values_.data(), sizeof length);
      values_.remove_prefix(sizeof length);
    }
    value = values_.substr(0, length);
    values_.remove_prefix(length);
    return true;
  }

 private:
  std::string_view values_;
};

// What a combiner emits: values of its own key are kept, all else goes on.
class Emitted final : public api::Context {
 public:
  Emitted(std::string_view key, PairSink& next, api::Counters& counters) : key_(key), next_(next), counters_(counters) {}
  void Emit(std::string_view key, std::string_view value) override {
    if (key == key_) {
      AppendValue(kept, value);
    } else if (status.ok()) {
      status = next_.Put(key, value);
    }
  }
  api::Counters& counters() override { return counters_; }

  std::string kept;
  Status status;

 private:
  const std::string_view key_;
  PairSink& next_;
  api::Counters& counters_;
};

}  // namespace

ClassCombining::ClassCombining(std::unique_ptr<api::Combiner> combiner, PairSink& next, LoggedCounters& counters,
                               std::size_t memory_bytes)
    : combiner_(std::move(combiner)), next_(next), counters_(counters), memory_bytes_(memory_bytes), slots_(1024) {}

Status ClassCombining::Put(std::string_view key, std::string_view value) {
  if (value.size() > UINT32_MAX || key.size() > UINT32_MAX) return InvalidArgument("a key or a value is longer than 4 GiB");
  Entry& entry = Find(key);
  AppendValue(entry.values, value);
  used_ += value.size() + 1;
  if (entry.values.size() > entry.collapse_at) {
    RETURN_IF_ERROR(Collapse(entry));
    const std::size_t twice = std::max<std::size_t>(2 * entry.values.size(), std::min(kMostCollapse, 2 * entry.collapse_at));
    entry.collapse_at = static_cast<std::uint32_t>(std::min<std::size_t>(twice, UINT32_MAX));
  }
  return used_ > memory_bytes_ ? Flush() : OkStatus();
}

Status ClassCombining::Finish() {
  RETURN_IF_ERROR(Flush());
  return next_.Finish();
}

ClassCombining::Entry& ClassCombining::Find(std::string_view key) {
  const std::uint64_t hash = HashOf(key);
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  std::array<std::uint64_t, 2> whole{};
  const bool fits = key.size() <= sizeof whole;
  if (fits) std::memcpy(whole.data(), key.data(), key.size());
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  for (; slots_[slot].entry != 0; slot = (slot + 1) & mask) {
    if (slots_[slot].tag != tag) continue;
    Entry& entry = entries_[slots_[slot].entry - 1];
    if (entry.key_bytes != key.size()) continue;
    if (fits ? entry.key[0] == whole[0] && entry.key[1] == whole[1] : KeyOf(entry) == key) return entry;
  }
  if (!fits) {
    whole[0] = keys_.size();
    keys_ += key;
  }
  entries_.push_back({.hash = hash, .key_bytes = static_cast<std::uint32_t>(key.size()), .collapse_at = kFirstCollapse, .key = whole, .values = {}});
  used_ += sizeof(Entry) + 2 * sizeof(Slot) + (fits ? 0 : key.size());
  slots_[slot] = {tag, static_cast<std::uint32_t>(entries_.size())};
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
  Emitted emitted(KeyOf(entry), next_, counters_);
  ValueList values(entry.values);
  combiner_->Combine(KeyOf(entry), values, emitted);
  used_ -= std::min(used_, entry.values.size());
  used_ += emitted.kept.size();
  entry.values.swap(emitted.kept);
  return emitted.status;
}

Status ClassCombining::Flush() {
  for (Entry& entry : entries_) {
    RETURN_IF_ERROR(Collapse(entry));
    ValueList values(entry.values);
    for (std::string_view value; values.Next(value);) RETURN_IF_ERROR(next_.Put(KeyOf(entry), value));
  }
  entries_.clear();
  keys_.clear();
  std::fill(slots_.begin(), slots_.end(), Slot{});
  used_ = 0;
  return OkStatus();
}

Status CommandCombining::Put(std::string_view key, std::string_view value) {
  if (value.size() > UINT32_MAX || key.size() > UINT32_MAX) return InvalidArgument("a key or a value is longer than 4 GiB");
  held_.push_back({bytes_.size(), static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size())});
  bytes_ += key;
  bytes_ += value;
  return bytes_.size() + held_.size() * (sizeof(Held) + sizeof(Pair)) > memory_bytes_ ? Flush() : OkStatus();
}

Status CommandCombining::Finish() {
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
    return next_.Put(key, value);
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
