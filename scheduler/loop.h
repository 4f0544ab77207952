// The heart of the scheduler, and the first file to read. One thread: drain the inbox, apply each event to
// the engine, commit what it decided, and only then let the effects leave.
//
//   inbox -> engine.Apply -> collecting batch -> store.Commit (one under way while the next collects)
//                                                 -> durable: assignments, replies, acknowledgements, live
//                                                 events
//
// Heartbeats go first and are answered at once: no slow disk may cost a worker its lease. A full disk freezes
// the engine and the same batch is tried again; after any other doubt about the store the engine is dropped
// and loaded again, as at a start.
//
// main.cc puts the parts together and calls Run on the loop's thread; the simulator calls Step itself, on a
// clock of its own. The loop knows no gRPC, HTTP or SQLite, and decides nothing about runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/model/batch.h"
#include "core/model/effect.h"
#include "core/template/lookup.h"
#include "scheduler/bounded_inbox.h"
#include "scheduler/engine/engine.h"
#include "scheduler/sinks.h"
#include "scheduler/store/store.h"

namespace millrace {

// What the loop stands between; all of it outlives the loop.
struct LoopParts {
  const Clock& clock;
  const ZoneDatabase& zones;
  LogSink& log;
  BoundedInbox& inbox;
  store::Store& store;
  store::RunLoader& loader;
  EffectSink& effects;
  JournalSink& journal;
  TeamValues* outside = nullptr;  // who knows variables and connections; none: there are none
};

class Loop {
 public:
  Loop(LoopParts parts, engine::EngineOptions options);
  ~Loop();

  // Loads the engine. Before Run or Step; an error is the store's, and nothing has begun.
  Status Start();

  // Until the inbox is stopped and what was decided until then is durable.
  void Run();

  // Does everything that can be done now. Returns when it wants to be called again at the latest; news in the
  // inbox come first.
  BootTime Step();

  // Whether events in the inbox would be taken by Step: not while the disk is full or the next batch is.
  bool takes_events() const;

 private:
  struct Commit {
    std::shared_ptr<const Batch> batch;
    std::vector<Effect> effects;
    bool under_way = false;  // false: to be tried again at retry_at_
  };

  void NoticeStall(Now now);
  void AnswerHeartbeats(Now now);
  void AnswerQuestions(Now now);
  void OnCommitDone(const store::CommitResult& result, Now now);
  void ApplyEvents(Now now);
  void ApplyTimers(Now now);
  void BeginCommit(Now now);
  void SendToStore();
  void Release(std::vector<Effect> effects, Now now);
  // What templates read besides XComs.
  std::vector<FoundValue> LookUp(const NeedXComs& need) const;
  StatusOr<std::string> LoadState(const NeedState& need, Now now) const;
  StatusOr<std::vector<RunImage>> LoadRuns(const std::string& dag_id, WallTime date);
  void Freeze(const Status& status, Now now);
  void AskSequence(const Status& status, Now now);
  // The restart path: nothing that is not durable is believed any more.
  void Reload(const Status& status, Now now);
  Status Load(Now now);
  BootTime NextWake(Now now) const;
  bool Full() const;

  LoopParts parts_;
  const engine::EngineOptions options_;
  std::unique_ptr<engine::Engine> engine_;  // null while the store cannot be loaded
  engine::Output collecting_;
  std::optional<Commit> committing_;
  std::uint32_t term_ = 0;
  std::uint64_t sequence_ = 0;  // of the last durable batch
  bool frozen_ = false;
  BootTime retry_at_{};
  std::optional<BootTime> wanted_wake_;
  std::map<std::uint64_t, std::function<void(CommandReply)>> replies_;
  // As dagbag told them last: an engine that is loaded again is told once more, in case their batch was lost.
  std::map<std::string, DagPtr> dags_;  // null: gone
};

}  // namespace millrace
