// Result caching: a task with `cache` that is ready asks the store whether an earlier success had the same
// inputs. If so it succeeds with that one's XComs, without an attempt, a slot or a place in a pool; if not it
// runs, and its success is kept.
//
// The key is a hash of the task, its kind, its rendered fields with what shell text refers to, and the
// contents of the files that they name; or of the author's own `key`; and of `inputs`. Secrets do not count:
// a password that changes makes no other result.
#include <xxhash.h>

#include <algorithm>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/model/secret_text.h"
#include "scheduler/engine/graph.h"
#include "scheduler/engine/render.h"

namespace millrace::engine {
namespace {

// In a run's conf: true lets every task of it run.
constexpr const char* kRefresh = "refresh_cache";

std::string HashOf(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  std::string hex;
  for (const std::uint64_t half : {hash.high64, hash.low64}) {
    for (int shift = 60; shift >= 0; shift -= 4) hex += kDigits[(half >> shift) & 15U];
  }
  return hex;
}

bool Refreshes(const Run& run) {
  if (run.conf.find(kRefresh) == std::string::npos) return false;
  const StatusOr<Value> conf = ParseJson(run.conf);
  const Value* asked = conf.ok() ? conf->Find(kRefresh) : nullptr;
  return asked != nullptr && asked->is_bool() && asked->as_bool();
}

}  // namespace

StatusOr<std::string> Engine::State::CacheKeyOf(const LiveRun& run, const Instance& instance) const {
  const Task& task = TaskOf(run, instance);
  const CachePolicy& policy = *task.cache;
  const std::vector<std::string> secrets = SecretsOf(instance.values.get());
  TemplateAnswers answers = AnswersOf(run, instance);
  TaskInstance copy;
  const TaskInstance& row = RowWithLoop(run, instance, copy);
  const auto rendered = [&](const std::string& text) -> StatusOr<Value> {
    ASSIGN_OR_RETURN(std::string plain, RenderPlain(run.row, *run.dag, task, row, text, &answers, EventsOf(run)));
    return Value(MaskedText(std::move(plain), secrets));
  };
  Value::List parts = {run.dag->id, task.id, task.kind};
  if (policy.key.is_string()) {
    ASSIGN_OR_RETURN(Value key, rendered(policy.key.as_string()));
    parts.emplace_back(Value::Map{{"key", std::move(key)}});
  } else {
    ASSIGN_OR_RETURN(const Assignment assignment, MakeAssignment(run, instance));
    const auto always =
        static_cast<std::ptrdiff_t>(Frame(run.row, *run.dag, task, instance.row, Fence{}).environment.size());
    Value::List referred;
    for (auto at = assignment.environment.begin() + always; at != assignment.environment.end(); ++at)
      referred.emplace_back(MaskedText(at->second, secrets));
    Value::List files;
    for (const DagFile& file : run.dag->files) {
      const bool named = std::find(task.files.begin(), task.files.end(), file.path) != task.files.end();
      if (named) files.emplace_back(Value::List{file.path, HashOf(file.content)});
    }
    parts.emplace_back(Value::Map{{"with", MaskedText(assignment.with, secrets)},
                                  {"referred", std::move(referred)},
                                  {"files", std::move(files)}});
  }
  Value::List inputs;
  for (const Value& input : policy.inputs) {
    ASSIGN_OR_RETURN(Value value, rendered(input.as_string()));
    inputs.push_back(std::move(value));
  }
  parts.emplace_back(std::move(inputs));
  return HashOf(ToJson(Value(std::move(parts))));
}

bool Engine::State::LookInCache(LiveRun& run, Instance& instance) {
  if (instance.values != nullptr && instance.values->cache_known) return false;
  LoadedValues values = instance.values == nullptr ? LoadedValues{} : *instance.values;
  StatusOr<std::string> key = CacheKeyOf(run, instance);
  // What does not render fails when it is placed, with its place.
  if (key.ok() && !Refreshes(run.row)) {
    instance.asked = true;
    Emit(NeedCached{instance.row.key, std::move(key).value()});
    return true;
  }
  values.cache_known = true;
  if (key.ok()) values.cache_key = std::move(key).value();
  instance.asked = false;
  instance.values = std::make_shared<const LoadedValues>(std::move(values));
  return false;
}

void Engine::State::OnCachedLoaded(const CachedLoaded& event) {
  if (OnSketches(event)) return;
  LiveRun* run = FindRun(event.instance.run);
  Instance* instance = FindInstance(event.instance);
  if (instance == nullptr || !instance->asked || instance->row.state != TaskState::kScheduled) return;
  if (instance->values != nullptr && instance->values->cache_known) return;
  if (IsPaused(*run, TaskOf(*run, *instance))) {
    instance->asked = false;  // it asks again
    return;
  }
  const StatusOr<CachedResult>& found = event.result;
  if (!found.ok() && found.status().code() == Code::kUnavailable) {
    timers.Add({now.boot + kStorePause, TimerKind::kAskAgain, {}, event.instance, 0, {}});
    return;
  }
  instance->asked = false;
  LoadedValues values = instance->values == nullptr ? LoadedValues{} : *instance->values;
  values.cache_known = true;
  values.cache_key = event.key;
  instance->values = std::make_shared<const LoadedValues>(std::move(values));
  if (!found.ok() || (found->expires_at && *found->expires_at <= now.wall)) {
    Park(*run, *instance);
    return;
  }
  StartTry(*instance);
  TaskInstance& row = instance->row;
  row.fence = {term, ++fence_counter};
  row.session = {};
  row.worker.clear();
  row.started_at = row.ended_at = now.wall;
  engine::End end;
  end.cached = true;
  end.started_at = end.ended_at = now.wall;
  end.message = "cached: run " + found->run_id + " left it at " + FormatTime(found->made_at);
  for (const XComValue& xcom : found->xcoms) {
    if (xcom.key == kReturnValue) {
      end.result = xcom.json;
    } else {
      end.xcoms.push_back(xcom);
    }
  }
  OnEnded(*run, *instance, end);
}

void Engine::State::KeepInCache(const LiveRun& run, const Instance& instance, const engine::End& end) {
  const Task& task = TaskOf(run, instance);
  if (!task.cache || end.cached || instance.row.cache_key.empty()) return;
  CachedResult row;
  row.key = instance.row.cache_key;
  row.dag_id = run.row.dag_id;
  row.task_id = task.id;
  row.run_id = run.row.run_id;
  row.map_index = instance.row.map_index;
  row.made_at = now.wall;
  if (task.cache->expires > Duration(0)) row.expires_at = now.wall + task.cache->expires;
  if (!end.result.empty()) row.xcoms.push_back({kReturnValue, end.result});
  row.xcoms.insert(row.xcoms.end(), end.xcoms.begin(), end.xcoms.end());
  out->batch.cached.push_back(std::move(row));
}

void Engine::State::ForgetCached(const LiveRun& run, const std::vector<std::int32_t>& tasks) {
  for (const std::int32_t index : tasks) {
    const Task& task = run.dag->tasks[static_cast<std::size_t>(index)];
    if (!task.cache) continue;
    CachedResult row;
    row.dag_id = run.row.dag_id;
    row.task_id = task.id;
    row.removed = true;
    out->batch.cached.push_back(std::move(row));
  }
}

}  // namespace millrace::engine
