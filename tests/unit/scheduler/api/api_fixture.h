// A real API server on any port, over rows in memory and an inbox that answers at once.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "core/model/json.h"
#include "platform/zones.h"
#include "scheduler/api/api_server.h"
#include "scheduler/auth/secrets.h"
#include "tests/support/fake_bundles.h"
#include "tests/support/fake_credentials.h"
#include "tests/support/fake_inbox.h"
#include "tests/support/fake_readers.h"
#include "tests/support/manual_clock.h"
#include "tests/support/raw_http.h"

namespace millrace {
inline void PrintTo(const Value& value, std::ostream* out) { *out << ToJson(value); }
}  // namespace millrace

namespace millrace::api {

struct Answered {
  int status = 0;
  std::string text;  // the whole response
  Value body;        // parsed, when it is JSON

  // "dag.tags.0.name"; null when it is not there.
  Value At(std::string_view path) const {
    const Value* at = &body;
    while (!path.empty() && at != nullptr) {
      const std::string_view step = path.substr(0, path.find('.'));
      path.remove_prefix(std::min(path.size(), step.size() + 1));
      if (at->is_list()) {
        const auto index = static_cast<std::size_t>(std::stoi(std::string(step)));
        at = index < at->as_list().size() ? &at->as_list()[index] : nullptr;
      } else {
        at = at->Find(step);
      }
    }
    return at == nullptr ? Value() : *at;
  }
  std::size_t Count(std::string_view path) const {
    const Value list = At(path);
    return list.is_list() ? list.as_list().size() : 0;
  }
};

struct FakeDependencies : store::DependencyReader {
  StatusOr<store::DependencyRows> ReadDependencies() override { return rows; }
  store::DependencyRows rows;
};

class ApiTest : public testing::Test {
 protected:
  static constexpr WallTime kStart{Duration(983'404'800'000'000)};  // 2001-03-01

  ApiTest() : clock_(kStart + std::chrono::hours(48)), accounts_({}, users_, inbox_, clock_) {
    for (const char* role : {"viewer", "user", "op", "admin", "worker", "monitor"}) {
      users_.Apply({UserRecord{role, "", role, false}});
    }
    AddFlights();
    inbox_.on_records = [this](const WriteRecords& written) { credentials_.Apply(written.records); };
    inbox_.answer = [this](const Command& command) { return Decide(command); };
    inbox_.answer_question = [this](const Question& question) { return Reply(question); };
  }

  void Start(const std::string& dashboard = "") {
    ApiOptions options;
    options.dashboard = dashboard;
    options.version = "1.2.3";
    options.server.threads = 4;
    options.patience = std::chrono::milliseconds(200);
    options.render = render_;
    options.views.zones = &zones_;
    options.views.dependencies = &dependencies_;
    options.views.bundles = &bundles_;
    options.credentials.emplace(Credentials{vault_, credentials_, credentials_, shown_, tests_connections_});
    options.load_job = [this](const JobFile& job) -> JobDag {
      jobs_.push_back(job);
      if (job.text.empty()) return {nullptr, {{job.file, {3, 7}, "is empty", "write something"}}};
      return {dag_, {}};
    };
    test::FakeReaders& r = readers_;
    server_.emplace(options, Readers{r, r, r, r, r, r, r, r, r, r, users_, r, r}, Upkeep{r, r}, inbox_, accounts_,
                    clock_, log_);
    const Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
  }

  // A new token of a user that is called like its role.
  std::string Token(const std::string& role) {
    const std::string token = role + "-token-" + std::to_string(++tokens_);
    users_.Apply(
        {TokenRecord{auth::TokenHash(token), role, role, clock_.now().wall + std::chrono::hours(1), false}});
    return token;
  }

  static std::string RequestText(const std::string& method, const std::string& path, const std::string& token,
                                 const std::string& body, const std::string& fields) {
    std::string request = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields;
    if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
    if (!body.empty()) {
      request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    }
    return request + "\r\n" + body;
  }

  Answered Ask(const std::string& method, const std::string& path, const std::string& token,
               const std::string& body = "", const std::string& fields = "") {
    test::RawClient client(server_->port());
    client.Send(RequestText(method, path, token, body, fields));
    Answered answered;
    answered.text = client.ReadResponse();
    answered.status = test::StatusOf(answered.text);
    if (auto parsed = ParseJson(test::BodyOf(answered.text)); parsed.ok()) answered.body = std::move(*parsed);
    return answered;
  }
  Answered Get(const std::string& path, const std::string& fields = "") {
    return Ask("GET", path, Token("viewer"), "", fields);
  }
  Answered Do(const std::string& method, const std::string& path, const std::string& body) {
    return Ask(method, path, Token("user"), body);
  }

  // daily_flights: extract -> delays -> publish; one run that failed at delays, one that runs.
  void AddFlights() {
    Dag dag;
    dag.id = "daily_flights";
    dag.hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    dag.description = "Delays by state";
    dag.tags = {"flights", "etl"};
    dag.max_consecutive_failed_runs = 3;
    dag.owner = "data";
    dag.schedule = {ScheduleKind::kCronInterval,
                    "0 2 * * *",
                    "0 2 * * *",
                    "America/New_York",
                    kStart,
                    std::nullopt,
                    Catchup::kLast};
    dag.params = {{"threshold_minutes", "integer", Value(15), Value(Value::Map{{"type", "integer"}}), ""}};
    dag.file = "daily_flights.yaml";
    dag.source = "dag_id: daily_flights\n";
    for (const char* id : {"extract", "delays", "publish"}) {
      Task task;
      task.id = id;
      task.kind = std::string(id) == "delays" ? "mapreduce" : "sql";
      task.execution_timeout = std::chrono::hours(26);
      const auto index = static_cast<std::int32_t>(dag.tasks.size());
      if (index > 0) {
        task.upstream = {index - 1};
        dag.tasks.back().downstream = {index};
      }
      dag.tasks.push_back(task);
    }
    dag_ = std::make_shared<const Dag>(dag);
    DagRow row{.dag_id = dag.id, .version = 1};
    row.next_logical_date = kStart + std::chrono::hours(24);
    row.next_run_after = kStart + std::chrono::hours(48);
    row.next_interval_start = row.next_logical_date;
    row.next_interval_end = row.next_run_after;
    rows_.dags[dag.id] = {row, dag_, kStart};
    rows_.versions.push_back({dag.id, 1, kStart, dag_});
    AddRun(1, "scheduled__2001-03-01T07:00:00+00:00", RunState::kFailed, RunType::kScheduled);
    AddRun(2, "manual__2", RunState::kRunning, RunType::kManual);
    AddInstance(1, 0, TaskState::kSuccess);
    AddInstance(1, 1, TaskState::kFailed);
    AddInstance(1, 2, TaskState::kUpstreamFailed);
    AddInstance(2, 0, TaskState::kRunning);
    AddInstance(2, 1, TaskState::kNone);
    AddInstance(2, 2, TaskState::kNone);
  }

  void AddRun(std::int64_t key, const std::string& run_id, RunState state, RunType type) {
    millrace::Run run;
    run.key = RunKey{key};
    run.dag_id = "daily_flights";
    run.run_id = run_id;
    run.state = state;
    run.type = type;
    run.version = 1;
    run.logical_date = kStart + std::chrono::hours(key);
    run.run_after = kStart + std::chrono::hours(24 + key);
    run.queued_at = run.run_after;
    run.started_at = run.run_after;
    if (IsTerminal(state)) run.ended_at = run.run_after + std::chrono::milliseconds(1500);
    run.conf = R"({"threshold_minutes": 20})";
    run.triggered_by = type == RunType::kScheduled ? "timetable" : "ana";
    rows_.runs.push_back(run);
  }

  void AddInstance(std::int64_t run, std::int32_t index, TaskState state) {
    TaskInstance instance;
    instance.key = {RunKey{run}, index};
    instance.state = state;
    instance.max_tries = 3;
    if (state != TaskState::kNone && state != TaskState::kUpstreamFailed) {
      instance.try_number = 2;
      instance.started_at = kStart + std::chrono::hours(24);
      instance.worker = "w1";
    }
    if (IsTerminal(state)) instance.ended_at = kStart + std::chrono::hours(25);
    if (state == TaskState::kFailed) instance.reason = "exit status 1";
    rows_.instances[instance.key] = instance;
  }

  // What an engine would do, as far as answers show it.
  virtual CommandReply Decide(const Command& command) {
    if (const auto* trigger = std::get_if<TriggerRun>(&command)) {
      millrace::Run run;
      run.key = RunKey{100};
      run.dag_id = trigger->dag_id;
      run.run_id = trigger->run_id.empty() ? "manual__now" : trigger->run_id;
      run.type = RunType::kManual;
      run.version = 1;
      run.logical_date = trigger->logical_date;
      run.conf = trigger->conf;
      run.note = trigger->note;
      run.triggered_by = trigger->user;
      CommandResult result;
      result.run = run;
      return result;
    }
    if (const auto* clear = std::get_if<ClearTasks>(&command)) {
      CommandResult result;
      result.instances = {{RunKey{1}, 1}, {RunKey{1}, clear->downstream ? 2 : 1}};
      if (clear->only_new) {
        result.instances.clear();
        result.new_tasks = {"audit"};
      }
      return result;
    }
    CommandResult result;
    if (std::holds_alternative<MarkTask>(command)) result.instances = {{RunKey{2}, 0}, {RunKey{2}, 1}};
    return result;
  }
  virtual Answer Reply(const Question& question) {
    if (std::holds_alternative<AskWhy>(question)) {
      return StatusOr<Why>(Why{TaskState::kScheduled, {{"pool", "Pool default_pool is full"}}});
    }
    if (std::holds_alternative<AskPools>(question)) {
      return std::vector<PoolView>{{{"db", 5, "the warehouse", false, false}, 2, 1, 4, 3},
                                   {{"default_pool", -1, "", true, false}, 3, 0, 0, 2}};
    }
    if (std::holds_alternative<AskJob>(question)) return StatusOr<std::string>(NotFound("no such job runs"));
    WorkerView worker;
    worker.session = SessionId{7};
    worker.offer.name = "w1";
    worker.offer.slots = 8;
    worker.connected = true;
    worker.slots_used = 3;
    return std::vector<WorkerView>{worker};
  }

  test::FakeBundles bundles_;
  platform::TzdbZones zones_;
  test::ManualClock clock_;
  test::RecordingLog log_;
  test::Rows rows_;
  test::FakeReaders readers_{rows_};
  FakeDependencies dependencies_;
  test::FakeAccounts users_;
  test::FakeInbox inbox_{users_};
  auth::Accounts accounts_;
  bool tests_connections_ = true;
  test::FakeCredentials credentials_;
  const char* environment_[1] = {nullptr};
  auth::Vault vault_{auth::Keyring::FromText(std::string(64, 'a')).value(), environment_, credentials_, credentials_};
  auth::ShownValues shown_{vault_};
  DagPtr dag_;
  RenderFields render_;
  std::vector<JobFile> jobs_;  // that were to be loaded
  int tokens_ = 0;
  std::optional<ApiServer> server_;
};

}  // namespace millrace::api
