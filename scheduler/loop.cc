#include "scheduler/loop.h"

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

constexpr std::size_t kMaxRows = 2000;     // of the batch that collects
constexpr std::size_t kEventsAtOnce = 64;  // between two looks at its size
constexpr Duration kLongestSleep = std::chrono::seconds(1);
constexpr Duration kStall = std::chrono::seconds(1);  // later than this is a stall
constexpr Duration kRetry = std::chrono::seconds(1);  // of a full disk, or a store that cannot be loaded

std::size_t Rows(const Batch& batch) {
  return batch.dags.size() + batch.dag_versions.size() + batch.runs.size() + batch.task_instances.size() +
         batch.attempts.size() + batch.stage_tasks.size() + batch.jobs.size() + batch.sessions.size() +
         batch.records.size() + batch.xcoms.size() + batch.backfills.size() + batch.deleted_runs.size() * 10 +
         batch.forgotten.size() + batch.cached.size();
}

Answer NotNow(const Question& question) {
  const Status status = Unavailable("the scheduler is loading; ask again in a moment");
  if (std::holds_alternative<AskWhy>(question)) return StatusOr<Why>(status);
  if (std::holds_alternative<AskJob>(question)) return StatusOr<std::string>(status);
  if (std::holds_alternative<AskPools>(question)) return std::vector<PoolView>();
  return std::vector<WorkerView>();
}

}  // namespace

Loop::Loop(LoopParts parts, engine::EngineOptions options) : parts_(parts), options_(std::move(options)) {}
Loop::~Loop() = default;

Status Loop::Start() { return Load(parts_.clock.now()); }

void Loop::Run() {
  while (true) {
    const BootTime wake = Step();
    if (parts_.inbox.stopped() && (!committing_ || !committing_->under_way)) return;
    parts_.inbox.WaitUntil(wake, takes_events());
  }
}

BootTime Loop::Step() {
  const Now now = parts_.clock.now();
  if (engine_ == nullptr && now.boot >= retry_at_) {
    if (const Status status = Load(now); !status.ok()) Reload(status, now);
  }
  NoticeStall(now);
  AnswerHeartbeats(now);
  AnswerQuestions(now);
  if (const auto result = parts_.inbox.TakeCommit()) OnCommitDone(*result, now);
  if (frozen_ && now.boot >= retry_at_) SendToStore();
  if (takes_events()) ApplyEvents(now);
  if (takes_events()) ApplyTimers(now);
  BeginCommit(now);
  const BootTime wake = NextWake(now);
  wanted_wake_ = wake;
  return wake;
}

bool Loop::takes_events() const { return engine_ != nullptr && !frozen_ && !Full(); }

bool Loop::Full() const { return Rows(collecting_.batch) >= kMaxRows; }

void Loop::NoticeStall(Now now) {
  if (!wanted_wake_ || engine_ == nullptr || now.boot < *wanted_wake_ + kStall) return;
  const Duration late = now.boot - *wanted_wake_;
  parts_.log.Log(LogLevel::kWarning,
                 "Loop stood still; leases are extended (seconds=" +
                     std::to_string(std::chrono::duration_cast<std::chrono::seconds>(late).count()) + ")");
  engine_->Apply(LoopStalled{late}, now, collecting_);
}

void Loop::AnswerHeartbeats(Now now) {
  const std::vector<Heartbeat> heartbeats = parts_.inbox.TakeHeartbeats();
  if (engine_ == nullptr || heartbeats.empty()) return;
  // Nothing durable hangs on their answers, so those do not wait for a commit.
  std::vector<Effect> answers;
  for (const Heartbeat& heartbeat : heartbeats) {
    const std::size_t before = collecting_.effects.size();
    engine_->Apply(heartbeat, now, collecting_);
    const auto added = collecting_.effects.begin() + static_cast<std::ptrdiff_t>(before);
    const auto rest = std::stable_partition(added, collecting_.effects.end(), [](const Effect& effect) {
      return !std::holds_alternative<HeartbeatAck>(effect) && !std::holds_alternative<EndSession>(effect);
    });
    answers.insert(answers.end(), std::make_move_iterator(rest),
                   std::make_move_iterator(collecting_.effects.end()));
    collecting_.effects.erase(rest, collecting_.effects.end());
  }
  parts_.effects.Deliver(answers);
}

void Loop::AnswerQuestions(Now now) {
  for (const BoundedInbox::Asked& asked : parts_.inbox.TakeQuestions()) {
    asked.done(engine_ == nullptr ? NotNow(asked.question) : engine_->Ask(asked.question, now));
  }
}

void Loop::ApplyEvents(Now now) {
  while (!Full()) {
    std::vector<BoundedInbox::Taken> taken = parts_.inbox.TakeEvents(kEventsAtOnce);
    if (taken.empty()) return;
    for (BoundedInbox::Taken& one : taken) {
      if (const auto* command = std::get_if<CommandReceived>(&one.event))
        replies_[command->reply] = std::move(one.done);
      if (const auto* loaded = std::get_if<DagLoaded>(&one.event)) dags_[loaded->dag->id] = loaded->dag;
      if (const auto* gone = std::get_if<DagGone>(&one.event)) dags_[gone->dag_id] = nullptr;
      engine_->Apply(one.event, now, collecting_);
    }
  }
}

void Loop::ApplyTimers(Now now) {
  const std::optional<BootTime> boot = engine_->NextBootTimer();
  const std::optional<WallTime> wall = engine_->NextWallTimer();
  const bool next_portion = engine_->HasBacklog() && collecting_.stamp == 0;
  if (next_portion || (boot && *boot <= now.boot) || (wall && *wall <= now.wall))
    engine_->Apply(Tick{}, now, collecting_);
}

void Loop::BeginCommit(Now now) {
  if (collecting_.batch.empty() && collecting_.effects.empty()) {
    collecting_ = {};  // so that the next portion counts afresh
    return;
  }
  if (committing_ || engine_ == nullptr) return;
  engine::Output output = std::exchange(collecting_, {});
  if (output.batch.empty()) {
    Release(std::move(output.effects), now);
    return;
  }
  output.batch.term = term_;
  output.batch.sequence = sequence_ + 1;
  output.batch.at = now.wall;
  committing_ =
      Commit{std::make_shared<const Batch>(std::move(output.batch)), std::move(output.effects), false};
  SendToStore();
}

void Loop::SendToStore() {
  frozen_ = false;
  committing_->under_way = true;
  parts_.store.Commit(committing_->batch, [&inbox = parts_.inbox](store::CommitResult result) {
    inbox.PutCommit(std::move(result));
  });
}

void Loop::OnCommitDone(const store::CommitResult& result, Now now) {
  if (!committing_) return;
  switch (result.outcome) {
    case store::CommitOutcome::kDurable: {
      Commit done = std::move(*committing_);
      committing_.reset();
      sequence_ = done.batch->sequence;
      parts_.inbox.RefuseCommands(std::nullopt);
      parts_.journal.Committed(done.batch);
      Release(std::move(done.effects), now);
      return;
    }
    case store::CommitOutcome::kDiskFull:
      Freeze(result.status, now);
      return;
    case store::CommitOutcome::kUnknown:
      AskSequence(result.status, now);
      return;
    case store::CommitOutcome::kFenced:
    case store::CommitOutcome::kBroken:
      Reload(result.status, now);
      return;
  }
}

void Loop::Release(std::vector<Effect> effects, Now now) {
  std::vector<Effect> outgoing;
  outgoing.reserve(effects.size());
  for (Effect& effect : effects) {
    if (auto* reply = std::get_if<Reply>(&effect)) {
      const auto found = replies_.extract(reply->reply);
      if (!found.empty() && found.mapped()) found.mapped()(std::move(reply->result));
    } else if (const auto* need = std::get_if<Need>(&effect)) {
      engine_->Apply(Loaded{need->dag_id, need->run_id, parts_.loader.LoadRun(need->dag_id, need->run_id)},
                     now, collecting_);
    } else if (const auto* values = std::get_if<NeedXComs>(&effect)) {
      engine_->Apply(XComsLoaded{values->instance, parts_.loader.LoadXComs(values->keys), LookUp(*values)}, now,
                     collecting_);
    } else if (const auto* cached = std::get_if<NeedCached>(&effect)) {
      engine_->Apply(CachedLoaded{cached->instance, cached->key, parts_.loader.LoadCached(cached->key)}, now,
                     collecting_);
    } else if (const auto* previous = std::get_if<NeedPrevious>(&effect)) {
      engine_->Apply(
          PreviousLoaded{previous->run, parts_.loader.LoadPrevious(previous->dag_id, previous->before)}, now,
          collecting_);
    } else if (const auto* dates = std::get_if<NeedDates>(&effect)) {
      engine_->Apply(DatesLoaded{dates->backfill, dates->from, dates->to,
                                 parts_.loader.LoadDates(dates->dag_id, dates->from, dates->to)},
                     now, collecting_);
    } else if (const auto* runs = std::get_if<NeedRuns>(&effect)) {
      engine_->Apply(RunsLoaded{runs->instance, runs->date, LoadRuns(runs->dag_id, runs->date)}, now,
                     collecting_);
    } else if (const auto* state = std::get_if<NeedState>(&effect)) {
      engine_->Apply(StateLoaded{state->session, state->request.fence, state->request.id, LoadState(*state, now)},
                     now, collecting_);
    } else {
      outgoing.push_back(std::move(effect));
    }
  }
  if (!outgoing.empty()) parts_.effects.Deliver(outgoing);
}

StatusOr<std::string> Loop::LoadState(const NeedState& need, Now now) const {
  const StateRequest& request = need.request;
  if (!request.dataset.empty()) {
    ASSIGN_OR_RETURN(DatasetStateRow row, parts_.loader.LoadDatasetState(request.dataset, request.key));
    return std::move(row.json);
  }
  ASSIGN_OR_RETURN(TaskStateRow row, parts_.loader.LoadTaskState(need.instance, request.key));
  if (row.expires_at && *row.expires_at <= now.wall) return NotFound("it has expired");
  return std::move(row.json);
}

std::vector<FoundValue> Loop::LookUp(const NeedXComs& need) const {
  std::vector<FoundValue> found;
  for (const LookupRef& ref : need.lookups) {
    if (ref.kind != LookupRef::Kind::kPreviousSuccess) {
      found.push_back({ref, parts_.outside == nullptr ? StatusOr<Value>(NotFound("nothing is defined here"))
                                                      : parts_.outside->FindFor(need.team, NeedOf(ref))});
      continue;
    }
    const StatusOr<millrace::Run> run =
        need.before ? parts_.loader.LoadPreviousSuccess(need.dag_id, *need.before)
                    : StatusOr<millrace::Run>(NotFound("a run without a date has none before it"));
    found.push_back({ref, run.ok() ? StatusOr<Value>(PreviousSuccessOf(*run)) : run.status()});
  }
  return found;
}

StatusOr<std::vector<RunImage>> Loop::LoadRuns(const std::string& dag_id, WallTime date) {
  std::vector<RunImage> images;
  ASSIGN_OR_RETURN(const std::vector<millrace::Run> runs, parts_.loader.LoadDates(dag_id, date, date));
  for (const millrace::Run& run : runs) {
    ASSIGN_OR_RETURN(RunImage image, parts_.loader.LoadRun(dag_id, run.run_id));
    images.push_back(std::move(image));
  }
  return images;
}

void Loop::Freeze(const Status& status, Now now) {
  if (!frozen_ && committing_->under_way) {
    parts_.log.Log(LogLevel::kError,
                   "Disk full; nothing is written until there is room (error=" + status.message() + ")");
  }
  committing_->under_way = false;
  frozen_ = true;
  retry_at_ = now.boot + kRetry;
  parts_.inbox.RefuseCommands(ResourceExhausted(
      "the scheduler's disk is full; free some space, it goes on by itself (" + status.message() + ")"));
}

void Loop::AskSequence(const Status& status, Now now) {
  const StatusOr<std::uint64_t> sequence = parts_.store.LastSequence();
  if (sequence.ok() && *sequence == committing_->batch->sequence) {
    OnCommitDone({store::CommitOutcome::kDurable, OkStatus()}, now);
  } else if (sequence.ok() && *sequence + 1 == committing_->batch->sequence) {
    SendToStore();
  } else {
    Reload(sequence.ok() ? status : sequence.status(), now);
  }
}

void Loop::Reload(const Status& status, Now now) {
  parts_.log.Log(LogLevel::kError,
                 "Engine dropped, loading again from the store (error=" + status.ToString() + ")");
  engine_.reset();
  collecting_ = {};
  committing_.reset();
  frozen_ = false;
  retry_at_ = now.boot + kRetry;
  wanted_wake_.reset();
  const Status answer =
      Unavailable("the scheduler had to load again; look whether your change is there, and repeat it if not");
  for (auto& [id, done] : std::exchange(replies_, {})) {
    if (done) done(answer);
  }
  parts_.effects.Reset("the scheduler had to load again: " + status.message());
}

Status Loop::Load(Now now) {
  ASSIGN_OR_RETURN(Image image, parts_.store.Load());
  term_ = image.term;
  sequence_ = image.sequence;
  engine_ = std::make_unique<engine::Engine>(options_, parts_.zones);
  engine_->Load(std::move(image), now, collecting_);
  for (const auto& [id, dag] : dags_)
    engine_->Apply(dag != nullptr ? Event(DagLoaded{dag}) : Event(DagGone{id}), now, collecting_);
  parts_.inbox.RefuseCommands(std::nullopt);
  return OkStatus();
}

BootTime Loop::NextWake(Now now) const {
  BootTime wake = now.boot + kLongestSleep;
  if (frozen_ || engine_ == nullptr) return std::min(wake, retry_at_);
  // What was loaded for a command while its batch left is to be committed at once.
  if (!committing_ && !(collecting_.batch.empty() && collecting_.effects.empty())) return now.boot;
  if (!takes_events()) return wake;
  if (engine_->HasBacklog() && collecting_.stamp == 0) return now.boot;
  if (const auto boot = engine_->NextBootTimer()) wake = std::min(wake, *boot);
  if (const auto wall = engine_->NextWallTimer()) wake = std::min(wake, now.boot + (*wall - now.wall));
  return std::max(wake, now.boot);
}

}  // namespace millrace
