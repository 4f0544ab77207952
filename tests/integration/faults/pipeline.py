"""The flights pipeline that ships, on every tenth flight, so that a run is short: 1,600 rows a day. Set up in a
Cluster, run for a day, and compared with one plain query over the same rows."""

import shutil
import urllib.error

from cluster import eventually

SOURCE = "data/small/*.parquet"
SMALL = """dag_id: small
schedule: null
tasks:
  - id: small
    uses: extract
    with:
      sql: >
        SELECT * EXCLUDE (number) FROM (SELECT *, row_number() OVER () AS number FROM read_parquet('data/flights-3m.parquet'))
        WHERE number % 10 = 0
      to: data/small/
"""
# Every row that stands in the published files or in the warehouse alone.
WAREHOUSE_AUDIT = """dag_id: warehouse_audit
schedule: null
tasks:
  - id: compare
    uses: sql
    with:
      connection: warehouse
      sql: >
        SELECT CASE WHEN count(*) > 0 THEN error(count(*) || ' rows of {{ ds }} differ') END FROM (
        (SELECT * FROM (SELECT * FROM delays WHERE day = DATE '{{ ds }}') EXCEPT ALL FROM read_parquet('lake/gold/{{ ds }}/delays/*.parquet'))
        UNION ALL
        (SELECT * FROM read_parquet('lake/gold/{{ ds }}/delays/*.parquet') EXCEPT ALL (SELECT * FROM delays WHERE day = DATE '{{ ds }}')))
"""
WAREHOUSE = {"MILLRACE_CONN_WAREHOUSE": "duckdb:warehouse.duckdb"}


def days():
    """Each day once; a day's output is new, so that what a test sees of it was made in its own run."""
    for month, length in ((1, 31), (2, 28), (3, 31), (4, 30), (5, 31), (6, 30)):
        for day in range(1, length + 1):
            yield f"2001-{month:02}-{day:02}"


def lay_out(cluster, source, deps):
    (cluster.root / "data").mkdir()
    for name in ("flights-3m.parquet", "airports.csv"):
        shutil.copy(deps / "vega-datasets" / name, cluster.root / "data")
    shutil.copytree(source / "dags/contracts", cluster.dags / "contracts")
    for name in ("daily_flights", "flights_audit"):
        cluster.write_dag(f"{name}.yaml", (source / f"dags/{name}.yaml").read_text().replace("data/flights-3m.parquet", SOURCE))
    cluster.write_dag("small.yaml", SMALL)
    cluster.write_dag("warehouse_audit.yaml", WAREHOUSE_AUDIT)


def begin(cluster, workers):
    """The scheduler is up: starts the workers and makes the small source."""
    for name in workers:
        cluster.start_worker(name, 2)
    eventually("DAGs and workers are there", lambda: len(cluster.workers_seen()) == len(workers) and
               len(cluster.ask("GET", "/api/v2/dags")["dags"]) >= 4)
    cluster.await_run("small", cluster.trigger("small").replace("+", "%2B"), "success")


def trigger(cluster, dag, day, run):
    """False when the run was there already: an earlier request, whose answer was lost, had been heard."""
    try:
        cluster.ask("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": f"{day}T00:00:00Z", "dag_run_id": run})
        return True
    except urllib.error.HTTPError as error:
        if error.code != 409:
            raise
        return False


def audit(cluster, day, run):
    """The published rows equal a plain query, and the warehouse's are the same."""
    for dag in ("flights_audit", "warehouse_audit"):
        trigger(cluster, dag, day, run)
        cluster.await_run(dag, run, "success")
