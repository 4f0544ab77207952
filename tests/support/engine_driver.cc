#include "tests/support/engine_driver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "core/model/connection.h"

namespace millrace::test {

EngineDriver::EngineDriver(engine::EngineOptions options, WallTime start)
    : options_(std::move(options)), now_{start, BootTime(std::chrono::hours(1))} {
  Restart();
}

void EngineDriver::Restart() {
  engine_ = std::make_unique<engine::Engine>(options_, zones_);
  engine::Output output;
  engine_->Load(rows.Load(), now_, output);
  Commit(std::move(output));
  AnswerNeeds();
  while (engine_->HasBacklog()) Apply(Tick{});
}

void EngineDriver::Commit(engine::Output output) {
  output.batch.sequence = ++rows.sequence;
  output.batch.at = now_.wall;
  const Status status = rows.Apply(output.batch);
  EXPECT_TRUE(status.ok()) << status.ToString();
  batches.push_back(std::move(output.batch));
  effects = std::move(output.effects);
  for (const Effect& effect : effects) {
    const auto* assign = std::get_if<Assign>(&effect);
    if (assign == nullptr) continue;
    if (assign->assignment.instance.index == kNotificationLog) {
      deliveries.insert_or_assign(assign->assignment.try_number, *assign);
    } else if (ToInt(assign->assignment.instance.run) == 0) {
      looks.insert_or_assign(assign->assignment.task_id, *assign);
    } else {
      assigned.insert_or_assign(assign->assignment.instance, *assign);
    }
  }
}

void EngineDriver::Apply(const Event& event) {
  engine::Output output;
  engine_->Apply(event, now_, output);
  Commit(std::move(output));
  AnswerNeeds();
  if (engine_->HasBacklog()) {
    std::vector<Effect> all = std::move(effects);
    Apply(Tick{});
    all.insert(all.end(), effects.begin(), effects.end());
    effects = std::move(all);
  }
}

// What the loop answers as soon as the commit is durable; those of all of its answers count as this event's effects.
void EngineDriver::AnswerNeeds() {
  const std::vector<Need> runs = Effects<Need>();
  const std::vector<NeedDates> dates = Effects<NeedDates>();
  const std::vector<NeedXComs> values = Effects<NeedXComs>();
  const std::vector<NeedCached> cached = Effects<NeedCached>();
  const std::vector<NeedPrevious> previous = Effects<NeedPrevious>();
  const std::vector<NeedRuns> watched = Effects<NeedRuns>();
  const std::vector<NeedState> states = Effects<NeedState>();
  std::vector<Effect> all = std::move(effects);
  std::erase_if(all, [](const Effect& effect) {
    return std::holds_alternative<Need>(effect) || std::holds_alternative<NeedDates>(effect) ||
           std::holds_alternative<NeedRuns>(effect) || std::holds_alternative<NeedState>(effect);
  });
  const auto answer = [&](const Event& event) {
    Apply(event);
    all.insert(all.end(), effects.begin(), effects.end());
  };
  for (const Need& need : runs)
    answer(Loaded{need.dag_id, need.run_id, rows.LoadRun(need.dag_id, need.run_id)});
  for (const NeedXComs& need : values)
    answer(XComsLoaded{need.instance, rows.LoadXComs(need.keys), LookUp(need)});
  for (const NeedCached& need : cached) answer(CachedLoaded{need.instance, need.key, rows.LoadCached(need.key)});
  for (const NeedPrevious& need : previous) {
    answer(PreviousLoaded{need.run, rows.LoadPrevious(need.dag_id, need.before)});
  }
  for (const NeedRuns& need : watched) {
    std::vector<RunImage> images;
    for (const Run& run : rows.LoadDates(need.dag_id, need.date, need.date))
      images.push_back(rows.LoadRun(need.dag_id, run.run_id).value());
    answer(RunsLoaded{need.instance, need.date, std::move(images)});
  }
  for (const NeedDates& need : dates) {
    answer(DatesLoaded{need.backfill, need.from, need.to, rows.LoadDates(need.dag_id, need.from, need.to)});
  }
  for (const NeedState& need : states)
    answer(StateLoaded{need.session, need.request.fence, need.request.id, LoadState(need)});
  effects = std::move(all);
}

StatusOr<std::string> EngineDriver::LoadState(const NeedState& need) const {
  if (!need.request.dataset.empty()) {
    ASSIGN_OR_RETURN(const DatasetStateRow row, rows.LoadDatasetState(need.request.dataset, need.request.key));
    return row.json;
  }
  ASSIGN_OR_RETURN(const TaskStateRow row, rows.LoadTaskState(need.instance, need.request.key));
  if (row.expires_at && *row.expires_at <= now_.wall) return NotFound("it has expired");
  return row.json;
}

std::vector<FoundValue> EngineDriver::LookUp(const NeedXComs& need) const {
  std::vector<FoundValue> found;
  for (const LookupRef& ref : need.lookups) {
    if (ref.kind == LookupRef::Kind::kPreviousSuccess) {
      const StatusOr<Run> run =
          need.before ? rows.LoadPreviousSuccess(need.dag_id, *need.before) : StatusOr<Run>(NotFound("no date"));
      found.push_back({ref, run.ok() ? StatusOr<Value>(PreviousSuccessOf(*run)) : run.status()});
    } else if (const auto team = outside_teams.find(ref); team != outside_teams.end() && team->second != need.team) {
      found.push_back({ref, PermissionDenied(ToString(NeedOf(ref)).substr(4) + " belongs to team " + team->second)});
    } else if (const auto value = outside.find(ref); value != outside.end()) {
      found.push_back({ref, value->second});
    } else {
      found.push_back({ref, NotFound("not defined")});
    }
  }
  return found;
}

void EngineDriver::Define(const std::string& what, const std::string& name, const std::string& text) {
  if (what == "variable") {
    outside[{LookupRef::Kind::kVariable, name}] = Value(text);
  } else {
    outside[{LookupRef::Kind::kConnection, name}] = ConnectionValue(ParseConnection(name, text).value());
  }
}

void EngineDriver::Give(const std::string& what, const std::string& name, const std::string& team) {
  const auto kind = what == "variable" ? LookupRef::Kind::kVariable : LookupRef::Kind::kConnection;
  outside_teams[{kind, name}] = team;
}

void EngineDriver::Advance(Duration by) {
  const BootTime end = now_.boot + by;
  std::vector<Effect> all;
  while (true) {
    std::optional<BootTime> next = engine_->NextBootTimer();
    if (const std::optional<WallTime> wall = engine_->NextWallTimer()) {
      const BootTime at = now_.boot + (*wall - now_.wall);
      next = next ? std::min(*next, at) : at;
    }
    if (!next || *next > end) break;
    const Duration step = std::max(*next - now_.boot, Duration(0));
    now_.boot += step;
    now_.wall += step;
    Apply(Tick{});
    all.insert(all.end(), effects.begin(), effects.end());
  }
  now_.wall += end - now_.boot;
  now_.boot = end;
  effects = std::move(all);
}

void EngineDriver::StepClock(Duration by) {
  now_.wall += by;
  Apply(Tick{});
}

CommandReply EngineDriver::Do(Command command) {
  const std::uint64_t reply = next_reply_++;
  const std::size_t before = batches.size();
  Apply(CommandReceived{reply, std::move(command)});
  for (const Reply& answer : Effects<Reply>()) {
    if (answer.reply == reply) return answer.result;
  }
  ADD_FAILURE() << "a command was not answered within " << batches.size() - before << " commits";
  return Internal("no answer");
}

std::string EngineDriver::Trigger(const std::string& dag_id, const std::string& run_id,
                                  const std::string& conf) {
  TriggerRun command;
  command.dag_id = dag_id;
  command.run_id = run_id;
  command.conf = conf;
  command.logical_date = now_.wall;
  command.user = "ana";
  CommandReply reply = Do(command);
  EXPECT_TRUE(reply.ok()) << reply.status().ToString();
  return reply.ok() ? reply->run->run_id : "";
}

SessionId EngineDriver::Join(const std::string& name, std::int32_t slots) {
  WorkerOffer offer;
  offer.name = name;
  offer.hostname = "host";
  offer.host_identity = "host";
  offer.slots = slots;
  offer.pid = static_cast<std::int64_t>(next_stream_);  // every join is a new process
  WorkerJoined joined;
  joined.stream = next_stream_++;
  joined.offer = offer;
  Apply(joined);
  const std::vector<Welcome> welcomes = Effects<Welcome>();
  if (welcomes.size() != 1 || !welcomes[0].refused.empty()) return {};
  offers_[welcomes[0].session] = offer;
  reported_[welcomes[0].session] = 0;
  return welcomes[0].session;
}

SessionId EngineDriver::Rejoin(const std::string& name, SessionId session, std::vector<Fence> inventory,
                               std::vector<millrace::Report> reports) {
  WorkerJoined joined;
  joined.stream = next_stream_++;
  joined.offer = offers_[session];
  joined.offer.name = name;
  joined.resumed = session;
  joined.inventory = std::move(inventory);
  joined.reports = std::move(reports);
  Apply(joined);
  const std::vector<Welcome> welcomes = Effects<Welcome>();
  return welcomes.empty() ? SessionId{} : welcomes[0].session;
}

void EngineDriver::Report(SessionId session, const Fence& fence, bool ended, Outcome outcome,
                          const std::string& message, const std::string& result,
                          const std::function<void(millrace::Report&)>& change) {
  millrace::Report report;
  report.sequence = ++reported_[session];
  report.fence = fence;
  report.ended = ended;
  report.outcome = outcome;
  report.message = message;
  report.result = result;
  report.started_at = now_.wall;
  report.ended_at = now_.wall;
  if (change) change(report);
  Apply(Reported{session, {report}});
}

void EngineDriver::Look(const std::string& dataset, Outcome outcome, const std::string& message,
                        const std::string& result) {
  const auto found = looks.find(dataset);
  ASSERT_NE(found, looks.end()) << "nobody looks for " << dataset;
  Report(found->second.session, found->second.assignment.fence, true, outcome, message, result);
}

void EngineDriver::Start(const std::string& task) {
  const Assign* assign = Assigned(task);
  ASSERT_NE(assign, nullptr) << task << " was not assigned";
  Report(assign->session, assign->assignment.fence, false);
}

void EngineDriver::End(const std::string& task, Outcome outcome, const std::string& message,
                       const std::string& result) {
  const Assign* assign = Assigned(task);
  ASSERT_NE(assign, nullptr) << task << " was not assigned";
  Report(assign->session, assign->assignment.fence, true, outcome, message, result);
}

void EngineDriver::Deliver(std::int64_t id, Outcome outcome, const std::string& message) {
  const auto assign = deliveries.find(id);
  ASSERT_NE(assign, deliveries.end()) << "notification " << id << " was not assigned";
  Report(assign->second.session, assign->second.assignment.fence, true, outcome, message);
}

void EngineDriver::Heartbeat(SessionId session) { Apply(millrace::Heartbeat{session, now_.boot, 1}); }

TaskInstanceKey EngineDriver::KeyOf(const std::string& task) const {
  const std::size_t slash = task.rfind('/');
  const std::string run_id = slash == std::string::npos ? "" : task.substr(0, slash);
  std::string task_id = slash == std::string::npos ? task : task.substr(slash + 1);
  // "task[2]" is an instance of a mapped task.
  std::int32_t map_index = -1;
  if (const std::size_t bracket = task_id.find('['); bracket != std::string::npos) {
    map_index = std::stoi(task_id.substr(bracket + 1));
    task_id.resize(bracket);
  }
  for (auto at = rows.runs.rbegin(); at != rows.runs.rend(); ++at) {
    const Run& run = at->second;
    if (!run_id.empty() && run.run_id != run_id) continue;
    const std::int32_t index = rows.DagOf(run)->FindTask(task_id);
    if (index < 0) continue;
    if (map_index < 0 && !run.former_tasks) return {run.key, index};
    std::optional<TaskInstanceKey> removed;
    for (const auto& [key, row] : rows.instances) {
      if (key.run != run.key || row.map_index != map_index || row.task() != index) continue;
      if (row.state != TaskState::kRemoved || map_index >= 0) return key;
      removed = key;
    }
    if (removed) return *removed;
  }
  ADD_FAILURE() << "no such task: " << task;
  return {};
}

std::string EngineDriver::NameOf(const TaskInstanceKey& key) const {
  const Run& run = rows.runs.at(key.run);
  const DagPtr dag = rows.DagOf(run);
  const TaskInstance& row = rows.instances.at(key);
  std::string task = dag->tasks[static_cast<std::size_t>(row.task())].id;
  if (row.map_index >= 0) task += "[" + std::to_string(row.map_index) + "]";
  return rows.runs.size() == 1 ? task : run.run_id + "/" + task;
}

const Assign* EngineDriver::Assigned(const std::string& task) const {
  const auto found = assigned.find(KeyOf(task));
  return found == assigned.end() ? nullptr : &found->second;
}

const TaskInstance& EngineDriver::InstanceOf(const std::string& task) const {
  static const TaskInstance kNone;
  const auto found = rows.instances.find(KeyOf(task));
  return found == rows.instances.end() ? kNone : found->second;
}

TaskState EngineDriver::StateOf(const std::string& task) const { return InstanceOf(task).state; }

RunState EngineDriver::StateOfRun(const std::string& run_id) const {
  for (const auto& [key, run] : rows.runs) {
    if (run.run_id == run_id) return run.state;
  }
  ADD_FAILURE() << "no such run: " << run_id;
  return {};
}

std::vector<std::string> EngineDriver::WhyOf(const std::string& task) const {
  const TaskInstanceKey key = KeyOf(task);
  const Answer answer = engine_->Ask(AskWhy{key.run, key.index}, now_);
  const auto& why = std::get<StatusOr<Why>>(answer);
  if (!why.ok()) return {why.status().ToString()};
  std::vector<std::string> texts;
  for (const WhyReason& reason : why->reasons) texts.push_back(reason.kind + ": " + reason.message);
  return texts;
}

std::vector<std::string> EngineDriver::TasksIn(TaskState state) const {
  std::vector<std::string> names;
  for (const auto& [key, row] : rows.instances) {
    if (row.state == state) names.push_back(NameOf(key));
  }
  return names;
}

}  // namespace millrace::test
