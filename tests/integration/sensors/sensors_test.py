"""Sensors through a real scheduler and real workers, which are killed while they wait.

usage: sensors_test.py BIN_FOLDER
"""

import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually  # noqa: E402
from sinks import HttpSink  # noqa: E402

BINARIES = sys.argv.pop(1)
MANY = 200


class SensorsTest(unittest.TestCase):
    def cluster(self, **options):
        cluster = self.enterContext(Cluster(BINARIES, **options))
        cluster.start_scheduler()
        return cluster

    def why(self, cluster, dag, run, task):
        result = subprocess.run([pathlib.Path(BINARIES) / "dagctl", "--state", cluster.state, "tasks", "why", dag, run, task],
                                capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def rows(self, cluster, dag, run):
        rows = []
        while True:
            page = cluster.ask("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances?limit=100&offset={len(rows)}")["task_instances"]
            rows += page
            if len(page) < 100:
                return rows

    def states(self, cluster, dag, run):
        return [row["state"] for row in self.rows(cluster, dag, run)]

    def xcom(self, cluster, dag, run, task):
        return cluster.ask("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value")["value"]

    def test_the_dag_that_ships_waits_and_counts(self):
        cluster = self.cluster()
        cluster.start_worker("w1", 1)
        cluster.write_dag("wait_for_orders.yaml", (pathlib.Path(__file__).resolve().parents[3] / "dags" / "wait_for_orders.yaml").read_text())
        run = cluster.trigger("wait_for_orders")
        eventually("it waits", lambda: cluster.tasks("wait_for_orders", run)["orders"]["state"] == "deferred")
        self.assertIn("waits for the file in/orders/", self.why(cluster, "wait_for_orders", run, "orders"))
        day = cluster.ask("GET", f"/api/v2/dags/wait_for_orders/dagRuns/{run}")["logical_date"]
        folder = cluster.root / "in" / "orders" / (day[:10] if day else "today")
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text("1,apple\n2,pear\n")
        cluster.await_run("wait_for_orders", run, "success")
        self.assertIn("orders: 2", cluster.log("wait_for_orders", run, "report"))

    def test_a_file_an_answer_and_a_row_end_the_wait_while_the_only_slot_is_anothers(self):
        http = self.enterContext(HttpSink())
        http.answers["/ready"] = (404, "text/plain", "not yet")
        cluster = self.cluster(environment={"MILLRACE_CONN_LAKE": "duckdb:lake.duckdb"})
        cluster.start_worker("w1", 1)
        cluster.write_dag("lake.yaml", """
dag_id: lake
schedule: null
default_args: {retries: 20, retry_delay: 100ms}
tasks:
  - {id: fill, uses: sql, with: {connection: lake, sql: "{{ params.sql }}"}}
params: {sql: "CREATE TABLE t(n INTEGER)"}
""")
        cluster.write_dag("waits.yaml", f"""
dag_id: waits
schedule: null
tasks:
  - {{id: file, uses: sensor_file, with: {{path: "in/*.csv", poke_interval: 200ms}}}}
  - {{id: answer, uses: sensor_http, with: {{url: "{http.url}/ready", poke_interval: 200ms, not_yet: [404, 503]}}}}
  - {{id: row, uses: sensor_sql, with: {{connection: lake, sql: "SELECT max(n) FROM t", poke_interval: 300ms}}}}
  - {{id: end, uses: shell, needs: [file, answer, row], with: {{command: "echo {{{{ ti.xcom_pull('row') }}}}"}}}}
""")
        cluster.await_run("lake", cluster.trigger("lake"), "success")
        run = cluster.trigger("waits")
        for task in ("file", "answer", "row"):
            cluster.await_task("waits", run, task, "deferred")
        told = self.why(cluster, "waits", run, "file")
        self.assertIn("waits for the file in/*.csv since", told)
        self.assertIn("worker w1 looks every 0.2s", told)

        # All of them wait, and the one slot does other work.
        cluster.await_run("lake", cluster.trigger("lake", {"sql": "INSERT INTO t VALUES (0)"}), "success")
        eventually("the answer is looked for again and again", lambda: len(http.requests) > 3)
        self.assertEqual(self.states(cluster, "waits", run).count("deferred"), 3)

        (cluster.root / "in").mkdir()
        (cluster.root / "in" / "a.csv").write_text("a")
        cluster.await_task("waits", run, "file", "success")
        http.answers["/ready"] = (503, "text/plain", "starting")
        seen = len(http.requests)
        eventually("503 is seen", lambda: len(http.requests) > seen + 1)
        http.answers["/ready"] = (200, "application/json", '{"up": true}')
        cluster.await_task("waits", run, "answer", "success")
        cluster.await_run("lake", cluster.trigger("lake", {"sql": "INSERT INTO t VALUES (42)"}), "success")
        cluster.await_run("waits", run, "success")
        self.assertEqual(self.xcom(cluster, "waits", run, "file"), ["in/a.csv"])
        self.assertEqual(self.xcom(cluster, "waits", run, "answer"), {"status": 200, "body": {"up": True}})
        self.assertEqual(self.xcom(cluster, "waits", run, "row"), 42)
        self.assertIn("look 1, in vain: nothing is there: in/*.csv", cluster.log("waits", run, "file"))

    def test_a_command_and_a_function_are_looked_at_beside_the_only_slot(self):
        cluster = self.cluster()
        cluster.start_worker("w1", 1)
        cluster.write_dag("ready.py", "import os\ndef look(name):\n  return os.path.exists(os.environ['MILLRACE_ROOT'] + '/' + name) and name\n")
        cluster.write_dag("looks.yaml", """
dag_id: looks
schedule: null
tasks:
  - {id: command, uses: airflow.providers.standard.sensors.bash.BashSensor, with: {bash_command: "test -e $MILLRACE_ROOT/a && echo found", poke_interval: 0.2}}
  - {id: function, uses: sensor_python, with: {file: ready.py, function: look, args: {name: b}, poke_interval: 200ms}}
  - {id: wrong, uses: sensor_shell, with: {command: exit 3, retry_exit_code: 1, poke_interval: 200ms}}
  - {id: work, uses: shell, with: {command: echo worked}}
""")
        run = cluster.trigger("looks")
        cluster.await_task("looks", run, "work", "success")
        cluster.await_task("looks", run, "wrong", "failed")
        self.assertIn("waits for a true answer of look in ready.py", self.why(cluster, "looks", run, "function"))
        self.assertEqual(self.states(cluster, "looks", run).count("deferred"), 2)
        eventually("a look was in vain", lambda: "look 1, in vain: look() is False" in cluster.log("looks", run, "function"))
        (cluster.root / "a").write_text("")
        (cluster.root / "b").write_text("")
        cluster.await_task("looks", run, "command", "success")
        cluster.await_task("looks", run, "function", "success")
        self.assertEqual(self.xcom(cluster, "looks", run, "command"), "found")
        self.assertEqual(self.xcom(cluster, "looks", run, "function"), "b")

    def test_a_look_that_fails_is_tried_again_and_a_timeout_is_not(self):
        cluster = self.cluster()
        cluster.start_worker("w1", 1)
        cluster.write_dag("fails.yaml", """
dag_id: fails
schedule: null
tasks:
  - {id: refused, uses: sensor_http, retries: 1, retry_delay: 100ms, with: {url: "http://127.0.0.1:1/", poke_interval: 100ms}}
  - {id: silent, uses: sensor_http, retries: 1, retry_delay: 100ms, with: {url: "http://127.0.0.1:1/", poke_interval: 100ms, silent_fail: true, timeout: 2s}}
  - {id: soft, uses: sensor_file, with: {path: never, timeout: 1s, soft_fail: true, poke_interval: 100ms}}
""")
        run = cluster.trigger("fails")
        cluster.await_run("fails", run, "failed")
        tasks = cluster.tasks("fails", run)
        self.assertEqual((tasks["refused"]["state"], tasks["refused"]["try_number"]), ("failed", 2))
        self.assertEqual((tasks["silent"]["state"], tasks["silent"]["try_number"]), ("failed", 1))
        self.assertEqual(tasks["soft"]["state"], "skipped")

    def test_many_wait_beside_one_slot_through_the_deaths_of_all_processes(self):
        cluster = self.cluster()
        cluster.start_worker("w1", 1)
        cluster.write_dag("many.yaml", f"""
dag_id: many
schedule: null
tasks:
  - {{id: wait, uses: sensor_file, expand: {{path: {json.dumps([f"in/{i}" for i in range(MANY)])}}}, with: {{poke_interval: 1s}}}}
""")
        cluster.write_dag("work.yaml", """
dag_id: work
schedule: null
tasks: [{id: one, uses: shell, with: {command: date}}, {id: two, uses: shell, needs: [one], with: {command: date}}]
""")
        run = cluster.trigger("many")
        waiting = lambda: self.states(cluster, "many", run).count("deferred") == MANY  # noqa: E731
        eventually("all wait", waiting)
        cluster.await_run("work", cluster.trigger("work"), "success")
        self.assertLessEqual(len(cluster.runners_of("w1")), 3)  # of the slot, of all sensors, and the spare

        cluster.kill_scheduler()
        cluster.start_scheduler()
        eventually("the worker is back", lambda: cluster.workers_seen().get("w1", {}).get("state") == "online")
        self.assertTrue(waiting())

        cluster.workers["w1"].kill()
        cluster.workers["w1"].wait()
        w2 = cluster.start_worker("w2", 1)
        eventually("another worker looks", lambda: {(row["hostname"], row["state"]) for row in self.rows(cluster, "many", run)} ==
                   {("w2", "deferred")})

        # One that drains does not wait for sensors.
        cluster.start_worker("w3", 1)
        eventually("w3 is there", lambda: cluster.workers_seen().get("w3", {}).get("state") == "online")
        w2.send_signal(signal.SIGTERM)
        self.assertEqual(w2.wait(timeout=90), 0)
        eventually("they are handed on", waiting)
        cluster.await_run("work", cluster.trigger("work"), "success")

        (cluster.root / "in").mkdir()
        for i in range(MANY):
            (cluster.root / "in" / str(i)).write_text("x")
        cluster.await_run("many", run, "success")
        self.assertEqual([row["try_number"] for row in self.rows(cluster, "many", run)], [1] * MANY)

    def test_time_and_other_dags_are_waited_for_without_a_worker_and_over_a_kill(self):
        cluster = self.cluster()
        cluster.write_dag("up.yaml", "{dag_id: up, schedule: null, tasks: [{id: a, uses: shell, with: {command: date}}]}")
        cluster.write_dag("down.yaml", """
dag_id: down
schedule: null
tasks:
  - {id: of_task, uses: sensor_external_task, with: {external_dag_id: up, external_task_id: a}}
  - {id: of_run, uses: sensor_external_task, with: {external_dag_id: up}}
  - {id: moment, uses: sensor_time, with: {wait: 3s}}
  - {id: for_good, uses: sensor_time, with: {wait: 1d}}
""")
        date = "2001-03-01T00:00:00Z"
        cluster.trigger("up")
        cluster.trigger("down")  # both are loaded; these runs are left alone
        down = cluster.ask("POST", "/api/v2/dags/down/dagRuns", {"logical_date": date})["dag_run_id"]
        for task in ("of_task", "of_run", "for_good"):
            cluster.await_task("down", down, task, "deferred")
        self.assertIn("waits for task a of DAG up for 2001-03-01T00:00:00Z since", self.why(cluster, "down", down, "of_task"))
        cluster.kill_scheduler()
        cluster.start_scheduler()
        up = cluster.ask("POST", "/api/v2/dags/up/dagRuns", {"logical_date": date})["dag_run_id"]
        cluster.start_worker("w1", 1)
        cluster.await_run("up", up, "success")
        for task in ("of_task", "of_run", "moment"):
            cluster.await_task("down", down, task, "success")
        self.assertEqual(cluster.tasks("down", down)["for_good"]["state"], "deferred")
        # What ended long ago is found as well.
        later = cluster.ask("POST", "/api/v2/dags/down/dagRuns", {"logical_date": date, "dag_run_id": "later"})["dag_run_id"]
        cluster.await_task("down", later, "of_run", "success")
        cluster.ask("PATCH", f"/api/v2/dags/down/dagRuns/{down}", {"state": "failed"})
        cluster.await_run("down", down, "failed")

    def test_a_watched_dataset_is_updated_once_a_change_through_the_deaths_of_all_processes(self):
        cluster = self.cluster()
        cluster.start_worker("w1", 1)
        (cluster.root / "in").mkdir()
        cluster.write_dag("report.yaml", """
dag_id: report
schedule:
  datasets:
    any:
      - {name: orders, watch: {uses: sensor_file, with: {path: "in/*.csv"}, poke_interval: 100ms}}
      - {name: prices, watch: {name: shop, uses: sensor_http, with: {url: "http://127.0.0.1:1/prices"}, poke_interval: 100ms}}
tasks:
  - {id: load, uses: shell, with: {command: "echo {{ triggering_asset_events['orders'][0].extra.payload | join(' ') }}"}}
""")

        def asset(name):
            found = cluster.ask("GET", f"/api/v2/assets?name_pattern={name}")["assets"]
            return found[0] if found else None

        def runs():
            return [run for run in cluster.ask("GET", "/api/v2/dags/report/dagRuns?order_by=id")["dag_runs"]]

        eventually("a look that fails is told", lambda: asset("prices") and asset("prices")["watchers"][0]["failure"])
        self.assertEqual(asset("prices")["watchers"][0]["name"], "shop")
        self.assertEqual(runs(), [])
        (cluster.root / "in" / "a.csv").write_text("a")
        eventually("a run follows", lambda: len(runs()) == 1)
        cluster.await_run("report", runs()[0]["dag_run_id"], "success")
        self.assertIn("in/a.csv", cluster.log("report", runs()[0]["dag_run_id"], "load"))
        self.assertIsNotNone(asset("orders")["watchers"][0]["changed_at"])

        cluster.kill_scheduler()
        cluster.start_scheduler()
        eventually("the worker is back", lambda: cluster.workers_seen().get("w1", {}).get("state") == "online")
        cluster.workers["w1"].kill()
        cluster.workers["w1"].wait()
        cluster.start_worker("w2", 1)
        (cluster.root / "in" / "b.csv").write_text("b")
        eventually("what is new is seen", lambda: len(runs()) >= 2)
        cluster.await_run("report", runs()[-1]["dag_run_id"], "success")
        # Logs have a stream of their own, which may be behind.
        eventually("it has read both", lambda: "in/a.csv in/b.csv" in cluster.log("report", runs()[-1]["dag_run_id"], "load"))
        self.assertEqual(len(runs()), 2)
        self.assertEqual(cluster.ask("GET", "/api/v2/assets/events")["total_entries"], 2)

    def test_a_simulation_waits_by_its_own_clock(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "etl.yaml").write_text("""
dag_id: up
schedule: "0 2 * * *"
start_date: 2001-03-01
tasks: [{id: night, uses: sensor_time, with: {at: "04:00"}}]
---
dag_id: down
schedule: "0 3 * * *"
start_date: 2001-03-01
tasks:
  - {id: of_up, uses: sensor_external_task, with: {external_dag_id: up, execution_delta: 1h}}
  - {id: of_other, uses: sensor_external_task, with: {external_dag_id: elsewhere}}
  - {id: file, uses: sensor_file, with: {path: "in/{{ ds }}", timeout: 1h}}
  - {id: late, uses: sensor_file, with: {path: late, timeout: 1h, soft_fail: true}}
  - {id: end, uses: shell, needs: [of_up, of_other, file], with: {command: date}}
""")
        result = subprocess.run([pathlib.Path(BINARIES) / "dagctl", "simulate", "down", "--file", folder / "etl.yaml", "--from", "2001-03-01",
                                 "--days", "2", "--duration", "file:30m", "--duration", "late:2h", "--tasks", "-o", "json"],
                                capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        runs = json.loads(result.stdout)
        self.assertEqual([run["ended_at"] for run in runs], ["2001-03-01T04:00:00Z", "2001-03-02T04:00:00Z"])
        tasks = {task["task_id"]: (task["state"], task["ended_at"]) for task in runs[1]["task_instances"]}
        self.assertEqual(tasks, {"of_up": ("success", "2001-03-02T04:00:00Z"), "of_other": ("success", "2001-03-02T03:00:00Z"),
                                 "file": ("success", "2001-03-02T03:30:00Z"), "late": ("skipped", "2001-03-02T04:00:00Z"),
                                 "end": ("success", "2001-03-02T04:00:00Z")})


if __name__ == "__main__":
    unittest.main(verbosity=2)
