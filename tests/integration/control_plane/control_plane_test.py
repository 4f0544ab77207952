"""A real scheduler and real workers: DAG file in, success out; and what happens when one of them is killed, stopped or drained.

usage: control_plane_test.py BIN_FOLDER
"""

import os
import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually, processes  # noqa: E402

BINARIES = sys.argv.pop(1)

# Each start leaves a line in STARTS; it ends when GO is there.
HELD = """\
dag_id: held
schedule: null
default_args: {{retries: {retries}, retry_delay: 1s}}
tasks:
  - id: held
    uses: shell
    with: {{command: "echo started >> {root}/starts; echo started; while [ ! -e {root}/go ]; do sleep 0.05; done; echo over"}}
  - id: after
    uses: empty
    needs: [held]
"""


def alive(mark):
    return [p for p in processes() if mark in p[4] and p[3] != "Z"]


class ControlPlaneTest(unittest.TestCase):
    def cluster(self, workers=("w1", "w2"), **options):
        cluster = self.enterContext(Cluster(BINARIES, **options))
        cluster.start_scheduler()
        for name in workers:
            cluster.start_worker(name)
        return cluster

    def start_held(self, cluster, retries=0):
        cluster.write_dag("held.yaml", HELD.format(root=cluster.root, retries=retries))
        run = cluster.trigger("held")
        self.await_starts(cluster, 1)
        return run

    @staticmethod
    def starts(cluster):
        try:
            return (cluster.root / "starts").read_text().count("started")
        except FileNotFoundError:
            return 0

    def await_starts(self, cluster, count):
        eventually(f"{count} starts", lambda: self.starts(cluster) >= count)

    def go(self, cluster):
        (cluster.root / "go").touch()

    def worker_of(self, cluster, run):
        """Its name and its process."""
        def found():
            for name, process in cluster.workers.items():
                runners = cluster.runners_of(name)
                if [p for p in processes() if p[2] in runners and p[0] not in runners and p[3] != "Z"]:
                    return name
            return None
        name = eventually("somebody runs it", found)
        return name, cluster.workers[name]

    def test_shell_and_empty_tasks_run_to_success_on_both_workers_and_their_logs_arrive(self):
        cluster = self.cluster()
        eventually("both joined", lambda: len(cluster.workers_seen()) == 2)
        tasks = "".join(f"""
  - id: shell{i}
    uses: shell
    with: {{command: "echo out {i}; echo err {i} >&2"}}
  - id: empty{i}
    uses: empty
    needs: [shell{i}]""" for i in range(8))
        cluster.write_dag("etl.yaml", f"dag_id: etl\nschedule: null\ntasks:{tasks}\n")
        run = cluster.trigger("etl")
        cluster.await_run("etl", run, "success")
        got = cluster.tasks("etl", run)
        self.assertEqual({task["state"] for task in got.values()}, {"success"})
        for i in range(8):
            eventually("its log", lambda i=i: cluster.log("etl", run, f"shell{i}") == f"out {i}\nerr {i}")
            self.assertLessEqual(got[f"shell{i}"]["end_date"], got[f"empty{i}"]["start_date"])

    def test_a_failure_is_retried_and_tells_its_exit_code_and_last_line(self):
        cluster = self.cluster(workers=["w1"])
        cluster.write_dag("fails.yaml", """\
dag_id: fails
schedule: null
tasks:
  - {id: bad, uses: shell, retries: 1, retry_delay: 100ms, with: {command: "echo no such table; exit 3"}}
  - {id: never, uses: empty, needs: [bad]}
""")
        run = cluster.trigger("fails")
        cluster.await_run("fails", run, "failed")
        got = cluster.tasks("fails", run)
        self.assertEqual((got["bad"]["state"], got["never"]["state"]), ("failed", "upstream_failed"))
        self.assertEqual(got["bad"]["try_number"], 2)
        self.assertEqual(len(cluster.tries("fails", run, "bad")), 2)
        for number in (1, 2):
            eventually("its log", lambda number=number: cluster.log("fails", run, "bad", number) == "no such table")

    def test_a_cancelled_run_kills_the_whole_group(self):
        cluster = self.cluster()
        cluster.write_dag("long.yaml", f"""\
dag_id: long
schedule: null
tasks:
  - id: sleeps
    uses: shell
    with: {{command: "sleep 9991 & touch {cluster.root}/up; sleep 9992; true"}}
""")
        run = cluster.trigger("long")
        eventually("it runs", (cluster.root / "up").exists)
        self.assertTrue(alive("sleep 9991") and alive("sleep 9992"))
        cluster.ask("PATCH", f"/api/v2/dags/long/dagRuns/{run}", {"state": "failed"})
        eventually("its processes are gone", lambda: not alive("sleep 999"))
        cluster.await_run("long", run, "failed")

    def test_a_timeout_kills_the_whole_group_and_says_so(self):
        cluster = self.cluster()
        cluster.write_dag("slow.yaml", """\
dag_id: slow
schedule: null
tasks:
  - {id: sleeps, uses: shell, execution_timeout: 1s, with: {command: "trap '' TERM; sleep 9993; sleep 9993"}, kill_grace: 200ms}
""")
        run = cluster.trigger("slow")
        cluster.await_run("slow", run, "failed")
        eventually("its processes are gone", lambda: not alive("sleep 9993"))

    def test_a_killed_worker_loses_its_attempt_and_the_other_runs_it_again(self):
        cluster = self.cluster(lease_ms=3000)
        run = self.start_held(cluster)
        name, process = self.worker_of(cluster, run)
        process.kill()
        eventually("its runners died with it", lambda: not cluster.runners_of(name))
        self.await_starts(cluster, 2)
        self.go(cluster)
        cluster.await_run("held", run, "success")
        self.assertEqual(self.starts(cluster), 2)
        self.assertEqual(cluster.tasks("held", run)["held"]["try_number"], 1, "a loss is outside the retries")

    def test_a_scheduler_that_is_back_within_the_lease_executes_nothing_again(self):
        cluster = self.cluster(lease_ms=30_000)
        run = self.start_held(cluster)
        for _ in range(3):
            cluster.kill_scheduler()
            cluster.start_scheduler()
            eventually("both are back", lambda: sum(w["state"] == "online" for w in cluster.workers_seen().values()) == 2)
        self.assertEqual(cluster.tasks("held", run)["held"]["state"], "running")
        self.go(cluster)
        cluster.await_run("held", run, "success")
        self.assertEqual(self.starts(cluster), 1)
        eventually("its whole log", lambda: cluster.log("held", run, "held") == "started\nover")

    def test_a_scheduler_that_stands_by_takes_over_from_one_that_is_killed(self):
        cluster = self.cluster(lease_ms=30_000)
        run = self.start_held(cluster)
        second = cluster.start("standby", [
            BINARIES + "/millrace-scheduler", "--state", cluster.state, "--dags", cluster.dags, "--listen", cluster.ports[0],
            "--grpc", cluster.ports[1], "--standby", *cluster.flags])
        self.addCleanup(second.kill)
        told = cluster.folder / "standby.log"
        eventually("it says that it waits", lambda: "Standby" in told.read_text())
        cluster.kill_scheduler()
        cluster.scheduler = second
        eventually("it serves", lambda: (cluster.endpoints() or {}).get("pid") == second.pid)
        self.go(cluster)
        cluster.await_run("held", run, "success")
        self.assertEqual(self.starts(cluster), 1)

    def test_one_that_stands_by_is_stopped_like_any_other(self):
        cluster = self.cluster(workers=())
        second = cluster.start("standby", [BINARIES + "/millrace-scheduler", "--state", cluster.state, "--dags", cluster.dags, "--standby"])
        self.addCleanup(second.kill)
        eventually("it waits", lambda: "Standby" in (cluster.folder / "standby.log").read_text())
        second.terminate()
        self.assertEqual(second.wait(30), 0)

    def test_an_end_that_comes_while_the_scheduler_is_away_is_told_when_it_is_back(self):
        cluster = self.cluster(lease_ms=30_000)
        run = self.start_held(cluster)
        cluster.kill_scheduler()
        self.go(cluster)
        eventually("the command has ended", lambda: not alive(f"{cluster.root}/go"))
        cluster.start_scheduler()
        cluster.await_run("held", run, "success")
        self.assertEqual(self.starts(cluster), 1)

    def test_a_worker_that_stood_still_beyond_its_lease_is_fenced(self):
        cluster = self.cluster(lease_ms=3000)
        run = self.start_held(cluster)
        name, process = self.worker_of(cluster, run)
        process.send_signal(signal.SIGSTOP)
        self.await_starts(cluster, 2)
        process.send_signal(signal.SIGCONT)
        eventually("it joins anew", lambda: cluster.workers_seen().get(name, {}).get("state") == "online")
        eventually("one attempt is alive", lambda: len(alive(f"while [ ! -e {cluster.root}/go ]")) == 1)
        self.go(cluster)
        cluster.await_run("held", run, "success")
        self.assertEqual(self.starts(cluster), 2)
        self.assertEqual(cluster.tasks("held", run)["held"]["try_number"], 1)

    def test_a_draining_worker_finishes_takes_nothing_new_and_leaves(self):
        cluster = self.cluster()
        run = self.start_held(cluster)
        name, process = self.worker_of(cluster, run)
        process.send_signal(signal.SIGTERM)
        eventually("it drains", lambda: cluster.workers_seen()[name]["state"] != "online")
        self.assertIsNone(process.poll(), "it has a task to finish")
        self.go(cluster)
        cluster.await_run("held", run, "success")
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(self.starts(cluster), 1)
        eventually("it is gone", lambda: cluster.workers_seen().get(name, {}).get("state") != "online")

    def test_a_worker_with_a_wrong_token_is_not_let_in(self):
        cluster = self.cluster(workers=[])
        (cluster.folder / "wrong").write_text("0" * 64 + "\n")
        cluster.start_worker("w1", 2, token_file=cluster.folder / "wrong")
        log = cluster.folder / "w1.log"
        eventually("it is told", lambda: "UNAUTHENTICATED" in log.read_text())
        self.assertEqual(cluster.workers_seen(), {})

    def test_the_schedulers_credentials_are_not_in_any_environment(self):
        cluster = self.cluster(environment={"MILLRACE_CONN_LAKE": "duckdb:///x/hunter2secret"})
        cluster.write_dag("env.yaml", "dag_id: env\nschedule: null\ntasks:\n"
                          "  - {id: env, uses: shell, with: {command: \"env; cat /proc/$PPID/environ | tr '\\\\0' '\\\\n'\"}}\n")
        run = cluster.trigger("env")
        cluster.await_run("env", run, "success")
        log = eventually("its log", lambda: cluster.log("env", run, "env"))
        self.assertIn("MILLRACE_FENCE=", log)
        self.assertNotIn("hunter2secret", log)


if __name__ == "__main__":
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")
    unittest.main(verbosity=2)
