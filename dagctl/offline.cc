#include "dagctl/offline.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include "core/calendar/format.h"
#include "core/calendar/timetable.h"
#include "core/model/problem_line.h"
#include "core/model/yaml.h"
#include "scheduler/dagbag/folder_reader.h"
#include "scheduler/dagbag/load.h"

namespace millrace::dagctl {
namespace {

namespace fs = std::filesystem;

// One byte more than a DAG file may have, so that one that is too large is told as such.
constexpr std::streamsize kMostBytes = kMaxYamlBytes + 1;

// A text that a scheduler has loaded: its files were good there, and are not needed to read a schedule.
class AcceptedFiles final : public dagbag::FileReader {
 public:
  StatusOr<std::string> Read(std::string_view) const override { return std::string("name: accepted\n"); }
};

StatusOr<std::vector<std::string>> FilesOf(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<std::string> found, dagbag::FolderReader(path).List());
    for (const std::string& file : found) files.push_back((fs::path(path) / file).string());
  }
  return files;
}

// A folder's own DAG files name their contracts from that folder, however deep they lie.
std::string DagFolder(const std::string& file, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    std::error_code error;
    const std::string relative = fs::path(file).lexically_relative(path).string();
    if (fs::is_directory(path, error) && !relative.empty() && !relative.starts_with("..")) return path;
  }
  return FolderOf(file);
}

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
  const StatusOr<std::string> text = ReadText(file);
  if (!text.ok()) return text.status().WithContext(file);
  const dagbag::FolderReader reader(FolderOf(file));
  return dagbag::LoadDagFile(file, *text, reader, zones);
}

}  // namespace

StatusOr<std::string> ReadText(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return InvalidArgument("it is a folder");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return ErrnoStatus(errno != 0 ? errno : ENOENT, path);
  std::string text(static_cast<std::size_t>(kMostBytes), '\0');
  stream.read(text.data(), kMostBytes);
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

std::string FolderOf(const std::string& file) {
  const std::string parent = fs::path(file).parent_path().string();
  return parent.empty() ? "." : parent;
}

StatusOr<std::vector<LoadedDag>> LoadFiles(const std::vector<std::string>& paths, const std::string& folder,
                                           const ZoneDatabase& zones) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(paths));
  std::vector<LoadedDag> dags;
  std::string wrong;
  for (const std::string& file : files) {
    const StatusOr<std::string> text = ReadText(file);
    if (!text.ok()) return text.status().WithContext(file);
    const dagbag::FolderReader reader(folder.empty() ? DagFolder(file, paths) : folder);
    const dagbag::LoadResult loaded = dagbag::LoadDagFile(file, *text, reader, zones);
    for (const Problem& problem : loaded.problems) wrong += (wrong.empty() ? "" : "\n") + ToLine(problem);
    for (const DagPtr& dag : loaded.dags) dags.push_back({file, dag});
  }
  if (!wrong.empty()) return InvalidArgument(wrong);
  return dags;
}

Status ReportFiles(Output& output, const std::vector<std::string>& paths, const ZoneDatabase& zones,
                   const Clock& clock) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(paths));
  Value::List rows;
  for (const std::string& file : files) {
    const StatusOr<std::string> text = ReadText(file);
    if (!text.ok()) return text.status().WithContext(file);
    const dagbag::FolderReader reader(DagFolder(file, paths));
    const BootTime before = clock.now().boot;
    const dagbag::LoadResult loaded = dagbag::LoadDagFile(file, *text, reader, zones);
    const Duration took = clock.now().boot - before;
    std::string names;
    std::size_t tasks = 0;
    for (const DagPtr& dag : loaded.dags) {
      names += (names.empty() ? "" : ", ") + dag->id;
      tasks += dag->tasks.size();
    }
    rows.emplace_back(Value::Map{{"file", file},
                                 {"milliseconds", static_cast<double>(took.count()) / 1000},
                                 {"bytes", static_cast<std::int64_t>(text->size())},
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
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(paths));
  std::vector<Problem> problems;
  std::map<std::string, std::string> owners;  // DAG id -> file
  for (const std::string& file : files) {
    const StatusOr<std::string> text = ReadText(file);
    if (!text.ok()) {
      problems.push_back({file, {}, "cannot be read: " + text.status().message(), ""});
      continue;
    }
    const std::string beneath = folder.empty() ? DagFolder(file, paths) : folder;
    const dagbag::FolderReader reader(beneath);
    dagbag::LoadResult loaded = dagbag::LoadDagFile(file, *text, reader, zones);
    for (Problem& problem : loaded.problems) {
      if (problem.file != file) problem.file = (fs::path(beneath) / problem.file).string();  // a contract
      problems.push_back(std::move(problem));
    }
    for (const DagPtr& dag : loaded.dags) {
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
      output.Say(std::to_string(owners.size()) + " DAGs in " + std::to_string(files.size()) +
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
