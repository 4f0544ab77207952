#!/usr/bin/env python3
"""Kills the scheduler (kill -9 of itself) at each of its named failpoints, at several hits, while flights runs are under way. It is started
again at once, armed with the next, so one run sees several deaths. Every run ends with the rows of a plain query; what was answered is
there; no task and no stage task runs twice, since workers and their leases live on. A failpoint that does not fire fails the test.

usage: scheduler_failpoints_test.py BUILD SOURCE DEPS [--more]
"""
import http.client
import pathlib
import random
import sqlite3
import subprocess
import sys
import time
import urllib.error

BUILD, SOURCE, DEPS = map(pathlib.Path, sys.argv[1:4])
MORE = "--more" in sys.argv
sys.path.insert(0, str(SOURCE / "tests/support"))
sys.path.insert(0, str(SOURCE / "tests/integration/faults"))
from cluster import PATIENCE, Cluster, eventually  # noqa: E402
import pipeline  # noqa: E402

# Which hits after a start. A run has some 35 commits, 23 messages of assignments, 55 reports; workers join once a start.
HITS = {
    "store.after_term": (1,),
    "store.before_write": (1, 2, 6, 15),
    "store.before_commit": (1, 3, 8, 20),
    "store.after_commit": (1, 4, 11, 24),
    "store.before_checkpoint": (1,),
    "store.after_checkpoint": (1,),
    "gateway.before_welcome": (1,),
    "gateway.after_welcome": (1, 2),
    "gateway.before_assign": (1, 3, 7),
    "gateway.after_assign": (1, 4, 8),
    "gateway.report_received": (1, 5, 14),
    "gateway.before_ack": (1, 6, 13),
    "gateway.after_ack": (1, 3, 17),
    "gateway.before_job_ended": (1, 2),
    "gateway.after_job_ended": (1,),
    "gateway.before_log": (1, 4),
    "gateway.after_log": (1, 3),
}
LOST = (ConnectionError, http.client.HTTPException, TimeoutError)


class Mortal:
    """A scheduler that dies at each of `cases` in turn."""

    def __init__(self, cluster, cases):
        self.cluster = cluster
        self.cases = list(cases)
        self.deaths = []

    def start(self):
        while True:
            if self.cases:
                point, hit = self.cases[0]
                self.cluster.forget_hits(point)
                self.cluster.failpoints["scheduler"] = f"{point}=kill@{hit}"
            else:
                self.cluster.failpoints.pop("scheduler", None)
            try:
                return self.cluster.start_scheduler()
            except AssertionError:
                self.bury()  # it may die before it serves

    def bury(self):
        """It is dead: of what was planned, and of nothing else."""
        code = self.cluster.scheduler.wait(timeout=PATIENCE)
        assert self.cases, f"the scheduler ended by itself with {code}"
        case = self.cases.pop(0)
        last = self.cluster.fired()[-1]
        assert code == -9 and last == (case[0], str(case[1]), str(self.cluster.scheduler.pid)), (code, case, last)
        self.deaths.append(case)

    def ask(self, question):
        """The answer, of whichever life of the scheduler."""
        while True:
            try:
                return question()
            except urllib.error.HTTPError:
                raise
            except (*LOST, urllib.error.URLError):
                self.bury()
                self.start()


def one_run(cluster, mortal, day, run):
    starts = cluster.hits("task.before_start")
    mortal.ask(lambda: pipeline.trigger(cluster, "daily_flights", day, run))  # answered: from here on it is there, or the test fails
    done = {}
    deadline = time.monotonic() + PATIENCE
    while True:
        tasks = mortal.ask(lambda: cluster.tasks("daily_flights", run))
        for task, began in done.items():
            assert tasks[task]["state"] == "success" and tasks[task]["start_date"] == began, f"{task} had succeeded: {tasks[task]}"
        done = {task: row["start_date"] for task, row in tasks.items() if row["state"] == "success"}
        state = mortal.ask(lambda: cluster.run("daily_flights", run))["state"]
        if state in ("success", "failed"):
            break
        assert time.monotonic() < deadline, f"{run} does not end: {tasks}"
    assert state == "success", {task: (row["state"], row["note"]) for task, row in tasks.items()}
    # What comes when nothing is to do: checkpoints, log lines.
    left = len(mortal.cases)
    if left and mortal.cases[0][0].endswith("_checkpoint"):
        cluster.scheduler.wait(timeout=PATIENCE)
        mortal.bury()
        mortal.start()
    expected = 0
    for task, row in mortal.ask(lambda: cluster.tasks("daily_flights", run)).items():
        assert row["try_number"] == 1, f"{task} needed another try"
        if row["operator"] != "mapreduce":
            expected += 1
            continue
        report = mortal.ask(lambda: cluster.ask("GET", f"/millrace/v1/jobs/daily_flights/{run}/{task}"))["report"]
        assert sum(stage["failed_attempts"] + stage["lost_attempts"] for stage in report["stages"]) == 0, report
        expected += sum(stage["tasks"] for stage in report["stages"])
    ran = cluster.hits("task.before_start") - starts
    assert ran == expected, f"{run}: {ran} attempts started for {expected} tasks and stage tasks"


def look_at_store(cluster, runs):
    """Nobody writes any more: what the store says of all runs."""
    store = sqlite3.connect(cluster.state / "millrace.db")
    twice = store.execute("SELECT key, try_number, stage, idx, count(*) FROM stage_task WHERE revoked = 0 "
                          "GROUP BY 1, 2, 3, 4 HAVING count(*) > 1").fetchall()
    assert not twice, f"two attempts of one stage task are committed: {twice}"
    assert store.execute("SELECT count(*) FROM attempt").fetchone()[0] == 0, "an attempt was superseded"
    assert store.execute("SELECT count(*) FROM run WHERE dag_id = 'daily_flights'").fetchone()[0] == runs
    assert store.execute("SELECT value FROM meta WHERE name = 'sequence'").fetchone() == store.execute(
        "SELECT max(sequence) FROM journal").fetchone(), "the journal has a gap at its end"
    assert store.execute("SELECT count(*) - max(sequence) FROM journal").fetchone() == (0,), "the journal has a gap"
    store.close()


def main():
    cases = [(point, hit) for point, hits in HITS.items() for hit in (range(1, 2 * max(hits) + 3) if MORE and max(hits) > 2 else hits)]
    random.Random(2001).shuffle(cases)
    with Cluster(BUILD / "bin", lease_ms=20000, environment=pipeline.WAREHOUSE) as cluster:
        pipeline.lay_out(cluster, SOURCE, DEPS)
        cluster.start_scheduler()
        cluster.failpoints.update({name: "task.before_start=count" for name in ("w1", "w2")})
        pipeline.begin(cluster, ("w1", "w2"))
        cluster.kill_scheduler()
        mortal = Mortal(cluster, cases)
        mortal.start()
        runs, missed = [], 0
        for day in pipeline.days():
            left = len(mortal.cases)
            runs.append((day, f"run{len(runs)}"))
            one_run(cluster, mortal, *runs[-1])
            missed = 0 if len(mortal.cases) < left else missed + 1
            if not mortal.cases:
                break
            assert missed < 3, f"{mortal.cases[0]} does not fire in three runs"
        assert len(mortal.deaths) == len(cases), f"never fired: {mortal.cases}"
        for day, run in runs:
            pipeline.audit(cluster, day, run)
        cluster.scheduler.terminate()
        cluster.scheduler.wait(timeout=PATIENCE)
        look_at_store(cluster, len(runs))
        print(f"{len(cases)} deaths at {len({point for point, _ in cases})} failpoints in {len(runs)} runs")


main()
