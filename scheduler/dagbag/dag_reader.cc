#include "scheduler/dagbag/dag_reader.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "core/model/codec.h"
#include "core/model/ids.h"
#include "core/spec/dag_fields.h"
#include "core/spec/json_schema.h"
#include "scheduler/dagbag/fields.h"
#include "scheduler/dagbag/schedule_reader.h"
#include "scheduler/dagbag/templates.h"

namespace millrace::dagbag {
namespace {

constexpr std::string_view kIdRule = "use letters, digits, '_', '.' and '-', at most 128 of them";

// Tasks are looked at one by one, so that messages name them.
std::vector<FieldSpec> TopFields() {
  std::vector<FieldSpec> fields = DagFields();
  for (FieldSpec& field : fields) {
    if (field.name != "tasks") continue;
    field.type = FieldType::kList;
    field.members.clear();
  }
  return fields;
}

std::string Hex(std::uint64_t high, std::uint64_t low) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint64_t half : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[(half >> shift) & 15U];
  }
  return text;
}

}  // namespace

void DagReader::Add(Position where, std::string message, std::string suggestion) {
  AddProblem(problems_, where, std::move(message), std::move(suggestion));
}

void DagReader::Read(const Value& document) {
  document_ = &document;
  dag_ = std::make_shared<Dag>();
  dag_->file = file_;
  dag_->source = source_;
  if (origin_ != nullptr) {
    dag_->bundle = origin_->bundle;
    dag_->bundle_version = origin_->version;
    dag_->team = origin_->team;
  }
  if (!document.is_map()) {
    Add(document.position(),
        "a DAG must be a map with dag_id and tasks, not a " + std::string(document.TypeName()));
  } else {
    ReadHead();
    ReadSchedule();
    ReadParams();
    ReadTemplates();
    ReadRunCallbacks();
    if (const Value* tasks = document.Find("tasks"); tasks != nullptr && tasks->is_list()) ReadTasks(*tasks);
    CheckTemplates();
  }
  if (problems_.empty()) {
    Seal();
    result_.dags.push_back(std::move(dag_));
  }
  for (Problem& problem : problems_) result_.problems.push_back(std::move(problem));
}

void DagReader::ReadHead() {
  static const std::vector<FieldSpec> kFields = TopFields();
  const Value& document = *document_;
  dag_->id = TextOf(document.Find("dag_id"));
  CheckFields(document, kFields, dag_->id.empty() ? "DAG" : "DAG '" + dag_->id + "'", problems_);
  const Value* id = document.Find("dag_id");
  if (id != nullptr && !(id->is_string() && IsValidId(id->as_string()))) {
    Add(id->position(), "dag_id is not an id", std::string(kIdRule));
  }
  if (const Value* args = document.Find("default_args"); args != nullptr && args->is_map())
    default_args_ = args;
  const Value plain = Normalized(document, kFields);
  dag_->description = TextOf(plain.Find("description"));
  dag_->doc = TextOf(plain.Find("doc_md"));
  dag_->owner = TextOf(plain.Find("owner"));
  if (dag_->owner.empty() && default_args_ != nullptr) dag_->owner = TextOf(default_args_->Find("owner"));
  if (const Value* tags = plain.Find("tags"); tags != nullptr) {
    if (tags->is_string()) dag_->tags.push_back(tags->as_string());
    if (tags->is_list()) {
      for (const Value& tag : tags->as_list()) {
        if (tag.is_string()) dag_->tags.push_back(tag.as_string());
      }
    }
  }
  const auto number = [&](std::string_view field, int otherwise) {
    const Value* value = document.Find(field);
    return value != nullptr && value->is_int() && value->as_int() <= 1'000'000
               ? static_cast<int>(value->as_int())
               : otherwise;
  };
  dag_->max_active_runs = number("max_active_runs", 16);
  dag_->max_active_tasks = number("max_active_tasks", 16);
  dag_->max_consecutive_failed_runs = number("max_consecutive_failed_dag_runs", 0);
  const Value* paused = document.Find("is_paused_upon_creation");
  only_marked_ = TextOf(document.Find("$schema")).starts_with("https://airflow.apache.org/");
  const Value* fast = document.Find("fail_fast");
  dag_->fail_fast = fast != nullptr && fast->is_bool() && fast->as_bool();
  dag_->max_dag_retries = number("max_dag_retries", 0);
  dag_->dag_retry_delay = LengthOf(document.Find("dag_retry_delay"), dag_->dag_retry_delay);
  dag_->dag_retry_all = TextOf(document.Find("dag_retry_strategy")) == "all_tasks";
  dag_->run_timeout = LengthOf(document.Find("dagrun_timeout"), Duration(0));
  dag_->paused_upon_creation = paused != nullptr && paused->is_bool() && paused->as_bool();
}

void DagReader::ReadSchedule() { ScheduleReader(*document_, default_args_, zones_, problems_).Read(*dag_); }

void DagReader::ReadParams() {
  const Value* params = document_->Find("params");
  if (params == nullptr || !params->is_map()) return;
  for (const auto& [name, value] : params->as_map()) ReadParam(name, value);
}

void DagReader::ReadParam(const std::string& name, const Value& value) {
  Param param;
  param.name = name;
  param.schema = value;
  const std::string what = "param '" + name + "'";
  // A map of something else than these words is a default that happens to be a map.
  const auto is_schema_word = [&](const Value::Member& member) {
    return member.first == "type" || member.first == "default";
  };
  const bool schema =
      value.is_map() && std::any_of(value.as_map().begin(), value.as_map().end(), is_schema_word);
  if (!schema) {
    param.default_value = value;
    dag_->params.push_back(std::move(param));
    return;
  }
  CheckFields(value, ParamFields(), what, problems_);
  CheckSchema(value, what, problems_);
  if (const Value* type = value.Find("type")) {
    for (const Value& word : type->is_list() ? type->as_list() : Value::List{*type}) {
      if (param.type.empty() && TextOf(&word) != "null") param.type = TextOf(&word);
    }
  }
  param.description = TextOf(value.Find("description"));
  if (const Value* otherwise = value.Find("default")) {
    param.default_value = *otherwise;
    for (const std::string& problem : CheckValue(*otherwise, value))
      Add(otherwise->position(), what + ": its default " + problem);
  }
  dag_->params.push_back(std::move(param));
}

void DagReader::CheckTemplates() { dagbag::CheckTemplates(*dag_, source_, problems_); }

// The version's identity: everything that changes what a run does. Comments and layout do not.
void DagReader::Seal() {
  Dag content = *dag_;
  content.hash.clear();
  content.source.clear();
  content.bundle.clear();
  content.bundle_version.clear();
  content.file.clear();
  for (Callback& callback : content.callbacks) {
    callback.where = {};
    callback.lookups.clear();
  }
  for (Task& task : content.tasks) {
    task.where = {};
    // What follows from the rest says nothing new.
    task.priority_weight = std::exchange(task.own_weight, 1);
    task.setups.clear();
    task.pulls.clear();
    task.expand_pulls.clear();
    task.lookups.clear();
    task.expand_lookups.clear();
  }
  const std::string text = EncodeDag(content);
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  dag_->hash = Hex(hash.high64, hash.low64);
}

}  // namespace millrace::dagbag
