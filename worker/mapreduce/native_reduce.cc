#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>

#include "worker/lake/path.h"
#include "worker/mapreduce/combining.h"
#include "worker/mapreduce/emitting.h"
#include "worker/mapreduce/library.h"
#include "worker/mapreduce/native.h"
#include "worker/mapreduce/output.h"
#include "worker/sql/shuffle_scan.h"

namespace millrace::mapreduce {
namespace {

// What the reduce step makes of its pairs: lines of text, or pairs for a table.
class LineFile final : public PairSink {
 public:
  explicit LineFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "wbe"), &std::fclose) {}
  bool Put(std::string_view key, std::string_view value) override {
    line_.assign(key);
    line_ += '\t';
    line_ += value;
    return Check(PutLine(line_));
  }
  Status PutLine(std::string_view line) {
    if (file_ == nullptr) return ErrnoStatus(errno, "write " + path_);
    const bool written = std::fwrite(line.data(), 1, line.size(), file_.get()) == line.size() && std::fputc('\n', file_.get()) != EOF;
    if (!written) return ErrnoStatus(errno, "write " + path_);
    ++rows_;
    return OkStatus();
  }
  Status Finish() override {
    if (file_ == nullptr || std::fflush(file_.get()) != 0) Check(ErrnoStatus(errno, "write " + path_));
    return failed_;
  }
  std::int64_t rows() const { return rows_; }

 private:
  const std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::string line_;
  std::int64_t rows_ = 0;
};

// The values of the pairs [begin, end), which have one key.
class RunOfValues final : public api::Values {
 public:
  RunOfValues(const std::vector<Pair>& pairs, std::size_t begin, std::size_t end) : pairs_(pairs), next_(begin), end_(end) {}
  bool Next(std::string_view& value) override {
    if (next_ == end_) return false;
    value = pairs_[next_++].value;
    return true;
  }

 private:
  const std::vector<Pair>& pairs_;
  std::size_t next_;
  const std::size_t end_;
};

Status ReduceByClass(const Site& site, const std::vector<Pair>& pairs, api::Reducer& reducer, PairSink& sink,
                     LoggedCounters& counters) {
  EmittingContext context(sink, counters);
  for (std::size_t begin = 0; begin < pairs.size() && !context.stopped();) {
    if (site.cancellation != nullptr && site.cancellation->cancelled()) return Cancelled("the attempt was cancelled");
    std::size_t end = begin;
    while (end < pairs.size() && pairs[end].key == pairs[begin].key) ++end;
    RunOfValues values(pairs, begin, end);
    reducer.Reduce(pairs[begin].key, values, context);
    begin = end;
  }
  reducer.Finish(context);
  return OkStatus();
}

// An error of the sink's is told by its Finish. `put_line` takes the command's lines as they are; without it they are pairs for `sink`.
Status ReduceSorted(const Site& site, const Fragment* code, const std::vector<Pair>& pairs, PairSink& sink, LineFile* lines,
                    LoggedCounters& counters) {
  if (code != nullptr && !code->library.empty()) {
    ASSIGN_OR_RETURN(const std::string path, lake::Beneath(site.root, code->library));
    ASSIGN_OR_RETURN(const std::shared_ptr<Library> library, Library::Load(path));
    ASSIGN_OR_RETURN(const std::unique_ptr<api::Reducer> reducer, library->MakeReducer(code->class_name));
    return ReduceByClass(site, pairs, *reducer, sink, counters);
  }
  if (code != nullptr) {
    const auto put = [&](std::string_view line) {
      if (lines != nullptr) return lines->PutLine(line);
      const auto [key, value] = SplitPair(line);
      return sink.Put(key, value) ? OkStatus() : sink.Finish();
    };
    return RunCommand(site, code->command, {.input = LinesOf(pairs), .output = put}, counters);
  }
  for (const Pair& pair : pairs) {
    if (!sink.Put(pair.key, pair.value)) break;
  }
  return OkStatus();
}

StatusOr<std::vector<OutputFile>> ReduceToText(const Site& site, const StageTaskWork& work, const std::vector<Pair>& pairs,
                                               LoggedCounters& counters) {
  ASSIGN_OR_RETURN(const StagedPath staged, MakeStagedPath(site, PartName(work.index)));
  LineFile file(staged.path());
  RETURN_IF_ERROR(ReduceSorted(site, CodeOf(work.plan, "reduce"), pairs, file, &file, counters));
  RETURN_IF_ERROR(file.Finish());
  return SealOutput(staged, file.rows());
}

Status ReduceToBlocks(const Site& site, const StageTaskWork& work, const std::vector<Pair>& pairs, LoggedCounters& counters,
                      ReducedPairs& reduced) {
  shuffle::MapWriter writer({.partitions = 1, .types = PairTypes(), .folder = site.scratch});
  LaneSink sink(*writer.AddLane(), [](std::string_view) { return 0U; });
  RETURN_IF_ERROR(ReduceSorted(site, CodeOf(work.plan, "reduce"), pairs, sink, nullptr, counters));
  RETURN_IF_ERROR(sink.Finish());
  ASSIGN_OR_RETURN(reduced.file, writer.Finish({site.job, work.stage, work.index}, site.fence, 1));
  ASSIGN_OR_RETURN(const shuffle::MapFileHead head, shuffle::ReadMapFileHead(reduced.file.file.get()));
  ASSIGN_OR_RETURN(shuffle::BlockBytes bytes, shuffle::BlockBytes::Map(reduced.file.file.get(), head, {0, 1}));
  reduced.blocks.push_back({0, std::move(bytes)});
  return OkStatus();
}

// By way of blocks, which DuckDB can read and write as Parquet.
StatusOr<std::vector<OutputFile>> ReduceToTable(const Site& site, const StageTaskWork& work, const std::vector<Pair>& pairs,
                                                LoggedCounters& counters) {
  ReducedPairs reduced;
  RETURN_IF_ERROR(ReduceToBlocks(site, work, pairs, counters, reduced));
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Database::Open(site));
  ASSIGN_OR_RETURN(const std::unique_ptr<sql::ShuffleInput> input,
                   sql::OpenShuffleInput(database->connection(), "result", work.reads.front().columns, std::move(reduced.blocks)));
  return WriteOutput(database->connection(), site, "FROM result", work.reads.front().columns, PartName(work.index));
}

}  // namespace

StatusOr<ReducedPairs> ReducePairs(const Site& site, const StageTaskWork& work, const Gathered& gathered) {
  ReducedPairs reduced;
  std::vector<Pair> pairs = PairsOf(work, gathered, reduced.lost);
  if (!reduced.lost.empty()) return reduced;
  SortByKey(pairs);
  reduced.input_rows = static_cast<std::int64_t>(pairs.size());
  LoggedCounters counters;
  try {
    RETURN_IF_ERROR(ReduceToBlocks(site, work, pairs, counters, reduced));
  } catch (const std::exception& error) {
    return FailedPrecondition(std::string("reduce: the library threw: ") + error.what());
  }
  reduced.counters = counters.LogTo(site);
  return reduced;
}

StatusOr<ReduceResult> ReduceByUserCode(const Site& site, const StageTaskWork& work, Gathered gathered) {
  ReduceResult result;
  std::vector<Pair> pairs = PairsOf(work, gathered, result.lost_maps);
  if (!result.lost_maps.empty()) return result;
  SortByKey(pairs);
  result.input_rows = static_cast<std::int64_t>(pairs.size());
  LoggedCounters counters;
  try {
    ASSIGN_OR_RETURN(result.files, site.spec.output.format == "text" ? ReduceToText(site, work, pairs, counters)
                                                                     : ReduceToTable(site, work, pairs, counters));
  } catch (const std::exception& error) {
    return FailedPrecondition(std::string("reduce: the library threw: ") + error.what());
  }
  result.counters = counters.LogTo(site);
  return result;
}

}  // namespace millrace::mapreduce
