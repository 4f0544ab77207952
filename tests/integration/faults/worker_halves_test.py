#!/usr/bin/env python3
"""What happens when half of a worker goes. A runner dies alone (kill -9) at each of its named failpoints, in an extract and in the flights
pipeline: its agent lives, says so, and the retry ends with the same rows. And a publisher stands still: runner and agent are stopped in
the midst of a publish, past their lease, while another worker is given the task, and then go on: what stands published in the end is the
newest attempt's, whole, and the run ends once. A failpoint that does not fire fails the test.

usage: worker_halves_test.py BUILD SOURCE DEPS
"""
import json
import os
import pathlib
import signal
import sys
import time

BUILD, SOURCE, DEPS = map(pathlib.Path, sys.argv[1:4])
sys.path.insert(0, str(SOURCE / "tests/support"))
sys.path.insert(0, str(SOURCE / "tests/integration/faults"))
from cluster import Cluster, eventually  # noqa: E402
import pipeline  # noqa: E402

WORKERS = ("w1", "w2")
EXTRACT = """dag_id: one_extract
schedule: null
tasks:
  - id: extract
    uses: extract
    retries: 1
    retry_delay: 0s
    with: {sql: "SELECT range AS n, '{{ run_id }}' AS run FROM range(1000)", to: lake/one/, files: 2}
"""
ALONE_IN_AN_EXTRACT = ["task.before_start", "lake.after_seal", "lake.after_fence", "lake.linked", "lake.after_manifest", "lake.before_rename",
                       "lake.after_exchange", "lake.after_rename", "lake.published", "task.before_report"]
# Hits as in worker_failpoints: the third publish of lake's is the job's.
ALONE_IN_THE_PIPELINE = [("map.rows", 2), ("map.handed_over", 3), ("reduce.merged", 3), ("lake.before_rename", 3), ("load.before_commit", 1)]
# Before it has the output's lock, and with it.
STOPPED_BEFORE_THE_LOCK = ["lake.after_seal", "task.before_report"]
STOPPED_WITH_THE_LOCK = ["lake.before_fence", "lake.after_fence", "lake.before_rename", "lake.after_exchange", "lake.published"]


def restart(cluster, points):
    """Both workers anew, armed; a hit is counted over both, so it fires in one of them."""
    for point in points:
        cluster.forget_hits(point.split("=")[0])
    for name in WORKERS:
        cluster.failpoints[name] = ",".join(points)
        cluster.workers[name].kill()
        cluster.workers[name].wait()
        cluster.start_worker(name, 2)
    pids = {name: cluster.workers[name].pid for name in WORKERS}
    eventually("the workers are back", lambda: {
        name: seen["pid"] for name, seen in cluster.workers_seen().items() if seen["state"] == "online"} == pids)
    return pids


def manifest(cluster):
    return json.loads((cluster.root / "lake/one/_manifest.json").read_text())


def one_whole_output(cluster, run):
    staging = cluster.root / ".millrace/staging"
    eventually("staging is empty", lambda: not staging.exists() or not list(staging.iterdir()))
    half = [path for path in (cluster.root / "lake").rglob(".*.new")]
    assert not half, f"left in the lake: {half}"
    told = manifest(cluster)
    files = {path.name: path.stat().st_size for path in (cluster.root / "lake/one").iterdir() if path.name.startswith("part-")}
    assert files == {file["path"]: file["bytes"] for file in told["files"]} and len(files) == 2, (files, told)
    assert told["rows"] == 1000 and told["run_id"] == run.replace("%2B", "+"), told


def new_run(cluster):
    return cluster.trigger("one_extract").replace("+", "%2B")


def a_runner_dies_alone(cluster, point):
    before = len(cluster.fired())
    pids = restart(cluster, [f"{point}=kill@1"])
    run = new_run(cluster)
    cluster.await_run("one_extract", run, "success")
    assert [entry[0] for entry in cluster.fired()[before:]] == [point], cluster.fired()[before:]
    assert {name: process.pid for name, process in cluster.workers.items() if process.poll() is None} == pids, "an agent is gone"
    tries = cluster.tries("one_extract", run, "extract")
    assert len(tries) == 2 and "signal 9" in tries[0]["note"], f"{point}: {tries}"
    one_whole_output(cluster, run)


def runners_die_alone_in_the_pipeline(cluster, day, run):
    before = len(cluster.fired())
    pids = restart(cluster, [f"{point}=kill@{hit}" for point, hit in ALONE_IN_THE_PIPELINE])
    pipeline.trigger(cluster, "daily_flights", day, run)
    cluster.await_run("daily_flights", run, "success")
    fired = {(point, int(hit)) for point, hit, _ in cluster.fired()[before:]}
    assert fired == set(ALONE_IN_THE_PIPELINE), fired
    assert {name: process.pid for name, process in cluster.workers.items() if process.poll() is None} == pids, "an agent is gone"
    pipeline.audit(cluster, day, run)


def a_publisher_stands_still(cluster, point, successor_can_publish):
    before = len(cluster.fired())
    pids = restart(cluster, [f"{point}=stop@1"])
    run = new_run(cluster)
    fired = eventually(f"{point} fires", lambda: cluster.fired()[before:])
    assert [entry[0] for entry in fired] == [point], fired
    runner = int(fired[0][2])
    agent = next(pid for name, pid in pids.items() if runner in cluster.runners_of(name))
    name = next(name for name, pid in pids.items() if pid == agent)
    os.kill(agent, signal.SIGSTOP)
    try:
        if successor_can_publish:
            cluster.await_run("one_extract", run, "success")
            published = manifest(cluster)
        else:
            eventually("the other worker has it", lambda: (
                lambda task: task["state"] == "running" and task["hostname"] != name)(cluster.tasks("one_extract", run)["extract"]))
    finally:
        os.kill(agent, signal.SIGCONT)
        os.kill(runner, signal.SIGCONT)
    cluster.await_run("one_extract", run, "success")
    eventually("it joins anew", lambda: cluster.workers_seen().get(name, {}).get("state") == "online")
    eventually("the stopped runner has ended or is idle", lambda: runner not in cluster.runners_of(name) or quiet(cluster))
    assert cluster.tasks("one_extract", run)["extract"]["try_number"] == 1, "a lost attempt is no retry"
    if successor_can_publish:
        assert manifest(cluster) == published, f"{point}: {manifest(cluster)} instead of {published}"
    one_whole_output(cluster, run)
    print(f"stopped at {point}: {manifest(cluster)['term']}-{manifest(cluster)['counter']} stands", flush=True)


def quiet(cluster):
    """All that was given up has ended: a task that needs every slot gets them."""
    staging = cluster.root / ".millrace/staging"
    return not staging.exists() or not list(staging.iterdir())


def main():
    with Cluster(BUILD / "bin", lease_ms=3000, environment=pipeline.WAREHOUSE) as cluster:
        pipeline.lay_out(cluster, SOURCE, DEPS)
        cluster.write_dag("one_extract.yaml", EXTRACT)
        cluster.start_scheduler()
        pipeline.begin(cluster, WORKERS)
        cluster.await_run("one_extract", new_run(cluster), "success")
        began = time.monotonic()
        for point in ALONE_IN_AN_EXTRACT:
            a_runner_dies_alone(cluster, point)
        print(f"runners died alone at {len(ALONE_IN_AN_EXTRACT)} points in {time.monotonic() - began:.0f} s", flush=True)
        for point in STOPPED_BEFORE_THE_LOCK:
            a_publisher_stands_still(cluster, point, True)
        for point in STOPPED_WITH_THE_LOCK:
            a_publisher_stands_still(cluster, point, False)
        print(f"publishers stood still, {time.monotonic() - began:.0f} s", flush=True)
        runners_die_alone_in_the_pipeline(cluster, next(pipeline.days()), "alone")
        print(f"all in {time.monotonic() - began:.0f} s", flush=True)


main()
