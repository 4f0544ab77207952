#!/usr/bin/env python3
"""Kills the scheduler (kill -9) at seeded moments of flights runs and starts it again: every run ends, its published numbers equal a
plain query, and nothing that had succeeded runs twice. A kill that came after the run's end is another try, not a success.

usage: scheduler_kills_test.py BUILD SOURCE DEPS [KILLS]
"""
import pathlib
import random
import shutil
import sys
import time

BUILD, SOURCE, DEPS = map(pathlib.Path, sys.argv[1:4])
KILLS = int(sys.argv[4]) if len(sys.argv) > 4 else 12
sys.path.insert(0, str(SOURCE / "tests/support"))
from cluster import Cluster, eventually  # noqa: E402


def trigger(cluster, dag, day, run):
    cluster.ask("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": f"{day}T00:00:00Z", "dag_run_id": run})


def main():
    chance = random.Random(2001)
    with Cluster(BUILD / "bin", environment={"MILLRACE_CONN_WAREHOUSE": "duckdb:warehouse.duckdb"}) as cluster:
        (cluster.root / "data").mkdir()
        for name in ("flights-3m.parquet", "airports.csv"):
            shutil.copy(DEPS / "vega-datasets" / name, cluster.root / "data")
        shutil.copytree(SOURCE / "dags/contracts", cluster.dags / "contracts")
        for name in ("daily_flights", "flights_audit"):
            cluster.write_dag(f"{name}.yaml", (SOURCE / f"dags/{name}.yaml").read_text())
        cluster.start_scheduler()
        for name in ("w1", "w2"):
            cluster.start_worker(name, 2)
        eventually("DAGs and workers are there", lambda: len(cluster.workers_seen()) == 2 and
                   len(cluster.ask("GET", "/api/v2/dags")["dags"]) == 2)

        hits = {}
        length = 2.0  # seconds that a run takes; measured anew with each that was not hit
        for attempt in range(3 * KILLS):
            if len(hits) == KILLS:
                break
            day, run = f"2001-01-{attempt % 28 + 1:02}", f"kill{attempt}"
            begun = time.monotonic()
            trigger(cluster, "daily_flights", day, run)
            wait = chance.uniform(0, length)
            eventually("the moment has come", lambda: time.monotonic() - begun >= wait)
            before = {task: row for task, row in cluster.tasks("daily_flights", run).items()}
            hit = cluster.run("daily_flights", run)["state"] not in ("success", "failed")
            cluster.kill_scheduler()
            cluster.start_scheduler()
            cluster.await_run("daily_flights", run, "success")
            if not hit:
                length *= 0.8
                continue
            hits[attempt] = sorted(task for task, row in before.items() if row["state"] == "running")
            after = cluster.tasks("daily_flights", run)
            for task, row in before.items():
                if row["state"] == "success":
                    assert after[task]["start_date"] == row["start_date"], f"{task} ran again after it had succeeded"
                assert after[task]["try_number"] == 1, f"{task} needed another try"
            trigger(cluster, "flights_audit", day, run)
            cluster.await_run("flights_audit", run, "success")
        assert len(hits) == KILLS, f"only {len(hits)} kills came while a run was under way"
        print("killed while these ran:", *hits.values())


main()
