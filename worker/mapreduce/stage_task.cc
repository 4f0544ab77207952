#include "worker/mapreduce/stage_task.h"

#include <algorithm>
#include <cstdio>

#include "platform/failpoint/failpoint.h"
#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/native.h"
#include "worker/mapreduce/output.h"
#include "worker/mapreduce/pairs.h"
#include "worker/sql/shuffle_copy.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteName;

constexpr int kFetchTries = 3;
constexpr std::uint64_t kScarceBytes = std::uint64_t{512} << 20;

bool IsLost(const Status& status) {
  return status.code() == Code::kNotFound || status.code() == Code::kDataLoss ||
         status.code() == Code::kUnavailable;
}

StatusOr<shuffle::BlockBytes> FetchOne(const Site& site, const MapOutput& source,
                                       shuffle::PartitionRange range, shuffle::Fetcher& fetcher) {
  for (int tries = 1;; ++tries) {
    StatusOr<shuffle::BlockBytes> blocks = fetcher.Fetch(site.job, source.stage, source, range);
    if (blocks.ok() || blocks.status().code() != Code::kUnavailable || tries == kFetchTries) return blocks;
  }
}

// The views of what a task reads.
struct Views {
  InputViews inputs;
  std::vector<std::unique_ptr<sql::ShuffleInput>> shuffles;  // as in the work
  std::unique_ptr<sql::ShuffleInput> reduced;                // or what native code made of them
};

// Maps whose blocks turned out corrupt, as lost outputs.
void AddLost(std::vector<LostOutput>& lost, const TaskRead& read, const std::vector<std::int32_t>& corrupt) {
  for (const std::int32_t map : corrupt) {
    for (const MapOutput& source : read.sources) {
      if (source.map_index == map) lost.push_back({source.stage, map});
    }
  }
}

Status OpenShuffles(sql::Connection& connection, const StageTaskWork& work, Gathered gathered, Views& views,
                    std::vector<LostOutput>& lost) {
  for (std::size_t i = 0; i < work.reads.size(); ++i) {
    const TaskRead& read = work.reads[i];
    std::vector<std::int32_t> corrupt;
    StatusOr<std::unique_ptr<sql::ShuffleInput>> input =
        sql::OpenShuffleInput(connection, read.view, read.columns, std::move(gathered.reads[i]), &corrupt);
    AddLost(lost, read, corrupt);
    RETURN_IF_ERROR(input.status());
    views.shuffles.push_back(*std::move(input));
  }
  return OkStatus();
}

Status Append(StatusOr<std::vector<OutputFile>> written, std::vector<OutputFile>& files) {
  if (written.ok()) files.insert(files.end(), written->begin(), written->end());
  return written.status();
}

bool IsNative(const Step& step) { return !step.code.command.empty() || !step.code.library.empty(); }

// In place of the pairs that the task reads: what reduce makes of them, as the view of its step.
Status OpenReduced(sql::Connection& connection, const Site& site, const StageTaskWork& work, const Gathered& gathered, ReducedPairs& reduced,
                   Views& views, std::vector<LostOutput>& lost) {
  ASSIGN_OR_RETURN(reduced, ReducePairs(site, work, gathered));
  lost = reduced.lost;
  if (!lost.empty()) return DataLoss("blocks of pairs are corrupt");
  const auto step = std::find_if(work.plan.steps.begin(), work.plan.steps.end(), &IsNative);
  ASSIGN_OR_RETURN(std::unique_ptr<sql::ShuffleInput> input,
                   sql::OpenShuffleInput(connection, step->view, work.reads.front().columns, std::move(reduced.blocks)));
  views.reduced = std::move(input);
  return OkStatus();
}

// The stage's rows as lines of a file, and those through the author's code. Lines of text come from the splits as they are.
StatusOr<shuffle::FinishedOutput> MapRows(sql::Connection& connection, const Site& site, const StageTaskWork& work, std::int64_t& lines,
                                          std::vector<Counter>& counters) {
  const std::string& sql = CodeOf(work.plan, "map")->sql;
  if (sql.empty()) return MapByUserCode(site, work, {site.job, work.stage, work.index}, lines, counters);
  const std::string path = site.scratch + "/rows.txt";
  RETURN_IF_ERROR(connection
                      .Run("COPY (" + sql + ") TO " + sql::QuoteText(path) +
                           " (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER E'\\x01')")
                      .status());
  StageTaskWork of_lines{.stage = work.stage, .index = work.index, .plan = work.plan, .partitions = work.partitions};
  of_lines.splits.push_back({.input = "", .path = path});
  StatusOr<shuffle::FinishedOutput> output = MapByUserCode(site, of_lines, {site.job, work.stage, work.index}, lines, counters);
  std::remove(path.c_str());
  return output;
}

// Of splits, known of Parquet alone, whose splits are ranges of rows.
std::int64_t RowsOf(const StageTaskWork& work) {
  std::int64_t rows = 0;
  for (const Split& split : work.splits) {
    const auto is_input = [&](const InputFacts& input) {
      return input.name == split.input && input.format == "parquet";
    };
    if (std::any_of(work.inputs.begin(), work.inputs.end(), is_input)) rows += split.end - split.begin;
  }
  return rows;
}

// Its files beside those of other tasks of the job.
std::string TaskName(const StageTaskWork& work) { return std::to_string(work.stage) + "-" + std::to_string(work.index); }

std::string Hex(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

StatusOr<shuffle::FinishedOutput> WriteShuffle(sql::Connection& connection, const Site& site,
                                               const StageTaskWork& work, std::vector<std::string>& sample,
                                               std::vector<HeavyKey>& heavy) {
  const StagePlan& plan = work.plan;
  const std::string where = plan.filter.empty() ? "" : " WHERE " + plan.filter;
  sql::MapFragment fragment{.select = "SELECT * FROM " + QuoteName(plan.result) + where,
                            .keys = plan.keys,
                            .partitions = static_cast<std::uint32_t>(work.partitions),
                            .buffer_bytes = ShuffleBytes(site),
                            .memory_bytes = ShuffleBytes(site),
                            .folder = site.scratch};
  fragment.hash = plan.hash;
  fragment.scatter = plan.exchange == Exchange::kScatter;
  fragment.order = plan.order;
  fragment.bounds = work.bounds;
  fragment.salts = work.salts;
  fragment.salted_partitions = static_cast<std::uint32_t>(work.salted_partitions);
  fragment.replicates = work.replicates;
  fragment.sample = &sample;
  fragment.heavy = &heavy;
  ASSIGN_OR_RETURN(shuffle::FinishedOutput output,
                   sql::RunMapFragment(connection, fragment, {site.job, work.stage, work.index}, site.fence));
  for (std::string& value : sample) value = Hex(value);
  std::sort(sample.begin(), sample.end());
  return output;
}

StatusOr<StageTaskOutput> RunSql(const Site& site, const StageTaskWork& work, Gathered gathered) {
  const bool shuffles = work.plan.exchange != Exchange::kFiles;
  // What a shuffle's buffers leave, for all attempts alike, so that instances serve one after the other; where memory is scarce, a task
  // that writes files is worth an instance of its own, with all of it.
  const bool scarce = site.memory_bytes != 0 && site.memory_bytes < kScarceBytes;
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database,
                   scarce && !shuffles ? Database::OpenAlone(site) : Database::Open(site));
  sql::Connection& connection = database->connection();
  ReducedPairs reduced;  // outlives its view
  Views views;
  ASSIGN_OR_RETURN(views.inputs, CreateInputViews(connection, site.spec, work.inputs, work.splits));
  ReduceResult lost;
  StageTaskOutput output;
  Status ran = CodeOf(work.plan, "reduce") == nullptr
                   ? OpenShuffles(connection, work, std::move(gathered), views, lost.lost_maps)
                   : OpenReduced(connection, site, work, gathered, reduced, views, lost.lost_maps);
  if (ran.ok()) ran = RunSteps(connection, work.plan.steps);
  std::vector<OutputFile> beside;
  for (const SideOutput& side : work.plan.sides) {
    if (ran.ok()) ran = Append(WriteSide(connection, site, side, PartName(work.index)), beside);
  }
  ReduceResult files;
  std::vector<std::string> sample;
  std::vector<HeavyKey> heavy;
  std::int64_t native_rows = 0;
  std::vector<Counter> mapped;
  if (ran.ok() && shuffles) {
    StatusOr<shuffle::FinishedOutput> blocks = CodeOf(work.plan, "map") == nullptr
                                                   ? WriteShuffle(connection, site, work, sample, heavy)
                                                   : MapRows(connection, site, work, native_rows, mapped);
    reduced.counters.insert(reduced.counters.end(), mapped.begin(), mapped.end());
    ran = blocks.status();
    if (blocks.ok()) output.blocks = *std::move(blocks);
  } else if (ran.ok() && !work.plan.columns.empty()) {
    Failpoint("reduce.merged");
    StatusOr<std::vector<OutputFile>> written =
        WriteOutput(connection, site, "FROM " + QuoteName(work.plan.result), work.plan.columns,
                    PartName(work.index), work.plan.ordered);
    ran = written.status();
    if (written.ok()) files.files = *std::move(written);
  }
  std::int64_t input_rows = RowsOf(work) + views.inputs.rows();
  for (const auto& input : views.shuffles) input_rows += static_cast<std::int64_t>(input->rows());
  const Fragment* map = CodeOf(work.plan, "map");
  if (map != nullptr && map->sql.empty()) input_rows += native_rows;  // lines that no SQL has read before
  input_rows += reduced.input_rows;
  if (ran.ok()) ran = Append(views.inputs.WriteBadRows(site, TaskName(work)), beside);
  if (!ran.ok()) {
    for (std::size_t i = 0; i < views.shuffles.size(); ++i)
      AddLost(lost.lost_maps, work.reads[i], views.shuffles[i]->corrupt_maps());
    if (lost.lost_maps.empty()) return ran;
    output.result = std::move(lost);
    return output;
  }
  if (shuffles) {
    MapResult result = ResultOf(site, work, *output.blocks);
    result.input_rows = input_rows;
    result.sample = std::move(sample);
    result.heavy = std::move(heavy);
    if (map != nullptr) {
      ASSIGN_OR_RETURN(result.heavy, HeavyPairs(output.blocks->heavy));
    }
    result.files = std::move(beside);
    result.counters = std::move(reduced.counters);
    output.result = std::move(result);
    return output;
  }
  Failpoint("reduce.staged");
  files.input_rows = input_rows;
  files.files.insert(files.files.end(), beside.begin(), beside.end());
  files.counters = std::move(reduced.counters);
  output.result = std::move(files);
  return output;
}

}  // namespace

Status RunSteps(sql::Connection& connection, const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    if (IsNative(step)) continue;
    if (step.kept) {
      RETURN_IF_ERROR(
          connection.Run("CREATE OR REPLACE TEMP TABLE " + QuoteName(step.view) + " AS\n" + step.code.sql)
              .status());
    } else {
      RETURN_IF_ERROR(CreateView(connection, step.view, step.code.sql));
    }
  }
  return OkStatus();
}

MapResult ResultOf(const Site& site, const StageTaskWork& work, const shuffle::FinishedOutput& blocks) {
  MapResult result;
  result.output.stage = work.stage;
  result.output.map_index = work.index;
  result.output.fence = site.fence;
  for (const shuffle::PartitionFacts& partition : blocks.partitions) {
    result.partitions.push_back(
        {static_cast<std::int64_t>(partition.bytes), static_cast<std::int64_t>(partition.rows)});
  }
  result.digest = shuffle::FoldedDigest(blocks.partitions);
  result.order_digest = shuffle::FoldedOrderDigest(blocks.partitions);
  result.spilled_bytes = static_cast<std::int64_t>(blocks.spilled_bytes);
  return result;
}

StatusOr<Gathered> Gather(const Site& site, const StageTaskWork& work, shuffle::Fetcher& fetcher) {
  Gathered gathered;
  for (const TaskRead& read : work.reads) {
    shuffle::PartitionRange range{static_cast<std::uint32_t>(read.partition_begin),
                                  static_cast<std::uint32_t>(read.partition_end)};
    if (!read.cuts.empty() && read.cuts.size() != read.sources.size())
      return Internal("the cuts of '" + read.view + "' are not those of its maps");
    std::vector<sql::MapBlocks>& blocks_of_read = gathered.reads.emplace_back();
    for (std::size_t i = 0; i < read.sources.size(); ++i) {
      const MapOutput& source = read.sources[i];
      if (!read.cuts.empty()) {
        range.cut_begin = read.cuts[i].begin;
        range.cut_end = read.cuts[i].end;
      }
      if (site.cancellation != nullptr && site.cancellation->cancelled())
        return Cancelled("the attempt was cancelled");
      StatusOr<shuffle::BlockBytes> blocks = FetchOne(site, source, range, fetcher);
      Failpoint("reduce.fetched");
      if (blocks.ok()) {
        gathered.bytes += static_cast<std::int64_t>(blocks->bytes().size());
        blocks_of_read.push_back({source.map_index, *std::move(blocks)});
      } else if (IsLost(blocks.status())) {
        site.Log("map " + std::to_string(source.map_index) + " of stage " + std::to_string(source.stage) +
                 " is lost: " + blocks.status().ToString());
        gathered.lost.push_back({source.stage, source.map_index});
      } else {
        return blocks.status().WithContext("map " + std::to_string(source.map_index));
      }
    }
  }
  std::sort(gathered.lost.begin(), gathered.lost.end());
  return gathered;
}

namespace {

StatusOr<StageTaskOutput> RunGathered(const Site& site, const StageTaskWork& work, Gathered gathered) {
  StageTaskOutput output;
  if (!site.spec.map.native()) return RunSql(site, work, std::move(gathered));
  if (work.plan.exchange != Exchange::kFiles) {
    std::int64_t input_rows = 0;
    std::vector<Counter> counters;
    ASSIGN_OR_RETURN(output.blocks,
                     MapByUserCode(site, work, {site.job, work.stage, work.index}, input_rows, counters));
    MapResult result = ResultOf(site, work, *output.blocks);
    result.input_rows = input_rows;
    result.counters = std::move(counters);
    ASSIGN_OR_RETURN(result.heavy, HeavyPairs(output.blocks->heavy));
    output.result = std::move(result);
    return output;
  }
  if (!site.spec.reduce.sql.empty()) return RunSql(site, work, std::move(gathered));
  ASSIGN_OR_RETURN(ReduceResult reduced, ReduceByUserCode(site, work, std::move(gathered)));
  output.result = std::move(reduced);
  return output;
}

}  // namespace

StatusOr<StageTaskOutput> RunStageTask(const Site& site, const StageTaskWork& work,
                                       shuffle::Fetcher& fetcher) {
  ASSIGN_OR_RETURN(Gathered gathered, Gather(site, work, fetcher));
  if (!gathered.lost.empty()) {
    StageTaskOutput output;
    output.result = ReduceResult{.lost_maps = std::move(gathered.lost)};
    return output;
  }
  const std::int64_t bytes = gathered.bytes;
  ASSIGN_OR_RETURN(StageTaskOutput output, RunGathered(site, work, std::move(gathered)));
  if (auto* map = std::get_if<MapResult>(&output.result)) map->input_bytes = bytes;
  if (auto* reduced = std::get_if<ReduceResult>(&output.result)) reduced->input_bytes = bytes;
  return output;
}

StatusOr<ReduceResult> RunFusedTask(const Site& site, const FusedWork& work) {
  const JobPlan& plan = work.plan;
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Database::OpenAlone(site));
  sql::Connection& connection = database->connection();
  ASSIGN_OR_RETURN(const InputViews views, CreateInputViews(connection, site.spec, plan.inputs, plan.splits));
  RETURN_IF_ERROR(RunSteps(connection, plan.fused));
  ReduceResult result;
  // Not plan.output: those columns are as they are written already, so that wide integers would become doubles.
  ASSIGN_OR_RETURN(result.files, WriteOutput(connection, site, "FROM " + QuoteName(plan.fused.back().view),
                                             plan.stages.back().columns, PartName(0), plan.ordered));
  for (const InputFacts& input : plan.inputs) {
    if (!input.broadcast && input.rows > 0) result.input_rows += input.rows;
  }
  result.input_rows += views.rows();
  for (const StagePlan& stage : plan.stages) {
    for (const SideOutput& side : stage.sides) {
      RETURN_IF_ERROR(Append(WriteSide(connection, site, side, PartName(0)), result.files));
    }
  }
  RETURN_IF_ERROR(Append(views.WriteBadRows(site, "fused"), result.files));
  return result;
}

}  // namespace millrace::mapreduce
