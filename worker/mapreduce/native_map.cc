#include <algorithm>
#include <exception>

#include "core/model/partition.h"
#include "worker/lake/path.h"
#include "worker/mapreduce/combining.h"
#include "worker/mapreduce/emitting.h"
#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/library.h"
#include "worker/mapreduce/lines.h"
#include "worker/mapreduce/native.h"
#include "worker/readers/byte_stream.h"

namespace millrace::mapreduce {
namespace {

constexpr std::size_t kCombineBytes = std::size_t{64} << 20;
constexpr std::size_t kFeedBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxLine = std::size_t{64} << 20;

// The lines of all splits, file after file.
class SplitReader {
 public:
  explicit SplitReader(const StageTaskWork& work) {
    for (const Split& split : work.splits) {
      if (split.files == 1) splits_.push_back(split);
      for (const InputFacts& input : work.inputs) {
        if (split.files == 1 || input.name != split.input) continue;
        for (const std::string& path : PathsOf(input, split)) splits_.push_back({.input = split.input, .path = path});
      }
    }
  }
  // Some whole lines; false at the end. Valid until the next call.
  StatusOr<bool> Next(std::string_view& lines) {
    if (compressed_ != nullptr) {
      ASSIGN_OR_RETURN(const bool more, NextDecompressed(lines));
      if (more) return true;
      compressed_.reset();
    }
    if (next_ == splits_.size()) return false;
    const Split& split = splits_[next_++];
    if (const auto compression = readers::CompressionOf(split.path); compression != readers::Compression::kNone) {
      ASSIGN_OR_RETURN(compressed_, readers::ByteStream::Open(split.path, compression));
      held_.clear();
      taken_ = 0;
      return Next(lines);
    }
    ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(split.path));
    file_ = std::make_unique<MappedFile>(std::move(file));
    const std::string_view bytes = file_->bytes();
    lines = LinesWithin(bytes, static_cast<std::uint64_t>(split.begin),
                        split.end == 0 ? bytes.size() : static_cast<std::uint64_t>(split.end));
    return true;
  }

 private:
  // As many whole lines as came out; at the end what is left.
  StatusOr<bool> NextDecompressed(std::string_view& lines) {
    held_.erase(0, taken_);
    for (;;) {
      const std::size_t before = held_.size();
      if (before > kMaxLine) return FailedPrecondition(splits_[next_ - 1].path + ": a line of more than 64 MB");
      held_.resize(before + kFeedBytes);
      ASSIGN_OR_RETURN(const std::size_t got, compressed_->Read(held_.data() + before, kFeedBytes));
      held_.resize(before + got);
      const std::size_t newline = held_.rfind('\n');
      taken_ = newline == std::string::npos ? 0 : newline + 1;
      if (got < kFeedBytes) taken_ = held_.size();
      if (taken_ == 0 && got == kFeedBytes) continue;
      lines = std::string_view(held_).substr(0, taken_);
      return taken_ != 0;
    }
  }

  std::vector<Split> splits_;
  std::size_t next_ = 0;
  std::unique_ptr<MappedFile> file_;
  std::unique_ptr<readers::ByteStream> compressed_;
  std::string held_;
  std::size_t taken_ = 0;
};

Status MapByClass(const Site& site, const StageTaskWork& work, api::Mapper& mapper, PairSink& sink, LoggedCounters& counters,
                  std::int64_t& input_rows) {
  SplitReader reader(work);
  EmittingContext context(sink, counters);
  std::string_view lines;
  while (!context.stopped()) {
    ASSIGN_OR_RETURN(const bool more, reader.Next(lines));
    if (!more) break;
    for (std::string_view line; !context.stopped() && NextLine(lines, line); ++input_rows) {
      mapper.Map(line, context);
      const bool look = input_rows % 4096 == 0 && site.cancellation != nullptr;
      if (look && site.cancellation->cancelled()) return Cancelled("the attempt was cancelled");
    }
  }
  mapper.Finish(context);
  return OkStatus();
}

Status MapByCommand(const Site& site, const StageTaskWork& work, PairSink& sink, LoggedCounters& counters, std::int64_t& input_rows) {
  SplitReader reader(work);
  std::string_view lines;
  bool open_line = false;  // the last line given had no newline
  Status read;
  const auto input = [&]() -> std::optional<std::string_view> {
    while (lines.empty()) {
      if (std::exchange(open_line, false)) return "\n";
      const StatusOr<bool> more = reader.Next(lines);
      if (!more.ok()) read = more.status();
      if (!more.ok() || !*more) return std::nullopt;
      open_line = !lines.empty() && lines.back() != '\n';
      input_rows += std::count(lines.begin(), lines.end(), '\n') + (open_line ? 1 : 0);
    }
    const std::string_view chunk = lines.substr(0, kFeedBytes);
    lines.remove_prefix(chunk.size());
    return chunk;
  };
  const auto put = [&sink](std::string_view line) {
    const auto [key, value] = SplitPair(line);
    return sink.Put(key, value) ? OkStatus() : sink.Finish();
  };
  const Status ran = RunCommand(site, CodeOf(work.plan, "map")->command, {.input = input, .output = put}, counters);
  return read.ok() ? ran : read;
}

// The parts of one map task, in the order in which they must outlive each other.
struct Chain {
  std::shared_ptr<Library> map_library;
  std::shared_ptr<Library> combine_library;
  std::shared_ptr<Library> partition_library;
  std::unique_ptr<api::Partitioner> partitioner;
  std::unique_ptr<LaneSink> lane;
  std::unique_ptr<PairSink> combining;
  std::unique_ptr<api::Mapper> mapper;

  PairSink& sink() { return combining == nullptr ? *lane : *combining; }
};

StatusOr<std::shared_ptr<Library>> LoadLibrary(const Site& site, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string absolute, lake::Beneath(site.root, path));
  return Library::Load(absolute);
}

StatusOr<std::unique_ptr<Chain>> MakeChain(const Site& site, const StageTaskWork& work, shuffle::Lane& lane, LoggedCounters& counters) {
  auto chain = std::make_unique<Chain>();
  const auto partitions = static_cast<std::uint32_t>(work.partitions);
  const Fragment& map = *CodeOf(work.plan, "map");
  if (!map.library.empty()) {
    ASSIGN_OR_RETURN(chain->map_library, LoadLibrary(site, map.library));
    ASSIGN_OR_RETURN(chain->mapper, chain->map_library->MakeMapper(map.class_name));
    chain->partitioner = chain->map_library->MakePartitioner();
  }
  if (const Fragment* partition = CodeOf(work.plan, "partition")) {
    ASSIGN_OR_RETURN(chain->partition_library, LoadLibrary(site, partition->library));
    ASSIGN_OR_RETURN(chain->partitioner, chain->partition_library->MakePartitioner(partition->class_name));
  }
  chain->lane = std::make_unique<LaneSink>(lane, [partitions, partitioner = chain->partitioner.get()](std::string_view key) {
    if (partitioner == nullptr) return PartitionOf(HashOf(key), partitions);
    return partitioner->Partition(key, partitions) % partitions;
  });
  const std::size_t memory = site.memory_bytes == 0 ? kCombineBytes : std::min<std::size_t>(kCombineBytes, site.memory_bytes / 4);
  const Fragment* combine = CodeOf(work.plan, "combine");
  if (combine != nullptr && !combine->library.empty()) {
    ASSIGN_OR_RETURN(chain->combine_library, LoadLibrary(site, combine->library));
    ASSIGN_OR_RETURN(std::unique_ptr<api::Combiner> combiner, chain->combine_library->MakeCombiner(combine->class_name));
    chain->combining = std::make_unique<ClassCombining>(std::move(combiner), *chain->lane, counters, memory);
  } else if (combine != nullptr) {
    chain->combining = std::make_unique<CommandCombining>(site, combine->command, *chain->lane, counters, memory);
  }
  return chain;
}

}  // namespace

StatusOr<shuffle::FinishedOutput> MapByUserCode(const Site& site, const StageTaskWork& work, const shuffle::OutputKey& key,
                                                std::int64_t& input_rows, std::vector<Counter>& counted) {
  shuffle::MapWriter writer({.partitions = static_cast<std::uint32_t>(work.partitions),
                             .types = PairTypes(),
                             .buffer_bytes = ShuffleBytes(site),
                             .memory_bytes = ShuffleBytes(site),
                             .lanes = 1,
                             .folder = site.scratch,
                             .keys = {0}});
  LoggedCounters counters;
  try {
    ASSIGN_OR_RETURN(const std::unique_ptr<Chain> chain, MakeChain(site, work, *writer.AddLane(), counters));
    RETURN_IF_ERROR(chain->mapper != nullptr
                        ? MapByClass(site, work, *chain->mapper, chain->sink(), counters, input_rows)
                        : MapByCommand(site, work, chain->sink(), counters, input_rows));
    RETURN_IF_ERROR(chain->sink().Finish());
  } catch (const std::exception& error) {
    return FailedPrecondition(std::string("map: the library threw: ") + error.what());
  }
  counted = counters.LogTo(site);
  return writer.Finish(key, site.fence, site.threads);
}

}  // namespace millrace::mapreduce
