#include "dagctl/offline.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "core/calendar/format.h"
#include "core/calendar/timetable.h"
#include "core/model/problem_line.h"
#include "dagctl/dag_files.h"
#include "scheduler/dagbag/load.h"

namespace millrace::dagctl {
namespace {

// A text that a scheduler has loaded: its files were good there, and are not needed to read a schedule.
class AcceptedFiles final : public dagbag::FileReader {
 public:
  StatusOr<std::string> Read(std::string_view) const override { return std::string("name: accepted\n"); }
};

StatusOr<DagPtr> Pick(const dagbag::LoadResult& loaded, const std::string& dag_id) {
  std::string known;
  for (const DagPtr& dag : loaded.dags) {
    if (dag->id == dag_id) return dag;
    known += (known.empty() ? "" : ", ") + dag->id;
  }
  if (!loaded.problems.empty()) {
    std::string lines;
    for (const Problem& problem : loaded.problems) lines += (lines.empty() ? "" : "\n") + ToLine(problem);
    return InvalidArgument(lines);
  }
  return NotFound("DAG not found: " + dag_id + " (the file defines: " + known + ")");
}

StatusOr<dagbag::LoadResult> LoadFile(const std::string& file, const ZoneDatabase& zones) {
  DagFiles files({file}, "", zones);
  ASSIGN_OR_RETURN(const std::vector<std::string> paths, files.List());
  dagbag::LoadResult all;
  for (const std::string& path : paths) {
    StatusOr<DagFiles::Loaded> loaded = files.Load(path);
    if (!loaded.ok()) return loaded.status().WithContext(path);
    std::move(loaded->result.dags.begin(), loaded->result.dags.end(), std::back_inserter(all.dags));
    std::move(loaded->result.problems.begin(), loaded->result.problems.end(), std::back_inserter(all.problems));
  }
  return all;
}

}  // namespace

StatusOr<std::vector<DagPtr>> LoadFiles(const std::vector<std::string>& paths, const std::string& folder,
                                        const ZoneDatabase& zones) {
  DagFiles files(paths, folder, zones);
  ASSIGN_OR_RETURN(const std::vector<std::string> listed, files.List());
  std::vector<DagPtr> dags;
  std::string wrong;
  for (const std::string& file : listed) {
    const StatusOr<DagFiles::Loaded> loaded = files.Load(file);
    if (!loaded.ok()) return loaded.status().WithContext(file);
    for (const Problem& problem : loaded->result.problems)
      wrong += (wrong.empty() ? "" : "\n") + ToLine(problem);
    dags.insert(dags.end(), loaded->result.dags.begin(), loaded->result.dags.end());
  }
  if (!wrong.empty()) return InvalidArgument(wrong);
  return dags;
}

Status ReportFiles(Output& output, const std::vector<std::string>& paths, const ZoneDatabase& zones,
                   const Clock& clock) {
  DagFiles files(paths, "", zones);
  ASSIGN_OR_RETURN(const std::vector<std::string> listed, files.List());
  Value::List rows;
  for (const std::string& file : listed) {
    const BootTime before = clock.now().boot;
    const StatusOr<DagFiles::Loaded> read = files.Load(file);
    const Duration took = clock.now().boot - before;
    if (!read.ok()) return read.status().WithContext(file);
    const dagbag::LoadResult& loaded = read->result;
    std::string names;
    std::size_t tasks = 0;
    for (const DagPtr& dag : loaded.dags) {
      names += (names.empty() ? "" : ", ") + dag->id;
      tasks += dag->tasks.size();
    }
    rows.emplace_back(Value::Map{{"file", file},
                                 {"milliseconds", static_cast<double>(took.count()) / 1000},
                                 {"bytes", static_cast<std::int64_t>(read->bytes)},
                                 {"dags", static_cast<std::int64_t>(loaded.dags.size())},
                                 {"tasks", static_cast<std::int64_t>(tasks)},
                                 {"problems", static_cast<std::int64_t>(loaded.problems.size())},
                                 {"dag_ids", names}});
  }
  output.Rows({{"file", "FILE"},
               {"milliseconds", "MS"},
               {"bytes", "BYTES"},
               {"dags", "DAGS"},
               {"tasks", "TASKS"},
               {"problems", "PROBLEMS"},
               {"dag_ids", "WHICH"}},
              rows);
  return OkStatus();
}

Status Validate(Output& output, const std::vector<std::string>& paths, const std::string& folder,
                const ZoneDatabase& zones, bool& found) {
  DagFiles files(paths, folder, zones);
  ASSIGN_OR_RETURN(const std::vector<std::string> listed, files.List());
  std::vector<Problem> problems;
  std::map<std::string, std::string> owners;  // DAG id -> file
  for (const std::string& file : listed) {
    StatusOr<DagFiles::Loaded> loaded = files.Load(file);
    if (!loaded.ok()) {
      problems.push_back({file, {}, "cannot be read: " + loaded.status().message(), ""});
      continue;
    }
    std::move(loaded->result.problems.begin(), loaded->result.problems.end(), std::back_inserter(problems));
    for (const DagPtr& dag : loaded->result.dags) {
      const auto [owner, is_first] = owners.emplace(dag->id, file);
      if (is_first) continue;
      problems.push_back({file,
                          {1, 1},
                          "DAG '" + dag->id + "' is defined in " + owner->second + " already",
                          "give one of them another dag_id"});
    }
  }
  found = !problems.empty();
  if (output.format() == Format::kTable) {
    for (const Problem& problem : problems) output.Say(ToLine(problem));
    if (!found)
      output.Say(std::to_string(owners.size()) + " DAGs in " + std::to_string(listed.size()) +
                 " files, no problems");
    return OkStatus();
  }
  Value::List rows;
  for (const Problem& problem : problems) {
    rows.push_back(Value::Map{{"file", problem.file},
                              {"line", problem.where.line},
                              {"column", problem.where.column},
                              {"message", problem.message},
                              {"suggestion", problem.suggestion}});
  }
  output.Rows({{"file", ""}, {"line", ""}, {"column", ""}, {"message", ""}, {"suggestion", ""}}, rows);
  return OkStatus();
}

StatusOr<DagPtr> DagOfFile(const std::string& file, const std::string& dag_id, const ZoneDatabase& zones) {
  ASSIGN_OR_RETURN(const dagbag::LoadResult loaded, LoadFile(file, zones));
  return Pick(loaded, dag_id);
}

StatusOr<std::vector<DagPtr>> DagsOfFile(const std::string& file, const std::string& dag_id,
                                         const ZoneDatabase& zones) {
  ASSIGN_OR_RETURN(const dagbag::LoadResult loaded, LoadFile(file, zones));
  RETURN_IF_ERROR(Pick(loaded, dag_id).status());
  return loaded.dags;
}

StatusOr<DagPtr> DagOfText(const std::string& text, const std::string& dag_id, const ZoneDatabase& zones) {
  return Pick(dagbag::LoadDagFile(dag_id, text, AcceptedFiles(), zones), dag_id);
}

Status ShowNext(Output& output, const Dag& dag, const NextOptions& options, const ZoneDatabase& zones,
                WallTime now) {
  ASSIGN_OR_RETURN(const Zone* zone, zones.Find(dag.schedule.timezone));
  WallTime after = now;
  if (!options.after.empty()) {
    const StatusOr<WallTime> given = ParseTime(options.after, *zone);
    if (!given.ok()) return given.status().WithContext("--after");
    after = *given;
  }
  Value::List rows;
  ASSIGN_OR_RETURN(const Timetable timetable, Timetable::Of(dag.schedule, zones));
  const ScheduleWindow window{dag.schedule.start, dag.schedule.end, dag.schedule.catchup};
  for (const RunDates& dates : timetable.Upcoming(after, window, options.count)) {
    rows.push_back(Value::Map{{"run_after", FormatTime(dates.run_after)},
                              {"logical_date", FormatTime(dates.logical_date)},
                              {"data_interval_start", FormatTime(dates.interval_start)},
                              {"data_interval_end", FormatTime(dates.interval_end)}});
    if (const std::optional<Partition> partition = timetable.PartitionOf(dates))
      rows.back().Set("partition_key", partition->key);
  }
  if (rows.empty()) {
    output.Say(timetable.is_continuous()
                   ? "DAG " + dag.id + " runs continuously: each run begins when the one before it ended"
               : !timetable.is_manual() ? "DAG " + dag.id + " has no run after " + FormatTime(after)
               : dag.schedule.datasets  ? "DAG " + dag.id + " runs when these are updated: " +
                                             ConditionText(*dag.schedule.datasets)
                                       : "DAG " + dag.id + " has no schedule: it runs when it is triggered");
    if (output.format() == Format::kTable) return OkStatus();
  }
  std::vector<Field> fields = {{"run_after", "RUN AFTER"},
                               {"logical_date", "LOGICAL DATE"},
                               {"data_interval_start", "FROM"},
                               {"data_interval_end", "TO"}};
  if (dag.schedule.partitions) fields.push_back({"partition_key", "PARTITION"});
  output.Rows(fields, rows);
  return OkStatus();
}

}  // namespace millrace::dagctl
