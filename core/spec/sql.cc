#include "core/spec/kinds.h"

namespace millrace {

const TaskKind& SqlKind() {
  static const TaskKind kind{
      .name = "sql",
      .doc = "Runs SQL in a database, or in a fresh DuckDB that sees the files beneath the worker's root.",
      .fields = {
          {.name = "sql",
           .type = FieldType::kStringList,
           .doc = "a statement, several separated by ';', or a list of them; one transaction",
           .required = true,
           .use = FieldUse::kTemplate},
          {.name = "connection",
           .type = FieldType::kString,
           .doc = "the database; without one, a DuckDB in memory",
           .use = FieldUse::kConnection},
      }};
  return kind;
}

}  // namespace millrace
