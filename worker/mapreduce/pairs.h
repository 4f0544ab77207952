// Keys and values of native code: bytes, on their way into a map output and out of it. Both columns of such a shuffle are
// strings; nothing looks at their encoding. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "worker/mapreduce/stage_task.h"
#include "worker/shuffle/map_writer.h"

namespace millrace::mapreduce {

// Where pairs go.
class PairSink {
 public:
  virtual ~PairSink() = default;
  // False when it can take no more: Finish says why. (A Status for each pair would cost as much as a pair.)
  virtual bool Put(std::string_view key, std::string_view value) = 0;
  // After the last pair, or after a Put that was false.
  virtual Status Finish() = 0;

 protected:
  // Whether it may go on. Keeps the first error, for Finish.
  bool Check(Status status) {
    if (status.ok()) return true;
    if (failed_.ok()) failed_ = std::move(status);
    return false;
  }
  Status failed_;
};

// The layout of a pair in blocks.
std::vector<shuffle::ColumnType> PairTypes();

std::uint64_t HashOf(std::string_view key);

// Into a lane of a map output, some thousand pairs at a time. The lane is told of their keys' hashes, too.
class LaneSink final : public PairSink {
 public:
  using Partition = std::function<std::uint32_t(std::string_view key)>;
  LaneSink(shuffle::Lane& lane, Partition partition) : lane_(lane), partition_(std::move(partition)) {}
  bool Put(std::string_view key, std::string_view value) override;
  Status Finish() override;

 private:
  Status Append();

  shuffle::Lane& lane_;
  const Partition partition_;
  std::string bytes_;  // of keys and values, one after the other
  std::vector<std::uint32_t> lengths_;
  std::vector<std::uint32_t> partitions_;
  std::vector<std::uint64_t> hashes_;
};

// A pair, borrowed.
struct Pair {
  std::uint64_t prefix;  // of the key, so that most comparisons need no look at it
  std::string_view key;
  std::string_view value;
};
Pair MakePair(std::string_view key, std::string_view value);
// The keys that a map output's writer was told of, in words: "key=the"; bytes that are no UTF-8 as \xff.
StatusOr<std::vector<HeavyKey>> HeavyPairs(const shuffle::HeavyRows& rows);
// By the bytes of their keys, as LC_ALL=C sorts.
void SortByKey(std::vector<Pair>& pairs);

// The pairs in gathered blocks, which they point into. `corrupt` gets the maps whose blocks are not what they should be.
std::vector<Pair> PairsOf(const StageTaskWork& work, const Gathered& gathered, std::vector<LostOutput>& corrupt);

}  // namespace millrace::mapreduce
