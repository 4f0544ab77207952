// XComs: what a task instance leaves, and what it reads before it starts, variables and connections among it.
// The engine keeps none of them: it asks (NeedXComs), and is answered once what wrote them is durable.
#include <algorithm>

#include "core/model/connection.h"
#include "core/model/json.h"
#include "core/model/secret_text.h"
#include "scheduler/engine/graph.h"

namespace millrace::engine {
namespace {

// Before it is ready only `expand` has something to read.
const std::vector<XComRef>& PullsOf(const Task& task, const Instance& instance) {
  return instance.row.state == TaskState::kNone ? task.expand_pulls : task.pulls;
}

const std::vector<LookupRef>& LookupsOf(const Task& task, const Instance& instance) {
  return instance.row.state == TaskState::kNone ? task.expand_lookups : task.lookups;
}

}  // namespace

std::vector<std::string> SecretsOf(const LoadedValues* values) {
  std::vector<std::string> secrets;
  if (values == nullptr) return secrets;
  for (const FoundValue& found : values->found) {
    if (!found.value.ok()) continue;
    if (found.ref.kind == LookupRef::Kind::kConnection) {
      for (std::string& secret : SecretsOfConnection(*found.value)) secrets.push_back(std::move(secret));
    } else if (found.ref.kind == LookupRef::Kind::kVariable && IsSecretName(found.ref.name)) {
      AddSecrets(*found.value, true, secrets);
      // var.json's members.
      if (!found.value->is_string()) continue;
      if (const StatusOr<Value> parsed = ParseJson(found.value->as_string()); parsed.ok())
        AddSecrets(*parsed, true, secrets);
    }
  }
  return secrets;
}

void AddFound(const LoadedValues& values, TemplateAnswers& answers) {
  for (const auto& [ref, value] : values.found) {
    if (value.ok()) {
      answers.Set(NeedOf(ref), *value);
    } else if (value.status().code() == Code::kNotFound) {
      answers.SetNone(NeedOf(ref));
    } else {
      answers.SetError(NeedOf(ref), value.status());
    }
  }
}

bool Engine::State::KeepXComs(const Instance& instance, const engine::End& end, std::string* refusal) {
  std::size_t bytes = end.result.size();
  for (const XComValue& xcom : end.xcoms) bytes += xcom.key.size() + xcom.json.size();
  if (bytes > kMaxXComBytes) {
    *refusal = "its XComs have " + std::to_string(bytes) + " bytes, at most " +
               std::to_string(kMaxXComBytes) + " are kept: write a file and push its path";
    return false;
  }
  const auto keep = [&](const std::string& key, const std::string& json) {
    out->batch.xcoms.push_back({instance.row.key, key, json, false, now.wall});
  };
  if (!end.result.empty()) keep(kReturnValue, end.result);
  for (const XComValue& xcom : end.xcoms) keep(xcom.key, xcom.json);
  return true;
}

void Engine::State::Ask(LiveRun& run, Instance& instance) {
  instance.asked = true;
  NeedXComs need;
  need.instance = instance.row.key;
  for (const XComRef& ref : PullsOf(TaskOf(run, instance), instance)) {
    EachOf(run, ref.task, [&](const Instance& from) { need.keys.push_back({from.row.key, ref.key}); });
  }
  need.lookups = LookupsOf(TaskOf(run, instance), instance);
  need.dag_id = run.row.dag_id;
  need.before = run.row.logical_date;
  need.team = run.dag->team;
  Emit(std::move(need));
}

TemplateAnswers Engine::State::AnswersOf(const LiveRun& run, const Instance& instance) {
  TemplateAnswers answers;
  const std::vector<XComRef>& pulls = PullsOf(TaskOf(run, instance), instance);
  if (instance.values == nullptr) return answers;
  AddFound(*instance.values, answers);
  std::map<XComKey, Value> known;
  for (const XComRow& row : instance.values->xcoms) {
    StatusOr<Value> value = ParseJson(row.json);
    if (value.ok()) known.emplace(XComKey{row.instance, row.key}, std::move(value).value());
  }
  for (const XComRef& ref : pulls) {
    const std::string& task = run.dag->tasks[static_cast<std::size_t>(ref.task)].id;
    const TemplateNeed need{TemplateNeed::Kind::kXCom, task, ref.key, std::nullopt};
    const auto put = [&](const TemplateNeed& asked, std::int32_t index) {
      const auto found = known.find({{run.row.key, index}, ref.key});
      if (found == known.end()) return answers.SetNone(asked);
      answers.Set(asked, found->second);
    };
    const auto mapped = run.mapped.find(ref.task);
    if (mapped == run.mapped.end()) {
      put(need, run.first(ref.task));
      continue;
    }
    // Within one mapped group: what the instance beside it left.
    const auto own = static_cast<std::size_t>(std::max(instance.row.map_index, 0));
    if (internal::InOneGroup(run, instance.row.task(), ref.task) && own < mapped->second.size()) {
      put(need, mapped->second[own]);
      continue;
    }
    // Of a mapped task: the list of what its instances left, and each by its map index.
    Value::List all;
    for (std::size_t i = 0; i < mapped->second.size(); ++i) {
      TemplateNeed one = need;
      one.map_index = static_cast<std::int32_t>(i);
      put(one, mapped->second[i]);
      const auto found = known.find({{run.row.key, mapped->second[i]}, ref.key});
      if (found != known.end()) all.push_back(found->second);
    }
    answers.Set(need, Value(std::move(all)));
  }
  return answers;
}

void Engine::State::OnXComsLoaded(const XComsLoaded& event) {
  if (event.instance.index == kNotificationLog) {
    OnDeliveryValues(event);
    return;
  }
  LiveRun* run = FindRun(event.instance.run);
  Instance* instance = FindInstance(event.instance);
  if (instance == nullptr || !instance->asked) return;
  const bool later = std::any_of(event.found.begin(), event.found.end(), [](const FoundValue& found) {
    return !found.value.ok() && found.value.status().code() == Code::kUnavailable;
  });
  if (!event.rows.ok() || later) {
    timers.Add({now.boot + kStorePause, TimerKind::kAskAgain, {}, event.instance, 0, {}});
    return;
  }
  instance->asked = false;
  instance->values = std::make_shared<const LoadedValues>(LoadedValues{*event.rows, event.found, false, ""});
  if (instance->row.state == TaskState::kNone) {
    Evaluate(*run, *instance);
  } else if (instance->row.state == TaskState::kScheduled) {
    Park(*run, *instance);
  } else if (const auto job = jobs.find(event.instance); job != jobs.end() && job->second.unrendered) {
    job->second.unrendered = false;
    StatusOr<Assignment> assignment = MakeAssignment(*run, *instance);
    if (assignment.ok()) job->second.with = std::move(assignment->with);
    BeginLoadedJobs();
  }
}

}  // namespace millrace::engine
