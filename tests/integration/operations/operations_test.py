"""What people operate with, all of it through dagctl, against a real scheduler and a real worker.

usage: operations_test.py BIN_FOLDER
"""

import json
import pathlib
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually  # noqa: E402

BINARIES = sys.argv.pop(1)

# Fails while root/bad/<ds> is there; waits while root/hold is.
DAILY = """
dag_id: daily
schedule: "0 0 * * *"
start_date: 2001-03-01
end_date: 2001-03-05
catchup: false
max_active_runs: 1
tasks:
  - id: extract
    uses: shell
    with: {command: "while [ -e $PWD_ROOT/hold ]; do sleep 0.05; done; echo extract {{ ds }}; test ! -e $PWD_ROOT/bad-{{ ds }}"}
    outlets: [raw]
  - id: load
    uses: shell
    needs: [extract]
    with: {command: "echo load {{ ds }}"}
"""

REPORT = """
dag_id: report
schedule: "0 6 * * *"
start_date: 2001-03-01
end_date: 2001-03-01
catchup: false
tasks:
  - id: draw
    uses: shell
    inlets: [raw]
    with: {command: "echo draw"}
"""


def named(instances):
    return [(row["dag_run_id"], row["task_id"]) for row in instances]


class OperationsTest(unittest.TestCase):
    def start(self):
        self.cluster = self.enterContext(Cluster(BINARIES))
        self.cluster.start_scheduler()
        self.cluster.start_worker("w1")

    def write(self, name, text):
        self.cluster.write_dag(name, text.replace("$PWD_ROOT", str(self.cluster.root)))

    def dagctl(self, *arguments, status=0, rows=True):
        """Rows of its JSON, or its text; the exit status must be this."""
        command = [f"{BINARIES}/dagctl", "--state", str(self.cluster.state), *map(str, arguments)]
        if rows:
            command += ["-o", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, status, f"{command}\n{done.stdout}{done.stderr}")
        if status != 0:
            return done.stderr
        return json.loads(done.stdout) if rows and done.stdout.strip() else done.stdout

    def known(self, dag):
        eventually(f"{dag} is loaded", lambda: any(row["dag_id"] == dag for row in self.dagctl("dags", "list")))

    def states(self, dag):
        return {row["dag_run_id"]: row["state"] for row in self.dagctl("runs", "list", dag, "--limit", 100)}

    def ended(self, dag, count):
        """Run ids to states, once so many have ended and none goes on."""
        def asked():
            states = self.states(dag)
            return states if len(states) == count and set(states.values()) <= {"success", "failed"} else None
        return eventually(f"{count} runs of {dag} end", asked)

    def test_prometheus_reads_what_the_tasks_of_a_run_came_to(self):
        self.start()
        self.write("report.yaml", REPORT)
        self.known("report")
        self.dagctl("dags", "trigger", "report", "--wait", rows=False)
        token = (self.cluster.state / "metrics.token").read_text().strip()
        url = json.loads((self.cluster.state / "endpoints.json").read_text())["http"]

        def scrape(path="/metrics"):
            request = urllib.request.Request(url + path, headers={"Authorization": f"Bearer {token}"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read().decode()
        values = dict(line.rsplit(" ", 1) for line in scrape().splitlines() if not line.startswith("#"))
        self.assertEqual(values["airflow_ti_successes_total"], "1")
        self.assertEqual(values['airflow_dagrun_duration_success_seconds_count{dag_id="report"}'], "1")
        self.assertEqual(values["airflow_task_duration_seconds_count"], "1")
        self.assertGreater(int(float(values["airflow_executor_open_slots"])), 0)
        self.assertGreater(float(values["process_resident_memory_bytes"]), 1e6)
        self.assertIn('airflow_pool_open_slots{pool_name="default_pool"}', values)
        with self.assertRaises(urllib.error.HTTPError) as refused:
            scrape("/api/v2/dags")
        self.assertEqual(refused.exception.code, 403)

    def test_users_are_made_log_in_and_are_gone(self):
        self.start()
        url = json.loads((self.cluster.state / "endpoints.json").read_text())["http"]

        def token(user, password):
            body = json.dumps({"username": user, "password": password}).encode()
            request = urllib.request.Request(url + "/auth/token", body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["access_token"]
        made = self.dagctl("users", "create", "ana", "-r", "Viewer")[0]
        self.assertEqual((made["username"], made["role"]), ("ana", "viewer"))
        as_ana = ("--url", url, "--token", token("ana", made["password"]))
        self.assertEqual(self.dagctl("dags", "list", *as_ana), [])
        self.assertIn("may not", self.dagctl("users", "list", *as_ana, status=1))
        secret = self.cluster.root / "secret"
        secret.write_text("a better password\n")
        self.dagctl("users", "set", "ana", "--role", "op", "--password-file", secret)
        token("ana", "a better password")
        self.assertEqual([(row["username"], row["role"]) for row in self.dagctl("users", "list")],
                         [("admin", "admin"), ("ana", "op")])
        self.dagctl("users", "delete", "ana", rows=False)
        self.assertIn("log in again", self.dagctl("dags", "list", *as_ana, status=4))
        self.assertIn("stays", self.dagctl("users", "delete", "admin", status=1))

    def test_a_backfill_from_dry_run_to_end_with_the_dag_downstream(self):
        self.start()
        self.write("daily.yaml", DAILY)
        self.write("report.yaml", REPORT)
        self.known("daily")
        self.known("report")
        span = ("--from-date", "2001-03-01", "--to-date", "2001-03-05")
        dates = self.dagctl("backfill", "create", "daily", *span, "--dry-run")
        self.assertEqual([row["logical_date"][:10] for row in dates], [f"2001-03-0{day}" for day in range(1, 6)])
        self.assertEqual(self.states("daily"), {})

        (self.cluster.root / "hold").touch()
        (self.cluster.root / "bad-2001-03-02").touch()
        made = self.dagctl("backfill", "create", "daily", *span, "--max-active-runs", 2, "--downstream")
        self.assertEqual([row["dag_id"] for row in made], ["daily", "report"])
        first, second = (row["id"] for row in made)
        self.assertIn("under way", self.dagctl("backfill", "create", "daily", *span, status=1))
        shown = eventually("two runs are active", lambda: (
            lambda row: row if row["running"] == 2 else None)(self.dagctl("backfill", "show", first)[0]))
        self.assertEqual((shown["dates"], shown["dates_left"], shown["state"]), (5, 3, "running"))
        self.assertEqual(self.dagctl("backfill", "pause", first)[0]["state"], "paused")
        (self.cluster.root / "hold").unlink()
        eventually("both end", lambda: self.dagctl("backfill", "show", first)[0]["running"] == 0)
        self.assertEqual(self.dagctl("backfill", "show", first)[0]["dates_left"], 3)
        self.assertEqual(self.dagctl("backfill", "resume", first)[0]["state"], "running")
        self.dagctl("backfill", "watch", first, status=3)  # the second of March has failed
        done = self.dagctl("backfill", "show", first)[0]
        self.assertEqual((done["state"], done["success"], done["failed"], done["dates_left_alone"]), ("completed", 4, 1, 0))
        self.dagctl("backfill", "watch", second)

        # Only what failed, in its own run.
        (self.cluster.root / "bad-2001-03-02").unlink()
        again = self.dagctl("backfill", "create", "daily", *span, "--reprocess-behavior", "failed", "--run-backwards", "--wait")
        self.assertEqual((again[0]["dates_run"], again[0]["dates_left_alone"], again[0]["success"]), (1, 4, 1))
        self.assertEqual(set(self.states("daily").values()), {"success"})
        self.assertIn("completed", self.dagctl("backfill", "cancel", first, status=1))
        self.assertEqual([row["id"] for row in self.dagctl("backfill", "list", "daily")], [again[0]["id"], first])

    def test_runs_are_cleared_and_marked_one_by_one_and_in_bulk(self):
        self.start()
        for day in (2, 3):
            (self.cluster.root / f"bad-2001-03-0{day}").touch()
        self.write("daily.yaml", DAILY.replace("catchup: false", "catchup: true"))
        self.known("daily")
        runs = sorted(self.ended("daily", 5))
        self.assertEqual([self.states("daily")[run] for run in runs], ["success", "failed", "failed", "success", "success"])

        preview = self.dagctl("tasks", "clear", "daily", runs[2], "--only-failed", "--past", "--dry-run")
        self.assertEqual(named(preview), [(run, task) for run in runs[1:3] for task in ("extract", "load")])
        whole = self.dagctl("tasks", "clear", "daily", "~", "load", "--from", "2001-03-04", "--to", "2001-03-05", "--dry-run")
        self.assertEqual([row["dag_run_id"] for row in whole], runs[3:])
        (self.cluster.root / "bad-2001-03-02").unlink()
        cleared = self.dagctl("tasks", "clear", "daily", runs[2], "--only-failed", "--past")
        self.assertEqual(named(cleared), named(preview))
        self.ended("daily", 5)
        self.assertEqual([self.states("daily")[run] for run in runs], ["success", "success", "failed", "success", "success"])

        would = self.dagctl("tasks", "mark", "daily", runs[2], "load", "success", "--upstream", "--dry-run")
        self.assertEqual([row["task_id"] for row in would], ["extract", "load"])
        self.assertEqual(self.states("daily")[runs[2]], "failed")
        self.dagctl("tasks", "mark", "daily", runs[2], "load", "success", "--upstream")
        self.assertEqual(set(self.ended("daily", 5).values()), {"success"})
        why = self.dagctl("tasks", "why", "daily", runs[2], "load")
        self.assertIn("marked success by", why[0]["message"])
        self.dagctl("runs", "mark", "daily", runs[0], "failed")
        self.assertEqual(self.states("daily")[runs[0]], "failed")

        self.dagctl("runs", "delete", "daily", runs[4])
        self.assertNotIn(runs[4], self.states("daily"))
        self.assertIn("not found", self.dagctl("runs", "show", "daily", runs[4], status=1))

    def test_a_run_goes_to_the_newest_version_and_what_changed_is_shown(self):
        self.start()
        text = "dag_id: etl\nschedule: null\ntasks:\n  - {id: a, uses: shell, with: {command: 'echo one'}}\n"
        self.write("etl.yaml", text)
        run = self.cluster.trigger("etl")
        self.cluster.await_run("etl", run, "success")
        self.write("etl.yaml", text.replace("echo one", "echo two") + "  - {id: b, uses: empty, needs: [a]}\n")
        eventually("there are two versions", lambda: len(self.dagctl("dags", "versions", "etl")) == 2)
        diff = self.dagctl("dags", "diff", "etl")
        self.assertEqual([row["sign"] for row in diff if row["sign"] in "+-"], ["-", "+", "+"])
        self.assertIn("+  - {id: b, uses: empty, needs: [a]}", self.dagctl("dags", "diff", "etl", rows=False))
        self.dagctl("runs", "clear", "etl", run)
        self.cluster.await_run("etl", run, "success")
        self.assertEqual(list(self.cluster.tasks("etl", run)), ["a"])
        self.dagctl("runs", "clear", "etl", run, "--newest-version")
        eventually("it has the newest version's tasks", lambda: list(self.cluster.tasks("etl", run)) == ["a", "b"])
        self.cluster.await_run("etl", run, "success")
        self.assertIn("two", self.cluster.log("etl", run, "a", self.cluster.tasks("etl", run)["a"]["try_number"]))

    def test_pools_are_made_resized_and_deleted_while_tasks_wait(self):
        self.start()
        self.write("etl.yaml", "dag_id: etl\nschedule: null\ntasks:\n  - {id: a, uses: empty, pool: db}\n")
        run = self.cluster.trigger("etl")
        why = eventually("why tells of the pool", lambda: [
            row for row in self.dagctl("tasks", "why", "etl", run, "a") if row["kind"] == "pool"])
        self.assertIn("does not exist", why[0]["message"])
        self.dagctl("pools", "set", "db", 2, "the warehouse")
        self.cluster.await_run("etl", run, "success")
        self.dagctl("pools", "set", "db", 3)
        listed = {row["name"]: row for row in self.dagctl("pools", "list")}
        self.assertEqual((listed["db"]["slots"], listed["db"]["open_slots"], listed["db"]["description"]), (3, 3, "the warehouse"))
        self.cluster.kill_scheduler()
        self.cluster.start_scheduler()
        self.assertEqual({row["name"]: row["slots"] for row in self.dagctl("pools", "list")}["db"], 3)
        self.dagctl("pools", "delete", "db")
        self.assertEqual([row["name"] for row in self.dagctl("pools", "list")], ["default_pool"])

    def test_consecutive_failures_pause_a_dag(self):
        self.start()
        self.write("etl.yaml", "dag_id: etl\nschedule: null\nmax_consecutive_failed_dag_runs: 2\n"
                               "tasks:\n  - {id: a, uses: shell, with: {command: 'exit 1'}}\n")
        for _ in range(2):
            self.cluster.await_run("etl", self.cluster.trigger("etl"), "failed")
        eventually("it is paused", lambda: self.dagctl("dags", "list")[0]["is_paused"])
        run = self.cluster.trigger("etl")
        self.assertEqual(self.dagctl("tasks", "why", "etl", run, "a")[0]["kind"], "paused")
        self.dagctl("runs", "cancel", "etl", run)
        self.assertIn("cancelled by", self.dagctl("tasks", "why", "etl", run, "a")[0]["message"])

    def test_old_runs_are_cleaned_and_a_dag_is_deleted(self):
        self.start()
        self.write("etl.yaml", "dag_id: etl\nschedule: null\ntasks:\n  - {id: a, uses: shell, with: {command: 'echo hello'}}\n")
        for _ in range(3):
            self.cluster.await_run("etl", self.cluster.trigger("etl"), "success")
        logs = list((self.cluster.state / "logs").rglob("*.log"))
        self.assertEqual(len(logs), 3)
        self.assertEqual(self.dagctl("db", "clean", "--before", "1d", "--dry-run")[0]["runs"], 0)
        self.assertEqual(self.dagctl("db", "clean", "--before", "0s", "--dry-run")[0]["runs"], 3)
        self.assertEqual(len(self.states("etl")), 3)
        self.assertEqual(self.dagctl("db", "clean", "--before", "0s", "--dag", "etl")[0]["runs"], 3)
        self.assertEqual(self.states("etl"), {})
        self.assertFalse([log for log in logs if log.exists()])
        self.cluster.await_run("etl", self.cluster.trigger("etl"), "success")
        self.dagctl("dags", "delete", "etl", rows=False)
        self.assertEqual(self.dagctl("dags", "list"), [])
        self.cluster.kill_scheduler()
        self.cluster.start_scheduler()
        self.known("etl")
        self.assertEqual(self.states("etl"), {})

    def test_a_backup_of_a_running_scheduler_is_restored(self):
        self.start()
        self.write("etl.yaml", "dag_id: etl\nschedule: null\ntasks:\n  - {id: a, uses: shell, with: {command: 'echo hello'}}\n")
        first = self.cluster.trigger("etl")
        self.cluster.await_run("etl", first, "success")
        backup = self.dagctl("db", "backup", "--name", "monday")[0]
        second = self.cluster.trigger("etl")
        self.cluster.await_run("etl", second, "success")
        self.assertIn("stop it first", self.dagctl("db", "restore", backup["folder"], status=1, rows=False))
        self.cluster.kill_scheduler()
        told = self.dagctl("db", "restore", backup["folder"], rows=False)
        self.assertIn("kept in", told)
        self.cluster.start_scheduler()
        self.assertEqual(list(self.states("etl")), [first])
        self.assertIn("hello", self.cluster.log("etl", first, "a"))
        self.assertIn("no backup", self.dagctl("db", "restore", self.cluster.root, status=1, rows=False))


if __name__ == "__main__":
    unittest.main(verbosity=2)
