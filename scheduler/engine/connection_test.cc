// Whether a connection works is tried by a worker, beside its slots: nothing else dials out. Nothing of it is
// kept; with the scheduler the question is gone.
#include "core/model/json.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(8);  // the API waits ten
constexpr Duration kTestGrace = std::chrono::seconds(1);

}  // namespace

void Engine::State::Test(std::uint64_t reply, const TestConnection& command) {
  if (couriers.empty()) {
    Answer(reply, Unavailable("no worker is connected that could try it; start one with millrace-worker"));
    return;
  }
  Session& session = sessions.find(couriers.begin()->second)->second;
  LiveAttempt attempt;
  attempt.instance = {RunKey{}, kNotificationLog};
  attempt.slots = 0;
  attempt.notification = -1;
  attempt.reply = reply;
  Assignment assignment;
  assignment.fence = Occupy(session, attempt);
  assignment.instance = attempt.instance;
  assignment.kind = "connection_test";
  assignment.with = ToJson(Value(Value::Map{{"connection", command.id}, {"uri", command.uri}}));
  assignment.secrets = command.secrets;
  assignment.timeout = kTimeout;
  assignment.kill_grace = kTestGrace;
  assignment.slots = 0;
  timers.Add({now.boot + kTimeout + kTestGrace, TimerKind::kBackstop, {}, {}, 0, assignment.fence});
  Emit(Assign{session.row.session, std::move(assignment)});
}

void Engine::State::OnTested(Fence fence, CommandReply answer) {
  const std::uint64_t reply = attempts.find(fence)->second.reply;
  const bool told = !attempts.find(fence)->second.wanted;  // given up as stuck: its end only frees the worker
  Vacate(fence);
  if (!told) Answer(reply, std::move(answer));
}

}  // namespace millrace::engine
