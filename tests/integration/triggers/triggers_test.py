#!/usr/bin/env python3
"""Runs that tasks trigger and questions that people answer, while the scheduler is killed (kill -9 of itself) around each commit: each
success has made exactly one run, an answer counts once, and what waits goes on waiting.

usage: triggers_test.py BIN_FOLDER
"""

import http.client
import json
import pathlib
import sqlite3
import subprocess
import sys
import unittest
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import PATIENCE, Cluster, eventually  # noqa: E402

BINARIES = sys.argv.pop(1)
LOST = (ConnectionError, http.client.HTTPException, TimeoutError, urllib.error.URLError)

CHILD = """
dag_id: child
params: {size: {type: integer, default: 1}}
tasks:
  - {id: work, uses: shell, with: {command: "sleep 0.2; echo {{ params.size }}"}}
"""

PARENT = """
dag_id: parent
tasks:
  - {id: go, uses: trigger_dag, with: {dag: child, conf: {size: 7}}}
  - {id: each, uses: trigger_dag, with: {dag: child, wait_for_completion: true}, expand: {note: [one, two, three]}}
  - {id: named, uses: trigger_dag, needs: [go], with: {dag: child, run_id: "of_{{ run_id }}", wait_for_completion: true}}
  - {id: end, uses: empty, needs: [each, named]}
"""

ASKS = """
dag_id: asks
tasks:
  - {id: ok, uses: approval, with: {subject: "Publish {{ run_id }}?", params: {rows: {type: integer, default: 1}}, respondents: [admin]}}
  - {id: publish, uses: shell, needs: [ok], with: {command: "echo {{ ti.xcom_pull('ok').params_input.rows }} rows"}}
  - {id: gate, uses: approval, with: {subject: "Sure?"}}
  - {id: behind, uses: shell, needs: [gate], with: {command: "true"}}
"""

# Around the commits of one run of the parent: which hits after a start.
HITS = [(point, hit) for point in ("store.before_write", "store.before_commit", "store.after_commit") for hit in (1, 2, 3, 4, 6, 8)]


class TriggersTest(unittest.TestCase):
    def start(self):
        self.cluster = self.enterContext(Cluster(BINARIES, lease_ms=20000))
        self.cluster.start_scheduler()
        self.cluster.start_worker("w1")

    def arm(self, point, hit):
        self.cluster.forget_hits(point)
        self.cluster.failpoints["scheduler"] = f"{point}=kill@{hit}"

    def disarm(self):
        self.cluster.failpoints.pop("scheduler", None)

    def ask(self, *request):
        """The answer; a scheduler that dies of its failpoint meanwhile is started again, unarmed."""
        while True:
            try:
                return self.cluster.ask(*request)
            except urllib.error.HTTPError:
                raise
            except LOST:
                self.revive()

    def revive(self):
        code = self.cluster.scheduler.wait(timeout=PATIENCE)
        self.assertEqual(code, -9, "it died of something else")
        self.deaths += 1
        self.disarm()
        self.cluster.start_scheduler()

    def start_armed(self, point, hit):
        self.cluster.scheduler.kill()
        self.cluster.scheduler.wait()
        self.arm(point, hit)
        try:
            self.cluster.start_scheduler()
        except AssertionError:  # it died before it served
            self.revive()

    def trigger(self, dag, run):
        try:
            self.ask("POST", f"/api/v2/dags/{dag}/dagRuns", {"dag_run_id": run, "logical_date": None})
        except urllib.error.HTTPError as error:
            self.assertEqual(error.code, 409)  # it was made, and the answer was lost

    def children_of(self, run):
        rows = self.ask("GET", "/api/v2/dags/child/dagRuns?limit=100&order_by=-id")["dag_runs"]
        return [row for row in rows if row["triggering_task"]["dag_run_id"] == run]

    def test_each_success_has_made_one_run_wherever_the_scheduler_dies(self):
        self.start()
        self.cluster.write_dag("child.yaml", CHILD)
        self.cluster.write_dag("parent.yaml", PARENT)
        self.cluster.await_run("parent", self.cluster.trigger("parent"), "success")
        self.deaths = 0
        for number, (point, hit) in enumerate(HITS):
            run = f"r{number}"
            with self.subTest(point=point, hit=hit):
                self.start_armed(point, hit)
                self.trigger("parent", run)
                eventually(f"{run} ends", lambda: self.ask("GET", f"/api/v2/dags/parent/dagRuns/{run}")["state"] == "success")
                children = self.children_of(run)
                made_by = sorted((row["triggering_task"]["task_id"], row["triggering_task"]["map_index"]) for row in children)
                self.assertEqual(made_by, [("each", 0), ("each", 1), ("each", 2), ("go", -1), ("named", -1)])
                self.assertEqual({row["run_type"] for row in children}, {"operator_triggered"})
                self.assertEqual({row["triggered_by"] for row in children}, {"operator"})
                by_task = {row["triggering_task"]["task_id"]: row for row in children}
                self.assertEqual(by_task["named"]["dag_run_id"], f"of_{run}")
                self.assertEqual(by_task["go"]["conf"], {"size": 7})
                left = self.ask("GET", f"/api/v2/dags/parent/dagRuns/{run}/taskInstances/go/xcomEntries/trigger_run_id")
                self.assertEqual(left["value"], by_task["go"]["dag_run_id"])
                for row in self.ask("GET", f"/api/v2/dags/parent/dagRuns/{run}/taskInstances?limit=100")["task_instances"]:
                    self.assertEqual((row["state"], row["try_number"]), ("success", 1), row)
        self.assertGreaterEqual(self.deaths, len(HITS) * 2 // 3, "the faults missed")

    def dagctl(self, *arguments, status=0):
        command = [f"{BINARIES}/dagctl", "--state", str(self.cluster.state), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, status, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout if status == 0 else done.stderr

    def test_an_answer_counts_once_and_a_question_outlives_the_scheduler(self):
        self.start()
        self.cluster.write_dag("asks.yaml", ASKS)
        self.deaths = 0
        run = self.cluster.trigger("asks")
        for point in ("store.before_write", "store.before_commit", "store.after_commit"):
            self.cluster.await_task("asks", run, "ok", "deferred")
            self.start_armed(point, 3)  # its term, the worker that comes back, and then the answer or what goes before it
            detail = f"/api/v2/dags/asks/dagRuns/{run}/taskInstances/ok/-1/hitlDetails"
            self.assertFalse(self.ask("GET", detail)["response_received"])
            waiting = json.loads(self.dagctl_alive("tasks", "approvals", "-o", "json"))
            self.assertEqual(sorted(row["subject"] for row in waiting), [f"Publish {run}?", "Sure?"])
            try:
                self.ask("PATCH", detail, {"chosen_options": ["Approve"], "params_input": {"rows": 41}})
            except urllib.error.HTTPError as error:
                self.assertEqual(error.code, 409)  # it was kept before the scheduler died
            answered = self.ask("GET", detail)
            self.assertEqual((answered["chosen_options"], answered["params_input"]), (["Approve"], {"rows": 41}))
            eventually("publish ends", lambda: self.state(run, "publish") == "success")
            log = f"/api/v2/dags/asks/dagRuns/{run}/taskInstances/publish/logs/1"
            eventually("the log has come, on a stream of its own", lambda log=log: "41 rows" in json.dumps(self.ask("GET", log)))
            # The second question of the run, from the command line.
            why = self.dagctl_alive("tasks", "why", "asks", run, "gate")
            self.assertIn("waits for an answer: Sure?; one of: Approve, Reject", why)
            self.dagctl_alive("tasks", "reject", "asks", run, "gate")
            eventually("the run ends", lambda: self.ask("GET", f"/api/v2/dags/asks/dagRuns/{run}")["state"] == "success")
            self.assertEqual(self.state(run, "behind"), "skipped")
            self.assertIn("already been updated", self.dagctl("tasks", "approve", "asks", run, "gate", status=1))
            run = self.cluster.trigger("asks")
        store = sqlite3.connect(self.cluster.state / "millrace.db")
        said = store.execute("SELECT user, object FROM audit WHERE action = 'answer_approval'").fetchall()
        store.close()
        self.assertEqual(len(said), 6)  # two answers a run, each once
        self.assertEqual({user for user, what in said}, {"admin"})

    def dagctl_alive(self, *arguments):
        """Once the scheduler has died of its failpoint, or has not, it lives."""
        self.ask("GET", "/api/v2/version")
        return self.dagctl(*arguments)

    def state(self, run, task):
        return self.ask("GET", f"/api/v2/dags/asks/dagRuns/{run}/taskInstances/{task}")["state"]


if __name__ == "__main__":
    unittest.main(verbosity=2)
