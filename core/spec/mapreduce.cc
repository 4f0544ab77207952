#include "core/spec/kinds.h"
#include "core/spec/mapreduce_spec.h"

namespace millrace {
namespace {

void CheckJob(const Value& with, std::vector<Problem>& problems) {
  ParseMapReduce(with, SpecPhase::kWritten, problems);
}

FieldSpec Step(std::string name, std::string doc) {
  // Text or a map: mapreduce_spec.cc looks at it.
  return {.name = std::move(name), .type = FieldType::kAny, .doc = std::move(doc), .use = FieldUse::kTemplate};
}

}  // namespace

const TaskKind& MapReduceKind() {
  static const TaskKind kind{
      .name = "mapreduce",
      .doc =
          "A job over files: map, shuffle and reduce on all workers, published as a whole. "
          "A step is one SELECT, {command: [...]} (lines in, key TAB value out) or {library: libx.so, class: "
          "Name}.",
      .fields =
          {
              {.name = "inputs",
               .type = FieldType::kMapOfMaps,
               .doc = "name -> where the rows are; SQL reads them by name",
               .required = true,
               .members =
                   {{.name = "path",
                     .type = FieldType::kString,
                     .doc = "a file, folder or pattern beneath the worker's root",
                     .required = true,
                     .use = FieldUse::kTemplate},
                    {.name = "read",
                     .type = FieldType::kChoice,
                     .doc = "broadcast: every stage task reads it whole; split: each reads a part; auto",
                     .choices = {"auto", "broadcast", "split"}},
                    {.name = "format",
                     .type = FieldType::kChoice,
                     .doc = "from the file names when left out",
                     .choices = kInputFormats},
                    {.name = "header", .type = FieldType::kBoolean, .doc = "csv: the first line holds names"},
                    {.name = "delimiter", .type = FieldType::kString, .doc = "csv: one character"},
                    {.name = "null", .type = FieldType::kString, .doc = "csv: text that means NULL"},
                    {.name = "columns",
                     .type = FieldType::kStringMap,
                     .doc = "csv, jsonl: name -> type, instead of guessing"},
                    {.name = "bad_rows",
                     .type = FieldType::kMap,
                     .doc = "csv, jsonl: records that cannot be read are skipped; without it one fails the job",
                     .members = {{.name = "limit",
                                  .type = FieldType::kInteger,
                                  .doc = "at most so many; one more fails the job",
                                  .required = true,
                                  .min = 1,
                                  .max = 1'000'000},
                                 {.name = "path",
                                  .type = FieldType::kString,
                                  .doc = "folder beneath the worker's root that they are published to, with file, offset, reason and text",
                                  .required = true,
                                  .use = FieldUse::kTemplate}}}}},
              Step("map", "rows of the inputs to rows; all rows of the only input when left out"),
              {.name = "aggregate",
               .type = FieldType::kMap,
               .doc = "GROUP BY across the shuffle; combine, merge and reduce follow from it",
               .members = {{.name = "by",
                            .type = FieldType::kStringList,
                            .doc = "columns of the map's rows",
                            .required = true},
                           {.name = "select",
                            .type = FieldType::kStringMap,
                            .doc = "column -> sum(x), count(*), min(x), max(x), avg(x), ...",
                            .required = true,
                            .use = FieldUse::kTemplate}}},
              Step("combine", "rows to states, at the map side"),
              Step("merge", "states to states; the same columns in and out"),
              Step("reduce", "the rows of `shuffled` to the result; as they are when left out"),
              {.name = "shuffle",
               .type = FieldType::kMap,
               .doc = "how rows travel",
               .members = {{.name = "by",
                            .type = FieldType::kStringList,
                            .doc = "key columns, when there is no aggregate"},
                           {.name = "partitions",
                            .type = FieldType::kAny,
                            .doc = "auto, or a number: then there always is a shuffle"},
                           {.name = "salt",
                            .type = FieldType::kAny,
                            .doc = "auto, none or a number: keys that a sample shows as heavy are spread over so many partitions"},
                           {.name = "cut",
                            .type = FieldType::kChoice,
                            .doc = "auto: several tasks read a partition that came out hot",
                            .choices = {"auto", "none"}}}},
              {.name = "order_by",
               .type = FieldType::kStringList,
               .doc = "a total order of the result: \"total DESC\", \"name\"; its files follow each other in it",
               .use = FieldUse::kTemplate},
              {.name = "limit", .type = FieldType::kInteger, .doc = "with order_by: only the first so many rows"},
              {.name = "stages",
               .type = FieldType::kListOfMaps,
               .doc = "the general form, instead of map, aggregate and reduce: stages that read inputs and earlier stages; "
                      "the last one is the output",
               .use = FieldUse::kTemplate,
               .members = StageFields()},
              {.name = "output",
               .type = FieldType::kMap,
               .doc = "where the result is published",
               .required = true,
               .members = OutputFields()},
              {.name = "checks",
               .type = FieldType::kList,
               .doc = "looked at before the result is published",
               .use = FieldUse::kTemplate},
              {.name = "mode",
               .type = FieldType::kChoice,
               .doc = "fused: one task, no shuffle; distributed: always a shuffle; auto",
               .choices = {"auto", "fused", "distributed"}},
              {.name = "explain",
               .type = FieldType::kBoolean,
               .doc = "true: only plan it; the report tells what would be done"},
              {.name = "files",
               .type = FieldType::kStringList,
               .doc = "scripts beneath the DAG folder, laid out in a command's working folder",
               .use = FieldUse::kFile},
          },
      .check = CheckJob};
  return kind;
}

}  // namespace millrace
