#!/usr/bin/env python3
"""Kills workers (agent and runner at once, kill -9) at each of their named failpoints: first one death a run in a single extract, then
several in each flights run, in its maps, its reduces, its publish and its loads. The dead worker is started again by name. Every run ends
with the rows of a plain query, in the lake and in the warehouse; what was cut in two has left nothing; one attempt of each stage task
counts. Where a worker died is asserted from the job's report. A failpoint that does not fire fails the test.

usage: worker_failpoints_test.py BUILD SOURCE DEPS
"""
import pathlib
import sqlite3
import sys
import time

BUILD, SOURCE, DEPS = map(pathlib.Path, sys.argv[1:4])
sys.path.insert(0, str(SOURCE / "tests/support"))
sys.path.insert(0, str(SOURCE / "tests/integration/faults"))
from cluster import PATIENCE, Cluster, eventually  # noqa: E402
import pipeline  # noqa: E402

WORKERS = ("w1", "w2")
# In one extract of two files, whose output is there already from the run before.
EXTRACT = """dag_id: one_extract
schedule: null
tasks:
  - id: extract
    uses: extract
    with: {sql: "SELECT range AS n, '{{ run_id }}' AS run FROM range(1000)", to: lake/one/, files: 2}
"""
IN_AN_EXTRACT = [
    ("agent.assigned", 1), ("task.before_start", 1), ("lake.before_seal", 1), ("lake.after_seal", 2), ("lake.before_fence", 1),
    ("lake.after_fence", 1), ("lake.linked", 1), ("lake.before_manifest", 1), ("lake.after_manifest", 1), ("lake.before_rename", 1),
    ("lake.after_exchange", 1), ("lake.after_rename", 1), ("lake.published", 1), ("task.before_report", 1), ("task.after_report", 1),
    ("agent.before_report", 1), ("agent.before_report", 2), ("agent.after_report", 1), ("agent.after_report", 2), ("agent.acknowledged", 1)]
# Each a flights run: point, hit, the task and the stage ("" for none) in whose attempt the worker dies. Of lake's publishes, the first is
# extract's, the second what the check put aside, the third the job's.
IN_THE_PIPELINE = [
    [("map.rows", 2, "delays", "map")],
    [("reduce.merged", 3, "delays", "reduce")],
    [("plan.made", 1, "delays", "plan"), ("map.written", 2, "delays", "map"), ("reduce.fetched", 7, "delays", "reduce"),
     ("lake.after_fence", 3, "delays", "publish"), ("load.before_commit", 1, "publish", "")],
    [("map.handed_over", 3, "delays", "map"), ("reduce.staged", 1, "delays", "reduce"), ("lake.before_rename", 3, "delays", "publish"),
     ("load.after_commit", 1, "publish", "")],
    [("agent.before_keep", 2, "delays", "map"), ("lake.before_seal", 8, "delays", "reduce"), ("lake.after_rename", 3, "delays", "publish"),
     ("load.checkpointed", 1, "publish", "")],
    [("agent.after_keep", 3, "delays", "map"), ("lake.after_seal", 9, "delays", "reduce"), ("publish.dropped", 1, "delays", "publish")],
]

# Join, aggregate, sort: a worker dies while the join reads both sides, and takes what it had of them along.
STAGES = """dag_id: stages
schedule: null
tasks:
  - id: job
    uses: mapreduce
    with:
      mode: distributed
      inputs:
        flights: {path: data/small/, read: split}
        airports: {path: data/airports.csv, read: split}
      shuffle: {partitions: 4}
      stages:
        - name: joined
          join: {left: flights, right: airports, on: {origin: iata}, strategy: shuffle, select: "airports.state, flights.delay"}
        - name: totals
          aggregate: {by: [state], select: {flights: count(*), total: sum(delay)}}
        - name: sorted
          order_by: [total DESC, state]
      output: {path: lake/stages/}
  - id: compare
    uses: sql
    needs: [job]
    with:
      sql: >
        WITH plain AS (SELECT state, count(*) AS flights, sum(delay) AS total FROM read_parquet('data/small/*.parquet') f
        JOIN read_csv('data/airports.csv') a ON f.origin = a.iata GROUP BY state), made AS (FROM read_parquet('lake/stages/*.parquet'))
        SELECT CASE WHEN count(*) > 0 THEN error(count(*) || ' rows differ') END FROM
        ((FROM plain EXCEPT ALL FROM made) UNION ALL (FROM made EXCEPT ALL FROM plain))
"""


class Mortals:
    """Workers that die where they are told; the dead are started again."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.deaths = 0

    def arm(self, points):
        """Both workers anew, as nothing runs. A point's hits are counted over both, so it fires in one of them."""
        for point in points:
            self.cluster.forget_hits(point.split("=")[0])
        for name in WORKERS:
            self.cluster.failpoints[name] = ",".join(points)
            self.cluster.workers[name].kill()
            self.cluster.workers[name].wait()
            self.cluster.start_worker(name, 2)
        pids = {name: self.cluster.workers[name].pid for name in WORKERS}
        eventually("the workers are back", lambda: {
            name: seen["pid"] for name, seen in self.cluster.workers_seen().items() if seen["state"] == "online"} == pids)
        self.deaths = 0

    def tend(self):
        for name in WORKERS:
            code = self.cluster.workers[name].poll()
            if code is None:
                continue
            assert code == -9, f"{name} ended by itself with {code}"
            self.deaths += 1
            self.cluster.start_worker(name, 2)

    def await_run(self, dag, run):
        deadline = time.monotonic() + PATIENCE
        while True:
            self.tend()
            state = self.cluster.run(dag, run)["state"]
            if state in ("success", "failed"):
                break
            assert time.monotonic() < deadline, f"{dag} {run} does not end: {self.cluster.tasks(dag, run)}"
        self.cluster.await_run(dag, run, "success")


def action(point):
    """A runner takes its agent along; the agent's death is its runners'."""
    return "kill" if point.startswith("agent.") else "kill-parent"


def nothing_is_left(cluster):
    staging = cluster.root / ".millrace/staging"
    eventually("staging is empty", lambda: not staging.exists() or not list(staging.iterdir()))
    half = [path for path in (cluster.root / "lake").rglob(".*.new")]
    assert not half, f"left in the lake: {half}"


def fired_since(cluster, before):
    return {(point, int(hit)) for point, hit, _ in cluster.fired()[before:]}


def one_extract(cluster, mortals, point, hit):
    before = len(cluster.fired())
    mortals.arm([f"{point}={action(point)}@{hit}"])
    run = cluster.trigger("one_extract").replace("+", "%2B")
    mortals.await_run("one_extract", run)
    # After the last report nothing of the run is left to wait for.
    eventually(f"{point}, hit {hit}, fires", lambda: fired_since(cluster, before))
    assert fired_since(cluster, before) == {(point, hit)}
    eventually("the worker is dead", lambda: (mortals.tend(), mortals.deaths == 1)[1])
    nothing_is_left(cluster)
    published = [path for path in (cluster.root / "lake/one").iterdir() if path.name.startswith("part-")]
    assert len(published) == 2, published


def one_pipeline(cluster, mortals, day, run, planned):
    before = len(cluster.fired())
    mortals.arm([f"{point}={action(point)}@{hit}" for point, hit, _, _ in planned])
    pipeline.trigger(cluster, "daily_flights", day, run)
    mortals.await_run("daily_flights", run)
    assert fired_since(cluster, before) == {(point, hit) for point, hit, _, _ in planned}, cluster.fired()[before:]
    assert mortals.deaths == len(planned), mortals.deaths
    for point, hit, task, stage in planned:
        if stage == "":
            continue
        report = cluster.ask("GET", f"/millrace/v1/jobs/daily_flights/{run}/{task}")["report"]
        stages = {entry["stage"]: entry for entry in report["stages"]}
        assert stages[stage]["attempts"] > stages[stage]["tasks"], f"{point}, hit {hit}: no attempt of the {stage} stage was lost: {report}"
        # One death alone tells the stages apart: in a map before any reduce task has begun, in a reduce after all maps had ended.
        gone = [entry for entry in report["decisions"] if entry["why"] == "its output is gone with its worker"]
        if len(planned) == 1 and stage == "map":
            assert stages["reduce"]["attempts"] == stages["reduce"]["tasks"], report
            assert "lost" in [entry["outcome"] for entry in report["timeline"] if entry["stage"] == "map"], report
        if len(planned) == 1 and stage == "reduce":
            assert gone and stages["map"]["attempts"] == stages["map"]["tasks"] + len(gone), report
    nothing_is_left(cluster)
    pipeline.audit(cluster, day, run)
    print(run, "survived", ", ".join(f"{point}@{hit}" for point, hit, _, _ in planned), flush=True)


def one_join(cluster, mortals):
    before = len(cluster.fired())
    # Nothing but the join fetches before the join is done.
    mortals.arm(["reduce.fetched=kill-parent@3"])
    run = cluster.trigger("stages").replace("+", "%2B")
    mortals.await_run("stages", run)
    assert fired_since(cluster, before) == {("reduce.fetched", 3)}, cluster.fired()[before:]
    report = cluster.ask("GET", f"/millrace/v1/jobs/stages/{run}/job")["report"]
    stages = {entry["stage"]: entry for entry in report["stages"]}
    # Whether those that ran count as lost or as stopped for want of input depends on what is noticed first.
    assert stages["joined"]["attempts"] > stages["joined"]["tasks"], report
    gone = [entry["what"] for entry in report["decisions"] if entry["why"] == "its output is gone with its worker"]
    assert gone and all(what.split()[0] in ("flights", "airports", "joined") for what in gone), report
    assert stages["totals"]["attempts"] == stages["totals"]["tasks"], report
    nothing_is_left(cluster)
    print("a join survived; made again:", ", ".join(gone), flush=True)


def main():
    with Cluster(BUILD / "bin", lease_ms=10000, environment=pipeline.WAREHOUSE) as cluster:
        pipeline.lay_out(cluster, SOURCE, DEPS)
        cluster.write_dag("one_extract.yaml", EXTRACT)
        cluster.write_dag("stages.yaml", STAGES)
        cluster.start_scheduler()
        pipeline.begin(cluster, WORKERS)
        mortals = Mortals(cluster)
        cluster.await_run("one_extract", cluster.trigger("one_extract").replace("+", "%2B"), "success")
        began = time.monotonic()
        for point, hit in IN_AN_EXTRACT:
            one_extract(cluster, mortals, point, hit)
        print(f"an extract survived {len(IN_AN_EXTRACT)} deaths in {time.monotonic() - began:.0f} s", flush=True)
        one_join(cluster, mortals)
        for number, (day, planned) in enumerate(zip(pipeline.days(), IN_THE_PIPELINE)):
            one_pipeline(cluster, mortals, day, f"run{number}", planned)
        cluster.scheduler.terminate()
        cluster.scheduler.wait(timeout=PATIENCE)
        store = sqlite3.connect(cluster.state / "millrace.db")
        twice = store.execute("SELECT key, try_number, stage, idx, count(*) FROM stage_task WHERE revoked = 0 "
                              "GROUP BY 1, 2, 3, 4 HAVING count(*) > 1").fetchall()
        assert not twice, f"two attempts of one stage task are committed: {twice}"
        store.close()


main()
