// Every route, asked by somebody from whom a DAG is hidden: nothing of it is told, and nothing is done to it.
#include "scheduler/api/route.h"
#include "scheduler/api/wire.h"
#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

constexpr TaskInstanceKey kHidden{RunKey{9}, 0};

class TeamAccessTest : public ApiTest {
 protected:
  // Names of what is hidden begin with "hidden_"; all else that is written in it says "zebra".
  TeamAccessTest() {
    AddHiddenDag();
    AddHiddenRun();
    AddWhatNamesIt();
    credentials_.Apply({VariableRecord{"hidden_variable", "zebra", "zebra", false, "sales"},
                        ConnectionRecord{.id = "hidden_connection",
                                         .type = "http",
                                         .description = "zebra",
                                         .host = "zebra",
                                         .login = "zebra",
                                         .schema = "",
                                         .port = std::nullopt,
                                         .sealed = "zebra",
                                         .team = "sales"}});
    users_.Apply({AuditRecord{kStart, "zebra", "trigger", "hidden_dag/hidden_run", "{}"}});
  }

  void AddHiddenDag() {
    Dag dag;
    dag.id = "hidden_dag";
    dag.hash = "hidden_hash";
    dag.team = "sales";
    dag.description = "zebra";
    dag.tags = {"zebra"};
    dag.owner = "zebra";
    dag.file = "hidden_zebra.yaml";
    dag.source = "zebra";
    Task task;
    task.id = "hidden_task";
    task.kind = "sql";
    dag.tasks = {task};
    const DagPtr shared = std::make_shared<const Dag>(dag);
    DagRow row{.dag_id = dag.id, .version = 1};
    row.team = "sales";
    rows_.dags[dag.id] = {row, shared, kStart};
    rows_.versions.push_back({dag.id, 1, kStart, shared});
    rows_.import_errors = {{"hidden_zebra.yaml", kStart, {{"hidden_zebra.yaml", {1, 1}, "zebra", "zebra"}}},
                           {"hidden_new.yaml", kStart, {{"hidden_new.yaml", {1, 1}, "zebra", ""}}}};
  }

  void AddHiddenRun() {
    millrace::Run run;
    run.key = kHidden.run;
    run.dag_id = "hidden_dag";
    run.run_id = "hidden_run";
    run.state = RunState::kSuccess;
    run.type = RunType::kManual;
    run.version = 1;
    run.run_after = run.queued_at = kStart;
    run.ended_at = kStart;
    run.conf = R"({"zebra": 1})";
    run.note = "zebra";
    run.triggered_by = "zebra";
    rows_.runs.push_back(run);
    TaskInstance instance;
    instance.key = kHidden;
    instance.state = TaskState::kFailed;
    instance.try_number = 1;
    instance.reason = instance.worker = "zebra";
    rows_.instances[kHidden] = instance;
    rows_.xcoms[{kHidden, "return_value"}] = {kHidden, "return_value", R"("zebra")", false, kStart};
    rows_.logs[{kHidden, 1}] = "zebra";
    rows_.notes.push_back({kHidden, "zebra", "zebra", kStart});
    rows_.jobs[{kHidden, 1}] = {{kHidden, 1}, "success", R"({"zebra": 1})", kStart};
    store::ApprovalEntry approval;
    approval.row = {kHidden, 1, R"({"subject": "zebra", "options": ["zebra"]})", kStart, kStart, {}, "", ""};
    approval.instance = instance;
    approval.run = run;
    rows_.approvals.push_back(approval);
    // It has made a run that everybody sees.
    rows_.runs[1].triggering_task = TriggeringTask{"hidden_dag", "hidden_run", "hidden_task", -1};
  }

  void AddWhatNamesIt() {
    Backfill backfill;
    backfill.id = 77;
    backfill.dag_id = "hidden_dag";
    backfill.user = "zebra";
    rows_.backfills.push_back(backfill);
    Notification told;
    told.id = 78;
    told.run = kHidden.run;
    told.dag_id = "hidden_dag";
    told.run_id = "hidden_run";
    told.task_id = "hidden_task";
    told.target = told.reason = "zebra";
    told.delivery.with = R"({"zebra": 1})";
    rows_.notifications.push_back(told);
    // A dataset that is everybody's, in other DAGs' use than theirs alone.
    store::DatasetEntry orders;
    orders.id = 7;
    orders.dataset = {"orders", "s3://lake/orders", "raw", Value(Value::Map())};
    orders.uses = {{"hidden_dag", "hidden_task", DatasetRole::kProducing, kStart}};
    orders.watches = {{2, "hidden_dag", "zebra", "sensor_file", kStart, std::nullopt, "zebra"}};
    rows_.datasets = {orders};
    rows_.dataset_aliases = {{4, {"daily_files", "raw"}, orders.uses, {"orders"}}};
    DatasetEvent event;
    event.id = 3;
    event.dataset = "orders";
    event.at = kStart;
    event.dag_id = "hidden_dag";
    event.run_id = "hidden_run";
    event.task_id = "hidden_task";
    event.extra = R"({"zebra": 1})";
    rows_.dataset_events = {{event, 7, orders.dataset, {rows_.runs.back()}}};
    rows_.queued = {{"hidden_dag", 7, "orders", 3, kStart}};
    rows_.dataset_states[{"orders", "1"}] = {
        "orders", "1", "1", kStart, "hidden_dag", "hidden_run", "hidden_task", -1};
  }

  Answer Reply(const Question& question) override {
    if (std::holds_alternative<AskPools>(question)) {
      PoolRow pool;
      pool.name = "hidden_pool";
      pool.description = "zebra";
      pool.team = "sales";
      return std::vector<PoolView>{{pool, 1, 1, 1, 1}};
    }
    return ApiTest::Reply(question);
  }

  // The path of a route, in which `dag` (of whatever run) is named.
  static std::string Filled(std::string_view pattern, const std::string& dag) {
    const bool hidden = dag == "hidden_dag";
    const bool any = dag == "~";
    const std::map<std::string, std::string, std::less<>> values = {
        {"dag_id", dag},
        {"dag_run_id", any ? "~" : hidden ? "hidden_run" : "manual__2"},
        {"task_id", hidden ? "hidden_task" : any ? "~" : "extract"},
        {"map_index", "-1"},
        {"backfill_id", "77"},
        {"notification_id", "78"},
        {"asset_id", "7"},
        {"asset_alias_id", "4"},
        {"import_error_id", std::to_string(ImportErrorId({.file = "hidden_zebra.yaml"}))},
        {"file_token", "hidden_hash"},
        {"pool_name", "hidden_pool"},
        {"variable_key", "hidden_variable"},
        {"connection_id", "hidden_connection"}};
    std::string path;
    while (!pattern.empty()) {
      const std::size_t open = pattern.find('{');
      path += pattern.substr(0, open);
      if (open == std::string_view::npos) break;
      const std::size_t close = pattern.find('}');
      const auto value = values.find(pattern.substr(open + 1, close - open - 1));
      path += value == values.end() ? "1" : value->second;
      pattern.remove_prefix(close + 1);
    }
    return path;
  }

  Answered Walk(const Route& route, const std::string& path) {
    const std::string method(route.method);
    return Ask(method, path, Token("op"), method == "GET" ? "" : "{}");
  }

  // Whoever names what is hidden is answered as if it was not there.
  void ExpectTheSameAsOfNothing(const std::string& method, const std::string& path, const std::string& body = "") {
    const auto absent = [](std::string text) {
      for (std::size_t at = 0; (at = text.find("hidden_", at)) != std::string::npos;)
        text.replace(at, 7, "absent_");
      return text;
    };
    const Answered hidden = Ask(method, path, Token("op"), body);
    const Answered missing = Ask(method, absent(path), Token("op"), absent(body));
    EXPECT_EQ(hidden.status, missing.status) << method << " " << path;
    EXPECT_EQ(absent(test::BodyOf(hidden.text)), test::BodyOf(missing.text)) << method << " " << path;
    EXPECT_EQ(hidden.text.find("zebra"), std::string::npos) << method << " " << path << "\n" << hidden.text;
  }
};

TEST_F(TeamAccessTest, NoRouteTellsAnythingOfADagThatIsHidden) {
  Start();
  for (const Route& route : server_->routes().routes()) {
    for (const char* dag : {"~", "daily_flights"}) {
      const std::string path = Filled(route.pattern, dag);
      const Answered answer = Walk(route, path);
      EXPECT_NE(answer.status, 500) << route.method << " " << path;
      EXPECT_EQ(answer.text.find("zebra"), std::string::npos) << route.method << " " << path << "\n" << answer.text;
      if (path.find("hidden_") != std::string::npos) {
        EXPECT_GE(answer.status, 400) << route.method << " " << path << "\n" << answer.text;
      } else {
        EXPECT_EQ(answer.text.find("hidden_"), std::string::npos)
            << route.method << " " << path << "\n" << answer.text;
      }
    }
  }
}

TEST_F(TeamAccessTest, ADagThatIsHiddenIsMissingOnEveryRouteThatNamesOne) {
  Start();
  for (const Route& route : server_->routes().routes()) {
    if (route.pattern.find("{dag_id}") == std::string_view::npos) continue;
    const std::string path = Filled(route.pattern, "hidden_dag");
    EXPECT_EQ(Walk(route, path).status, 404) << route.method << " " << path;
    ExpectTheSameAsOfNothing(std::string(route.method), path, route.method == "GET" ? "" : "{}");
  }
  EXPECT_TRUE(inbox_.commands().empty());
}

TEST_F(TeamAccessTest, ABodyThatNamesWhatIsHiddenNamesNothing) {
  Start();
  const std::string bulk_runs =
      R"({"actions": [{"action": "delete", "entities": [{"dag_id": "hidden_dag", "dag_run_id": "hidden_run"}]},
                      {"action": "update", "entities": [{"dag_id": "hidden_dag", "dag_run_id": "hidden_run", "state": "queued"}]}]})";
  const std::string bulk_tasks =
      R"({"actions": [{"action": "update", "entities": [{"dag_id": "hidden_dag", "dag_run_id": "hidden_run",
                       "task_id": "hidden_task", "new_state": "success"}]}]})";
  const std::string backfill =
      R"({"dag_id": "hidden_dag", "from_date": "2001-03-01T00:00:00Z", "to_date": "2001-03-02T00:00:00Z"})";
  ExpectTheSameAsOfNothing("PATCH", "/api/v2/dags/~/dagRuns", bulk_runs);
  ExpectTheSameAsOfNothing("PATCH", "/api/v2/dags/~/dagRuns/~/taskInstances", bulk_tasks);
  ExpectTheSameAsOfNothing("POST", "/api/v2/dags/~/clearDagRuns",
                           R"({"dag_runs": [{"dag_id": "hidden_dag", "dag_run_id": "hidden_run"}], "dry_run": false})");
  ExpectTheSameAsOfNothing("POST", "/api/v2/dags/~/dagRuns/list", R"({"dag_ids": ["hidden_dag"]})");
  ExpectTheSameAsOfNothing("POST", "/api/v2/dags/~/dagRuns/~/taskInstances/list", R"({"dag_ids": ["hidden_dag"]})");
  for (const char* path : {"/api/v2/backfills", "/api/v2/backfills/dry_run", "/millrace/v1/backfills",
                           "/millrace/v1/backfills/dry_run"}) {
    ExpectTheSameAsOfNothing("POST", path, backfill);
  }
  for (const char* path :
       {"/api/v2/assets?dag_ids=hidden_dag", "/api/v2/assets/events?source_dag_id=hidden_dag",
        "/api/v2/backfills?dag_id=hidden_dag", "/api/v2/dagStats?dag_ids=hidden_dag",
        "/millrace/v1/recent_runs?dag_id=hidden_dag", "/millrace/v1/notifications?dag_id=hidden_dag",
        "/millrace/v1/notifications?dag_id=hidden_dag&dag_run_id=hidden_run",
        "/api/v2/dags?dag_id_pattern=hidden_%25", "/api/v2/dags?tags=zebra"}) {
    ExpectTheSameAsOfNothing("GET", path);
  }
  // Who asks by what is not told would be told it.
  EXPECT_EQ(Ask("GET", "/api/v2/assets/events?source_task_id=hidden_task", Token("op")).Count("asset_events"), 0U);
  const Answered made = Ask("POST", "/api/v2/assets/7/materialize", Token("op"), "{}");
  EXPECT_EQ(made.At("detail"), Value("No DAG materializes asset: orders")) << made.text;
  EXPECT_TRUE(inbox_.commands().empty());
}

TEST_F(TeamAccessTest, PoolsVariablesAndConnectionsOfAnotherTeamAreMissingAndNotLaidOver) {
  Start();
  for (const char* path : {"/api/v2/pools/hidden_pool", "/api/v2/variables/hidden_variable",
                           "/api/v2/connections/hidden_connection"}) {
    for (const char* method : {"GET", "DELETE"}) ExpectTheSameAsOfNothing(method, path);
  }
  const auto overwrite = [](const char* entity) {
    return std::string(R"({"actions": [{"action": "create", "action_on_existence": "overwrite", "entities": [)") + entity +
           R"(]}, {"action": "delete", "action_on_non_existence": "skip", "entities": ["hidden_variable", "hidden_connection"]}]})";
  };
  (void)Ask("PATCH", "/api/v2/variables", Token("op"), overwrite(R"({"key": "hidden_variable", "value": "mine"})"));
  (void)Ask("PATCH", "/api/v2/connections", Token("op"),
            overwrite(R"({"connection_id": "hidden_connection", "conn_type": "http"})"));
  EXPECT_EQ(credentials_.variables.at("hidden_variable").sealed, "zebra");
  EXPECT_EQ(credentials_.connections.at("hidden_connection").sealed, "zebra");
  EXPECT_EQ(Ask("GET", "/api/v2/variables", Token("op")).At("total_entries"), Value(0));
  EXPECT_EQ(Ask("GET", "/api/v2/variables", Token("admin")).At("total_entries"), Value(1));
}

TEST_F(TeamAccessTest, TheListsOfOnesOwnStayWhole) {
  Start();
  for (const auto& [path, rows] :
       {std::pair("/api/v2/dags", "dags"), std::pair("/api/v2/dags/~/dagRuns", "dag_runs"),
        std::pair("/api/v2/dags/~/dagRuns/~/taskInstances", "task_instances")}) {
    const Answered some = Ask("GET", path, Token("viewer"));
    const Answered all = Ask("GET", path, Token("admin"));
    ASSERT_EQ(some.status, 200) << some.text;
    EXPECT_EQ(some.Count(rows) + 1, all.Count(rows)) << path;
    EXPECT_EQ(some.At("total_entries"), Value(static_cast<std::int64_t>(some.Count(rows)))) << path;
  }
  // That there was an update of a dataset is everybody's to know; whose task it was is not.
  const Answered events = Ask("GET", "/api/v2/assets/events", Token("viewer"));
  EXPECT_EQ(events.Count("asset_events"), 1U);
  EXPECT_EQ(events.At("asset_events.0.source_dag_id"), Value());
  EXPECT_EQ(events.At("asset_events.0.created_dagruns"), Value(Value::List()));
  EXPECT_EQ(Ask("GET", "/api/v2/assets/events", Token("admin")).At("asset_events.0.source_dag_id"),
            Value("hidden_dag"));
}

TEST_F(TeamAccessTest, ABackfillDoesNotReachADagDownstreamThatIsHidden) {
  inbox_.answer = [](const Command& command) -> CommandReply {
    CommandResult result;
    const auto* create = std::get_if<CreateBackfill>(&command);
    if (create == nullptr || !create->include_downstream) return result;
    result.backfill = create->backfill;
    Backfill other = create->backfill;
    other.dag_id = "hidden_dag";
    result.downstream = {other};
    return result;
  };
  Start();
  const Answered refused = Ask("POST", "/millrace/v1/backfills", Token("op"),
                               R"({"dag_id": "daily_flights", "from_date": "2001-03-01T00:00:00Z",
                                   "to_date": "2001-03-02T00:00:00Z", "include_downstream": true})");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.text.find("hidden_dag"), std::string::npos);
  for (const Command& command : inbox_.commands()) EXPECT_TRUE(std::get<CreateBackfill>(command).dry_run);
}

TEST_F(TeamAccessTest, MetricsAreForTheirTokenOnceSomethingIsHidden) {
  Start();
  EXPECT_EQ(Ask("GET", "/metrics", Token("op")).status, 403);
  EXPECT_EQ(Ask("GET", "/metrics", Token("monitor")).status, 200);
  EXPECT_EQ(Ask("GET", "/metrics", Token("admin")).status, 200);
}

TEST_F(TeamAccessTest, WhoListensHearsNothingOfADagThatIsHidden) {
  rows_.journal.push_back({1, {{RunKey{2}, 0, 3, 4, 2, kStart}}});
  rows_.journal.push_back({2, {{kHidden.run, 0, 3, 4, 1, kStart}, {RunKey{2}, 1, 3, 4, 2, kStart}}});
  Start();
  const auto listen = [&](const std::string& role, const std::string& until) {
    test::RawClient client(server_->port());
    client.Send(RequestText("GET", "/millrace/v1/events", Token(role), "", "Last-Event-ID: 1.0\r\n"));
    return client.ReadUntil(until);
  };
  const std::string heard = listen("op", "id: 2.1\n");
  EXPECT_NE(heard.find("id: 2.1\n"), std::string::npos);
  EXPECT_EQ(heard.find("hidden_"), std::string::npos) << heard;
  EXPECT_NE(listen("admin", "id: 2.1\n").find("hidden_task"), std::string::npos);
}

class BundleTeamsTest : public TeamAccessTest, public BundleDirectory {
 protected:
  void Start() {
    ApiOptions options;
    options.server.threads = 2;
    options.patience = std::chrono::milliseconds(200);
    options.views.bundles = this;
    test::FakeReaders& r = readers_;
    server_.emplace(options, Readers{r, r, r, r, r, r, r, r, r, r, users_, r, r}, Upkeep{r, r}, inbox_, accounts_,
                    clock_, log_);
    ASSERT_TRUE(server_->Start().ok());
  }
  std::vector<BundleStanding> List() const override {
    return {{.name = "dags-folder", .kind = "local", .place = "/dags"},
            {.name = "hidden_bundle", .kind = "local", .place = "/zebra", .team = "sales"}};
  }
  Status Refresh(const std::string&) override { return OkStatus(); }
};

TEST_F(BundleTeamsTest, BundlesAndTheTroubleOfTheirFilesAreToldToTheirTeams) {
  rows_.import_errors = {{.file = "a.yaml", .at = kStart, .problems = {{"a.yaml", {1, 1}, "is empty", ""}}}};
  for (const char* bundle : {"hidden_bundle", "hidden_former"}) {
    rows_.import_errors.push_back(
        {.file = "zebra.yaml", .at = kStart, .problems = {{"zebra.yaml", {1, 1}, "zebra", ""}}, .bundle = bundle});
  }
  Start();
  for (const char* path : {"/api/v2/importErrors", "/millrace/v1/bundles"}) {
    const Answered some = Ask("GET", path, Token("viewer"));
    EXPECT_EQ(some.At("total_entries"), Value(1)) << some.text;
    EXPECT_EQ(some.text.find("zebra"), std::string::npos) << some.text;
    EXPECT_EQ(some.text.find("hidden_"), std::string::npos) << some.text;
  }
  EXPECT_EQ(Ask("GET", "/api/v2/importErrors", Token("admin")).At("total_entries"), Value(3));
  EXPECT_EQ(Ask("GET", "/millrace/v1/bundles", Token("admin")).At("total_entries"), Value(2));
}

// One that is written down and says nothing of teams.
TEST(RouteTableTest, ARouteThatThinksOfNoTeamsRefusesWhoeverDoesNotSeeAllDags) {
  test::Rows rows;
  test::FakeReaders readers(rows);
  store::DagEntry entry;
  entry.row.team = "sales";
  rows.dags["orders"] = entry;
  DagTeams teams(readers);
  class Verifier final : public auth::TokenVerifier {
   public:
    StatusOr<auth::Identity> Verify(std::string_view token) override {
      return auth::Identity{std::string(token), token == "admin" ? auth::Role::kAdmin : auth::Role::kOp,
                            token == "seller" ? std::vector<std::string>{"sales"} : std::vector<std::string>{}};
    }
  } verifier;
  RouteTable table;
  const auto answer = [](const Call&) { return http::Response(); };
  table.Add({"GET", "/plain", Needs(auth::Verb::kRead, auth::Resource::kDag), 200, "", answer});
  table.Add({"GET", "/dags/{dag_id}", Needs(auth::Verb::kRead, auth::Resource::kDag), 200, "", answer});
  table.Add({"GET", "/filtered", Needs(Filtered(auth::Verb::kRead), auth::Resource::kDag), 200, "", answer});
  table.Add({"GET", "/own", Needs(auth::Verb::kRead, auth::Resource::kSelf), 200, "", answer});
  http::Router router;
  table.Install(router, verifier, teams);
  const auto status = [&](const std::string& path, const std::string& who) {
    http::Request request;
    request.method = "GET";
    request.path = path;
    request.headers = {{"authorization", "Bearer " + who}};
    return router.Handle(request).status;
  };
  for (const char* who : {"admin", "seller"}) {
    EXPECT_EQ(status("/plain", who), 200) << who;
    EXPECT_EQ(status("/dags/~", who), 200) << who;
  }
  EXPECT_EQ(status("/plain", "clerk"), 403);
  EXPECT_EQ(status("/dags/~", "clerk"), 404);
  EXPECT_EQ(status("/filtered", "clerk"), 200);
  EXPECT_EQ(status("/own", "clerk"), 200);
}

}  // namespace
}  // namespace millrace::api
