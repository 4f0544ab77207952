#include "worker/tasks/load.h"

#include "core/model/json.h"
#include "platform/failpoint/failpoint.h"
#include "worker/lake/path.h"

namespace millrace::tasks {
namespace {

using sql::QuoteName;
using sql::QuoteText;

// Which attempts have loaded: one row a DAG, run and task. Kept in the database itself, so that it is as durable as the rows.
constexpr const char* kLoads =
    "CREATE TABLE IF NOT EXISTS millrace_loads (dag_id VARCHAR, run_id VARCHAR, task_id VARCHAR, term UBIGINT, counter UBIGINT, "
    "loaded_at TIMESTAMP, PRIMARY KEY (dag_id, run_id, task_id))";
// The column that appended rows carry, so that a repeated run replaces its own.
constexpr const char* kRunColumn = "millrace_run";

// "schema.name" or "name", quoted.
std::string Table(const std::string& name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return QuoteName(name);
  return QuoteName(name.substr(0, dot)) + "." + QuoteName(name.substr(dot + 1));
}

std::string Where(const Assignment& assignment) {
  return " WHERE dag_id = " + QuoteText(assignment.dag_id) + " AND run_id = " + QuoteText(assignment.run_id) +
         " AND task_id = " + QuoteText(assignment.task_id);
}

std::string Joined(const std::vector<std::string>& columns) {
  std::string joined;
  for (const std::string& column : columns) joined += (joined.empty() ? "" : ", ") + QuoteName(column);
  return joined;
}

}  // namespace

TaskEnd LoadTask::Run(TaskContext& context) {
  const StatusOr<std::string> result = Load(context);
  TaskEnd end = EndOf(context, result.status());
  if (result.ok()) end.result = *result;
  return end;
}

StatusOr<std::string> LoadTask::Load(TaskContext& context) {
  ASSIGN_OR_RETURN(const Value with, ParseJson(context.assignment().with));
  ASSIGN_OR_RETURN(const std::vector<std::string> files, lake::InputFiles(context.root(), TextOf(with, "input")));
  ASSIGN_OR_RETURN(const std::string source, ReadFiles(files, TextOf(with, "format")));
  RETURN_IF_ERROR(database_.Open(context, TextOf(with, "connection")));
  sql::Connection& connection = database_.connection();
  RETURN_IF_ERROR(connection.Run("BEGIN TRANSACTION").status());
  Status status = InTransaction(context, with, source);
  Failpoint("load.before_commit");
  if (status.ok()) status = connection.Run("COMMIT").status();
  Failpoint("load.after_commit");
  if (!status.ok()) {
    (void)connection.Run("ROLLBACK");
    return status;
  }
  // Into the file itself: others open it next.
  RETURN_IF_ERROR(connection.Run("CHECKPOINT").status());
  Failpoint("load.checkpointed");
  const std::string table = TextOf(with, "table");
  ASSIGN_OR_RETURN(const sql::Result rows, connection.Run("SELECT count(*) FROM " + source));
  ASSIGN_OR_RETURN(const sql::Result total, connection.Run("SELECT count(*) FROM " + Table(table)));
  context.Log("Loaded " + std::to_string(rows.Integer(0, 0)) + " rows; " + table + " has " +
              std::to_string(total.Integer(0, 0)) + "\n");
  return ToJson(Value::Map{{"table", table}, {"rows", rows.Integer(0, 0)}, {"table_rows", total.Integer(0, 0)}});
}

Status LoadTask::InTransaction(TaskContext& context, const Value& with, const std::string& source) {
  sql::Connection& connection = database_.connection();
  const Assignment& assignment = context.assignment();
  const std::string table = Table(TextOf(with, "table"));
  const std::string mode = TextOf(with, "mode", "append");
  RETURN_IF_ERROR(RefuseOlder(assignment));
  const std::string run = QuoteText(assignment.dag_id + "/" + assignment.run_id + "/" + assignment.task_id);
  const std::string shape = mode == "append" ? "SELECT *, " + run + " AS " + kRunColumn + " FROM " + source : "SELECT * FROM " + source;
  RETURN_IF_ERROR(connection.Run("CREATE TABLE IF NOT EXISTS " + table + " AS " + shape + " LIMIT 0").status());
  if (mode == "overwrite") {
    RETURN_IF_ERROR(connection.Run("DELETE FROM " + table).status());
    RETURN_IF_ERROR(connection.Run("INSERT INTO " + table + " BY NAME SELECT * FROM " + source).status());
  } else if (mode == "merge") {
    RETURN_IF_ERROR(Merge(TextsOf(with, "key"), table, source));
  } else {
    RETURN_IF_ERROR(Append(assignment, table, source));
  }
  return Remember(assignment);
}

Status LoadTask::RefuseOlder(const Assignment& assignment) {
  sql::Connection& connection = database_.connection();
  RETURN_IF_ERROR(connection.Run(kLoads).status());
  ASSIGN_OR_RETURN(const sql::Result last, connection.Run("SELECT term, counter FROM millrace_loads" + Where(assignment)));
  if (last.row_count() == 0) return OkStatus();
  const Fence newest{static_cast<std::uint32_t>(last.Integer(0, 0)), static_cast<std::uint64_t>(last.Integer(1, 0))};
  if (assignment.fence < newest) {
    return Aborted("a newer attempt has already loaded (its fence is " + ToString(newest) + ", this one's " +
                   ToString(assignment.fence) + ")");
  }
  return OkStatus();
}

Status LoadTask::Remember(const Assignment& assignment) {
  return database_.connection()
      .Run("INSERT OR REPLACE INTO millrace_loads VALUES (" + QuoteText(assignment.dag_id) + ", " + QuoteText(assignment.run_id) +
           ", " + QuoteText(assignment.task_id) + ", " + std::to_string(assignment.fence.term) + ", " +
           std::to_string(assignment.fence.counter) + ", current_timestamp::TIMESTAMP)")
      .status();
}

Status LoadTask::Append(const Assignment& assignment, const std::string& table, const std::string& source) {
  sql::Connection& connection = database_.connection();
  const std::string run = QuoteText(assignment.dag_id + "/" + assignment.run_id + "/" + assignment.task_id);
  RETURN_IF_ERROR(connection.Run("DELETE FROM " + table + " WHERE " + kRunColumn + " = " + run).status());
  return connection.Run("INSERT INTO " + table + " BY NAME SELECT *, " + run + " AS " + kRunColumn + " FROM " + source).status();
}

Status LoadTask::Merge(const std::vector<std::string>& key, const std::string& table, const std::string& source) {
  sql::Connection& connection = database_.connection();
  if (key.empty()) return InvalidArgument("mode merge needs 'key': the columns that tell rows apart");
  const std::string columns = Joined(key);
  ASSIGN_OR_RETURN(const sql::Result repeated,
                   connection.Run("SELECT count(*) FROM (SELECT 1 FROM " + source + " GROUP BY " + columns + " HAVING count(*) > 1)"));
  if (repeated.Integer(0, 0) > 0) {
    return InvalidArgument(std::to_string(repeated.Integer(0, 0)) + " keys (" + columns +
                           ") stand in several rows of the input: merge cannot tell which one counts");
  }
  std::string matches;
  for (const std::string& column : key) {
    matches += (matches.empty() ? "" : " AND ") + std::string("target.") + QuoteName(column) + " IS NOT DISTINCT FROM source." + QuoteName(column);
  }
  RETURN_IF_ERROR(connection.Run("DELETE FROM " + table + " AS target USING " + source + " AS source WHERE " + matches).status());
  return connection.Run("INSERT INTO " + table + " BY NAME SELECT * FROM " + source).status();
}

}  // namespace millrace::tasks
