#!/usr/bin/env python3
"""Runs the flights pipeline for three days, with blocks fetched by gRPC, and compares every number with a plain DuckDB query over the
source; then plants a bad day, which must stop at the check with its rows shown and nothing published; then kills a worker in a job.

usage: flights_test.py BUILD SOURCE DEPS
"""
import pathlib
import shutil
import sys

BUILD, SOURCE, DEPS = map(pathlib.Path, sys.argv[1:4])
sys.path.insert(0, str(SOURCE / "tests/support"))
from cluster import Cluster, eventually  # noqa: E402

DAYS = ("2001-01-15", "2001-03-01", "2001-05-17")
PLANT = """dag_id: plant
schedule: null
tasks:
  - id: plant
    uses: extract
    with:
      sql: >
        SELECT * REPLACE (CASE WHEN row_number() OVER () % 1000 = 0 THEN 77777 ELSE delay END AS delay)
        FROM read_parquet('data/flights-3m.parquet') WHERE CAST(date AS DATE) = DATE '2001-04-02'
      to: data/planted/
"""


def trigger(cluster, dag, day, conf=None):
    run = eventually(f"{dag} is loaded", lambda: started(cluster, dag, day, conf))
    return run["dag_run_id"]


def started(cluster, dag, day, conf):
    known = {entry["dag_id"] for entry in cluster.ask("GET", "/api/v2/dags")["dags"]}
    if dag not in known:
        return None
    return cluster.ask("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": f"{day}T00:00:00Z", "conf": conf or {}})


def report(cluster, run, task):
    return cluster.ask("GET", f"/millrace/v1/jobs/daily_flights/{run.replace('+', '%2B')}/{task}")["report"]


def fetched(cluster, run, task):
    return sum(stage["fetched_bytes"] for stage in report(cluster, run, task)["stages"])


def audit(cluster, day):
    cluster.await_run("flights_audit", trigger(cluster, "flights_audit", day).replace("+", "%2B"), "success")


def main():
    with Cluster(BUILD / "bin", lease_ms=4000, environment={"MILLRACE_CONN_WAREHOUSE": "duckdb:warehouse.duckdb"}) as cluster:
        (cluster.root / "data").mkdir()
        for name in ("flights-3m.parquet", "airports.csv"):
            shutil.copy(DEPS / "vega-datasets" / name, cluster.root / "data")
        shutil.copytree(SOURCE / "dags/contracts", cluster.dags / "contracts")
        for name in ("daily_flights", "flights_audit"):
            cluster.write_dag(f"{name}.yaml", (SOURCE / f"dags/{name}.yaml").read_text())
        cluster.write_dag("plant.yaml", PLANT)
        cluster.start_scheduler()
        for name in ("w1", "w2"):
            cluster.start_worker(name, 2, "--no-local-shuffle")
        eventually("both workers are there", lambda: len(cluster.workers_seen()) == 2)

        for day in DAYS:
            run = trigger(cluster, "daily_flights", day).replace("+", "%2B")
            cluster.await_run("daily_flights", run, "success")
            assert fetched(cluster, run, "delays") > 0, "nothing was fetched by gRPC"
            reduces = [e for e in report(cluster, run, "delays")["timeline"] if e["stage"] == "reduce"]
            assert len(reduces) == 8 and {e["worker"] for e in reduces} == {"w1", "w2"}, reduces
            audit(cluster, day)
            print(day, "equals a plain query")
        # The comparison itself can fail: with another threshold other flights count as delayed.
        second = cluster.ask("POST", "/api/v2/dags/flights_audit/dagRuns", {
            "logical_date": f"{DAYS[0]}T00:00:00Z", "dag_run_id": "other", "conf": {"threshold_minutes": 16}})
        cluster.await_run("flights_audit", second["dag_run_id"], "failed")

        cluster.await_run("plant", cluster.trigger("plant").replace("+", "%2B"), "success")
        run = trigger(cluster, "daily_flights", "2001-04-02", {"source": "data/planted/*.parquet"}).replace("+", "%2B")
        cluster.await_run("daily_flights", run, "failed")
        states = {task: row["state"] for task, row in cluster.tasks("daily_flights", run).items()}
        assert states["quality"] == "failed" and states["publish"] == "upstream_failed", states
        log = cluster.log("daily_flights", run, "quality")
        assert "FAILED: range(delay" in log and "77777" in log, log
        assert not (cluster.root / "lake/gold/2001-04-02").exists()
        assert list((cluster.root / "lake/bad/2001-04-02").glob("*.parquet"))
        print("the planted day stopped at its check")

        run = trigger(cluster, "daily_flights", "2001-02-07").replace("+", "%2B")
        cluster.await_task("daily_flights", run, "delays", "running")
        cluster.workers["w2"].kill()
        cluster.await_run("daily_flights", run, "success")
        audit(cluster, "2001-02-07")
        print("a worker was killed in a job, and the result is the same")


main()
