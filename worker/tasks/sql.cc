#include "worker/tasks/sql.h"

#include "core/model/json.h"

namespace millrace::tasks {

TaskEnd SqlTask::Run(TaskContext& context) {
  const StatusOr<std::string> result = RunAll(context);
  TaskEnd end = EndOf(context, result.status());
  if (result.ok()) end.result = *result;
  return end;
}

StatusOr<std::string> SqlTask::RunAll(TaskContext& context) {
  ASSIGN_OR_RETURN(const Value with, ParseJson(context.assignment().with));
  RETURN_IF_ERROR(database_.Open(context, TextOf(with, "connection")));
  RETURN_IF_ERROR(database_.connection().Run("BEGIN TRANSACTION").status());
  std::uint64_t rows = 0;
  for (const std::string& statements : TextsOf(with, "sql")) {
    StatusOr<sql::Result> result = database_.Run(context, statements);
    if (!result.ok()) {
      (void)database_.connection().Run("ROLLBACK");
      return result.status();
    }
    rows = result->row_count();
  }
  RETURN_IF_ERROR(database_.connection().Run("COMMIT").status());
  return ToJson(Value::Map{{"rows", static_cast<std::int64_t>(rows)}});
}

}  // namespace millrace::tasks
