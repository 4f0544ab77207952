"""State stores through a real scheduler and real workers: what a task has set is found by its retry, though its worker was killed -9 a
moment later, and by whoever asks the API or dagctl.

usage: state_stores_test.py BIN_FOLDER
"""

import json
import pathlib
import subprocess
import sys
import unittest
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually  # noqa: E402

BINARIES = sys.argv.pop(1)

JOBS = '''
import os
import pathlib
import time


def submit(root, context):
    store = context["task_state_store"]
    job = store.get("job_id")
    if job is None:
        job = "job-%d" % os.getpid()
        store.set("job_id", job)
        (pathlib.Path(root) / "submitted").write_text(job)
        time.sleep(1000)
    return job


def count(task_state_store):
    for n in range(task_state_store.get("n", default=0) + 1, 81):
        task_state_store.set("n", n)
        time.sleep(0.05)
    return task_state_store.get("n")


def load(asset_state_store):
    since = asset_state_store.get("watermark", default=0)
    asset_state_store.set("watermark", since + 10)
    return since


def stray(context):
    return context["asset_state_store"]["users"].get("watermark")
'''

# The first try leaves a number and fails, the next ones find it.
COUNTS = """\
dag_id: counts
schedule: null
tasks:
  - id: sh
    uses: shell
    retries: 3
    retry_delay: 100ms
    with:
      command: |
        set -e
        store="$MILLRACE_STATE_STORE"
        if "$store" get nothing; then exit 1; fi
        tries=$("$store" get tries 0)
        "$store" set tries $((tries + 1)) --retention 6h
        "$store" set note '{"by": ["sh"]}' --retention never
        "$store" set gone 1 && "$store" delete gone
        if "$store" set note null; then exit 1; fi
        if "$store" --dataset orders get watermark 0; then exit 1; fi
        "$store" get note
        [ "$tries" -ge 1 ]
"""


class StateStoresTest(unittest.TestCase):
    def cluster(self, **options):
        cluster = self.enterContext(Cluster(BINARIES, **options))
        (cluster.dags / "jobs.py").write_text(JOBS)
        cluster.start_scheduler()
        return cluster

    def dagctl(self, cluster, *arguments, status=0):
        result = subprocess.run([pathlib.Path(BINARIES) / "dagctl", "--state", cluster.state, *arguments],
                                capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, status, result.stderr)
        return result.stdout

    @staticmethod
    def store(dag, run, task):
        return f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/state-store"

    def value(self, cluster, path):
        """Of a key, or None."""
        try:
            return cluster.ask("GET", path)["value"]
        except urllib.error.HTTPError as error:
            self.assertEqual(error.code, 404)
            return None

    def returned(self, cluster, dag, run, task):
        return cluster.ask("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value")["value"]

    def test_the_id_of_a_job_survives_the_worker_that_is_killed_right_after(self):
        cluster = self.cluster(lease_ms=3000)
        worker = cluster.start_worker("w1")
        cluster.write_dag("resume.yaml", f"""\
dag_id: resume
schedule: null
tasks:
  - {{id: submit, uses: python, with: {{file: jobs.py, function: submit, args: {{root: "{cluster.root}"}}}}}}
""")
        run = cluster.trigger("resume")
        submitted = cluster.root / "submitted"
        eventually("a job was submitted", lambda: submitted.exists() and submitted.read_text())
        worker.kill()
        worker.wait()
        job = submitted.read_text()
        key = self.store("resume", run, "submit") + "/job_id"
        self.assertEqual(self.value(cluster, key), job)
        cluster.start_worker("w2")
        cluster.await_run("resume", run, "success")
        self.assertEqual(self.returned(cluster, "resume", run, "submit"), job)
        self.assertEqual(submitted.read_text(), job, "nothing was submitted twice")
        # By hand: seen, changed, forgotten.
        rows = json.loads(self.dagctl(cluster, "tasks", "state-store", "list", "resume", run, "submit", "-o", "json"))
        self.assertEqual([(row["key"], row["value"]) for row in rows], [("job_id", job)])
        self.assertTrue(rows[0]["expires_at"], "30 days")
        self.dagctl(cluster, "tasks", "state-store", "set", "resume", run, "submit", "parts/a 1", '{"n": 1}', "--retention", "never")
        self.assertEqual(self.dagctl(cluster, "tasks", "state-store", "get", "resume", run, "submit", "parts/a 1").strip(), '{"n":1}')
        self.dagctl(cluster, "tasks", "state-store", "delete", "resume", run, "submit", "job_id")
        self.assertIsNone(self.value(cluster, key))
        self.dagctl(cluster, "tasks", "state-store", "get", "resume", run, "submit", "job_id", status=1)
        self.dagctl(cluster, "tasks", "state-store", "clear", "resume", run, "submit")
        self.assertEqual(cluster.ask("GET", self.store("resume", run, "submit")), {"task_state_store": [], "total_entries": 0})

    def test_a_scheduler_that_is_killed_meanwhile_answers_when_it_is_back(self):
        cluster = self.cluster(lease_ms=20000)
        cluster.start_worker("w1")
        cluster.write_dag("steady.yaml", """\
dag_id: steady
schedule: null
tasks:
  - {id: count, uses: python, with: {file: jobs.py, function: count}}
""")
        run = cluster.trigger("steady")
        key = self.store("steady", run, "count") + "/n"
        for seen in (5, 40):
            eventually(f"it counts to {seen}", lambda: (self.value(cluster, key) or 0) >= seen)  # noqa: B023
            cluster.kill_scheduler()
            cluster.start_scheduler()
        cluster.await_run("steady", run, "success")
        self.assertEqual(self.returned(cluster, "steady", run, "count"), 80)
        self.assertEqual(cluster.tasks("steady", run)["count"]["try_number"], 1, "the task saw nothing of it")

    def test_a_shell_task_counts_its_tries_and_a_clear_starts_over_unless_it_is_kept(self):
        cluster = self.cluster()
        cluster.start_worker("w1")
        cluster.write_dag("counts.yaml", COUNTS)
        run = cluster.trigger("counts")
        cluster.await_run("counts", run, "success")
        tries = self.store("counts", run, "sh") + "/tries"
        self.assertEqual(self.value(cluster, tries), 2)
        self.assertEqual(self.value(cluster, self.store("counts", run, "sh") + "/note"), {"by": ["sh"]})
        self.assertIsNone(cluster.ask("GET", self.store("counts", run, "sh") + "/note")["expires_at"])
        self.assertIsNone(self.value(cluster, self.store("counts", run, "sh") + "/gone"))
        log = cluster.log("counts", run, "sh", 1)
        self.assertIn("cannot be null", log)
        self.assertIn("dataset 'orders' is neither an inlet nor an outlet of task sh", log)
        self.dagctl(cluster, "tasks", "clear", "counts", run, "sh", "--keep-task-state", "--yes")
        cluster.await_run("counts", run, "success")
        self.assertEqual(self.value(cluster, tries), 3, "one try was enough")
        self.dagctl(cluster, "tasks", "clear", "counts", run, "sh", "--yes")
        cluster.await_run("counts", run, "success")
        self.assertEqual(self.value(cluster, tries), 2, "it began anew")
        cluster.ask("DELETE", f"/api/v2/dags/counts/dagRuns/{run}")
        self.assertIsNone(self.value(cluster, tries))

    def test_a_dataset_keeps_its_watermark_from_run_to_run(self):
        cluster = self.cluster()
        cluster.start_worker("w1")
        cluster.write_dag("incremental.yaml", """\
dag_id: incremental
schedule: null
tasks:
  - {id: load, uses: python, outlets: [orders], with: {file: jobs.py, function: load}}
  - {id: stray, uses: python, outlets: [orders], needs: [load], with: {file: jobs.py, function: stray}}
""")
        for since in (0, 10):
            run = cluster.trigger("incremental")
            cluster.await_run("incremental", run, "failed")
            self.assertEqual(self.returned(cluster, "incremental", run, "load"), since)
            eventually("it is told that it has no such dataset",
                       lambda: "KeyError" in cluster.log("incremental", run, "stray"))  # noqa: B023
        found = cluster.ask("GET", "/api/v2/assets?name_pattern=orders")["assets"]
        path = f"/api/v2/assets/{found[0]['id']}/state-store"
        listed = cluster.ask("GET", path)
        self.assertEqual(listed["total_entries"], 1)
        entry = listed["asset_state_store"][0]
        self.assertEqual((entry["key"], entry["value"]), ("watermark", 20))
        self.assertEqual(entry["last_updated_by"],
                         {"kind": "task", "dag_id": "incremental", "run_id": run, "task_id": "load", "map_index": -1})
        self.dagctl(cluster, "datasets", "state-store", "set", "orders", "watermark", "100")
        rows = json.loads(self.dagctl(cluster, "datasets", "state-store", "list", "orders", "-o", "json"))
        self.assertEqual([(row["key"], row["value"], row["updated_by"]) for row in rows], [("watermark", 100, "api")])
        run = cluster.trigger("incremental")
        cluster.await_run("incremental", run, "failed")
        self.assertEqual(self.returned(cluster, "incremental", run, "load"), 100)
        self.dagctl(cluster, "datasets", "state-store", "clear", "orders")
        self.assertEqual(cluster.ask("GET", path)["total_entries"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
