// The engine's insides: one State, what it does to what it holds (held.h), its methods grouped by idea, a file a group. Every event ends
// the same way (Settle): ends are told downstream, free places are filled, changed rows go into the batch.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/template/callback_context.h"
#include "core/template/lookup.h"
#include "scheduler/engine/engine.h"
#include "scheduler/engine/held.h"
#include "scheduler/engine/lineage.h"
#include "scheduler/engine/live.h"
#include "scheduler/engine/outlet_events.h"
#include "scheduler/engine/task_traits.h"

namespace millrace::engine {

struct Engine::State : Held {
  using Held::FindRun;
  using Held::Held;

  // changes.cc: rows and transitions into the batch.
  void Begin(Now the_now, Output& the_out);
  void Settle();
  void Touch(LiveDag& dag);
  void Touch(LiveRun& run);
  void Touch(LiveBackfill& backfill);
  void Touch(LiveRun& run, Instance& instance);
  void FlushRows();
  void SetRunState(LiveRun& run, RunState to, bool by_user = false);
  // The one place where a task instance changes state.
  void SetState(LiveRun& run, Instance& instance, TaskState to, bool by_user = false);
  void KeepAttempt(const Instance& instance, TaskState how, std::optional<std::int32_t> exit_code);
  void Emit(Effect effect) { out->effects.push_back(std::move(effect)); }

  // load.cc
  void Load(Image image);
  void LoadInstances(LiveRun& run, std::vector<TaskInstance> rows);
  // Which instances are those of which task: of one row, of all.
  static void FindPlace(LiveRun& run, const TaskInstance& row);
  static void FindPlaces(LiveRun& run);
  // Once all of them are loaded: what waits queues up again, what lost its worker runs again.
  void ResumeInstances(LiveRun& run);

  // schedule.cc: DAGs, versions, timetables.
  void OnDagLoaded(const DagLoaded& event);
  void OnDagGone(const DagGone& event);
  void UseVersion(LiveDag& dag, DagPtr version);
  // Makes every run that is due and sets the timer for the next one.
  void FireTimetable(LiveDag& dag);
  std::optional<RunDates> NextDates(const LiveDag& dag) const;
  void MakeScheduledRun(LiveDag& dag, const RunDates& dates, WallTime due);
  // What the overlap policy does about the schedule's earlier runs. False: the new one is not to be.
  bool MakeRoom(LiveDag& dag, const std::string& what);
  std::vector<RunKey> UnfinishedOfSchedule(const LiveDag& dag) const;
  // The wall clock has jumped by minutes: whatever it jumped over fires once, whatever catchup says.
  void OnClockStepped();
  void FireDue();
  // DAGs whose timetable is due or whose runs may find room.
  void WakeDags();

  // datasets.cc
  void Subscribe(LiveDag& dag);
  // The success of a task instance is an event of each of its outlets, and of what it attached to aliases.
  void TellDatasets(const LiveRun& run, const Instance& instance, const std::vector<OutletEvent>& events);
  void Attach(const OutletEvent& outlet);
  const DatasetEvent& AddEvent(DatasetEvent event);
  void FireDatasets(LiveDag& dag);
  // A run with these events; its partition may have no key.
  void MakeDatasetRun(LiveDag& dag, const std::string& run_id, Partition partition, std::vector<EventPtr> events);
  CommandReply OnDatasetEvent(const AddDatasetEvent& command);
  CommandReply ClearQueue(const ClearDatasetQueue& command);
  // What made the run, as templates see it: triggering_asset_events['orders'][0].source_run_id.
  Value EventsOf(const LiveRun& run) const;
  void LoadDatasets(const Image& image);

  // partitions.cc
  // Of the runs that an event counts for; one, "", where runs have none. INVALID_ARGUMENT: it does not count, and why.
  StatusOr<std::vector<Partition>> RunKeysOf(const LiveDag& dag, const DatasetEvent& event) const;
  void SayUncounted(const LiveDag& dag, const DatasetEvent& event, const std::string& reason);
  // Where keys are mapped: among the events of this one.
  void PutUnder(LiveDag& dag, const std::string& key, const EventPtr& event);
  // They wait for the run of this key no longer; those that wait for no other are let go.
  void Unqueue(LiveDag& dag, const std::string& key, const std::vector<EventPtr>& events);
  void TakeOldest(const LiveDag& dag, LivePartition& group) const;
  // Which datasets have all that the run of this key waits for.
  static std::vector<std::string> ReadyIn(const LivePartition& group);
  // The schedule is another one: what does not count any more is let go, the rest stands under its new key.
  void Regroup(LiveDag& dag);
  void DropOldest(LiveDag& dag);
  void FirePartitions(LiveDag& dag);
  // watches.cc: datasets that are looked at without a task.
  // What the DAG watches now, as it stands.
  void SetWatches(const LiveDag& dag);
  void StopWatch(LiveWatch& watch);
  void PlaceWatches();
  std::map<WatchKey, LiveWatch>::iterator FindWatch(Fence fence);
  void OnWatchReport(const Report& report);
  void Seen(LiveWatch& live, const WatchKey& key, const millrace::Watch& watch, const Value& told);
  void Keep(LiveWatch& live, const WatchKey& key, std::string digest, std::string failure);
  void OnWatchLost(Fence fence);
  void OnWatchDue(Fence fence);

  // lineage_rows.cc: OpenLineage, the same way.
  void TellLineage(LiveRun& run, LineageEvent event, const std::string& message = "");
  // The instance is about to be in another state.
  void TellLineage(LiveRun& run, const Instance& instance, TaskState to, bool by_user);
  void AddLineage(LiveRun& run, const Instance* of, std::int32_t try_number, LineageEvent event, const Value& what);

  // deadlines.cc
  std::optional<WallTime> DueAt(const LiveRun& run, const Deadline& deadline) const;
  void SetDeadlines(LiveRun& run);
  void AddDeadline(LiveRun& run, std::int32_t index, WallTime due);
  void MissDeadlines();
  void OnDeadlineMissed(LiveRun& run, std::int32_t index, WallTime due);
  // The run is over.
  void DropDeadlines(LiveRun& run);

  // outbox.cc: callbacks and how they are delivered.
  void Tell(LiveRun& run, const Instance& instance, CallbackCause cause);
  void TellRun(LiveRun& run, CallbackCause cause, const std::string& reason);
  void TellDeadline(LiveRun& run, std::int32_t index, WallTime due);
  void AddNotification(LiveRun& run, const Callback& callback, const Instance* of, const Instance* about,
                       CallbackFacts facts);
  // A new row of the outbox; it is neither kept nor due yet. `of`: null for the run's.
  LiveNotification& AddRow(const LiveRun& run, CallbackCause cause, const Instance* of);
  // Counts one that is not told: for kLineage an event, otherwise a callback.
  void Suppress(LiveRun& run, CallbackCause cause);
  void Keep(LiveNotification& notification);
  void Drop(std::int64_t id);
  // Hands those that are due to workers.
  void Deliver();
  void AskForDelivery(const Notification& row);
  void OnDeliveryValues(const XComsLoaded& event);
  // connection_test.cc
  void Test(std::uint64_t reply, const TestConnection& command);
  void OnTested(Fence fence, CommandReply answer);
  void OnDeliveryReport(const LiveAttempt& attempt, const Report& report);
  void OnDeliveryLost(Fence fence, const std::string& why, bool counts);
  void DeliveryFailed(LiveNotification& notification, const std::string& why, bool may_retry);
  void OnDeliveryDue(std::int64_t id);
  void OnDeliveryStuck(Fence fence);
  void LoadNotifications(const Image& image);
  void DropNotifications(RunKey run);
  CommandReply Retry(const RetryNotification& command);

  // runs.cc: from queued to ended.
  LiveRun& AddRun(LiveDag& dag, Run row, DagPtr version);
  void StartRuns(LiveDag& dag);
  // False: there is no room in memory.
  bool StartRun(LiveRun& run);
  // Into and out of the queue, and the count of running ones, of its DAG or its backfill.
  void Enqueue(LiveRun& run);
  void Dequeue(LiveRun& run);
  void CountRunning(const LiveRun& run, std::int32_t by);
  void CreateInstances();
  void TellDownstream();
  // What the ends upstream mean for an instance that waits for them.
  void Evaluate(LiveRun& run, Instance& instance);
  void OnReady(LiveRun& run, Instance& instance);
  void Skip(LiveRun& run, Instance& instance, std::string reason);
  // Counts its upstream afresh.
  void Recount(LiveRun& run, Instance& instance);
  // Ends whatever has not ended, with the run, or as fail_fast does without it.
  void StopRest(LiveRun& run, const std::string& reason, bool teardowns,
                std::vector<TaskInstanceKey>* touched);
  void OnRunTimeout(LiveRun& run);
  void SetDeadline(LiveRun& run, WallTime started);
  void EndRuns();
  void EndIfOver(LiveRun& run);
  void CountFailure(LiveDag& dag, const Run& run, bool failed);

  // run_retry.cc: a run that failed is tried again by itself.
  static bool MayRetry(const LiveRun& run) { return run.row.retries < run.row.max_retries; }
  // Its tasks have ended. `stopped`: why those that had not failed ended, if they were made to.
  void RetryLater(LiveRun& run, const std::string& stopped);
  std::vector<std::int32_t> ToTryAgain(LiveRun& run, const std::string& stopped);
  // Until its time comes it stands in no queue.
  void AwaitRetry(LiveRun& run);
  void RetryNow(LiveRun& run);

  void Evict(LiveRun& run);
  DagPtr FindVersion(const LiveDag& dag, std::int32_t version) const;

  // graph.h on live instances: calls `visit` with each instance of a task, or directly up or down of one.
  template <typename Visit>
  void EachOf(LiveRun& run, std::int32_t task, const Visit& visit);
  template <typename Visit>
  void EachUpstream(LiveRun& run, const Instance& instance, const Visit& visit);
  template <typename Visit>
  void EachDownstream(LiveRun& run, const Instance& instance, const Visit& visit);

  // values.cc: XComs that a task leaves and pulls.
  bool KeepXComs(const Instance& instance, const engine::End& end, std::string* refusal);
  void Ask(LiveRun& run, Instance& instance);
  static TemplateAnswers AnswersOf(const LiveRun& run, const Instance& instance);
  void OnXComsLoaded(const XComsLoaded& event);

  // cache.cc: results of earlier successes with the same inputs.
  // True: it waits for the store's answer. False: it runs.
  bool LookInCache(LiveRun& run, Instance& instance);
  void OnCachedLoaded(const CachedLoaded& event);
  void KeepInCache(const LiveRun& run, const Instance& instance, const engine::End& end);
  void ForgetCached(const LiveRun& run, const std::vector<std::int32_t>& tasks);
  StatusOr<std::string> CacheKeyOf(const LiveRun& run, const Instance& instance) const;

  // conditions.cc: whether what is ready is to run, and what it is called.
  void DecideReady();
  void AskConditions(LiveRun& run, Instance& instance);

  // steering.cc: tasks that decide which tasks behind them run.
  void RunInEngine(LiveRun& run, Instance& instance);
  Status Steer(LiveRun& run, Instance& instance, const Value& result);
  bool IsLatest(const LiveRun& run) const;
  // The branch directly upstream that did not choose this one, or nullptr.
  const Task* NotChosenBy(LiveRun& run, const Instance& instance);

  // deferred.cc: deferred task instances.
  void StartInEngine(Instance& instance);
  void Await(LiveRun& run, Instance& instance, std::string reason, Duration limit);
  void ResumeAwaited(Instance& instance);  // after a restart
  void ForgetAwaited(Instance& instance);
  void OnAwaitedTooLong(const Timer& timer);

  // triggers.cc: trigger_dag.
  StatusOr<TriggerPlan> PlanTrigger(const LiveRun& run, const Instance& instance) const;
  void BeginTrigger(LiveRun& run, Instance& instance);
  void AskForTarget(TaskInstanceKey key);
  void OnTargetLoaded(TaskInstanceKey key, const Loaded& event);
  void DoTrigger(LiveRun& run, Instance& instance, const TriggerPlan& plan);
  void TellWaiters();
  void OnTargetMoved(LiveRun& run, Instance& instance, std::optional<RunState> state);

  // approvals.cc: approval.
  void AskPeople(LiveRun& run, Instance& instance, const Value& with);
  CommandReply Answered(const AnswerApproval& command, LiveRun& run);
  void OnNobodyAnswered(LiveRun& run, Instance& instance);
  // `user`: who answered; "": the defaults did. The row as it is kept.
  ApprovalRow GoOn(LiveRun& run, Instance& instance, const Value& response, const std::string& user);
  static bool IsApproved(const Value& result);
  // waiting.cc: sensors. `text` says to people what it waits for; at its alarm, if it has one, it succeeds.
  void Defer(LiveRun& run, Instance& instance, const std::string& text, Value wait,
             std::optional<WallTime> alarm);
  bool PlaceSensor(LiveRun& run, Instance& instance);
  void BeginSensor(LiveRun& run, Instance& instance, const Value& with);
  StatusOr<WallTime> TimeOf(const LiveRun& run, const Instance& instance, const Value& with) const;
  void SetWaitTimeout(const LiveRun& run, const Instance& instance);
  void OnWaitOver(LiveRun& run, Instance& instance);
  void RingAlarms();
  void ResumeWait(LiveRun& run, Instance& instance);
  // It is no longer deferred.
  void ForgetWait(const TaskInstanceKey& key);

  // external.cc: sensors of other runs' ends.
  void BeginExternal(LiveRun& run, Instance& instance, const Value& with);
  void Watch(const Instance& instance, ExternalTarget target, WallTime date);
  // Something of the run has changed, for those who wait for it.
  void TellWatchers(const LiveRun& run);
  void LookAgain();
  void Look(const TaskInstanceKey& key, const std::vector<RunImage>& images);
  void OnRunsLoaded(const RunsLoaded& event);

  // mapping.cc: `expand`.
  void ExpandReady();
  void Expand(LiveRun& run, Instance& instance);
  StatusOr<std::vector<Value>> MapValues(const LiveRun& run, const Instance& instance,
                                         const std::vector<Expansion>& expand, bool zip,
                                         const Value* fill) const;
  void SetMapped(LiveRun& run, const std::vector<std::int32_t>& tasks, const std::vector<Value>& values);
  void ForgetMapped(LiveRun& run, const std::vector<std::int32_t>& cleared);

  // past.cc: depends_on_past, wait_for_downstream.
  void LookBack(LiveRun& run);
  void OnPreviousLoaded(const PreviousLoaded& event);
  bool PastAllows(const LiveRun& run, const Task& task, std::int32_t index) const;
  void TellFollowers(LiveRun& run, std::int32_t task);

  // limits.cc: ready instances, pools, max_active_tasks.
  static bool IsPaused(const LiveRun& run, const Task& task);
  bool IsPoolOfOthers(const LiveRun& run, const Task& task) const;
  void RefusePool(LiveRun& run, Instance& instance);
  Pool& FindPool(const std::string& name);
  bool MayStartMore(const Lane& lane) const;
  bool Admit(LiveRun& run, Instance& instance);
  // After a restart: it was let in before.
  void Readmit(LiveRun& run, Instance& instance);
  // No longer counts against the limits on its task; the best that waits there may go on.
  void Leave(LiveRun& run, Instance& instance);
  void Park(LiveRun& run, Instance& instance);
  void Unpark(LiveRun& run, const Instance& instance);
  void Hold(LiveRun& run, Instance& instance);
  void Release(LiveRun& run, Instance& instance);
  // A pool with include_deferred: what may wait takes its slots first, and has them until it has ended.
  bool MayReserve(LiveRun& run, Instance& instance);
  void Reserve(const LiveRun& run, Instance& instance);
  void Unreserve(const LiveRun& run, Instance& instance);
  void ReserveWaiting();
  void IncludeDeferred(Pool& pool, bool include);
  void Relist(Lane& lane);
  void RelistRun(LiveRun& run);
  void Relist(Pool& pool);

  // placement.cc: who gets a free slot.
  void Place();
  Session* PickWorker(std::int32_t slots, bool prefetch, const LiveJob* job, jobs::StageTaskId stage);
  void Relist(Session& session);
  void RelistCourier(Session& session);
  Fence Occupy(Session& session, LiveAttempt attempt);
  void Vacate(Fence fence);
  bool PlaceInstance(LiveRun& run, Instance& instance);
  bool PlaceStage(LiveJob& job, StageRun& stage);
  void StartTry(Instance& instance);
  // INVALID_ARGUMENT: the place and what is wrong with a template.
  StatusOr<Assignment> MakeAssignment(const LiveRun& run, const Instance& instance) const;
  Assignment MakeStageAssignment(const LiveRun& run, const Instance& instance, const LiveJob& job,
                                 const jobs::Start& start, Fence fence) const;

  // sessions.cc: joining, leases, what is lost.
  void OnJoined(const WorkerJoined& event);
  void Rejoin(Session& session, const WorkerJoined& event, Welcome& welcome, std::vector<Effect>& after);
  void OnHeartbeat(const Heartbeat& event);
  void OnDisconnected(const WorkerDisconnected& event);
  void OnDraining(const WorkerDraining& event);
  void OnStalled(const LoopStalled& event);
  void End(SessionId id, const std::string& reason);
  void OnTimer(const Timer& timer);

  // reports.cc: how attempts end.
  void OnReported(const Reported& event);
  void Acknowledge(Session& session);
  void OnReport(Session& session, const Report& report);
  void OnStarted(LiveRun& run, Instance& instance, WallTime at);
  void OnEnded(LiveRun& run, Instance& instance, const engine::End& end);
  // What follows from it.
  void Conclude(LiveRun& run, Instance& instance, const engine::End& end);
  void Fail(LiveRun& run, Instance& instance, const engine::End& end, bool may_retry);
  // `counts`: against max_lost.
  // Tried again without using a retry.
  void Reschedule(LiveRun& run, Instance& instance, const RetryRule& rule);
  void OnRetryDue(LiveRun& run, Instance& instance);

  // loops.cc: tasks, and groups of them, that run until a condition holds.
  // True: its end is only one iteration's, or its failure.
  bool LoopsOn(LiveRun& run, Instance& instance, const engine::End& end);
  // Whether this result is to be followed by another iteration; an error fails what loops.
  StatusOr<bool> GoesOn(const LiveRun& run, const Instance& instance, const Value& result) const;
  void AwaitIteration(LiveRun& run, Instance& instance, std::string reason, std::optional<std::int32_t> exit_code);
  // With what the gate of its group keeps, as its templates see it: the row itself, or `copy`.
  static const TaskInstance& RowWithLoop(const LiveRun& run, const Instance& instance, TaskInstance& copy);
  // The instances that a gate has run again: those of its group, without itself.
  template <typename Visit>
  void EachOfBody(LiveRun& run, std::int32_t gate, const Visit& visit);
  bool BodyHasEnded(LiveRun& run, const Instance& gate);
  // An instance of this task has ended, for which the gate may have waited.
  void TellGate(LiveRun& run, const Task& over);
  void RunGate(LiveRun& run, Instance& gate);
  void BeginIteration(LiveRun& run, Instance& gate);
  // A clear came between two iterations: the one that had ended is still under way.
  static void ForgetNext(TaskInstance& gate);
  void BeginLoopAnew(LiveRun& run, std::int32_t gate);
  // Those whose bodies were cleared whole; one that was cleared in part goes on with the iteration it is in.
  void BeginLoopsAnew(LiveRun& run, const std::vector<std::int32_t>& cleared);
  void OnLost(Fence fence, const std::string& why, bool counts);
  void Unwant(LiveRun& run, Instance& instance, const std::string& reason);
  void FinishRestart(LiveRun& run, Instance& instance);

  // backfill.cc
  CommandReply Create(const CreateBackfill& command);
  Status CheckBackfill(const LiveDag& dag, const Backfill& row) const;
  std::vector<LiveDag*> DownstreamOf(LiveDag& first);
  CommandReply Change(const ChangeBackfill& command);
  StatusOr<std::vector<RunDates>> DatesOf(const LiveDag& dag, const Backfill& row) const;
  LiveBackfill& AddBackfill(LiveDag& dag, Backfill row);
  // Starts what is queued, asks for the next dates, completes; as far as it goes now.
  void Proceed(LiveBackfill& backfill);
  void ProceedAll(LiveDag& dag);
  void OnDatesLoaded(const DatesLoaded& event);
  // One date's decision; true: it is dealt with.
  bool DealWith(LiveBackfill& backfill, const RunDates& date, const std::vector<Run>& runs);
  void DateDone(LiveBackfill& backfill, bool made);
  void RunAgain(std::int64_t id, const Status& loaded, LiveRun* run);
  void AskAgainLater(const LiveBackfill& backfill);
  // Those that are left of its range, by the DAG's schedule as it is now.
  void ListDates(const LiveDag& dag, LiveBackfill& backfill);

  // commands.cc, clear.cc
  void OnCommand(const CommandReceived& event);
  void OnLoaded(const Loaded& event);
  void Answer(std::uint64_t reply, CommandReply result) { Emit(Reply{reply, std::move(result)}); }
  CommandReply Trigger(const TriggerRun& command);
  Status CheckTrigger(const TriggerRun& command) const;
  CommandReply Pause(const SetPaused& command);
  CommandReply Pause(const SetTaskPaused& command);
  CommandReply OnRun(const Command& command, LiveRun& run);
  CommandReply Cancel(const CancelRun& command, LiveRun& run);
  // Ends a live run as failed, with its instances; it is gone afterwards.
  CommandResult Stop(LiveRun& run, const std::string& reason);
  CommandReply Clear(const ClearTasks& command, LiveRun& run);
  CommandReply Mark(const MarkTask& command, LiveRun& run);
  CommandReply Mark(const MarkRun& command, LiveRun& run);
  // Whether it changed.
  bool MarkInstance(LiveRun& run, Instance& instance, TaskState state, const std::string& reason);
  CommandReply Note(const NoteRun& command, LiveRun& run);
  CommandReply Delete(const DeleteTaskInstance& command, LiveRun& run);
  CommandReply Delete(LiveRun& run);
  CommandReply Delete(const DeleteRuns& command);
  CommandReply Delete(const DeleteDag& command);
  CommandReply Set(const SetPool& command);
  void Resize(Pool& pool, std::int32_t slots);
  void ClearInstances(LiveRun& run, const std::vector<std::int32_t>& indices, const std::string& user);
  void EvaluateAll(LiveRun& run, const std::vector<std::int32_t>& indices);
  void Reopen(LiveRun& run);
  // Clears all of an ended run and opens it; on its DAG's newest version when asked for.
  void Rerun(LiveRun& run, bool latest_version, const std::string& user);
  void UseNewestVersion(LiveRun& run);
  // new_tasks.cc
  struct NewVersion;
  CommandReply AddNewTasks(const ClearTasks& command, LiveRun& run);
  static NewVersion Compare(const LiveRun& run, const Dag& newest);
  void Follow(LiveRun& run, const NewVersion& change);
  void AddInstances(LiveRun& run, std::int32_t task);

  // job_glue.cc: running mapreduce task instances.
  void StartJob(LiveRun& run, Instance& instance);
  void Do(LiveJob& job, jobs::Actions actions);
  // What the task's last run told of its keys: where it is kept, that it has come, and what this one tells.
  static std::string SketchKey(const LiveRun& run, const TaskInstance& row);
  bool OnSketches(const CachedLoaded& event);
  void KeepSketches(TaskInstanceKey key, std::string sketches);
  void OnStageEnded(Fence fence, const Report& report);
  // Of an attempt that its job has given up: only the report wants to know.
  void OnDroppedEnded(const LiveAttempt& attempt, const Report& report);
  void OnStageLost(Fence fence, const std::string& why, bool counts);
  void DropStage(LiveJob& job, jobs::StageTaskId id, const std::string& reason);
  void TickLater(const LiveJob& job);
  void OnJobTick(const Timer& timer);
  void GiveUpCopy(LiveJob& job, jobs::StageTaskId id);
  void DropAdopted(LiveJob& job, const std::string& reason);
  void EndJob(TaskInstanceKey key, const std::string& reason, const std::string& state);
  void TellJobs(SessionId lost);
  bool Adopt(Session& session, const StageAttempt& attempt);
  void LoadJob(LiveRun& run, Instance& instance);
  void BeginLoadedJobs();
  void WriteReport(LiveJob& job, bool ended);

  // state_store.cc: what tasks keep beside their runs. The engine holds none of it.
  void OnStateAsked(const StateAsked& event);
  // Why the attempt may not; "": it may.
  std::string RefusalOf(const StateAsked& event);
  void OnStateLoaded(const StateLoaded& event);
  void ForgetStates(const std::vector<TaskInstanceKey>& instances);

  // why.cc
  StatusOr<Why> AnswerWhy(const AskWhy& question, Now asked_at) const;
  void WhyDeferred(const Instance& instance, Why& why) const;
  std::vector<WorkerView> AnswerWorkers() const;
  std::vector<PoolView> AnswerPools() const;
  StatusOr<std::string> AnswerJob(const AskJob& question) const;

  LiveRun* FindRun(const std::string& dag_id, const std::string& run_id);
  static const Task& TaskOf(const LiveRun& run, const Instance& instance) {
    return run.dag->tasks[static_cast<std::size_t>(instance.row.task())];
  }
};

// What was found outside, as templates look it up.
void AddFound(const LoadedValues& values, TemplateAnswers& answers);

// What of it no message, row or log may show.
std::vector<std::string> SecretsOf(const LoadedValues* values);

// The partition that a run of these dates is about, where its timetable makes them.
void GiveKey(const LiveDag& dag, const RunDates& dates, Run& row);
// The datasets of these events, each once, sorted.
std::vector<std::string> UpdatedBy(const std::vector<EventPtr>& events);
// Also of "", which is none.
Status CheckPartitionKey(const std::string& key);

}  // namespace millrace::engine
