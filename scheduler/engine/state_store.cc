// State stores: what tasks keep beside their runs. The engine holds none of it: it decides whether an attempt may ask,
// writes what it sets, and has the loop read what it gets (NeedState), behind everything that was set before.
#include <algorithm>

#include "scheduler/engine/state.h"

namespace millrace::engine {

std::string Engine::State::RefusalOf(const StateAsked& event) {
  const StateRequest& request = event.request;
  const auto found = attempts.find(request.fence);
  if (found == attempts.end() || found->second.session != event.session || !found->second.wanted)
    return "this attempt is over or was cancelled: a state store takes nothing from it any more";
  const LiveAttempt& attempt = found->second;
  const Instance* instance = FindInstance(attempt.instance);
  if (attempt.stage || attempt.watches || attempt.notification != 0 || instance == nullptr)
    return "there is no state store here: only tasks that run on a worker by themselves have one";
  if (const Status status = CheckStateRequest(request); !status.ok()) return status.message();
  if (request.dataset.empty()) return "";
  const Task& task = TaskOf(*FindRun(attempt.instance.run), *instance);
  for (const std::vector<std::string>* names : {&task.inlets, &task.outlets}) {
    if (std::find(names->begin(), names->end(), request.dataset) != names->end()) return "";
  }
  return "dataset '" + request.dataset + "' is neither an inlet nor an outlet of task " + task.id +
         ": name it under its `inlets` or `outlets`";
}

void Engine::State::OnStateAsked(const StateAsked& event) {
  if (FindSession(event.session) == nullptr) return;  // over: nobody hears the answer
  const StateRequest& request = event.request;
  const std::string refusal = RefusalOf(event);
  if (!refusal.empty()) {
    Emit(StateAnswer{event.session, request.fence, request.id, false, "", refusal});
    return;
  }
  LiveAttempt& attempt = attempts.find(request.fence)->second;
  const TaskInstanceKey instance = attempt.instance;
  if (request.op == StateOp::kGet) {
    Emit(NeedState{event.session, request, instance});
    return;
  }
  // A broken stream may deliver late what the next one has asked again: it was done, and newer ones since.
  if (request.id < attempt.last_state) {
    Emit(StateAnswer{event.session, request.fence, request.id, false, "", ""});
    return;
  }
  attempt.last_state = request.id;
  const bool deleted = request.op != StateOp::kSet;
  const std::string key = request.op == StateOp::kClear ? "" : request.key;
  if (!request.dataset.empty()) {
    const LiveRun& run = *FindRun(instance.run);
    const Instance& writer = *FindInstance(instance);
    out->batch.records.push_back(DatasetStateRecord{{request.dataset, key, request.json, now.wall, run.row.dag_id,
                                                     run.row.run_id, TaskOf(run, writer).id, writer.row.map_index,
                                                     deleted}});
  } else {
    std::optional<WallTime> expires_at;
    if (request.retention != kForEver)
      expires_at = now.wall + (request.retention == Duration(0) ? kStateRetention : request.retention);
    out->batch.records.push_back(TaskStateRecord{{instance, key, request.json, now.wall, expires_at, deleted}});
  }
  Emit(StateAnswer{event.session, request.fence, request.id, false, "", ""});
}

void Engine::State::OnStateLoaded(const StateLoaded& event) {
  StateAnswer answer{event.session, event.fence, event.id, event.json.ok(), "", ""};
  if (event.json.ok()) {
    answer.json = *event.json;
  } else if (event.json.status().code() != Code::kNotFound) {
    answer.error = event.json.status().message();
  }
  Emit(std::move(answer));
}

void Engine::State::ForgetStates(const std::vector<TaskInstanceKey>& instances) {
  for (const TaskInstanceKey& instance : instances)
    out->batch.records.push_back(TaskStateRecord{{instance, "", "", now.wall, std::nullopt, true}});
}

}  // namespace millrace::engine
