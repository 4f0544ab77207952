#include "core/spec/check_spec.h"
#include "core/spec/kinds.h"

namespace millrace {
namespace {

void CheckChecks(const Value& with, std::vector<Problem>& problems) {
  const Value* checks = with.Find("checks");
  if (checks == nullptr && with.Find("contract") == nullptr) {
    AddProblem(problems, with.position(), "nothing to check: 'contract' and 'checks' are both missing",
               "checks: [row_count > 0]");
  }
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
               .required = true,
               .use = FieldUse::kTemplate},
              {.name = "contract",
               .type = FieldType::kString,
               .doc = "a contract file beneath the DAG folder",
               .use = FieldUse::kFile},
              {.name = "checks",
               .type = FieldType::kList,
               .doc = "checks such as row_count > 0, not_null(state), {check: unique(id), severity: warn}",
               .use = FieldUse::kTemplate},
              {.name = "references",
               .type = FieldType::kStringMap,
               .doc = "name -> file, for relationships(column, name.column)",
               .use = FieldUse::kTemplate},
              {.name = "quarantine",
               .type = FieldType::kString,
               .doc = "folder that failing rows are written to",
               .use = FieldUse::kTemplate},
          },
      .check = CheckChecks};
  return kind;
}

}  // namespace millrace
