#include <exception>

#include "worker/lake/path.h"
#include "worker/mapreduce/combining.h"
#include "worker/mapreduce/library.h"
#include "worker/mapreduce/lines.h"
#include "worker/mapreduce/native.h"
#include "worker/shuffle/partition.h"

namespace millrace::mapreduce {
namespace {

constexpr std::size_t kCombineBytes = std::size_t{64} << 20;
constexpr std::size_t kFeedBytes = std::size_t{1} << 20;

// What the mapper emits goes down the chain; the first error stops it.
class MapContext final : public api::Context {
 public:
  MapContext(PairSink& sink, api::Counters& counters) : sink_(sink), counters_(counters) {}
  void Emit(std::string_view key, std::string_view value) override {
    if (status.ok()) status = sink_.Put(key, value);
  }
  api::Counters& counters() override { return counters_; }
  Status status;

 private:
  PairSink& sink_;
  api::Counters& counters_;
};

// The lines of all splits, file after file.
class SplitReader {
 public:
  explicit SplitReader(const std::vector<Split>& splits) : splits_(splits) {}
  // The whole lines of the next split; false at the end. Valid until the next call.
  StatusOr<bool> Next(std::string_view& lines) {
    if (next_ == splits_.size()) return false;
    const Split& split = splits_[next_++];
    ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(split.path));
    file_ = std::make_unique<MappedFile>(std::move(file));
    const std::string_view bytes = file_->bytes();
    lines = LinesWithin(bytes, static_cast<std::uint64_t>(split.begin),
                        split.end == 0 ? bytes.size() : static_cast<std::uint64_t>(split.end));
    return true;
  }

 private:
  const std::vector<Split>& splits_;
  std::size_t next_ = 0;
  std::unique_ptr<MappedFile> file_;
};

Status MapByClass(const Site& site, const StageTaskWork& work, api::Mapper& mapper, PairSink& sink, LoggedCounters& counters,
                  std::int64_t& input_rows) {
  SplitReader reader(work.splits);
  MapContext context(sink, counters);
  std::string_view lines;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader.Next(lines));
    if (!more) break;
    for (std::string_view line; context.status.ok() && NextLine(lines, line); ++input_rows) {
      mapper.Map(line, context);
      const bool look = input_rows % 4096 == 0 && site.cancellation != nullptr;
      if (look && site.cancellation->cancelled()) return Cancelled("the attempt was cancelled");
    }
  }
  mapper.Finish(context);
  return context.status;
}

Status MapByCommand(const Site& site, const StageTaskWork& work, PairSink& sink, LoggedCounters& counters) {
  SplitReader reader(work.splits);
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
    }
    const std::string_view chunk = lines.substr(0, kFeedBytes);
    lines.remove_prefix(chunk.size());
    return chunk;
  };
  const auto put = [&sink](std::string_view line) {
    const auto [key, value] = SplitPair(line);
    return sink.Put(key, value);
  };
  const Status ran = RunCommand(site, site.spec.map.command, {.input = input, .output = put}, counters);
  return read.ok() ? ran : read;
}

// The parts of one map task, in the order in which they must outlive each other.
struct Chain {
  std::shared_ptr<Library> map_library;
  std::shared_ptr<Library> combine_library;
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
  if (!site.spec.map.library.empty()) {
    ASSIGN_OR_RETURN(chain->map_library, LoadLibrary(site, site.spec.map.library));
    ASSIGN_OR_RETURN(chain->mapper, chain->map_library->MakeMapper(site.spec.map.class_name));
    chain->partitioner = chain->map_library->MakePartitioner();
  }
  chain->lane = std::make_unique<LaneSink>(lane, [partitions, partitioner = chain->partitioner.get()](std::string_view key) {
    if (partitioner == nullptr) return shuffle::PartitionOf(HashOf(key), partitions);
    return partitioner->Partition(key, partitions) % partitions;
  });
  const std::size_t memory = site.memory_bytes == 0 ? kCombineBytes : std::min<std::size_t>(kCombineBytes, site.memory_bytes / 4);
  if (!site.spec.combine.library.empty()) {
    ASSIGN_OR_RETURN(chain->combine_library, LoadLibrary(site, site.spec.combine.library));
    ASSIGN_OR_RETURN(std::unique_ptr<api::Combiner> combiner, chain->combine_library->MakeCombiner(site.spec.combine.class_name));
    chain->combining = std::make_unique<ClassCombining>(std::move(combiner), *chain->lane, counters, memory);
  } else if (!site.spec.combine.command.empty()) {
    chain->combining = std::make_unique<CommandCombining>(site, site.spec.combine.command, *chain->lane, counters, memory);
  }
  return chain;
}

}  // namespace

StatusOr<shuffle::FinishedOutput> MapByUserCode(const Site& site, const StageTaskWork& work, const shuffle::OutputKey& key,
                                                std::int64_t& input_rows) {
  shuffle::MapWriter writer({.partitions = static_cast<std::uint32_t>(work.partitions),
                             .types = PairTypes(),
                             .buffer_bytes = ShuffleBytes(site),
                             .memory_bytes = ShuffleBytes(site),
                             .lanes = 1,
                             .folder = site.scratch});
  LoggedCounters counters;
  try {
    ASSIGN_OR_RETURN(const std::unique_ptr<Chain> chain, MakeChain(site, work, *writer.AddLane(), counters));
    RETURN_IF_ERROR(chain->mapper != nullptr
                        ? MapByClass(site, work, *chain->mapper, chain->sink(), counters, input_rows)
                        : MapByCommand(site, work, chain->sink(), counters));
    RETURN_IF_ERROR(chain->sink().Finish());
  } catch (const std::exception& error) {
    return FailedPrecondition(std::string("map: the library threw: ") + error.what());
  }
  counters.LogTo(site);
  return writer.Finish(key, site.fence, site.threads);
}

}  // namespace millrace::mapreduce
