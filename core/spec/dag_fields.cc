#include "core/spec/dag_fields.h"

#include <utility>

#include "core/spec/schedule_fields.h"
#include "core/spec/task_kind.h"

namespace millrace {
namespace {

// What tasks and default_args share.
std::vector<FieldSpec> TaskPolicyFields() {
  return {
      {.name = "owner", .type = FieldType::kString, .doc = "who answers for the task"},
      {.name = "retries",
       .type = FieldType::kInteger,
       .doc = "attempts after the first; 0 when left out",
       .min = 0,
       .max = 1000},
      {.name = "retry_delay",
       .type = FieldType::kDuration,
       .doc = "before the first retry; 5m when left out"},
      {.name = "retry_exponential_backoff",
       .type = FieldType::kAny,
       .doc = "true doubles the delay at each retry; a number multiplies it"},
      {.name = "max_retry_delay",
       .type = FieldType::kDuration,
       .doc = "the longest delay; 24h when left out"},
      {.name = "execution_timeout",
       .type = FieldType::kDuration,
       .doc = "of one attempt; none when left out"},
      {.name = "kill_grace", .type = FieldType::kDuration, .doc = "between TERM and KILL; 10s when left out"},
      {.name = "trigger_rule",
       .type = FieldType::kChoice,
       .doc = "what the tasks before must have come to; all_success when left out",
       .choices = {"all_success", "all_failed", "all_done", "all_done_min_one_success", "all_skipped",
                   "one_failed", "one_success", "one_done", "none_failed", "none_failed_min_one_success",
                   "none_skipped", "always"}},
      {.name = "pool", .type = FieldType::kString, .doc = "default_pool when left out"},
      {.name = "pool_slots",
       .type = FieldType::kInteger,
       .doc = "1 when left out",
       .min = 1,
       .max = 1'000'000},
      {.name = "priority_weight",
       .type = FieldType::kInteger,
       .doc = "higher goes first; 1 when left out",
       .min = -2'147'483'647,
       .max = 2'147'483'647},
      {.name = "on_worker_lost",
       .type = FieldType::kChoice,
       .doc = "retry: the attempt runs again at once; fail: it ran at most once",
       .choices = {"retry", "fail"}},
  };
}

std::vector<FieldSpec> Joined(std::vector<FieldSpec> first, std::vector<FieldSpec> second) {
  for (FieldSpec& field : second) first.push_back(std::move(field));
  return first;
}

Value Described(Value schema, const FieldSpec& field) {
  if (!field.doc.empty()) schema.Set("description", field.doc);
  return schema;
}

Value TypeSchema(std::string_view type) { return Value(Value::Map{{"type", Value(type)}}); }

Value Words(const std::vector<std::string>& words) {
  Value::List list;
  for (const std::string& word : words) list.emplace_back(word);
  return Value(std::move(list));
}

Value Types(const std::vector<std::string>& types) { return Value(Value::Map{{"type", Words(types)}}); }

Value ObjectSchema(const std::vector<FieldSpec>& fields);

Value FieldSchema(const FieldSpec& field) {
  switch (field.type) {
    case FieldType::kAny:
      return Value(Value::Map{});
    case FieldType::kString:
      return Types({"string", "number", "boolean", "null"});
    case FieldType::kInteger: {
      Value schema = TypeSchema("integer");
      if (field.min != INT64_MIN) schema.Set("minimum", Value(field.min));
      if (field.max != INT64_MAX) schema.Set("maximum", Value(field.max));
      return schema;
    }
    case FieldType::kNumber:
      return TypeSchema("number");
    case FieldType::kBoolean:
      return TypeSchema("boolean");
    case FieldType::kDuration:
      return Types({"string", "number"});
    case FieldType::kTime:
      return TypeSchema("string");
    case FieldType::kChoice:
      return Value(Value::Map{{"enum", Words(field.choices)}});
    case FieldType::kStringList: {
      Value schema = Types({"array", "string"});
      schema.Set("items", Types({"string", "number", "boolean"}));
      return schema;
    }
    case FieldType::kStringMap: {
      Value schema = TypeSchema("object");
      schema.Set("additionalProperties", Types({"string", "number", "boolean"}));
      return schema;
    }
    case FieldType::kMap:
      return field.members.empty() ? TypeSchema("object") : ObjectSchema(field.members);
    case FieldType::kMapOfMaps: {
      Value schema = TypeSchema("object");
      schema.Set("additionalProperties", ObjectSchema(field.members));
      return schema;
    }
    case FieldType::kListOfMaps: {
      Value schema = TypeSchema("array");
      schema.Set("items", ObjectSchema(field.members));
      return schema;
    }
    case FieldType::kList:
      return TypeSchema("array");
  }
  return Value(Value::Map{});
}

Value ObjectSchema(const std::vector<FieldSpec>& fields) {
  Value properties{Value::Map{}};
  Value::List required;
  for (const FieldSpec& field : fields) {
    properties.Set(field.name, Described(FieldSchema(field), field));
    if (field.required) required.emplace_back(field.name);
  }
  Value schema = TypeSchema("object");
  schema.Set("properties", std::move(properties));
  if (!required.empty()) schema.Set("required", Value(std::move(required)));
  schema.Set("additionalProperties", Value(false));
  return schema;
}

// Adds what the table of fields cannot say.
void Refine(Value& schema, const Value& more) {
  for (const auto& [name, value] : more.as_map()) schema.Set(name, value);
}

// uses: X means that `with` has X's fields.
Value KindRule(const TaskKind& kind) {
  Value uses{Value::Map{{"const", Value(kind.name)}}};
  Value condition{Value::Map{{"properties", Value(Value::Map{{"uses", std::move(uses)}})}}};
  Value with{Value::Map{{"with", Described(ObjectSchema(kind.fields), {.name = "with", .doc = kind.doc})}}};
  return Value(
      Value::Map{{"if", std::move(condition)}, {"then", Value(Value::Map{{"properties", std::move(with)}})}});
}

}  // namespace

const std::vector<FieldSpec>& DagFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "dag_id",
       .type = FieldType::kString,
       .doc = "letters, digits, _ . -; at most 128",
       .required = true},
      {.name = "description", .type = FieldType::kString, .doc = "one line"},
      {.name = "doc_md", .type = FieldType::kString, .doc = "Markdown"},
      {.name = "schedule",
       .type = FieldType::kAny,
       .doc = "cron, @daily, 6h, null, a list of crons or of times, {uses, with}, {datasets}; the logical date is the "
              "time it fires at"},
      {.name = "schedule_interval",
       .type = FieldType::kAny,
       .doc =
           "a cron, @daily or 6h; the run covers the interval that just ended, and has its start as logical date"},
      {.name = "timezone", .type = FieldType::kString, .doc = "America/New_York; UTC when left out"},
      {.name = "start_date", .type = FieldType::kTime, .doc = "no runs before"},
      {.name = "end_date", .type = FieldType::kTime, .doc = "no runs after"},
      {.name = "catchup",
       .type = FieldType::kAny,
       .doc = "runs that were missed: last (false) makes the newest, all (true) every one, none only those not five "
              "minutes late; last when left out"},
      {.name = "overlap",
       .type = FieldType::kChoice,
       .doc = "when a run is due and the one before is not over: queue waits for max_active_runs, skip leaves it out, "
              "cancel_other ends the earlier one, allow_all starts it; queue when left out",
       .choices = {"queue", "skip", "cancel_other", "allow_all"}},
      {.name = "jitter",
       .type = FieldType::kDuration,
       .doc = "each run by schedule starts later by up to this, always the same for a DAG and a date"},
      {.name = "deadline",
       .type = FieldType::kAny,
       .doc = "when a run should be over, {reference, interval}, or several; missing one changes nothing but is told"},
      {.name = "max_active_runs",
       .type = FieldType::kInteger,
       .doc = "16 when left out",
       .min = 1,
       .max = 1'000'000},
      {.name = "max_active_tasks",
       .type = FieldType::kInteger,
       .doc = "16 when left out",
       .min = 1,
       .max = 1'000'000},
      {.name = "is_paused_upon_creation", .type = FieldType::kBoolean, .doc = "false when left out"},
      {.name = "tags", .type = FieldType::kStringList, .doc = "to find the DAG by"},
      {.name = "owner",
       .type = FieldType::kString,
       .doc = "who answers for it; default_args' owner when left out"},
      {.name = "default_args",
       .type = FieldType::kMap,
       .doc = "what tasks take that do not say otherwise",
       .members = DefaultArgsFields()},
      {.name = "params",
       .type = FieldType::kMap,
       .doc = "name -> default, or {type, default, description, enum, ...}"},
      {.name = "tasks",
       .type = FieldType::kListOfMaps,
       .doc = "in any order",
       .required = true,
       .members = TaskFields()},
      {.name = "$schema", .type = FieldType::kString, .doc = "for editors"},
  };
  return fields;
}

const std::vector<FieldSpec>& TaskFields() {
  static const std::vector<FieldSpec> fields =
      Joined({{.name = "id",
               .type = FieldType::kString,
               .doc = "letters, digits, _ . -; at most 128",
               .required = true},
              {.name = "uses",
               .type = FieldType::kString,
               .doc = "the task's kind: shell, sql, mapreduce, ...",
               .required = true},
              {.name = "needs", .type = FieldType::kStringList, .doc = "tasks that come before"},
              {.name = "with", .type = FieldType::kMap, .doc = "the kind's own fields"},
              {.name = "outlets", .type = FieldType::kAny, .doc = "datasets that its success updates: names, or {name, uri}"},
              {.name = "inlets", .type = FieldType::kAny, .doc = "datasets that it reads, to be shown"},
              {.name = "doc_md", .type = FieldType::kString, .doc = "Markdown"}},
             TaskPolicyFields());
  return fields;
}

const std::vector<FieldSpec>& DefaultArgsFields() {
  static const std::vector<FieldSpec> fields =
      Joined({{.name = "start_date", .type = FieldType::kTime, .doc = "when the DAG has none"},
              {.name = "end_date", .type = FieldType::kTime, .doc = "when the DAG has none"}},
             TaskPolicyFields());
  return fields;
}

const std::vector<FieldSpec>& ParamFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "type",
       .type = FieldType::kAny,
       .doc = "string, integer, number, boolean, array, object, null; or several"},
      {.name = "default", .type = FieldType::kAny, .doc = "left out: whoever triggers a run must say"},
      {.name = "title", .type = FieldType::kString},
      {.name = "description", .type = FieldType::kString},
      {.name = "enum", .type = FieldType::kList, .doc = "the allowed values"},
      {.name = "examples", .type = FieldType::kList},
      {.name = "format", .type = FieldType::kString, .doc = "date, date-time, time, multiline: for the form"},
      {.name = "minimum", .type = FieldType::kNumber},
      {.name = "maximum", .type = FieldType::kNumber},
      {.name = "minLength", .type = FieldType::kInteger, .min = 0},
      {.name = "maxLength", .type = FieldType::kInteger, .min = 0},
      {.name = "pattern", .type = FieldType::kString},
      {.name = "items", .type = FieldType::kAny},
      {.name = "section", .type = FieldType::kString, .doc = "of the form"},
  };
  return fields;
}

Value JsonSchema() {
  Value schema = ObjectSchema(DagFields());
  Value::List rules;
  for (const TaskKind* kind : TaskKinds()) rules.push_back(KindRule(*kind));
  for (auto& [name, value] : schema.as_map()) {
    if (name != "properties") continue;
    for (auto& [field, field_schema] : value.as_map()) {
      if (field == "schedule") Refine(field_schema, ScheduleSchema());
      if (field == "catchup") Refine(field_schema, CatchupSchema());
      if (field == "deadline") Refine(field_schema, DeadlineSchema());
      if (field != "tasks") continue;
      for (auto& [key, items] : field_schema.as_map()) {
        if (key == "items") items.Set("allOf", Value(rules));
      }
    }
  }
  Value document{Value::Map{{"$schema", Value("https://json-schema.org/draft/2020-12/schema")},
                            {"title", Value("Millrace DAG file")}}};
  for (auto& [name, value] : schema.as_map()) document.Set(name, std::move(value));
  return document;
}

}  // namespace millrace
