#include "worker/tasks/check.h"

#include "core/model/json.h"
#include "core/model/yaml.h"
#include "worker/lake/path.h"
#include "worker/lake/publish.h"
#include "worker/lake/staging.h"
#include "worker/quality/checks.h"

namespace millrace::tasks {
namespace {

constexpr std::size_t kMostReported = 40'000;  // less than a result may have

// schema.table, each part a name.
std::string QuoteTable(std::string_view table) {
  std::string quoted;
  while (true) {
    const std::size_t dot = table.find('.');
    quoted += sql::QuoteName(std::string(table.substr(0, dot)));
    if (dot == std::string_view::npos) return quoted;
    quoted += ".";
    table.remove_prefix(dot + 1);
  }
}

// The task's own checks and those of its contract.
StatusOr<std::vector<CheckSpec>> AllChecks(const TaskContext& context, const CheckTaskSpec& spec) {
  std::vector<CheckSpec> checks = spec.checks;
  if (spec.contract.empty()) return checks;
  ASSIGN_OR_RETURN(const std::string text, context.File(spec.contract));
  const YamlText yaml = ParseYaml(text);
  if (!yaml.problems.empty() || yaml.documents.size() != 1) {
    return InvalidArgument("the contract " + spec.contract + " cannot be read: " +
                           (yaml.problems.empty() ? std::string("it must be one document") : yaml.problems[0].message));
  }
  ASSIGN_OR_RETURN(const Contract contract, ParseRenderedContract(yaml.documents[0]));
  for (CheckSpec& check : contract.Checks()) checks.push_back(std::move(check));
  return checks;
}

}  // namespace

TaskEnd CheckTask::Run(TaskContext& context) {
  StatusOr<TaskEnd> end = Check(context);
  lake::DropStaging(context.root(), lake::StagingName(scheduler_, "check", context.assignment().instance));
  return end.ok() ? *std::move(end) : EndOf(context, end.status());
}

StatusOr<TaskEnd> CheckTask::Check(TaskContext& context) {
  ASSIGN_OR_RETURN(const Value with, ParseJson(context.assignment().with));
  ASSIGN_OR_RETURN(const CheckTaskSpec spec, ParseCheckTask(with));
  ASSIGN_OR_RETURN(const std::vector<CheckSpec> checks, AllChecks(context, spec));
  RETURN_IF_ERROR(database_.Open(context, spec.connection, true));
  sql::Connection& connection = database_.connection();
  std::vector<std::pair<std::string, std::string>> views = spec.references;
  if (!spec.input.empty()) views.emplace_back("input", spec.input);
  for (const auto& [name, path] : views) {
    ASSIGN_OR_RETURN(const std::vector<std::string> files, lake::InputFiles(context.root(), path));
    ASSIGN_OR_RETURN(const std::string source, ReadFiles(files, ""));
    RETURN_IF_ERROR(connection.Run("CREATE TEMP VIEW " + sql::QuoteName(name) + " AS SELECT * FROM " + source).status());
  }
  if (!spec.table.empty())
    RETURN_IF_ERROR(connection.Run("CREATE TEMP VIEW \"input\" AS SELECT * FROM " + QuoteTable(spec.table)).status());
  quality::CheckTarget target{.relation = "\"input\"", .now = clock_.now().wall};
  if (!spec.input.empty() || !spec.table.empty()) {
    ASSIGN_OR_RETURN(target.columns, connection.Describe("SELECT * FROM \"input\""));
  }
  ASSIGN_OR_RETURN(const std::vector<quality::CheckOutcome> outcomes, quality::RunChecks(connection, target, checks));
  context.Log(quality::ToText(outcomes));

  Value result = Value::Map{{"checks", quality::ToValue(outcomes)}};
  if (!spec.quarantine.empty()) {
    ASSIGN_OR_RETURN(const std::int64_t rows, Quarantine(context, spec.quarantine, checks));
    result.Set("quarantined_rows", rows);
  }
  TaskEnd end;
  end.result = ToJson(result);
  if (end.result.size() > kMostReported) end.result = R"({"checks": "too long, see the log"})";
  if (!quality::Passed(outcomes)) {
    end.outcome = spec.retry ? Outcome::kFailed : Outcome::kFailFinal;
    for (const quality::CheckOutcome& outcome : outcomes) {
      if (outcome.passed || outcome.severity != Severity::kError) continue;
      end.message += (end.message.empty() ? "check failed: " : "; ") + outcome.name + " (" + outcome.message + ")";
    }
  }
  return end;
}

// Every row that fails a check of single rows, once, with the checks it fails.
StatusOr<std::int64_t> CheckTask::Quarantine(TaskContext& context, const std::string& to, const std::vector<CheckSpec>& checks) {
  const Assignment& assignment = context.assignment();
  std::string reasons;
  std::string any;
  for (const CheckSpec& check : checks) {
    const std::string condition = quality::FailingRow(check, {});
    if (condition.empty()) continue;
    reasons += (reasons.empty() ? "" : ", ") + std::string("CASE WHEN ") + condition + " THEN " + sql::QuoteText(check.name) + " END";
    any += (any.empty() ? "(" : " OR (") + condition + ")";
  }
  if (any.empty()) return std::int64_t{0};
  ASSIGN_OR_RETURN(const std::string folder, lake::Beneath(context.root(), to));
  const std::string all_attempts = lake::StagingName(scheduler_, "check", assignment.instance);
  ASSIGN_OR_RETURN(const std::string staging, lake::MakeStaging(context.root(), all_attempts, assignment.fence));
  sql::Connection& connection = database_.connection();
  RETURN_IF_ERROR(connection.Run("CREATE TEMP TABLE millrace_bad AS SELECT *, concat_ws('; ', " + reasons + ") AS failed_checks FROM \"input\" WHERE " + any)
                      .status());
  ASSIGN_OR_RETURN(const sql::Result count, connection.Run("SELECT count(*) FROM millrace_bad"));
  const std::int64_t rows = count.Integer(0, 0);
  lake::Manifest manifest{.fence = assignment.fence, .scheduler = scheduler_, .dag_id = assignment.dag_id, .run_id = assignment.run_id,
                          .task_id = assignment.task_id, .format = "parquet"};
  ASSIGN_OR_RETURN(manifest.columns, connection.Describe("SELECT * FROM millrace_bad"));
  RETURN_IF_ERROR(connection.Run("COPY millrace_bad TO " + sql::QuoteText(staging + "/part-00000.parquet") + " (FORMAT parquet)").status());
  ASSIGN_OR_RETURN(OutputFile file, lake::Seal(staging, "part-00000.parquet", rows));
  RETURN_IF_ERROR(lake::Publish(folder, std::move(manifest), {{.source = staging + "/part-00000.parquet", .file = std::move(file)}}));
  context.Log("Quarantined " + std::to_string(rows) + " rows: " + folder + "\n");
  return rows;
}

}  // namespace millrace::tasks
