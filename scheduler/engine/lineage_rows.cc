// When lineage is told: rows of the outbox in the commit of what they tell. Of a run when it starts, ends, and fails but is
// tried again by itself; of an attempt when it begins to run or to wait, and when it no longer does, whatever the reason.
// What never began is not told. Each runId has one START and one terminal event.
#include "scheduler/engine/lineage.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

bool HasBegun(TaskState state) { return state == TaskState::kRunning || state == TaskState::kDeferred; }

bool IsFailure(TaskState state) {
  return state == TaskState::kFailed || state == TaskState::kUpForRetry || state == TaskState::kUpForReschedule;
}

// How the attempt has ended, by where its task instance goes; `end`: what its worker said, if it did.
LineageEvent EventOf(TaskState from, TaskState to, bool by_user, const engine::End* end) {
  if (by_user || to == TaskState::kRestarting || to == TaskState::kNone || to == TaskState::kRemoved)
    return LineageEvent::kAbort;
  // Lost with its worker; a sensor that has looked in vain goes to another one.
  if (to == TaskState::kScheduled)
    return from == TaskState::kDeferred ? LineageEvent::kAbort : LineageEvent::kFail;
  if (!IsFailure(to)) return LineageEvent::kComplete;
  const bool loops = to == TaskState::kUpForReschedule && end != nullptr && end->outcome == Outcome::kSuccess;
  return loops ? LineageEvent::kComplete : LineageEvent::kFail;
}

}  // namespace

void Engine::State::TellLineage(LiveRun& run, LineageEvent event, const std::string& message) {
  if (!lineage || !run.row.started_at) return;
  LineageFacts facts{event, now.wall, message};
  for (const Instance& instance : run.instances) {
    if (event != LineageEvent::kFail || !facts.message.empty()) break;
    if (instance.row.state == TaskState::kFailed)
      facts.message = "task " + TaskOf(run, instance).id + ": " + instance.row.reason;
  }
  AddLineage(run, nullptr, 0, facts.event, LineageOfRun(options.lineage.name_space, run.row, *run.dag, facts));
}

void Engine::State::TellLineage(LiveRun& run, const Instance& instance, TaskState to, bool by_user) {
  const Task& task = TaskOf(run, instance);
  const TaskState from = instance.row.state;
  if (IsLoopGate(task)) return;
  const engine::End* end = ending && ending->first == instance.row.key ? ending->second : nullptr;
  bool starts = !HasBegun(from) && HasBegun(to);
  bool ends = HasBegun(from) && !HasBegun(to);
  // It has ended before anybody heard that it had begun; what run_if skips never did.
  const bool at_once = end != nullptr ? from == TaskState::kQueued || to != TaskState::kSkipped
                                      : from == TaskState::kQueued && IsFailure(to);
  if (!HasBegun(from) && !HasBegun(to) && !by_user && at_once) starts = ends = true;
  // One that is lost begins the same try again, and so has taken it back already.
  const std::int32_t try_number = instance.row.try_number + (ends && to == TaskState::kScheduled ? 1 : 0);
  const auto tell = [&](const LineageFacts& facts) {
    AddLineage(run, &instance, try_number, facts.event,
               LineageOfTask(options.lineage.name_space, run.row, *run.dag, task, instance.row, facts));
  };
  if (starts) tell({LineageEvent::kStart, now.wall});
  if (!ends) return;
  tell({EventOf(from, to, by_user, end), now.wall, instance.row.reason, end == nullptr ? "" : end->result});
}

// While nobody takes them, STARTs are the first to be dropped: a terminal event says all that a START does.
void Engine::State::AddLineage(LiveRun& run, const Instance* of, std::int32_t try_number, LineageEvent event,
                               const Value& what) {
  const std::size_t most = options.lineage.most_waiting;
  if (notifications.size() >= (event == LineageEvent::kStart ? most / 2 : most)) {
    Suppress(run, CallbackCause::kLineage);
    return;
  }
  LiveNotification& notification = AddRow(run, CallbackCause::kLineage, of);
  Notification& row = notification.row;
  row.try_number = try_number;
  row.kind = "notify";
  row.target = LineageTarget(options.lineage);
  StatusOr<Delivery> delivery = LineageDelivery(options.lineage, what);
  if (!delivery.ok()) {
    DeliveryFailed(notification, delivery.status().message(), false);
    return;
  }
  row.delivery = std::move(delivery).value();
  row.delivery.dag_hash = run.dag->hash;
  undelivered.insert(row.id);
  Keep(notification);
}

}  // namespace millrace::engine
