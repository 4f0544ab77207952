#include "worker/tasks/extract.h"

#include <cstdio>

#include "core/model/json.h"
#include "worker/lake/path.h"
#include "worker/lake/publish.h"
#include "worker/lake/staging.h"

namespace millrace::tasks {
namespace {

std::string PartName(std::int64_t part, const std::string& format) {
  char name[32];
  std::snprintf(name, sizeof name, "part-%05lld.", static_cast<long long>(part));
  return name + format;
}

}  // namespace

TaskEnd ExtractTask::Run(TaskContext& context) {
  const StatusOr<std::string> result = Extract(context);
  lake::DropStaging(context.root(), lake::StagingName(scheduler_, "task", context.assignment().instance));
  TaskEnd end = EndOf(context, result.status());
  if (result.ok()) end.result = *result;
  return end;
}

StatusOr<std::string> ExtractTask::Extract(TaskContext& context) {
  const Assignment& assignment = context.assignment();
  ASSIGN_OR_RETURN(const Value with, ParseJson(assignment.with));
  ASSIGN_OR_RETURN(const std::string folder, lake::Beneath(context.root(), TextOf(with, "to")));
  const std::string format = TextOf(with, "format", "parquet");
  const std::int64_t parts = std::max<std::int64_t>(NumberOf(with, "files", 1), 1);
  ASSIGN_OR_RETURN(const std::string options, CopyOptions(format));
  RETURN_IF_ERROR(database_.Open(context, TextOf(with, "connection")));
  sql::Connection& connection = database_.connection();
  ASSIGN_OR_RETURN(const sql::SelectFacts select, connection.CheckSelect(TextOf(with, "sql")));

  // Once into a table (which spills when it is large), so that the files are pieces of one answer.
  context.Log(select.text + "\n");
  RETURN_IF_ERROR(connection.Run("CREATE TEMP TABLE millrace_extract AS SELECT * FROM (" + select.text + ")").status());
  lake::Manifest manifest{.fence = assignment.fence, .scheduler = scheduler_, .dag_id = assignment.dag_id, .run_id = assignment.run_id,
                          .task_id = assignment.task_id, .format = format};
  ASSIGN_OR_RETURN(manifest.columns, connection.Describe("SELECT * FROM millrace_extract"));
  ASSIGN_OR_RETURN(const sql::Result count, connection.Run("SELECT count(*) FROM millrace_extract"));
  const std::int64_t rows = count.Integer(0, 0);

  const std::string all_attempts = lake::StagingName(scheduler_, "task", assignment.instance);
  ASSIGN_OR_RETURN(const std::string staging, lake::MakeStaging(context.root(), all_attempts, assignment.fence));
  std::vector<lake::StagedFile> staged;
  for (std::int64_t part = 0; part < parts; ++part) {
    const std::int64_t begin = rows * part / parts;
    const std::int64_t end = rows * (part + 1) / parts;
    const std::string name = PartName(part, format);
    RETURN_IF_ERROR(connection.Run("COPY (SELECT * FROM millrace_extract WHERE rowid >= " + std::to_string(begin) + " AND rowid < " +
                                   std::to_string(end) + ") TO " + sql::QuoteText(staging + "/" + name) + " " + options)
                        .status());
    ASSIGN_OR_RETURN(OutputFile file, lake::Seal(staging, name, end - begin));
    staged.push_back({.source = staging + "/" + name, .file = std::move(file)});
  }
  RETURN_IF_ERROR(lake::SyncFolder(staging));
  if (database_.cancelled()) return Cancelled("cancelled");
  RETURN_IF_ERROR(lake::Publish(folder, std::move(manifest), staged));
  context.Log("Published " + std::to_string(rows) + " rows in " + std::to_string(parts) + " files: " + folder + "\n");
  return ToJson(Value::Map{{"path", TextOf(with, "to")}, {"rows", rows}, {"files", parts}});
}

}  // namespace millrace::tasks
