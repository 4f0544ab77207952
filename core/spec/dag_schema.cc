// The published JSON Schema of DAG files, made from the tables of fields.
#include <utility>

#include "core/spec/dag_fields.h"
#include "core/spec/notifiers.h"
#include "core/spec/schedule_fields.h"
#include "core/spec/task_kind.h"

namespace millrace {
namespace {

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
      return field.name.ends_with("_callback") ? CallbackSchema() : Value(Value::Map{});
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
    case FieldType::kChoice: {
      Value schema(Value::Map{{"enum", Words(field.choices)}});
      if (field.use != FieldUse::kTemplate) return schema;
      Value text = TypeSchema("string");
      text.Set("pattern", Value("\\{[{%#]"));
      return Value(Value::Map{{"anyOf", Value(Value::List{std::move(schema), std::move(text)})}});
    }
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
  Value condition{Value::Map{{"properties", Value(Value::Map{{"uses", std::move(uses)}})},
                             {"required", Words({"uses"})}}};
  Value fields = ObjectSchema(kind.fields);
  // What is needed may also come from `expand`, or from a template of the DAG.
  std::erase_if(fields.as_map(), [](const Value::Member& member) { return member.first == "required"; });
  Value with{Value::Map{{"with", Described(std::move(fields), {.name = "with", .doc = kind.doc})}}};
  return Value(
      Value::Map{{"if", std::move(condition)}, {"then", Value(Value::Map{{"properties", std::move(with)}})}});
}

// An entry of `tasks` with `group` is one, any other a task.
void SetItems(Value& object, std::string_view list) {
  const auto reference = [](const char* to) { return Value(Value::Map{{"$ref", Value(to)}}); };
  const Value items(Value::Map{{"if", Value(Value::Map{{"required", Words({"group"})}})},
                               {"then", reference("#/$defs/group")},
                               {"else", reference("#/$defs/task")}});
  for (auto& [name, properties] : object.as_map()) {
    if (name != "properties") continue;
    for (auto& [field, field_schema] : properties.as_map()) {
      if (field == list) field_schema.Set("items", items);
    }
  }
}

}  // namespace

Value JsonSchema() {
  Value schema = ObjectSchema(DagFields());
  Value::List rules;
  for (const TaskKind* kind : TaskKinds()) rules.push_back(KindRule(*kind));
  Value task = ObjectSchema(TaskFields());
  task.Set("allOf", Value(std::move(rules)));
  Value group = ObjectSchema(GroupFields());
  SetItems(schema, "tasks");
  SetItems(group, "tasks");
  for (auto& [name, value] : schema.as_map()) {
    if (name != "properties") continue;
    for (auto& [field, field_schema] : value.as_map()) {
      if (field == "schedule") Refine(field_schema, ScheduleSchema());
      if (field == "catchup") Refine(field_schema, CatchupSchema());
      if (field == "deadline") Refine(field_schema, DeadlineSchema());
    }
  }
  Value document{Value::Map{{"$schema", Value("https://json-schema.org/draft/2020-12/schema")},
                            {"title", Value("Millrace DAG file")}}};
  for (auto& [name, value] : schema.as_map()) document.Set(name, std::move(value));
  document.Set("$defs", Value(Value::Map{{"task", std::move(task)}, {"group", std::move(group)}}));
  return document;
}

}  // namespace millrace
