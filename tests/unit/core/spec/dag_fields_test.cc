#include "core/spec/dag_fields.h"

#include <gtest/gtest.h>

#include "core/model/json.h"
#include "core/spec/task_kind.h"

namespace millrace {
namespace {

const Value& At(const Value& value, std::initializer_list<std::string_view> path) {
  const Value* at = &value;
  for (const std::string_view name : path) {
    at = at->Find(name);
    if (at == nullptr) {
      ADD_FAILURE() << "no member " << name;
      return value;
    }
  }
  return *at;
}

TEST(JsonSchema, DescribesEveryFieldAndRefusesOthers) {
  const Value schema = JsonSchema();
  for (const FieldSpec& field : DagFields()) {
    EXPECT_NE(At(schema, {"properties"}).Find(field.name), nullptr) << field.name;
  }
  EXPECT_EQ(ToJson(At(schema, {"required"})), R"(["dag_id","tasks"])");
  EXPECT_EQ(At(schema, {"additionalProperties"}), Value(false));
  const Value& task = At(schema, {"$defs", "task"});
  for (const FieldSpec& field : TaskFields())
    EXPECT_NE(At(task, {"properties"}).Find(field.name), nullptr) << field.name;
  EXPECT_EQ(At(task, {"properties", "retries", "minimum"}), Value(0));
  EXPECT_EQ(At(schema, {"properties", "tasks", "items", "else", "$ref"}), Value("#/$defs/task"));
  EXPECT_EQ(At(schema, {"$defs", "group", "properties", "tasks", "items", "then", "$ref"}), Value("#/$defs/group"));
}

TEST(JsonSchema, EachKindHasItsOwnFields) {
  const Value schema = JsonSchema();
  const Value::List& rules = At(schema, {"$defs", "task", "allOf"}).as_list();
  ASSERT_EQ(rules.size(), TaskKinds().size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const TaskKind& kind = *TaskKinds()[i];
    EXPECT_EQ(At(rules[i], {"if", "properties", "uses", "const"}), Value(kind.name));
    for (const FieldSpec& field : kind.fields) {
      EXPECT_NE(At(rules[i], {"then", "properties", "with", "properties"}).Find(field.name), nullptr)
          << kind.name << "." << field.name;
    }
  }
}

TEST(Normalized, MakesTextOfWhatYamlReadAsNumbersAndDropsNothings) {
  const Value with = ParseJson(R"({"command": ["sleep", 5, true], "env": {"N": 1.5}, "cwd": null})").value();
  EXPECT_EQ(ToJson(Normalized(with, FindTaskKind("shell")->fields)),
            R"({"command":["sleep","5","true"],"env":{"N":"1.5"}})");
}

}  // namespace
}  // namespace millrace
