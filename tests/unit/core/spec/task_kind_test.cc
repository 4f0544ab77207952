#include "core/spec/task_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/json.h"
#include "tests/unit/core/spec/told.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Problem> ProblemsOf(std::string_view kind_name, std::string_view text) {
  return ProblemsOf(*FindTaskKind(kind_name), Json(text));
}

TEST(TaskKind, AcceptsAGoodTaskOfEachKind) {
  for (const auto& [kind, with] : std::vector<std::pair<const char*, const char*>>{
           {"empty", "{}"},
           {"shell", R"({"command": "echo {{ ds }}", "env": {"A": 1, "B": "x"}, "cwd": "work"})"},
           {"shell", R"({"command": ["echo", "a b"]})"},
           {"sql", R"({"sql": "SELECT 1"})"},
           {"sql", R"({"sql": ["SELECT 1", "SELECT 2"], "connection": "warehouse"})"},
           {"extract", R"({"sql": "SELECT 1", "to": "lake/", "files": 4, "format": "csv"})"},
           {"load", R"({"connection": "w", "table": "t", "mode": "merge", "key": ["a"], "input": "lake/"})"},
           {"python", R"({"file": "scripts/a.py", "args": {"day": "{{ ds }}", "n": 3}, "python": "python3.11"})"},
           {"http", R"({"url": "https://example.org/{{ ds }}", "expect": [200, 404], "timeout": "30s"})"},
           {"http", R"({"connection": "api", "endpoint": "v1/rows", "json": {"a": [1]}, "to": "lake/rows.json"})"},
           {"trigger_dag", R"({"dag": "{{ params.which }}", "conf": {"a": [1, "{{ ds }}"]}, "logical_date": "{{ ts }}"})"},
           {"trigger_dag", R"({"dag": "b", "wait_for_completion": "{{ params.wait }}", "failed_states": []})"},
           {"approval", R"({"subject": "Publish {{ ds }}?", "respondents": ["ana", {"id": "bob", "name": "Bob"}]})"},
           {"approval", R"({"subject": "?", "options": ["a", "b"], "multiple": true, "defaults": ["a", "b"],
                            "params": {"n": {"type": "integer"}, "text": "x"}, "response_timeout": "1h"})"},
           {"check", R"({"input": "lake/", "contract": "contracts/flights.yml"})"},
           {"check",
            R"j({"input": "l", "checks": ["relationships(a, b.c)"], "references": {"b": "b.csv"}})j"}}) {
    EXPECT_EQ(Told(ProblemsOf(kind, with)), "") << kind << " " << with;
  }
}

TEST(TaskKind, TellsWhatIsWrongWithATriggerOrAnApproval) {
  EXPECT_THAT(Told(ProblemsOf("trigger_dag", R"({"conf": {}})")), HasSubstr("field 'dag' is missing"));
  EXPECT_THAT(Told(ProblemsOf("trigger_dag", R"({"dag": "b", "allowed_states": ["done"]})")),
              HasSubstr("'allowed_states': 'done' is no state of a run"));
  EXPECT_THAT(Told(ProblemsOf("approval", R"({"subject": "?", "options": []})")), HasSubstr("'options' is empty"));
  EXPECT_THAT(Told(ProblemsOf("approval", R"({"subject": "?", "options": ["a", "a"]})")), HasSubstr("twice"));
  EXPECT_THAT(Told(ProblemsOf("approval", R"({"subject": "?", "defaults": "Yes"})")),
              HasSubstr("default 'Yes' is none of the options (there are: Approve, Reject)"));
  EXPECT_THAT(Told(ProblemsOf("approval", R"({"subject": "?", "defaults": ["Approve", "Reject"]})")),
              HasSubstr("multiple: true"));
  EXPECT_THAT(Told(ProblemsOf("approval", R"({"subject": "?", "options": ["a"], "fail_on_reject": true})")),
              HasSubstr("'fail_on_reject' is about Approve and Reject"));
  EXPECT_THAT(Told(ProblemsOf("approval", R"({"subject": "?", "options": ["a"], "options_mapping": {"b": "t"}})")),
              HasSubstr("'options_mapping': 'b' is none of the options"));
  EXPECT_THAT(Told(ProblemsOf("approval", R"({"subject": "?", "params": {"n": {"type": "number?"}, "_options": 1}})")),
              AllOf(HasSubstr("param 'n'"), HasSubstr("'_options'")));
  EXPECT_THAT(Told(ProblemsOf("approval", R"({"subject": "?", "respondents": [{"name": "Ana"}]})")),
              HasSubstr("names of users"));
}

TEST(TaskKind, AirflowsTriggerAndApprovalOperatorsAreOurs) {
  const std::string trigger = "airflow.providers.standard.operators.trigger_dagrun.TriggerDagRunOperator";
  EXPECT_EQ(FindTaskKind(trigger)->name, "trigger_dag");
  EXPECT_EQ(NativeWith(trigger, Json(R"({"trigger_dag_id": "b", "trigger_run_id": "r", "poke_interval": 5,
                                        "deferrable": true, "wait_for_completion": true})")),
            Json(R"({"dag": "b", "run_id": "r", "wait_for_completion": true})"));
  const std::string hitl = "airflow.providers.standard.operators.hitl.";
  EXPECT_EQ(NativeWith(hitl + "ApprovalOperator", Json(R"({"subject": "?", "assigned_users": [{"id": "1", "name": "a"}]})")),
            Json(R"({"subject": "?", "respondents": [{"id": "1", "name": "a"}]})"));
  EXPECT_EQ(NativeWith(hitl + "HITLEntryOperator", Json(R"({"subject": "?"})")),
            Json(R"({"subject": "?", "options": ["OK"], "defaults": ["OK"]})"));
  EXPECT_EQ(SteeringOf(hitl + "HITLBranchOperator"), Steering::kBranch);
  const TaskKind* approval = FindTaskKind(hitl + "HITLOperator");
  EXPECT_EQ(approval->steers(Json(R"({"subject": "?"})")), Steering::kShortCircuit);
  EXPECT_EQ(approval->steers(Json(R"({"subject": "?", "options": ["a"]})")), Steering::kNone);
}

TEST(TaskKind, TellsWhatIsWrongWithATask) {
  EXPECT_THAT(Told(ProblemsOf("shell", R"({"comand": "x"})")),
              HasSubstr("unknown field 'comand' (did you mean 'command'?)"));
  EXPECT_THAT(Told(ProblemsOf("shell", R"({"comand": "x"})")), HasSubstr("field 'command' is missing"));
  EXPECT_THAT(Told(ProblemsOf("shell", R"({"command": " "})")), HasSubstr("'command' is empty"));
  EXPECT_THAT(Told(ProblemsOf("shell", R"({"command": {"a": 1}})")), HasSubstr("must be a list of strings"));
  EXPECT_EQ(Told(ProblemsOf("shell", R"({"command": "x", "skip_on_exit_code": [3, 99]})")), "");
  EXPECT_EQ(Told(ProblemsOf("shell", R"({"command": "x", "skip_on_exit_code": null})")), "");
  EXPECT_THAT(Told(ProblemsOf("shell", R"({"command": "x", "skip_on_exit_code": [0]})")),
              HasSubstr("exit codes from 1 to 255"));
  EXPECT_THAT(Told(ProblemsOf("empty", R"({"a": 1})")), HasSubstr("it takes no fields"));
  EXPECT_THAT(Told(ProblemsOf("extract", R"({"sql": "x", "to": "y", "files": 0})")), HasSubstr("1 to 10000"));
  EXPECT_THAT(Told(ProblemsOf("load", R"({"connection": "w", "table": "t", "mode": "merge", "input": "i"})")),
              HasSubstr("needs 'key'"));
  EXPECT_THAT(
      Told(ProblemsOf("load", R"({"connection": "w", "table": "t", "mode": "upsert", "input": "i"})")),
      HasSubstr("append, overwrite, merge"));
  EXPECT_THAT(Told(ProblemsOf("check", R"({"input": "i"})")), HasSubstr("nothing to check"));
  EXPECT_THAT(Told(ProblemsOf("check", R"j({"input": "i", "checks": ["relationships(a, b.c)"]})j")),
              HasSubstr("unknown reference 'b'"));
  EXPECT_THAT(Told(ProblemsOf("python", R"({"file": "a.sh", "function": "a b"})")),
              AllOf(HasSubstr("must be a .py file"), HasSubstr("no name of a function: 'a b'")));
  EXPECT_THAT(Told(ProblemsOf("http", R"({"method": "GET"})")), HasSubstr("exactly one of 'url' and 'connection'"));
  EXPECT_THAT(Told(ProblemsOf("http", R"({"url": "ftp://a", "expect": [99], "data": "x", "json": 1, "endpoint": "/"})")),
              AllOf(HasSubstr("must begin with http://"), HasSubstr("status codes"), HasSubstr("cannot both be"),
                    HasSubstr("'endpoint' goes with 'connection'")));
}

TEST(TaskKind, KnowsAirflowsOperators) {
  EXPECT_EQ(FindTaskKind("airflow.providers.standard.operators.bash.BashOperator")->name, "shell");
  EXPECT_EQ(FindTaskKind("airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator")->name, "sql");
  EXPECT_EQ(FindTaskKind("airflow.providers.standard.operators.python.PythonOperator")->name, "python");
  EXPECT_EQ(ToJson(NativeWith("airflow.operators.python.PythonOperator",
                              Json(R"({"python_callable": "reports.daily.build", "op_kwargs": {"n": 1}})"))),
            R"({"args":{"n":1},"file":"reports/daily.py","function":"build"})");
  const Value native = NativeWith("airflow.providers.standard.operators.bash.BashOperator",
                                  Json(R"({"bash_command": {"$t": "echo {{ ds }}"}})"));
  EXPECT_EQ(ToJson(native), R"({"command":"echo {{ ds }}"})");
  EXPECT_EQ(ToJson(NativeWith("shell", Json(R"({"bash_command": 1})"))), R"({"bash_command":1})");
}

TEST(TaskKind, SuggestsTheKindThatWasMeant) {
  EXPECT_EQ(UnknownTaskKind("mapredcue", {}).suggestion, "did you mean 'mapreduce'?");
  EXPECT_THAT(UnknownTaskKind("wibble", {}).suggestion, HasSubstr("shell, empty, sql"));
}

TEST(TaskKind, RendersOnlyWhatIsATemplate) {
  std::vector<FieldUse> uses;
  const RenderString render = [&](std::string_view text, FieldUse use, Position) -> StatusOr<std::string> {
    uses.push_back(use);
    return "<" + std::string(text) + ">";
  };
  const Value shell =
      Json(R"({"command": "echo {{ ds }}", "env": {"A": "{{ a }}", "B": "plain"}, "files": ["{{ f }}"]})");
  EXPECT_EQ(ToJson(RenderWith(*FindTaskKind("shell"), shell, render).value()),
            R"({"command":"<echo {{ ds }}>","env":{"A":"<{{ a }}>","B":"plain"},"files":["{{ f }}"]})");
  EXPECT_THAT(uses, ElementsAre(FieldUse::kShellTemplate, FieldUse::kTemplate));
  uses.clear();
  EXPECT_TRUE(RenderWith(*FindTaskKind("shell"), Json(R"({"command": ["echo", "{{ ds }}"]})"), render).ok());
  EXPECT_THAT(uses, ElementsAre(FieldUse::kTemplate));
  const Value job = Json(
      R"({"inputs": {"a": {"path": "{{ ds }}", "format": "{{ x }}"}}, "aggregate": {"by": ["{{ b }}"], "select": {"n": "{{ c }}"}},
          "map": {"command": ["{{ m }}"]}, "output": {"path": "{{ o }}"}})");
  EXPECT_EQ(
      ToJson(RenderWith(*FindTaskKind("mapreduce"), job, render).value()),
      R"({"inputs":{"a":{"path":"<{{ ds }}>","format":"{{ x }}"}},"aggregate":{"by":["{{ b }}"],"select":{"n":"<{{ c }}>"}},)"
      R"("map":{"command":["<{{ m }}>"]},"output":{"path":"<{{ o }}>"}})");
}

TEST(TaskKind, NamesConnectionsAndFiles) {
  EXPECT_THAT(ConnectionsOf(*FindTaskKind("sql"), Json(R"({"sql": "x", "connection": "w"})")),
              ElementsAre("w"));
  EXPECT_THAT(FilesOf(*FindTaskKind("shell"), Json(R"({"command": "x", "files": ["a.sh", "b.sh", "a.sh"]})")),
              ElementsAre("a.sh", "b.sh"));
  EXPECT_THAT(FilesOf(*FindTaskKind("check"), Json(R"({"contract": "c.yml"})")), ElementsAre("c.yml"));
}

}  // namespace
}  // namespace millrace
