#include "core/spec/kinds.h"

namespace millrace {
namespace {

void CheckKey(const Value& with, std::vector<Problem>& problems) {
  const Value* mode = with.Find("mode");
  const Value* key = with.Find("key");
  const bool merge = mode != nullptr && mode->is_string() && mode->as_string() == "merge";
  const bool has_key = key != nullptr && !key->is_null() && !(key->is_list() && key->as_list().empty());
  if (merge && !has_key) {
    AddProblem(problems, mode->position(), "mode 'merge' needs 'key': the columns that tell rows apart",
               "key: [day, state]");
  }
}

}  // namespace

const TaskKind& LoadKind() {
  static const TaskKind kind{
      .name = "load",
      .doc = "Loads files into a table, in one transaction; a repeated run does not load twice.",
      .fields =
          {
              {.name = "connection",
               .type = FieldType::kString,
               .doc = "the database",
               .required = true,
               .use = FieldUse::kConnection},
              {.name = "table",
               .type = FieldType::kString,
               .doc = "name, or schema.name; made when it does not exist",
               .required = true,
               .use = FieldUse::kTemplate},
              {.name = "input",
               .type = FieldType::kString,
               .doc = "a file, folder or pattern beneath the worker's root",
               .required = true,
               .use = FieldUse::kTemplate},
              {.name = "mode",
               .type = FieldType::kChoice,
               .doc = "append (when left out; a repeat replaces the run's own rows), overwrite (the whole "
                      "table), merge (rows "
                      "with the same key are updated)",
               .choices = {"append", "overwrite", "merge"}},
              {.name = "key",
               .type = FieldType::kStringList,
               .doc = "for merge: the columns that tell rows apart"},
              {.name = "format",
               .type = FieldType::kChoice,
               .doc = "of the input; from the file names when left out",
               .choices = {"parquet", "csv", "jsonl"}},
          },
      .check = CheckKey};
  return kind;
}

}  // namespace millrace
