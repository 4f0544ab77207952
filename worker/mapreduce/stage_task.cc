#include "worker/mapreduce/stage_task.h"

#include <algorithm>

#include "platform/failpoint/failpoint.h"
#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/native.h"
#include "worker/mapreduce/output.h"
#include "worker/mapreduce/pairs.h"
#include "worker/mapreduce/sql_task.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteName;

constexpr int kFetchTries = 3;

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

}  // namespace

Status RunSteps(sql::Connection& connection, const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    if (!step.code.command.empty() || !step.code.library.empty()) continue;
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
  if (!site.spec.map.native()) return RunSqlTask(site, work, std::move(gathered));
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
  if (!site.spec.reduce.sql.empty()) return RunSqlTask(site, work, std::move(gathered));
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
      RETURN_IF_ERROR(AddFiles(WriteSide(connection, site, side, PartName(0)), result.files));
    }
  }
  RETURN_IF_ERROR(AddFiles(views.WriteBadRows(site, "fused"), result.files));
  return result;
}

}  // namespace millrace::mapreduce
