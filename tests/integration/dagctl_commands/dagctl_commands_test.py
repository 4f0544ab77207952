"""The commands that look and those that carry things in and out, by the real dagctl against a real scheduler and worker.

usage: dagctl_commands_test.py BIN_FOLDER SOURCE_FOLDER
"""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually  # noqa: E402

BIN, SOURCE = map(pathlib.Path, sys.argv[1:3])
del sys.argv[1:3]

WRITER = """\
dag_id: writer
schedule: null
tasks:
  - group: stage
    tasks:
      - id: make
        uses: shell
        outlets: [orders, {alias: files}]
        with:
          command: |
            echo 'outlet_events={"orders": {"extra": {"rows": 3}}, "files": ["f1"]}' >> "$MILLRACE_OUTPUT"
      - {id: odd, uses: shell, expand: {n: [1, 2]}, with: {command: "exit {{ map.n - 1 }}"}}
  - {id: end, uses: empty, needs: [stage]}
"""
READER = """\
dag_id: reader
schedule: {datasets: {all: [orders]}}
tasks:
  - {id: read, uses: empty}
  - {id: go, uses: trigger_dag, needs: [read], with: {dag: writer}, run_if: "{{ false }}"}
"""
BY_DAY = """\
dag_id: by_day
schedule: {datasets: {all: [clicks, views]}, partition_mapper: daily}
tasks: [{id: read, uses: shell, with: {command: "echo {{ dag_run.partition_key }} $MILLRACE_PARTITION_KEY"}}]
"""
BY_WEEK = """\
dag_id: by_week
schedule:
  datasets: [visits]
  partition_mapper:
    uses: rollup
    with:
      upstream_mapper: {uses: weekly, with: {input_format: "%Y-%m-%d"}}
      window: week
      wait_policy: {uses: minimum_count, with: {n: 3}}
tasks: [{id: read, uses: shell, with: {command: "echo {{ partition_key }}"}}]
"""
PICKER = """\
dag_id: picker
schedule: {uses: PartitionedAtRuntime}
tasks:
  - id: pick
    uses: shell
    outlets: [visits]
    with:
      command: |
        echo 'outlet_events={"visits": {"partition_keys": ["2001-03-05", "2001-03-06"]}}' >> "$MILLRACE_OUTPUT"
"""
NIGHTLY = """\
dag_id: nightly
schedule: "0 0 * * *"
start_date: 2001-03-01
end_date: 2001-03-03
catchup: true
tasks: [{id: nothing, uses: empty}]
"""


class CommandsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(BIN))
        cls.cluster.start_scheduler()
        cls.cluster.start_worker("w1")
        for name, text in (("writer", WRITER), ("reader", READER), ("nightly", NIGHTLY), ("by_day", BY_DAY)):
            cls.cluster.write_dag(name + ".yaml", text)
        cls.run_id = cls.cluster.trigger("writer")
        cls.cluster.await_run("writer", cls.run_id, "failed")

    def dagctl(self, *arguments, status=0, text=None):
        command = [BIN / "dagctl", "--state", self.cluster.state, *map(str, arguments)]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, input=text, timeout=120)
        self.assertEqual(done.returncode, status, f"{command}\n{done.stdout}{done.stderr}")
        return done

    def rows(self, *arguments, status=0):
        return json.loads(self.dagctl(*arguments, "-o", "json", status=status).stdout)

    def test_a_dag_is_made_a_favorite_and_listed_as_one(self):
        self.assertEqual(self.rows("dags", "favorite", "reader"), [{"dag_id": "reader", "is_favorite": True}])
        self.assertEqual([row["dag_id"] for row in self.rows("dags", "list", "--favorites")], ["reader"])
        self.dagctl("dags", "unfavorite", "reader")
        self.assertEqual(self.rows("dags", "list", "--favorites"), [])
        self.assertIn("not marked", self.dagctl("dags", "unfavorite", "reader", status=1).stderr)
        self.dagctl("dags", "favorite", "nothing", status=1)

    def test_what_does_not_load_is_listed_and_is_an_exit_status(self):
        self.dagctl("dags", "import-errors")
        path = self.cluster.write_dag("broken.yaml", "dag_id: broken\ntasks: [{id: a, uses: shel}]\n")
        eventually("the error is known", lambda: self.cluster.ask("GET", "/api/v2/importErrors")["total_entries"])
        [row] = self.rows("dags", "list-import-errors", status=1)
        self.assertIn("shel", row["stack_trace"])
        path.unlink()
        eventually("the error is gone", lambda: not self.cluster.ask("GET", "/api/v2/importErrors")["total_entries"])

    def test_details_have_every_property(self):
        [dag] = self.rows("dags", "details", "nightly")
        self.assertEqual((dag["timezone"], dag["catchup"], dag["is_favorite"]), ("UTC", True, False))
        self.assertIn("timetable_summary", self.dagctl("dags", "details", "nightly").stdout)

    def test_the_runs_of_a_date_and_a_tasks_instances_tell_their_state(self):
        eventually("three nights have run", lambda: len(self.rows("dags", "list-runs", "nightly", "--run-state", "success")) == 3)
        [row] = self.rows("dags", "state", "nightly", "2001-03-02")
        self.assertEqual((row["state"], row["logical_date"][:10]), ("success", "2001-03-02"))
        self.assertEqual(self.rows("dags", "state", "nightly", row["logical_date"]), [row])
        self.assertEqual(self.rows("dags", "state", "nightly", row["dag_run_id"]), [row])
        self.assertIn("no run for 2001-04-01", self.dagctl("dags", "state", "nightly", "2001-04-01", status=1).stderr)
        self.assertIn("2001-40-01' is no date", self.dagctl("dags", "state", "nightly", "2001-40-01", status=1).stderr)
        self.assertIn("--from: 'x' is no date", self.dagctl("runs", "list", "nightly", "--from", "x", status=1).stderr)
        some = self.rows("runs", "list", "nightly", "--from", "2001-03-02", "--to", "2001-03-02")
        self.assertEqual([one["dag_run_id"] for one in some], [row["dag_run_id"]])
        states = {one["task_id"]: one["state"] for one in self.rows("tasks", "state", "writer", self.run_id, "stage.odd")}
        self.assertEqual(states, {"stage.odd[0]": "success", "stage.odd[1]": "failed"})
        [one] = self.rows("tasks", "state", "writer", self.run_id, "stage.odd[1]")
        self.assertEqual(one["state"], "failed")
        self.dagctl("tasks", "state", "writer", self.run_id, "nothing", status=1)

    def test_graphs_and_dependencies_are_told_by_the_scheduler_and_of_files_alike(self):
        dot = self.dagctl("dags", "graph", "writer").stdout
        self.assertTrue(dot.startswith('digraph "writer" {'), dot)
        self.assertIn('"stage.make" -> "end";', dot)
        self.assertEqual(self.dagctl("dags", "graph", "writer", "--file", self.cluster.dags / "writer.yaml").stdout, dot)
        found = self.rows("dags", "dependencies")
        self.assertEqual([(row["kind"], row["from_dag"], row["dataset"], row["to_dag"]) for row in found],
                         [("dataset", "", "clicks", "by_day"), ("dataset", "", "views", "by_day"),
                          ("dataset", "writer", "orders", "reader"), ("trigger", "reader", "", "writer")])
        self.assertEqual(self.rows("dags", "show-dependencies", self.cluster.dags), found)
        self.assertIn('"dataset:orders" -> "reader";', self.dagctl("dags", "dependencies", "--dot").stdout)
        graph = self.cluster.ask("GET", "/millrace/v1/dependencies?node=dag:writer&direction=downstream")
        edges = {(edge["source"], edge["kind"], edge["target"]) for edge in graph["edges"]}
        self.assertLessEqual({("dag:writer", "produces", "dataset:orders"), ("dataset:orders", "consumes", "dag:reader"),
                              ("dag:reader", "triggers", "dag:writer")}, edges)
        [writer] = [node for node in graph["nodes"] if node["id"] == "dag:writer"]
        self.assertEqual((writer["is_missing"], writer["last_run_id"] is None), (False, False))
        report = {pathlib.Path(row["file"]).name: row for row in self.rows("dags", "report", self.cluster.dags)}
        self.assertEqual((report["writer.yaml"]["dags"], report["writer.yaml"]["tasks"], report["writer.yaml"]["bytes"]), (1, 3, len(WRITER)))

    def test_a_group_is_marked_and_skipped_ones_alone_are_cleared(self):
        run = self.rows("dags", "trigger", "writer", "--wait", status=3)[0]["dag_run_id"]
        would = self.rows("tasks", "mark", "writer", run, "stage", "success", "--dry-run")
        self.assertEqual({row["task_id"] for row in would}, {"stage.odd[1]", "end"})  # what failed behind it runs again
        self.rows("tasks", "mark", "writer", run, "stage", "success")
        self.cluster.await_run("writer", run, "success")
        self.rows("tasks", "mark", "writer", run, "stage.make", "skipped")
        preview = self.rows("tasks", "clear", "writer", run, "--only-skipped", "--dry-run")
        self.assertEqual([row["task_id"] for row in preview], ["stage.make"])
        self.dagctl("tasks", "clear", "writer", run, "--only-skipped", "--only-failed", status=1)
        self.rows("tasks", "clear", "writer", run, "stage.make", "--only-skipped")
        self.cluster.await_task("writer", run, "stage.make", "success")
        self.dagctl("tasks", "mark", "writer", run, "nothing", "success", status=1)

    def test_airflows_words_are_known_where_ours_are_others(self):
        self.assertEqual([row["task_id"] for row in self.rows("tasks", "list", "writer")], ["stage.make", "stage.odd", "end"])
        states = self.rows("tasks", "states-for-dag-run", "writer", self.run_id)
        self.assertEqual(states, self.rows("tasks", "list", "writer", self.run_id))
        self.assertEqual([row["job_type"] for row in self.rows("dags", "list-jobs")], ["SchedulerJob", "WorkerJob"])
        self.assertEqual(self.rows("db", "check"), self.rows("jobs", "check"))
        self.assertEqual([row["dag_id"] for row in self.rows("dags", "reserialize", "nightly")], ["nightly"])
        self.assertEqual(len(self.rows("dags", "reparse")), 4)
        self.assertEqual(self.rows("pools", "get", "default_pool")[0]["name"], "default_pool")
        self.dagctl("pools", "get", "nothing", status=1)
        self.assertEqual(self.dagctl("variables", "get", "nothing", "-d", "else").stdout.strip(), "else")
        self.dagctl("variables", "get", "nothing", status=1)
        upcoming = self.rows("dags", "next-execution", "nightly", "-n", "2", "--after", "2001-02-01")
        self.assertEqual([row["logical_date"][:10] for row in upcoming], ["2001-03-01", "2001-03-02"])
        self.assertEqual(len(self.rows("dags", "list-runs", "writer", "--no-backfill")), len(self.rows("dags", "list-runs", "writer")))
        self.assertEqual(self.dagctl("version").stdout, self.dagctl("--version").stdout)
        self.assertIn("millrace-scheduler --help", self.dagctl("config", "list", status=2).stderr)
        self.assertIn("brings its store up to date", self.dagctl("db", "migrate", status=2).stderr)

    def test_a_whole_range_is_cleared_without_a_run(self):
        eventually("three nights have run", lambda: len(self.rows("dags", "list-runs", "nightly", "--run-state", "success")) == 3)
        would = self.rows("dags", "clear", "nightly", "-s", "2001-03-01", "-e", "2001-03-02", "-y", "--dry-run")
        self.assertEqual(len(would), 2)
        self.assertEqual(self.rows("tasks", "clear", "nightly", "--from", "2001-03-01", "--to", "2001-03-02", "--dry-run"), would)
        self.assertIn("which run", self.dagctl("dags", "clear", "nightly", status=1).stderr)

    def test_pools_go_out_and_come_in_as_a_file(self):
        file = self.cluster.folder / "pools.json"
        file.write_text('{"db": {"slots": 3, "description": "the warehouse", "include_deferred": true}, "web": {"slots": 9}}')
        self.assertIn("imported 2", self.dagctl("pools", "import", file).stdout)
        out = self.cluster.folder / "out.json"
        self.dagctl("pools", "export", out)
        told = json.loads(out.read_text())
        self.assertEqual(told["db"], {"slots": 3, "description": "the warehouse", "include_deferred": True})
        self.assertIn("default_pool", told)
        self.assertIn("db", self.dagctl("pools", "import", file, "-a", "fail", status=1).stderr)
        self.dagctl("pools", "import", out)  # what went out comes in again
        self.assertEqual(json.loads(self.dagctl("pools", "export", "-").stdout), told)
        self.dagctl("pools", "import", "-", text="[1]", status=1)
        for name in ("db", "web"):
            self.dagctl("pools", "delete", name)

    def test_connections_come_in_and_go_out_without_what_is_secret(self):
        file = self.cluster.folder / "connections.yaml"
        file.write_text("""
lake: "duckdb:lake.duckdb"
mail: {conn_type: smtp, host: localhost, port: 25, login: ana, password: t0ps3cret, extra: {tls: none}}
""")
        self.assertIn("imported 2", self.dagctl("connections", "import", file).stdout)
        out = self.cluster.folder / "out.json"
        said = self.dagctl("connections", "export", out, status=1)
        self.assertIn("mail", said.stderr)
        self.assertNotIn("lake", said.stderr)
        self.assertNotIn("t0ps3cret", out.read_text())
        told = json.loads(out.read_text())
        self.assertEqual((told["mail"]["host"], told["mail"]["port"], told["mail"].get("password")), ("localhost", 25, None))
        self.assertEqual(told["lake"]["conn_type"], "duckdb")
        self.dagctl("connections", "import", out)  # keeps the password that is there
        self.assertIn("mail", self.dagctl("connections", "export", "-", status=1).stderr)
        wrong = self.dagctl("connections", "import", "-", text="{mail: {password: [t0ps3cret", status=1).stderr
        self.assertNotIn("t0ps3cret", wrong)
        for name in ("lake", "mail"):
            self.dagctl("connections", "delete", name)

    def test_a_dataset_is_shown_and_made_by_the_dag_that_makes_it(self):
        [dataset] = self.rows("assets", "details", "orders")
        self.assertEqual((dataset["producing_tasks"], dataset["scheduled_dags"]), ("writer.stage.make", "reader"))
        [run] = self.rows("datasets", "materialize", "orders")
        self.assertEqual(run["dag_id"], "writer")
        self.cluster.await_run("writer", run["dag_run_id"], "failed")
        [run] = self.rows("datasets", "materialize", "orders", "--run-id", "again", "--partition-key", "2001-03-01")
        self.assertEqual(run["dag_run_id"], "again")
        self.cluster.await_run("writer", "again", "failed")
        [shown] = self.rows("runs", "show", "writer", "again")
        self.assertEqual(shown["partition_key"], "2001-03-01")
        self.dagctl("datasets", "materialize", "nothing", status=1)

    def test_updates_wait_for_each_other_under_their_partition_key(self):
        for dataset, key in (("clicks", "2001-03-01T05:00:00"), ("clicks", "2001-03-02T05:00:00"), ("views", "2001-03-02T07:00:00")):
            [event] = self.rows("datasets", "update", dataset, "--partition-key", key)
            self.assertEqual(event["partition_key"], key)
        [run] = eventually("a run by day", lambda: self.rows("runs", "list", "by_day"))
        self.assertEqual(run["partition_key"], "2001-03-02")
        self.cluster.await_run("by_day", run["dag_run_id"], "success")
        self.assertIn("2001-03-02 2001-03-02", self.dagctl("tasks", "logs", "by_day", run["dag_run_id"], "read").stdout)
        [waits] = self.rows("datasets", "queued", "by_day")
        self.assertEqual((waits["name"], waits["partition_key"]), ("clicks", "2001-03-01"))
        self.rows("datasets", "update", "views", "--partition-key", "yesterday")
        told = eventually("it is told", lambda: self.rows("audit", "list", "--action", "dataset_event_not_counted"))
        self.assertIn("'yesterday' does not look like", json.dumps(told))
        [by_hand] = self.rows("dags", "trigger", "by_day", "--partition-key", "mine", "--run-id", "mine")
        self.cluster.await_run("by_day", by_hand["dag_run_id"], "success")
        [shown] = self.rows("runs", "show", "by_day", "mine")
        self.assertEqual(shown["partition_key"], "mine")
        [cleared] = self.rows("partitions", "clear", "by_day", "--partition-key", "mine")
        self.assertEqual((cleared["dag_run_id"], cleared["partition_key"]), ("mine", "mine"))
        self.cluster.await_run("by_day", "mine", "success")
        [again] = self.rows("tasks", "list", "by_day", "mine")
        self.assertEqual(again["try_number"], 2)
        [of_day] = self.rows("partitions", "clear", "by_day", "--from", "2001-03-02", "--to", "2001-03-02")
        self.assertEqual(of_day["dag_run_id"], run["dag_run_id"])
        self.assertIn("no run of such a partition", self.dagctl("partitions", "clear", "by_day", "--from", "2001-03-03", status=1).stderr)
        self.dagctl("partitions", "clear", "by_day", status=2)

    def test_an_alias_shows_what_its_task_attached_to_it(self):
        [alias] = self.rows("datasets", "aliases")
        self.assertEqual((alias["name"], alias["assets"], alias["producing_tasks"]), ("files", "f1", "writer.stage.make"))
        [dataset] = self.rows("datasets", "show", "f1")
        self.assertEqual(dataset["aliases"], "files")
        event = self.rows("datasets", "events", "f1")[-1]
        self.assertEqual((event["source_aliases"], event["source_dag_id"]), ("files", "writer"))
        self.assertEqual(self.rows("datasets", "events", "orders")[-1]["extra"], {"rows": 3})

    def test_health_is_an_exit_status(self):
        for command in (("health",), ("jobs", "check")):
            self.assertEqual({row["status"] for row in self.rows(*command)}, {"healthy"})
        with Cluster(BIN) as other:
            other.start_scheduler()
            other.kill_scheduler()
            command = [BIN / "dagctl", "--state", other.state, "health"]
            self.assertEqual(subprocess.run(command, capture_output=True, timeout=60).returncode, 4)

    def test_windows_fill_with_what_a_task_tells_and_say_what_is_missing(self):
        for name, text in (("by_week", BY_WEEK), ("picker", PICKER)):
            self.cluster.write_dag(name + ".yaml", text)
        eventually("they are loaded", lambda: {"by_week", "picker"} <= {row["dag_id"] for row in self.rows("dags", "list")})
        self.cluster.await_run("picker", self.cluster.trigger("picker"), "success")
        [waits] = self.rows("datasets", "queued", "by_week")
        self.assertEqual((waits["name"], waits["partition_key"], waits["arrived"]), ("visits", "2001-03-05 (W10)", "2 of 7, 3 are enough"))
        self.assertEqual(waits["missing"], "2001-03-07, 2001-03-08, 2001-03-09, 2001-03-10, 2001-03-11")
        self.rows("datasets", "update", "visits", "--partition-key", "2001-03-09")
        [run] = eventually("a run by week", lambda: self.rows("runs", "list", "by_week"))
        self.assertEqual(run["partition_key"], "2001-03-05 (W10)")
        self.assertEqual(self.rows("datasets", "queued", "by_week"), [])
        self.cluster.await_run("by_week", run["dag_run_id"], "success")


if __name__ == "__main__":
    unittest.main(verbosity=2)
