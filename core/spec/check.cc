#include <algorithm>

#include "core/spec/check_spec.h"
#include "core/spec/kinds.h"

namespace millrace {
namespace {

// Checks that name what they read.
bool NamesItsOwn(const Value& check) {
  const Value* type = check.is_map() ? check.Find("type") : nullptr;
  return type != nullptr && (*type == Value("value") || *type == Value("sql"));
}

void CheckSource(const Value& with, std::vector<Problem>& problems) {
  const Value* input = with.Find("input");
  const Value* table = with.Find("table");
  if (input != nullptr && table != nullptr) {
    AddProblem(problems, table->key_position(), "it checks 'input' or 'table', not both", "leave one out");
  }
  if (table != nullptr && with.Find("connection") == nullptr) {
    AddProblem(problems, table->key_position(), "'table' needs 'connection': the database that it is in",
               "connection: warehouse");
  }
  if (input != nullptr && with.Find("connection") != nullptr) {
    AddProblem(problems, with.Find("connection")->key_position(), "'connection' goes with 'table', not with 'input'",
               "files are looked for beneath the worker's root");
  }
  if (input != nullptr || table != nullptr) return;
  const Value* checks = with.Find("checks");
  const bool by_themselves = with.Find("contract") == nullptr && checks != nullptr && checks->is_list() &&
                             std::all_of(checks->as_list().begin(), checks->as_list().end(), NamesItsOwn);
  if (!by_themselves && (checks != nullptr || with.Find("contract") != nullptr)) {
    AddProblem(problems, with.position(), "'input' or 'table' is missing: what is checked",
               "input: a file, folder or pattern beneath the worker's root; or connection and table");
  }
}

void CheckChecks(const Value& with, std::vector<Problem>& problems) {
  const Value* checks = with.Find("checks");
  if (checks == nullptr && with.Find("contract") == nullptr) {
    AddProblem(problems, with.position(), "nothing to check: 'contract' and 'checks' are both missing",
               "checks: [row_count > 0]");
  }
  CheckSource(with, problems);
  if (checks == nullptr || !checks->is_list()) return;
  const Value* references = with.Find("references");
  for (const CheckSpec& check : ParseChecks(*checks, SpecPhase::kWritten, problems)) {
    if (check.reference_input.empty() ||
        (references != nullptr && references->Find(check.reference_input) != nullptr))
      continue;
    AddProblem(problems, check.where, check.name + ": unknown reference '" + check.reference_input + "'",
               "add it to 'references': {" + check.reference_input + ": path/of/the/file}");
  }
}

}  // namespace

const TaskKind& CheckKind() {
  static const TaskKind kind{
      .name = "check",
      .doc =
          "Looks whether data is as a contract, or a list of checks, says; fails otherwise and shows failing "
          "rows.",
      .fields =
          {
              {.name = "input",
               .type = FieldType::kString,
               .doc = "a file, folder or pattern beneath the worker's root",
               .use = FieldUse::kTemplate},
              {.name = "connection",
               .type = FieldType::kString,
               .doc = "the database of 'table', and of the SQL of checks; open for reading only",
               .use = FieldUse::kConnection},
              {.name = "table",
               .type = FieldType::kString,
               .doc = "instead of 'input': a table or view, table or schema.table",
               .use = FieldUse::kTemplate},
              {.name = "contract",
               .type = FieldType::kString,
               .doc = "a contract file beneath the DAG folder",
               .use = FieldUse::kFile},
              {.name = "checks",
               .type = FieldType::kList,
               .doc = "checks such as row_count > 0, not_null(state), {check: unique(id), severity: warn}, {type: value, sql: "
                      "SELECT ..., min: 10}",
               .use = FieldUse::kTemplate},
              {.name = "references",
               .type = FieldType::kStringMap,
               .doc = "name -> file, for relationships(column, name.column)",
               .use = FieldUse::kTemplate},
              {.name = "quarantine",
               .type = FieldType::kString,
               .doc = "folder that failing rows are written to",
               .use = FieldUse::kTemplate},
              {.name = "retry_on_failure",
               .type = FieldType::kBoolean,
               .doc = "true: what fails is tried again, as `retries` says; otherwise it is final"},
          },
      .check = CheckChecks};
  return kind;
}

}  // namespace millrace
