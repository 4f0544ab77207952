#include "tests/sim/dags.h"

#include <cstdio>
#include <string>

#include "core/model/json.h"
#include "platform/zones.h"
#include "scheduler/dagbag/load.h"
#include "tests/support/dag_builder.h"

namespace millrace::sim {
namespace {

constexpr const char* kMapReduce =
    R"json({"inputs": {"rows": {"path": "in/"}}, "map": "SELECT k, v FROM rows",
  "aggregate": {"by": ["k"], "select": {"n": "count(*)"}}, "output": {"path": "out/"}})json";

// Values, mapping, branches and teardowns in one; what `list` leaves is a list of two to four numbers.
constexpr const char* kFlow = R"y(dag_id: flow
max_active_runs: 3
default_args:
  retries: 1
  retry_delay: 5s
  on_retry_callback: {notify: webhook, url: "http://hooks.example/retry"}
  on_failure_callback: {notify: webhook, url: "http://hooks.example/failure"}
on_success_callback: {notify: webhook, url: "http://hooks.example/success"}
on_failure_callback: {notify: webhook, url: "http://hooks.example/failure"}
tasks:
  - {id: create, uses: shell, setup: true, with: {command: create}}
  - {id: list, uses: shell, needs: [create], with: {command: list}}
  - group: part
    expand: {n: {$x: list}}
    tasks:
      - {id: load, uses: empty}
      - {id: check, uses: shell, needs: [load], max_active_tis_per_dagrun: 2, with: {command: "{{ map.n }}"}}
  - {id: sum, uses: shell, needs: [part], trigger_rule: all_done, with: {command: "sum {{ ti.xcom_pull('part.check') }}"}}
  - {id: pick, uses: branch, needs: [sum], with: {choose: [odd]}}
  - {id: odd, uses: empty, needs: [pick]}
  - {id: even, uses: empty, needs: [pick]}
  - {id: end, uses: shell, needs: [odd, even], trigger_rule: none_failed_min_one_success, with: {command: end}}
  - {id: drop, uses: shell, needs: [end], teardown: [create], with: {command: drop}}
)y";

// Runs that tasks make and wait for, and questions that people answer, or nobody.
constexpr const char* kAsks = R"y(dag_id: asks
max_active_runs: 3
default_args: {retries: 1, retry_delay: 5s}
tasks:
  - {id: go, uses: trigger_dag, with: {dag: chain, conf: {from: "{{ run_id }}"}}}
  - {id: both, uses: trigger_dag, execution_timeout: 2m, with: {dag: chain, wait_for_completion: true}, expand: {note: [one, two]}}
  - {id: ok, uses: approval, with: {subject: "{{ run_id }}?", response_timeout: 1m, defaults: [Approve]}}
  - {id: sure, uses: approval, execution_timeout: 90s, with: {subject: "Sure?"}}
  - {id: work, uses: shell, needs: [ok, go], with: {command: "work"}}
  - {id: end, uses: empty, needs: [both, work, sure], trigger_rule: all_done}
)y";

// Runs that share a result while it lasts, and one instance of a mapped task with another's values.
constexpr const char* kCached = R"y(dag_id: cached
max_active_runs: 2
default_args: {retries: 1, retry_delay: 5s}
tasks:
  - {id: read, uses: shell, cache: {expires: 1m}, with: {command: read}}
  - {id: each, uses: shell, needs: [read], cache: {inputs: ["{{ ti.xcom_pull('read') }}"]}, expand: {n: [1, 2, 1]}, with: {command: "{{ map.n }}"}}
  - {id: sum, uses: empty, needs: [each]}
)y";

// Sensors of all sorts; those of other DAGs wait for runs that fail, are cleared and come late.
constexpr const char* kWaits = R"y(dag_id: waits
schedule_interval: "* * * * *"
start_date: 2001-02-28T23:57:00Z
end_date: 2001-03-01T00:03:00Z
catchup: true
max_active_runs: 3
tasks:
  - id: other
    uses: sensor_external_task
    with: {external_dag_id: minutely, external_task_id: b, failed_states: [failed, upstream_failed],
           skipped_states: [skipped], timeout: 20m, soft_fail: true}
  - id: before
    uses: sensor_external_task
    with: {external_dag_id: minutely, allowed_states: [success, failed], execution_delta: 1m, timeout: 15m, soft_fail: true}
  - {id: file, uses: sensor_file, retries: 1, retry_delay: 5s, with: {path: in/x, poke_interval: 5s, timeout: 10m}}
  - {id: pause, uses: sensor_time, needs: [file], trigger_rule: all_done, with: {wait: 20s}}
  - {id: end, uses: shell, needs: [other, before, pause], trigger_rule: all_done, with: {command: end}}
)y";

// Versions of one DAG, in which tasks come, go, move and are mapped otherwise; runs are given others without running again.
constexpr const char* kChanges[] = {
    R"y(dag_id: changes
max_active_runs: 3
default_args: {retries: 1, retry_delay: 5s, retry_rules: [{message: "", action: reschedule, max_reschedules: 2}]}
tasks:
  - {id: a, uses: shell, with: {command: a}}
  - {id: load, uses: shell, needs: [a], expand: {n: [1, 2]}, with: {command: "{{ map.n }}"}}
  - {id: sum, uses: shell, needs: [load], trigger_rule: all_done, with: {command: sum}}
)y",
    R"y(dag_id: changes
max_active_runs: 3
tasks:
  - {id: first, uses: branch, with: {choose: [b]}}
  - {id: b, uses: shell, needs: [first], with: {command: b}}
  - {id: a, uses: shell, needs: [first], trigger_rule: none_failed, with: {command: a}}
  - {id: load, uses: shell, needs: [a], expand: {n: [1, 2, 3]}, with: {command: "{{ map.n }}"}}
  - group: part
    expand: {n: [1, 2, 3]}
    tasks:
      - {id: x, uses: empty}
      - {id: y, uses: shell, needs: [x], with: {command: y}}
  - {id: sum, uses: shell, needs: [load, part], trigger_rule: all_done, with: {command: sum}}
)y",
    R"y(dag_id: changes
max_active_runs: 3
tasks:
  - {id: sum, uses: empty}
  - {id: load, uses: shell, needs: [sum], trigger_rule: all_done, with: {command: load}}
  - group: part
    expand: {n: [1, 2]}
    needs: [load]
    tasks:
      - {id: y, uses: shell, with: {command: y}}
      - {id: z, uses: empty, needs: [y], trigger_rule: all_done}
)y",
    R"y(dag_id: changes
max_active_runs: 3
tasks:
  - {id: b, uses: empty}
  - {id: a, uses: shell, retries: 1, retry_delay: 5s, needs: [b], with: {command: a}}
)y"};

// Runs that are tried again by themselves: what failed and what stands behind it, with what it uses.
constexpr const char* kAgain = R"y(dag_id: again
max_active_runs: 2
max_dag_retries: 2
dag_retry_delay: 20s
on_success_callback: {notify: webhook, url: "http://hooks.example/success"}
on_failure_callback: {notify: webhook, url: "http://hooks.example/failure"}
tasks:
  - {id: create, uses: shell, setup: true, with: {command: create}}
  - {id: list, uses: shell, needs: [create], with: {command: list}}
  - {id: load, uses: shell, needs: [list], expand: {n: {$x: list}}, with: {command: "{{ map.n }}"}}
  - {id: beside, uses: shell, with: {command: beside}}
  - {id: sum, uses: empty, needs: [load, beside]}
  - {id: drop, uses: shell, needs: [sum], teardown: [create], with: {command: drop}}
  - {id: late, uses: shell, needs: [drop, beside], trigger_rule: all_done, with: {command: late}}
)y";

// The same with all of its tasks, also of runs that were stopped.
constexpr const char* kAnew = R"y(dag_id: anew
max_active_runs: 2
max_dag_retries: 1
dag_retry_strategy: all_tasks
dag_retry_delay: 15s
dagrun_timeout: 45s
fail_fast: true
tasks:
  - {id: a, uses: shell, with: {command: a}}
  - {id: b, uses: shell, retries: 1, retry_delay: 5s, with: {command: b}}
  - {id: each, uses: shell, needs: [a], expand: {n: [1, 2, 3]}, with: {command: "{{ map.n }}"}}
  - {id: end, uses: empty, needs: [b, each]}
)y";

// What a worker returns is the number of its attempt.
constexpr const char* kLoops = R"y(dag_id: loops
max_active_runs: 2
max_dag_retries: 1
dag_retry_delay: 10s
default_args: {retries: 2, retry_delay: 3s}
tasks:
  - {id: count, uses: shell, loop: {max_iterations: 3, delay: 2s}, with: {command: "{{ loop.index }} {{ loop.previous }}"}}
  - {id: thirds, uses: shell, needs: [count], trigger_rule: all_done, loop: {until: "{{ loop.result % 3 == 0 }}", max_iterations: 6}, with: {command: thirds}}
  - {id: halves, uses: shell, expand: {n: [1, 2]}, loop: {until: "{{ loop.result % 2 == 0 }}", max_iterations: 4, delay: 1s}, with: {command: "{{ map.n }}"}}
  - group: steps
    loop: {until: "{{ loop.result % 3 == 0 }}", max_iterations: 5, delay: 1s}
    tasks:
      - {id: make, uses: shell, with: {command: "{{ loop.index }} {{ loop.previous }}"}}
      - {id: each, uses: shell, needs: [make], trigger_rule: all_done, expand: {n: "{{ [1] * (loop.index + 1) }}"}, with: {command: "{{ map.n }}"}}
      - {id: sum, uses: shell, needs: [each], trigger_rule: one_done, with: {command: sum}}
  - {id: end, uses: empty, needs: [thirds, halves, steps], trigger_rule: all_done}
)y";

class NoFiles final : public dagbag::FileReader {
 public:
  StatusOr<std::string> Read(std::string_view) const override { return NotFound("no such file"); }
};

DagPtr FromFile(const char* text) {
  const platform::TzdbZones zones;
  dagbag::LoadResult loaded = dagbag::LoadDagFile("sim.yaml", text, NoFiles(), zones);
  for (const Problem& problem : loaded.problems) std::printf("sim.yaml: %s\n", problem.message.c_str());
  return loaded.dags.at(0);
}

}  // namespace

std::vector<DagPtr> Dags() {
  const auto kind = [](const char* name, int retries) {
    return [=](Task& task) {
      task.kind = name;
      task.retry = {retries, std::chrono::seconds(5), 2.0, std::chrono::seconds(30)};
      task.execution_timeout = std::chrono::seconds(60);
    };
  };
  const auto small = [](Task& task) {
    task.kind = "shell";
    task.pool = "small";
    task.retry = {1, std::chrono::seconds(3), 1.0, std::chrono::seconds(30)};
  };
  const auto job = [](Task& task) {
    task.kind = "mapreduce";
    task.with = ParseJson(kMapReduce).value();
    task.retry.retries = 1;
    task.retry.delay = std::chrono::seconds(5);
  };
  std::vector<DagPtr> dags;
  dags.push_back(test::DagBuilder("chain")
                     .Add("a", {}, kind("shell", 2))
                     .Add("b", {"a"}, kind("empty", 1))
                     .Add("c", {"b"}, kind("shell", 0))
                     .With([](Dag& dag) { dag.max_active_runs = 2; })
                     .Build());
  dags.push_back(test::DagBuilder("diamond")
                     .Add("a", {}, small)
                     .Add("l", {"a"}, small)
                     .Add("r", {"a"}, small)
                     .Add("j", {"l", "r"}, [](Task& task) { task.trigger_rule = TriggerRule::kAllDone; })
                     .Build());
  test::DagBuilder wide("wide");
  for (int i = 0; i < 12; ++i) wide.Add("t" + std::to_string(i), {}, kind(i % 2 == 0 ? "empty" : "shell", 1));
  dags.push_back(wide.With([](Dag& dag) { dag.max_active_tasks = 5; }).Build());
  dags.push_back(test::DagBuilder("minutely")
                     .Add("a", {}, kind("shell", 1))
                     .Add("b", {"a"}, kind("empty", 0))
                     .With([](Dag& dag) {
                       dag.schedule.kind = ScheduleKind::kCronInterval;
                       dag.schedule.expression = dag.schedule.written = "* * * * *";
                       dag.schedule.start = WallFromMicros(983'404'800'000'000) - std::chrono::minutes(3);
                       dag.schedule.end = WallFromMicros(983'404'800'000'000) + std::chrono::minutes(5);
                       dag.schedule.catchup = Catchup::kAll;
                       dag.max_active_runs = 1;
                     })
                     .Build());
  dags.push_back(FromFile(kFlow));
  dags.push_back(FromFile(kAsks));
  dags.push_back(FromFile(kCached));
  dags.push_back(FromFile(kWaits));
  dags.push_back(FromFile(kChanges[0]));
  dags.push_back(FromFile(kAgain));
  dags.push_back(FromFile(kAnew));
  dags.push_back(FromFile(kLoops));
  dags.push_back(
      test::DagBuilder("job").Add("count", {}, job).Add("after", {"count"}, kind("empty", 0)).Build());
  return dags;
}

DagPtr Changed(int version) { return FromFile(kChanges[version]); }

}  // namespace millrace::sim
