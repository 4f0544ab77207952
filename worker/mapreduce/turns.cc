#include "worker/mapreduce/turns.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/model/kept_texts.h"
#include "worker/mapreduce/native.h"

namespace millrace::mapreduce {
namespace {

// Shares of a task's memory: of what a turn reads of shuffles or what a combine makes of its splits; a third
// of the memory is the shuffle's buffers, and what DuckDB makes of rows takes some times their bytes.
constexpr std::uint64_t kShare = 8;
// What is read of files before it is known how much comes of them: Parquet is compressed.
constexpr std::uint64_t kFirstShare = 32;
constexpr std::uint64_t kLeast = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostByKeys = 64;
constexpr double kGrowth = 4;  // of what a turn reads of files, at most

bool IsNative(const StagePlan& plan) {
  constexpr std::array<const char*, 2> kSteps = {"map", "reduce"};
  return std::any_of(kSteps.begin(), kSteps.end(),
                     [&](const char* step) { return CodeOf(plan, step) != nullptr; });
}

// Of blocks that are divided by keys: a task reads others beside them only whole.
std::uint64_t BytesByKeys(const StageTaskWork& work, const Gathered& gathered) {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < work.reads.size(); ++i) {
    if (work.reads[i].hash.empty()) continue;
    for (const sql::MapBlocks& map : gathered.reads[i]) bytes += map.blocks.bytes().size();
  }
  return bytes;
}

std::uint64_t FileBytes(const std::vector<Split>& splits) {
  std::uint64_t bytes = 0;
  for (const Split& split : splits)
    bytes += static_cast<std::uint64_t>(std::max<std::int64_t>(split.bytes, 0));
  return bytes;
}

}  // namespace

Turns::Turns(const Site& site, const StageTaskWork& work, const Gathered& gathered) : splits_(work.splits) {
  if (site.memory_bytes == 0 || work.plan.ordered || IsNative(work.plan)) return;
  most_ = std::max(site.memory_bytes / kShare, kLeast);
  by_keys_ = static_cast<int>(std::min((BytesByKeys(work, gathered) + most_ - 1) / most_, kMostByKeys));
  by_keys_ = std::max(by_keys_, 1);
  if (by_keys_ > 1 || !KeepsTexts(work.plan)) return;
  left_ = std::exchange(splits_, {});
  file_bytes_ = static_cast<double>(std::max(site.memory_bytes / kFirstShare, kLeast));
  TakeSplits();
}

std::string Turns::Condition(const TaskRead& read) const {
  if (by_keys_ == 1 || read.hash.empty()) return "";
  // Hashed once more: neither the partition nor the place in DuckDB's tables says anything of it.
  return "hash(" + read.hash + ") % " + std::to_string(by_keys_) + " = " + std::to_string(number_);
}

bool Turns::Next(std::uint64_t bytes) {
  if (number_ + 1 < by_keys_) {
    ++number_;
    return true;
  }
  if (left_.empty()) return false;
  const auto came = static_cast<double>(std::max(bytes, came_ + 1) - std::exchange(came_, bytes));
  const auto read = static_cast<double>(FileBytes(splits_));
  file_bytes_ = std::min(read * static_cast<double>(most_) / came, std::max(read, file_bytes_) * kGrowth);
  ++number_;
  TakeSplits();
  return true;
}

void Turns::TakeSplits() {
  splits_.clear();
  double bytes = 0;
  std::size_t count = 0;
  for (; count < left_.size(); ++count) {
    const auto next = static_cast<double>(left_[count].bytes);
    if (count > 0 && bytes + next > file_bytes_) break;
    bytes += next;
  }
  const auto end = left_.begin() + static_cast<std::ptrdiff_t>(count);
  splits_.assign(left_.begin(), end);
  left_.erase(left_.begin(), end);
}

}  // namespace millrace::mapreduce
