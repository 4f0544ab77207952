#include "worker/mapreduce/map_task.h"

#include <algorithm>

#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/native.h"
#include "worker/mapreduce/plan.h"
#include "worker/sql/shuffle_copy.h"

namespace millrace::mapreduce {
namespace {

StatusOr<shuffle::FinishedOutput> MapBySql(const Site& site, const MapWork& work, const shuffle::OutputKey& key) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Database::Open(site));
  sql::Connection& connection = database->connection();
  ASSIGN_OR_RETURN(const InputViews views, CreateInputViews(connection, site.spec, work.inputs, work.splits));
  RETURN_IF_ERROR(CreateView(connection, kMapped, work.map.sql));
  return sql::RunMapFragment(connection,
                             {.select = work.combine.sql.empty() ? std::string("FROM ") + kMapped : work.combine.sql,
                              .keys = work.keys,
                              .partitions = static_cast<std::uint32_t>(work.partitions),
                              .buffer_bytes = ShuffleBytes(site),
                              .memory_bytes = ShuffleBytes(site),
                              .folder = site.scratch},
                             key, site.fence);
}

// Known of Parquet alone, whose splits are ranges of rows.
std::int64_t RowsOf(const MapWork& work) {
  std::int64_t rows = 0;
  for (const Split& split : work.splits) {
    const auto is_input = [&](const InputFacts& input) { return input.name == split.input && input.format == "parquet"; };
    if (std::any_of(work.inputs.begin(), work.inputs.end(), is_input)) rows += split.end - split.begin;
  }
  return rows;
}

}  // namespace

StatusOr<MapTaskOutput> RunMapTask(const Site& site, const MapWork& work) {
  const shuffle::OutputKey key{site.job, work.stage, work.map_index};
  MapTaskOutput output;
  ASSIGN_OR_RETURN(output.blocks, site.spec.map.native() ? MapByUserCode(site, work, key, output.result.input_rows)
                                                         : MapBySql(site, work, key));
  MapResult& result = output.result;
  result.output.map_index = work.map_index;
  result.output.fence = site.fence;
  for (const shuffle::PartitionFacts& partition : output.blocks.partitions) {
    result.partitions.push_back({static_cast<std::int64_t>(partition.bytes), static_cast<std::int64_t>(partition.rows)});
  }
  result.digest = shuffle::FoldedDigest(output.blocks.partitions);
  if (!site.spec.map.native()) result.input_rows = RowsOf(work);
  result.spilled_bytes = static_cast<std::int64_t>(output.blocks.spilled_bytes);
  return output;
}

}  // namespace millrace::mapreduce
