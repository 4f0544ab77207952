// Runs every scenario file of this folder; README.md says how they are written.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/calendar/format.h"
#include "core/model/yaml.h"
#include "platform/zones.h"
#include "scheduler/dagbag/load.h"
#include "scheduler/dagbag/schedule_reader.h"
#include "tests/scenarios/line.h"
#include "tests/support/dag_builder.h"
#include "tests/support/engine_driver.h"

namespace millrace::test {
namespace {

// Scenarios have no scripts and no contracts.
class NoFiles final : public dagbag::FileReader {
 public:
  StatusOr<std::string> Read(std::string_view) const override { return NotFound("no such file"); }
};

class Scenario {
 public:
  explicit Scenario(const std::string& path) {
    std::ifstream file(path);
    int number = 0;
    for (std::string text; std::getline(file, text);) {
      ++number;
      if (text.starts_with("|")) {
        Line line;
        line.number = number;
        line.text = text;
        line.words = {"|"};
        lines_.push_back(std::move(line));
        continue;
      }
      const std::size_t comment = text.find('#');
      if (comment != std::string::npos && (comment == 0 || text[comment - 1] == ' ')) text.erase(comment);
      while (!text.empty() && text.back() == ' ') text.pop_back();
      if (!text.empty()) lines_.push_back(Split(text, number));
    }
  }

  void Play() {
    ASSERT_FALSE(lines_.empty());
    Prepare();
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const Line& line = lines_[i];
      if (line.Word(0) == "start" || line.Word(0) == "pool") continue;
      trace_.clear();
      before_ = driver_->batches.size();
      driver_->effects.clear();
      if (line.Word(0) == "dag" || line.Word(0) == "load") {
        DagBuilder builder = ReadDag(line);
        std::string with;
        for (; i + 1 < lines_.size() && lines_[i + 1].Word(0) == "with"; ++i) {
          const std::string& text = lines_[i + 1].text;
          with += text.substr(text.find("with ") + 5) + "\n";
        }
        if (!with.empty()) ReadSchedule(with, builder);
        while (i + 1 < lines_.size() && lines_[i + 1].Word(0) == "task") ReadTask(lines_[++i], builder);
        driver_->LoadDag(builder.Build());
      } else if (line.Word(0) == "file") {
        std::string text;
        while (i + 1 < lines_.size() && lines_[i + 1].Word(0) == "|") {
          const std::string& next = lines_[++i].text;
          text += (next.size() > 2 ? next.substr(2) : "") + "\n";
        }
        LoadFile(text);
      } else {
        Happen(line);
      }
      std::vector<std::string> expected;
      while (i + 1 < lines_.size() && lines_[i + 1].Word(0) == "->")
        expected.push_back(lines_[++i].text.substr(3));
      const std::vector<std::string> actual = Trace();
      ASSERT_EQ(actual, expected) << "line " << line.number << ": " << line.text
                                  << "\nwhat really happened:\n"
                                  << Written(actual);
    }
  }

 private:
  static std::string Written(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += "-> " + line + "\n";
    return text;
  }

  void Prepare() {
    engine::EngineOptions options;
    start_ = Time("2001-03-01T00:00:00Z");
    for (const Line& line : lines_) {
      if (line.Word(0) == "start") start_ = Time(line.Word(1));
      if (line.Word(0) == "pool") options.pools.emplace_back(line.Word(1), std::stoi(line.Word(2)));
    }
    driver_ = std::make_unique<EngineDriver>(options, start_);
  }

  DagBuilder ReadDag(const Line& line) {
    DagBuilder builder(line.Word(1));
    builder.Version(line.Option("version", "v1"));
    builder.With([&](Dag& dag) {
      dag.max_active_runs = std::stoi(line.Option("max_active_runs", "16"));
      dag.max_active_tasks = std::stoi(line.Option("max_active_tasks", "16"));
      dag.paused_upon_creation = line.Has("paused");
      dag.max_consecutive_failed_runs = std::stoi(line.Option("max_failures", "0"));
      Schedule& schedule = dag.schedule;
      for (const auto& [key, kind] : {std::pair("schedule", ScheduleKind::kCronTrigger),
                                      std::pair("schedule_interval", ScheduleKind::kCronInterval)}) {
        if (line.Option(key).empty()) continue;
        schedule.kind = kind;
        schedule.expression = schedule.written = line.Option(key);
      }
      schedule.timezone = line.Option("timezone", "UTC");
      schedule.catchup = line.Has("catchup") ? Catchup::kAll : Catchup::kLast;
      if (!line.Option("start").empty()) schedule.start = Time(line.Option("start"));
      if (!line.Option("end").empty()) schedule.end = Time(line.Option("end"));
    });
    return builder;
  }

  // As in a DAG file.
  static void ReadSchedule(const std::string& text, DagBuilder& builder) {
    const YamlText yaml = ParseYaml(text);
    ASSERT_TRUE(yaml.problems.empty() && yaml.documents.size() == 1) << text;
    std::vector<Problem> problems;
    const platform::TzdbZones zones;
    builder.With([&](Dag& dag) {
      dagbag::ScheduleReader(yaml.documents[0], nullptr, zones, problems).Read(dag);
    });
    for (const Problem& problem : problems) ADD_FAILURE() << text << problem.message;
  }

  void LoadFile(const std::string& text) {
    const platform::TzdbZones zones;
    const NoFiles files;
    const dagbag::LoadResult loaded = dagbag::LoadDagFile("scenario.yaml", text, files, zones);
    for (const Problem& problem : loaded.problems) {
      trace_.push_back("problem " + std::to_string(problem.where.line) + ":" +
                       std::to_string(problem.where.column) + " " + problem.message);
    }
    for (const DagPtr& dag : loaded.dags) driver_->LoadDag(dag);
  }

  static void ReadTask(const Line& line, DagBuilder& builder) {
    builder.Add(line.Word(1), Names(line.Option("needs")), [&](Task& task) {
      task.kind = line.Option("kind", "shell");
      task.trigger_rule = TriggerRuleFromString(line.Option("rule", "all_success")).value();
      task.retry.retries = std::stoi(line.Option("retries", "0"));
      task.retry.delay = Length(line.Option("delay", "5m"));
      task.retry.multiplier = std::stod(line.Option("multiplier", "1"));
      task.retry.max_delay = Length(line.Option("max_delay", "1d"));
      task.execution_timeout = Length(line.Option("timeout", "0s"));
      task.pool = line.Option("pool", "default_pool");
      task.pool_slots = std::stoi(line.Option("slots", "1"));
      task.priority_weight = std::stoi(line.Option("priority", "1"));
      task.outlets = Names(line.Option("outlets"));
      task.inlets = Names(line.Option("inlets"));
      if (line.Option("lost") == "fail") task.on_worker_lost = OnWorkerLost::kFail;
    });
  }

  void Happen(const Line& line) {
    const std::string what = line.Word(0);
    const std::string name = line.Word(1);
    if (what == "worker" || what == "new") {
      Welcomed(name, driver_->Join(name, std::stoi(line.Option("slots", "4"))));
    } else if (what == "starts") {
      Tell(name, false, Outcome::kSuccess, "");
    } else if (what == "succeeds") {
      Tell(name, true, Outcome::kSuccess, "", line.After(2));
    } else if (what == "pushes") {
      pushed_[driver_->KeyOf(name)].push_back({line.Word(2), line.After(3)});
    } else if (what == "given") {
      const Assign* assign = driver_->Assigned(name);
      ASSERT_NE(assign, nullptr) << name << " was never assigned";
      Given(assign->assignment);
    } else if (what == "name") {
      trace_.push_back(driver_->InstanceOf(name).rendered_map_index);
    } else if (what == "skips") {
      Tell(name, true, Outcome::kSkipped, line.Rest(2));
    } else if (what == "fails") {
      Tell(name, true, Outcome::kFailed, line.Rest(2), "", line.Option("exit"), line.Option("error"));
    } else if (what == "fails_finally") {
      Tell(name, true, Outcome::kFailFinal, line.Rest(2));
    } else if (what == "not_yet") {
      Tell(name, true, Outcome::kNotYet, line.Rest(2));
    } else if (what == "hands_back") {
      Tell(name, true, Outcome::kLost, line.Rest(2));
    } else if (what == "late") {
      const Assign& first = first_.at(driver_->KeyOf(name));
      driver_->Report(first.session, first.assignment.fence, true,
                      line.Word(2) == "succeeds" ? Outcome::kSuccess : Outcome::kFailed);
    } else if (what == "delivered" || what == "undelivered") {
      driver_->Deliver(std::stoi(name),
                       what == "delivered" ? Outcome::kSuccess
                       : line.Has("finally") ? Outcome::kFailFinal
                                             : Outcome::kFailed,
                       line.Word(2));
    } else if (what == "message") {
      Given(driver_->deliveries.at(std::stoi(name)).assignment);
    } else if (what == "stored") {
      trace_.push_back(driver_->rows.notifications.at(std::stoi(name)).delivery.with);
    } else if (what == "silent") {
      alive_.erase(name);
    } else if (what == "disconnects") {
      alive_.erase(name);
      driver_->Apply(WorkerDisconnected{sessions_.at(name)});
    } else if (what == "returns") {
      std::vector<Fence> inventory;
      for (const std::string& task : Names(line.Word(2)))
        inventory.push_back(held_.at({sessions_.at(name), driver_->KeyOf(task)}));
      Welcomed(name, driver_->Rejoin(name, sessions_.at(name), inventory));
    } else if (what == "drains" || what == "leaves") {
      driver_->Apply(WorkerDraining{sessions_.at(name), what == "leaves"});
    } else if (what == "advance") {
      Advance(Length(name));
    } else if (what == "clock_steps") {
      driver_->StepClock(Length(name));
    } else if (what == "restart") {
      driver_->Restart();
    } else if (what == "variable" || what == "connection") {
      driver_->Define(what, name, line.After(2));
    } else if (what == "gone") {
      driver_->Apply(DagGone{name});
    } else if (what == "why") {
      for (const std::string& reason : driver_->WhyOf(name)) trace_.push_back(reason);
    } else {
      Ask(line);
    }
    Remember();
  }

  void Given(const Assignment& assignment) {
    trace_.push_back(assignment.with);
    for (const auto& [variable, value] : assignment.environment) {
      if (variable.starts_with("MILLRACE_V")) trace_.push_back(variable + "=" + value);
    }
  }

  void Ask(const Line& line) {
    const std::string what = line.Word(0);
    const std::string dag = line.Word(1);
    const std::string run = line.Word(2);
    Command command = SetPaused{dag, what == "pause", "ana"};
    if (what == "trigger") {
      TriggerRun trigger;
      trigger.dag_id = dag;
      trigger.run_id = run;
      trigger.conf = line.Word(3).empty() ? "{}" : line.After(3);
      trigger.logical_date = driver_->now().wall;
      trigger.user = "ana";
      command = trigger;
    } else if (what == "cancel") {
      command = CancelRun{dag, run, "ana"};
    } else if (what == "clear") {
      command = ClearTasks{dag,
                           run,
                           line.Word(3) == "*" ? std::vector<std::string>() : Names(line.Word(3)),
                           line.Has("upstream"),
                           !line.Has("alone"),
                           line.Has("only_failed"),
                           line.Has("dry_run"),
                           "ana",
                           std::stoi(line.Option("map_index", "-1"))};
      std::get<ClearTasks>(command).latest_version = line.Has("newest");
      std::get<ClearTasks>(command).only_running = line.Has("only_running");
      std::get<ClearTasks>(command).only_skipped = line.Has("only_skipped");
      std::get<ClearTasks>(command).reopen = !line.Has("keep_run");
      std::get<ClearTasks>(command).refresh_cache = line.Has("refresh");
      std::get<ClearTasks>(command).prevent_running = line.Has("prevent_running");
      std::get<ClearTasks>(command).only_new = line.Has("only_new");
    } else if (what == "dataset") {
      command = AddDatasetEvent{dag, run.empty() ? "{}" : line.Rest(2), "ana"};
    } else if (what == "forget") {
      command = ClearDatasetQueue{dag, run, "ana"};
    } else if (what == "mark") {
      MarkTask mark{dag,          run,
                    line.Word(3), TaskStateFromString(line.Word(4)).value(),
                    "ana",        std::stoi(line.Option("map_index", "-1"))};
      mark.upstream = line.Has("upstream");
      mark.downstream = line.Has("downstream");
      mark.dry_run = line.Has("dry_run");
      command = mark;
    } else if (auto operation = Operation(line)) {
      command = std::move(*operation);
    } else if (what != "pause" && what != "unpause") {
      FAIL() << "line " << line.number << " is not understood: " << line.text;
    }
    const CommandReply reply = driver_->Do(std::move(command));
    if (!reply.ok()) {
      trace_.push_back("refused: " + reply.status().ToString());
    } else if (line.Has("dry_run")) {
      for (const TaskInstanceKey& key : reply->instances)
        trace_.push_back("would " + (line.Has("only_new") ? "remove" : what) + " " + driver_->NameOf(key));
      for (const std::string& task : reply->new_tasks) trace_.push_back("would add " + task);
      for (const WallTime date : reply->dates) trace_.push_back("would run " + FormatTime(date));
      for (const Backfill& backfill : reply->downstream)
        trace_.push_back("would run " + std::to_string(backfill.dates) + " dates of " + backfill.dag_id);
    }
  }

  // Backfills, runs and DAGs as wholes, pools.
  std::optional<Command> Operation(const Line& line) {
    const std::string what = line.Word(0);
    const std::string name = line.Word(1);
    if (what == "backfill") {
      CreateBackfill create;
      create.backfill.dag_id = name;
      create.backfill.from = Time(line.Word(2));
      create.backfill.to = Time(line.Word(3));
      create.backfill.reprocess = ReprocessFromString(line.Option("reprocess", "none")).value();
      create.backfill.run_backwards = line.Has("backwards");
      create.backfill.latest_version = !line.Has("original");
      create.backfill.max_active_runs = std::stoi(line.Option("max_active_runs", "10"));
      create.backfill.user = "ana";
      create.include_downstream = line.Has("downstream");
      create.dry_run = line.Has("dry_run");
      return create;
    }
    for (const auto& [word, action] : {std::pair("pause_backfill", BackfillAction::kPause),
                                       std::pair("resume_backfill", BackfillAction::kUnpause),
                                       std::pair("cancel_backfill", BackfillAction::kCancel)}) {
      if (what == word) return ChangeBackfill{std::stoi(name), action, "ana"};
    }
    if (what == "answer") {
      AnswerApproval answer;
      answer.dag_id = name;
      answer.run_id = line.Word(2);
      answer.task_id = line.Word(3);
      answer.chosen_options = Names(line.Word(4));
      if (line.Word(5).starts_with("{")) answer.params_input = line.After(5);
      answer.map_index = std::stoi(line.Option("map_index", "-1"));
      answer.user = line.Option("by", "ana");
      return answer;
    }
    if (what == "mark_run")
      return MarkRun{name, line.Word(2), RunStateFromString(line.Word(3)).value(), "ana"};
    if (what == "delete_task") {
      return DeleteTaskInstance{name, line.Word(2), line.Word(3), std::stoi(line.Option("map_index", "-1")), "ana"};
    }
    if (what == "retry") return RetryNotification{driver_->rows.notifications.at(std::stoi(name)), "ana"};
    if (what == "delete_run") return DeleteRun{name, line.Word(2), "ana"};
    if (what == "delete_dag") return DeleteDag{name, "ana"};
    if (what == "set_pool")
      return SetPool{{name, std::stoi(line.Word(2)), "", line.Has("include_deferred"), false}, false};
    if (what == "delete_pool") return SetPool{{name, 0, "", false, true}, false};
    return std::nullopt;
  }

  void Welcomed(const std::string& name, SessionId session) {
    for (const Welcome& welcome : driver_->Effects<Welcome>()) {
      if (!welcome.refused.empty()) trace_.push_back(name + " is refused: " + welcome.refused);
      for (const Fence& fence : welcome.kill) trace_.push_back(name + " is to kill " + ToString(fence));
    }
    if (ToInt(session) == 0) return;
    sessions_[name] = session;
    alive_.insert(name);
  }

  void Tell(const std::string& task, bool ended, Outcome outcome, const std::string& message,
            const std::string& result = "", const std::string& exit = "", const std::string& error = "") {
    const Assign* assign = driver_->Assigned(task);
    ASSERT_NE(assign, nullptr) << task << " was never assigned";
    driver_->Report(assign->session, assign->assignment.fence, ended, outcome, message, result,
                    [&](millrace::Report& report) {
                      if (!exit.empty()) report.exit_code = std::stoi(exit);
                      report.error_class = error;
                      if (ended) std::swap(report.xcoms, pushed_[assign->assignment.instance]);
                    });
  }

  // Workers that are alive send a heartbeat every ten seconds.
  void Advance(Duration by) {
    std::vector<Effect> all;
    const auto keep = [&] { all.insert(all.end(), driver_->effects.begin(), driver_->effects.end()); };
    while (by > Duration(0)) {
      const Duration step = alive_.empty() ? by : std::min<Duration>(by, std::chrono::seconds(10));
      driver_->Advance(step);
      keep();
      for (const std::string& name : alive_) {
        driver_->Heartbeat(sessions_.at(name));
        keep();
      }
      by -= step;
    }
    driver_->effects = std::move(all);
  }

  void Remember() {
    for (const auto& [key, assign] : driver_->assigned) {
      first_.try_emplace(key, assign);
      held_[{assign.session, key}] = assign.assignment.fence;
    }
  }

  // What changed since the line began, and what was sent.
  std::vector<std::string> Trace() {
    std::vector<std::string> lines;
    std::map<RunKey, int> runs;
    std::map<TaskInstanceKey, int> instances;
    std::map<std::int64_t, int> backfills;
    std::set<std::int64_t> notifications;
    for (std::size_t i = before_; i < driver_->batches.size(); ++i) {
      const Batch& batch = driver_->batches[i];
      for (const Run& run : batch.runs) runs[run.key] = 1;
      for (const Transition& transition : batch.transitions) {
        if (transition.index >= 0) instances[{transition.run, transition.index}] = 1;
      }
      for (const SessionRow& session : batch.sessions) {
        if (session.ended_at)
          lines.push_back("session of " + session.offer.name + " ends: " + session.end_reason);
      }
      for (const DatasetEvent& event : batch.dataset_events) lines.push_back("event of " + event.dataset);
      for (const Record& record : batch.records) {
        if (const auto* audit = std::get_if<AuditRecord>(&record); audit != nullptr && audit->user == "scheduler")
          lines.push_back("told: " + audit->action + " " + audit->object + " " + audit->detail);
      }
      for (const XComRow& row : batch.xcoms) {
        if (!row.deleted && IsOfEngine(row.instance))
          lines.push_back(driver_->NameOf(row.instance) + " leaves " + row.key + " " + row.json);
      }
      for (const Attempt& attempt : batch.attempts) lines.push_back(Describe(attempt));
      for (const RunKey run : batch.deleted_runs)
        lines.push_back("run " + std::to_string(ToInt(run)) + " deleted");
      for (const std::string& dag : batch.deleted_dags) lines.push_back("dag " + dag + " deleted");
      for (const Backfill& backfill : batch.backfills) backfills[backfill.id] = 1;
      for (const Notification& row : batch.notifications) notifications.insert(row.id);
    }
    for (const auto& [id, one] : backfills) {
      const auto found = driver_->rows.backfills.find(id);
      if (found != driver_->rows.backfills.end()) lines.push_back(Describe(found->second));
    }
    for (const auto& [key, one] : runs) {
      if (driver_->rows.runs.contains(key)) lines.push_back(Describe(driver_->rows.runs.at(key)));
    }
    for (const auto& [key, one] : instances) {
      if (driver_->rows.instances.contains(key)) lines.push_back(Describe(driver_->rows.instances.at(key)));
    }
    for (const std::int64_t id : notifications) {
      const auto row = driver_->rows.notifications.find(id);
      if (row != driver_->rows.notifications.end()) lines.push_back(Describe(row->second));
    }
    for (const CancelAttempt& cancel : driver_->Effects<CancelAttempt>()) {
      lines.push_back("kill " + ToString(cancel.fence) + ": " + cancel.reason);
    }
    for (const Assign& assign : driver_->Effects<Assign>()) {
      const bool delivery = assign.assignment.instance.index == kNotificationLog;
      lines.push_back("send " +
                      (delivery ? "notification " + std::to_string(assign.assignment.try_number)
                                : driver_->NameOf(assign.assignment.instance)) +
                      " as " +
                      ToString(assign.assignment.fence) + " to " + WorkerOf(assign.session));
    }
    lines.insert(lines.end(), trace_.begin(), trace_.end());
    return lines;
  }

  // What a task of these kinds leaves is part of its story.
  bool IsOfEngine(const TaskInstanceKey& key) const {
    const millrace::Run& run = driver_->rows.runs.at(key.run);
    const DagPtr dag = driver_->rows.DagOf(run);
    const std::string& kind = dag->tasks[static_cast<std::size_t>(driver_->rows.instances.at(key).task())].kind;
    return kind == "trigger_dag" || kind == "approval";
  }

  std::string WorkerOf(SessionId session) const { return driver_->rows.sessions.at(session).offer.name; }

  std::string Describe(const millrace::Run& run) const {
    std::string text = "run " + run.run_id + " " + std::string(ToString(run.state));
    if (run.type == RunType::kScheduled && run.state != RunState::kSuccess &&
        run.state != RunState::kFailed) {
      text += " for " + FormatTime(*run.interval_start) + " to " + FormatTime(*run.interval_end);
    }
    if (run.triggering_task && !IsTerminal(run.state))
      text += " triggered by " + run.triggering_task->run_id + "/" + run.triggering_task->task_id + " with " + run.conf;
    return run.note.empty() ? text : text + " (" + run.note + ")";
  }

  static std::string Describe(const Backfill& row) {
    return "backfill " + std::to_string(row.id) + " of " + row.dag_id +
           (row.cancelled ? " cancelled"
            : row.paused  ? " paused"
                          : "") +
           (row.completed_at ? " over" : "") + ": " + std::to_string(row.made) + " run, " +
           std::to_string(row.skipped) + " left alone, of " + std::to_string(row.dates);
  }

  std::string Describe(const Notification& row) const {
    std::string text = "notification " + std::to_string(row.id) + " " + std::string(ToString(row.state));
    if (row.state == NotificationState::kSuppressed) return text + " " + std::to_string(row.count);
    text += ": " + std::string(ToString(row.cause)) + (row.task_id.empty() ? "" : " of " + row.task_id);
    if (row.map_index >= 0) text += "[" + std::to_string(row.map_index) + "]";
    text += ", " + row.target;
    if (row.due_at) text += ", due " + Clock(*row.due_at, start_);
    return row.reason.empty() ? text : text + " (" + row.reason + ")";
  }

  std::string Describe(const TaskInstance& row) const {
    std::string text = driver_->NameOf(row.key) + " " + std::string(ToString(row.state));
    const bool sensor = row.state == TaskState::kDeferred && !row.worker.empty();
    if (row.state == TaskState::kQueued || sensor)
      text += " on " + row.worker + ", try " + std::to_string(row.try_number);
    if (row.due_at) text += " until " + Clock(*row.due_at, start_);
    return row.reason.empty() ? text : text + " (" + row.reason + ")";
  }

  std::string Describe(const Attempt& attempt) const {
    return "attempt " + ToString(attempt.fence) + " of " + driver_->NameOf(attempt.instance) + " " +
           std::string(ToString(attempt.state)) + (attempt.reason.empty() ? "" : " (" + attempt.reason + ")");
  }

  std::vector<Line> lines_;
  std::vector<std::string> trace_;
  std::size_t before_ = 0;
  WallTime start_{};
  std::unique_ptr<EngineDriver> driver_;
  std::map<std::string, SessionId> sessions_;
  std::set<std::string> alive_;
  std::map<TaskInstanceKey, Assign> first_;
  std::map<TaskInstanceKey, std::vector<XComValue>> pushed_;     // to be told with the attempt's end
  std::map<std::pair<SessionId, TaskInstanceKey>, Fence> held_;  // the newest that a worker was sent
};

class ScenarioTest : public ::testing::Test {
 public:
  explicit ScenarioTest(std::string path) : path_(std::move(path)) {}
  void TestBody() override { Scenario(path_).Play(); }

 private:
  std::string path_;
};

// Before main: gtest must know them when it lists its tests.
const bool kRegistered = [] {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(SCENARIOS)) {
    if (entry.path().extension() == ".scenario") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    ::testing::RegisterTest("Scenario", file.stem().c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [path = file.string()]() -> ::testing::Test* { return new ScenarioTest(path); });
  }
  return !files.empty();
}();

TEST(Scenarios, there_are_some) { EXPECT_TRUE(kRegistered); }

}  // namespace
}  // namespace millrace::test
