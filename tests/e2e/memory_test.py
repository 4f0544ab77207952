#!/usr/bin/env python3
"""Jobs that shuffle a gigabyte on two workers of 64 MB: grouped by keys that hardly repeat, and sorted, the latter into CSV files of
a size that are checked. The results are those of plain DuckDB, no runner takes much more than it was given, and what did not fit is reported as spilled.
In the release build: sanitizers take memory of their own.

usage: memory_test.py BUILD SOURCE [ROWS MEGABYTES]     of about 100 bytes; of each worker
"""
import pathlib
import subprocess
import sys

BUILD, SOURCE = map(pathlib.Path, sys.argv[1:3])
ROWS = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000_000
sys.path.insert(0, str(SOURCE / "tests/support"))
from cluster import Cluster, eventually, processes  # noqa: E402

BIN = BUILD / "bin"
BUDGET = 1_000_000 * (int(sys.argv[4]) if len(sys.argv) > 4 else 64)
# Code, stacks, DuckDB's own structures, what malloc keeps, and the texts of a max(), which DuckDB does not count.
BESIDE = 128_000_000

JOB = """dag_id: {dag}
schedule: null
tasks:
  - id: job
    uses: mapreduce
    with:
      inputs: {{rows: {{path: data/rows.parquet}}}}
      {what}
      mode: distributed
      output: {{path: out/{dag}/, {form}}}
"""
FORMS = {"grouped": "format: parquet", "sorted": "format: csv, file_size: 64MB"}
READ = {"grouped": "read_parquet('{}/*.parquet')", "sorted": "read_csv('{}/*.csv', types={{'k': 'UBIGINT', 'payload': 'VARCHAR'}})"}
GROUPED = """map: SELECT k, payload FROM rows
      aggregate: {by: [k], select: {n: count(*), most: max(payload)}}"""
SORTED = """map: SELECT k, payload FROM rows
      order_by: [payload]
      checks: [row_count > 0]"""


def plain(statement):
    subprocess.run([BIN / "plain_duckdb", statement, "1"], check=True, stdout=subprocess.DEVNULL)


def answer(cluster, query):
    """The one row of a query, as text."""
    out = cluster.folder / "answer.csv"
    plain(f"SET memory_limit='4GB'; SET temp_directory='{cluster.folder}/spilled'; COPY ({query}) TO '{out}' (HEADER false)")
    return out.read_text().strip()


def made(cluster, dag):
    """The rows that a job has published."""
    return READ[dag].format(cluster.root / "out" / dag)


def out_of_order(cluster, dag, column):
    """Rows that are less than the one before, as one thread reads them, file by file: without an ORDER BY nothing is held, whatever their size."""
    return int(answer(cluster, f"SELECT count(*) FROM (SELECT {column} < lag({column}) OVER () AS wrong "
                      f"FROM {made(cluster, dag)}) WHERE wrong"))


def anonymous_bytes(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return 1024 * int(status.split("RssAnon:")[1].split()[0]) if "RssAnon:" in status else 0


def run(cluster, dag, what):
    """The report of the job, and the most that a runner held while it ran."""
    cluster.write_dag(f"{dag}.yaml", JOB.format(dag=dag, what=what, form=FORMS[dag]))
    started = cluster.trigger(dag)
    most = 0

    def over():
        nonlocal most
        runners = [pid for name in cluster.workers for pid in cluster.runners_of(name)]
        most = max([most, *map(anonymous_bytes, runners)])
        return cluster.run(dag, started)["state"] in ("success", "failed")

    eventually(f"{dag} ends", over, 3600)
    cluster.await_run(dag, started, "success")
    shown = cluster.ask("GET", f"/millrace/v1/jobs/{dag}/{started}/job")
    return shown["report"], most


def main():
    with Cluster(BIN) as cluster:
        data = cluster.root / "data"
        data.mkdir()
        plain("COPY (SELECT hash(i) AS k, rpad(hash(i + 1)::VARCHAR, 96, 'x') AS payload "
              f"FROM range({ROWS}) t(i)) TO '{data}/rows.parquet' (ROW_GROUP_SIZE 50000)")
        cluster.start_scheduler()
        for name in ("w1", "w2"):
            cluster.start_worker(name, 1, "--memory", str(BUDGET))
        eventually("both workers are there", lambda: len(cluster.workers_seen()) == 2)

        # DuckDB's hash gives every number another one, so each key has one row; to group them plain DuckDB would hold all texts at once.
        for dag, what, theirs in (
                ("grouped", GROUPED, f"SELECT k, 1::BIGINT AS n, payload AS most FROM '{data}/rows.parquet'"),
                ("sorted", SORTED, f"SELECT k, payload FROM '{data}/rows.parquet'")):
            report, most = run(cluster, dag, what)
            ours = f"FROM {made(cluster, dag)}"
            sums = "SELECT count(*), bit_xor(hash(COLUMNS(*))), sum(hash(COLUMNS(*)) % 1000003) FROM"
            assert answer(cluster, f"{sums} ({ours})") == answer(cluster, f"{sums} ({theirs})"), f"{dag}: other rows than DuckDB's"
            shuffled = sum(partition["bytes"] for partition in report["partitions"])
            spilled = sum(stage["spilled_bytes"] for stage in report["stages"])
            assert shuffled > 95 * ROWS, f"{dag} shuffled {shuffled} bytes only"
            assert spilled > 0, f"{dag}: nothing was spilled"
            assert most < BUDGET + BESIDE, f"{dag}: a runner held {most} bytes"
            print(f"{dag}: {shuffled} bytes shuffled, {spilled} spilled, at most {most} in a runner")
        assert (wrong := out_of_order(cluster, "sorted", "payload")) == 0, f"{wrong} rows out of order"
        assert out_of_order(cluster, "grouped", "most") > 0, "rows in any order are out of order"


main()
