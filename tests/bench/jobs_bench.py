#!/usr/bin/env python3
"""Aggregations as mapreduce jobs on two workers, fused and distributed, beside one DuckDB process with two threads that writes the same
Parquet; prints, judges nothing. Best of five each, in turns, so that what else the machine does meets all alike; a job's time is its
task instance's, from running to published.

usage: jobs_bench.py BIN_FOLDER DEPS [ROWS_IN_MILLIONS [ROUNDS]]
"""
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster import Cluster, eventually  # noqa: E402

BIN, DEPS = map(pathlib.Path, sys.argv[1:3])
MILLIONS = int(sys.argv[3]) if len(sys.argv) > 3 else 10
ROUNDS = int(sys.argv[4]) if len(sys.argv) > 4 else 5

# label, input, map SQL, keys, aggregates
SHAPES = [
    ("flights, 3 M rows, Parquet", "data/flights.parquet", "SELECT CAST(date AS DATE) AS day, origin, delay AS v FROM rows", ["day", "origin"]),
    (f"{MILLIONS} M rows, 100,000 keys, Parquet", "data/rows.parquet", "SELECT k, v FROM rows", ["k"]),
    (f"{MILLIONS} M rows, 100 keys, CSV", "data/rows.csv", "SELECT g, v FROM rows", ["g"]),
]
DAG = """dag_id: {dag}
schedule: null
tasks:
  - id: job
    uses: mapreduce
    with:
      inputs: {{rows: {{path: "{path}"}}}}
      map: {sql}
      aggregate: {{by: [{keys}], select: {{n: count(*), total: sum(v), most: max(v)}}}}
      mode: {mode}
      output: {{path: "out/{dag}/"}}
"""


def plain(statement, rounds):
    return float(subprocess.run([BIN / "plain_duckdb", statement, str(rounds)], check=True, stdout=subprocess.PIPE).stdout)


def job(cluster, dag):
    run = cluster.trigger(dag)
    cluster.await_run(dag, run, "success", 300)
    return 1000 * cluster.tasks(dag, run)["job"]["duration"]


def main():
    with Cluster(BIN) as cluster:
        data = cluster.root / "data"
        data.mkdir()
        shutil.copy(DEPS / "vega-datasets/flights-3m.parquet", data / "flights.parquet")
        rows = f"SELECT hash(i) % 100000 AS k, hash(i + 1) % 100 AS g, hash(i + 2) % 1000 AS v FROM range({MILLIONS}000000) t(i)"
        plain(f"COPY ({rows}) TO '{data}/rows.parquet'", 1)
        plain(f"COPY ({rows}) TO '{data}/rows.csv'", 1)
        cluster.start_scheduler()
        for name in ("w1", "w2"):
            cluster.start_worker(name, 2)
        eventually("both workers are there", lambda: len(cluster.workers_seen()) == 2)
        print(f"{f'ms, best of {ROUNDS}':44} {'DuckDB':>9} {'fused':>9} {'distributed':>12}   DuckDB / distributed")
        for number, (label, path, sql, keys) in enumerate(SHAPES):
            inner = sql.replace("FROM rows", f"FROM '{cluster.root / path}'")
            query = (f"COPY (SELECT {', '.join(keys)}, count(*) AS n, sum(v) AS total, max(v) AS most FROM ({inner}) GROUP BY ALL) "
                     f"TO '{cluster.root}/plain.parquet'")
            measured = {"DuckDB": lambda query=query: plain(query, 1)}
            for mode in ("fused", "distributed"):
                dag = f"{mode}{number}"
                cluster.write_dag(f"{dag}.yaml", DAG.format(dag=dag, path=path, sql=sql, keys=", ".join(keys), mode=mode))
                measured[mode] = lambda dag=dag: job(cluster, dag)
            best = dict.fromkeys(measured, 1e18)
            for _ in range(ROUNDS):
                for name, measure in measured.items():
                    best[name] = min(best[name], measure())
            print(f"{label:44} {best['DuckDB']:9.0f} {best['fused']:9.0f} {best['distributed']:12.0f}   "
                  f"{best['DuckDB'] / best['distributed']:.2f}", flush=True)


main()
