#include "core/spec/kinds.h"

namespace millrace {

const TaskKind& ExtractKind() {
  static const TaskKind kind{
      .name = "extract",
      .doc = "Writes what a query answers to files of the lake, in one visible step.",
      .fields = {
          {.name = "sql",
           .type = FieldType::kString,
           .doc = "one SELECT",
           .required = true,
           .use = FieldUse::kTemplate},
          {.name = "connection",
           .type = FieldType::kString,
           .doc = "the database; without one, a DuckDB that reads files beneath the worker's root",
           .use = FieldUse::kConnection},
          {.name = "to",
           .type = FieldType::kString,
           .doc = "folder beneath the worker's root; replaced as a whole",
           .required = true,
           .use = FieldUse::kTemplate},
          {.name = "files",
           .type = FieldType::kInteger,
           .doc = "how many files to write; 1 when left out",
           .min = 1,
           .max = 10'000},
          {.name = "format",
           .type = FieldType::kChoice,
           .doc = "parquet when left out",
           .choices = kOutputFormats},
      }};
  return kind;
}

}  // namespace millrace
