#include "worker/mapreduce/reduce_task.h"

#include <algorithm>

#include "platform/failpoint/failpoint.h"
#include "worker/mapreduce/aggregate.h"
#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/native.h"
#include "worker/mapreduce/output.h"
#include "worker/mapreduce/plan.h"

namespace millrace::mapreduce {
namespace {

constexpr int kFetchTries = 3;
constexpr std::int32_t kSourceStage = 0;  // a job has one stage of maps
constexpr const char* kRawStates = "states";

bool IsLost(const Status& status) {
  return status.code() == Code::kNotFound || status.code() == Code::kDataLoss || status.code() == Code::kUnavailable;
}

StatusOr<shuffle::BlockBytes> FetchOne(const Site& site, std::int32_t stage, const MapOutput& source,
                                       shuffle::PartitionRange range, shuffle::Fetcher& fetcher) {
  for (int tries = 1;; ++tries) {
    StatusOr<shuffle::BlockBytes> blocks = fetcher.Fetch(site.job, stage, source, range);
    if (blocks.ok() || blocks.status().code() != Code::kUnavailable || tries == kFetchTries) return blocks;
  }
}

// `shuffled` as reduce sees it, from the view `states`: what the shuffle brought, or what combine made in a fused task.
Status MergeInto(sql::Connection& connection, const MapReduceSpec& spec, const Fragment& merge) {
  if (merge.sql.empty()) return CreateView(connection, kShuffled, std::string("FROM ") + kStates);
  // Ours reads `states`.
  if (spec.aggregate) return CreateView(connection, kShuffled, merge.sql);
  // The author's reads `shuffled`, which a view of that name cannot do of itself.
  RETURN_IF_ERROR(CreateView(connection, kShuffled, std::string("FROM ") + kStates));
  RETURN_IF_ERROR(connection.Run("CREATE OR REPLACE TEMP TABLE merged AS\n" + merge.sql).status());
  return CreateView(connection, kShuffled, "FROM merged");
}

std::string ReduceSelect(const Fragment& reduce) {
  return reduce.sql.empty() ? std::string("FROM ") + kShuffled : reduce.sql;
}

StatusOr<std::vector<OutputFile>> WriteReduced(sql::Connection& connection, const Site& site, const Fragment& reduce,
                                               const std::string& part) {
  const std::string select = ReduceSelect(reduce);
  ASSIGN_OR_RETURN(const std::vector<Column> columns, connection.Describe(select));
  return WriteOutput(connection, site, select, columns, part);
}

StatusOr<ReduceResult> ReduceBySql(const Site& site, const ReduceWork& work, Gathered gathered) {
  ReduceResult result;
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Database::Open(site));
  sql::Connection& connection = database->connection();
  ASSIGN_OR_RETURN(const InputViews views, CreateInputViews(connection, site.spec, work.inputs, {}));
  StatusOr<std::unique_ptr<sql::ShuffleInput>> input =
      sql::OpenShuffleInput(connection, kStates, work.shuffled, std::move(gathered.blocks), &result.lost_maps);
  if (!input.ok()) {
    if (!result.lost_maps.empty()) return result;
    return input.status();
  }
  result.input_rows = static_cast<std::int64_t>((*input)->rows());
  const Status merged = MergeInto(connection, site.spec, work.merge);
  Failpoint("reduce.merged");
  StatusOr<std::vector<OutputFile>> files =
      merged.ok() ? WriteReduced(connection, site, work.reduce, PartName(work.partition_begin))
                  : StatusOr<std::vector<OutputFile>>(merged);
  if (!files.ok()) {
    result.lost_maps = (*input)->corrupt_maps();
    if (!result.lost_maps.empty()) return result;
    return files.status();
  }
  result.files = *std::move(files);
  Failpoint("reduce.staged");
  return result;
}

// What `shuffled` holds when all rows are at one place: the plain aggregate, without states.
Status CreateFusedShuffled(sql::Connection& connection, const MapReduceSpec& spec, const JobPlan& plan) {
  if (spec.aggregate) return CreateView(connection, kShuffled, PlainAggregate(*spec.aggregate, kMapped));
  RETURN_IF_ERROR(CreateView(connection, kStates, plan.combine.sql.empty() ? std::string("FROM ") + kMapped : plan.combine.sql));
  return MergeInto(connection, spec, plan.merge);
}

}  // namespace

StatusOr<Gathered> Gather(const Site& site, const ReduceWork& work, shuffle::Fetcher& fetcher) {
  const shuffle::PartitionRange range{static_cast<std::uint32_t>(work.partition_begin),
                                      static_cast<std::uint32_t>(work.partition_end)};
  Gathered gathered;
  for (const MapOutput& source : work.sources) {
    if (site.cancellation != nullptr && site.cancellation->cancelled()) return Cancelled("the attempt was cancelled");
    StatusOr<shuffle::BlockBytes> blocks = FetchOne(site, kSourceStage, source, range, fetcher);
    Failpoint("reduce.fetched");
    if (blocks.ok()) {
      gathered.blocks.push_back({source.map_index, *std::move(blocks)});
    } else if (IsLost(blocks.status())) {
      site.Log("map " + std::to_string(source.map_index) + " is lost: " + blocks.status().ToString());
      gathered.lost_maps.push_back(source.map_index);
    } else {
      return blocks.status().WithContext("map " + std::to_string(source.map_index));
    }
  }
  std::sort(gathered.lost_maps.begin(), gathered.lost_maps.end());
  return gathered;
}

StatusOr<ReduceResult> RunReduceTask(const Site& site, const ReduceWork& work, shuffle::Fetcher& fetcher) {
  ASSIGN_OR_RETURN(Gathered gathered, Gather(site, work, fetcher));
  if (!gathered.lost_maps.empty()) return ReduceResult{.lost_maps = std::move(gathered.lost_maps)};
  if (site.spec.reduce.native() || (site.spec.map.native() && site.spec.reduce.empty())) {
    return ReduceByUserCode(site, work, std::move(gathered));
  }
  return ReduceBySql(site, work, std::move(gathered));
}

StatusOr<ReduceResult> RunFusedTask(const Site& site, const FusedWork& work) {
  const JobPlan& plan = work.plan;
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Database::OpenAlone(site));
  sql::Connection& connection = database->connection();
  ASSIGN_OR_RETURN(const InputViews views, CreateInputViews(connection, site.spec, plan.inputs, plan.splits));
  RETURN_IF_ERROR(CreateView(connection, kMapped, plan.map.sql));
  RETURN_IF_ERROR(CreateFusedShuffled(connection, site.spec, plan));
  ReduceResult result;
  ASSIGN_OR_RETURN(result.files, WriteReduced(connection, site, plan.reduce, PartName(0)));
  for (const InputFacts& input : plan.inputs) {
    if (!input.broadcast && input.rows > 0) result.input_rows += input.rows;
  }
  return result;
}

}  // namespace millrace::mapreduce
