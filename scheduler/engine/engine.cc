#include "scheduler/engine/engine.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

}  // namespace

Engine::Engine(EngineOptions options, const ZoneDatabase& zones)
    : state_(std::make_unique<State>(std::move(options), zones)) {}
Engine::~Engine() = default;

void Engine::Load(Image image, Now now, Output& out) {
  state_->Begin(now, out);
  state_->Load(std::move(image));
  state_->Settle();
}

void Engine::Apply(const Event& event, Now now, Output& out) {
  State& state = *state_;
  state.Begin(now, out);
  std::visit(Overloaded{
                 [&](const Tick&) {
                   while (const std::optional<Timer> timer = state.timers.TakeDue(now.boot))
                     state.OnTimer(*timer);
                   state.FireDue();
                   state.MissDeadlines();
                   state.RingAlarms();
                 },
                 [&](const DagLoaded& e) { state.OnDagLoaded(e); },
                 [&](const DagGone& e) { state.OnDagGone(e); },
                 [&](const WorkerJoined& e) { state.OnJoined(e); },
                 [&](const Heartbeat& e) { state.OnHeartbeat(e); },
                 [&](const WorkerDisconnected& e) { state.OnDisconnected(e); },
                 [&](const WorkerDraining& e) { state.OnDraining(e); },
                 [&](const Reported& e) { state.OnReported(e); },
                 [&](const StateAsked& e) { state.OnStateAsked(e); },
                 [&](const StateLoaded& e) { state.OnStateLoaded(e); },
                 [&](const CommandReceived& e) { state.OnCommand(e); },
                 [&](const Loaded& e) { state.OnLoaded(e); },
                 [&](const XComsLoaded& e) { state.OnXComsLoaded(e); },
                 [&](const CachedLoaded& e) { state.OnCachedLoaded(e); },
                 [&](const PreviousLoaded& e) { state.OnPreviousLoaded(e); },
                 [&](const DatesLoaded& e) { state.OnDatesLoaded(e); },
                 [&](const RunsLoaded& e) { state.OnRunsLoaded(e); },
                 [&](const LoopStalled& e) { state.OnStalled(e); },
             },
             event);
  state.Settle();
}

bool Engine::HasBacklog() const { return !state_->creating.empty(); }

std::optional<BootTime> Engine::NextBootTimer() const { return state_->timers.Next(); }

std::optional<WallTime> Engine::NextWallTimer() const {
  std::optional<WallTime> next;
  if (!state_->fires.empty()) next = state_->fires.begin()->first;
  if (!state_->deadlines.empty()) {
    const WallTime due = std::get<WallTime>(*state_->deadlines.begin());
    next = std::min(next.value_or(due), due);
  }
  if (!state_->alarms.empty()) {
    const WallTime alarm = state_->alarms.begin()->first;
    next = std::min(next.value_or(alarm), alarm);
  }
  return next;
}

Answer Engine::Ask(const Question& question, Now asked_at) const {
  return std::visit(Overloaded{
                        [&](const AskWhy& q) { return Answer(state_->AnswerWhy(q, asked_at)); },
                        [&](const AskWorkers&) { return Answer(state_->AnswerWorkers()); },
                        [&](const AskJob& q) { return Answer(state_->AnswerJob(q)); },
                        [&](const AskPools&) { return Answer(state_->AnswerPools()); },
                    },
                    question);
}

}  // namespace millrace::engine
