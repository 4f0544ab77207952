#!/usr/bin/env python3
"""Fills the disk under a worker's root, and under its own folder, while tasks write there: the attempt fails with the reason in one line
and the whole of it in its log, what was visible before is visible still and nothing else, staging is emptied, and with room again a retry
succeeds by itself. For a shell task, an extract, the moment of its publish, a load, and inside a job: its spilled map output, its result.

usage: worker_disk_full_test.py BUILD SOURCE
"""
import os
import pathlib
import signal
import sys

BUILD, SOURCE = map(pathlib.Path, sys.argv[1:3])
sys.path.insert(0, str(SOURCE / "tests/support"))
from cluster import Cluster, eventually  # noqa: E402
from small_disk import SmallDisk  # noqa: E402

FULL = "No space left on device"
RETRY = "retries: 30, retry_delay: 1s"
# {rows} of 48 bytes that no format makes smaller.
NOISE = "SELECT range % 1000 AS part, md5(range::VARCHAR || '{{ run_id }}') AS text, '{{ run_id }}' AS run FROM range({{ params.rows }})"
HEAD = "schedule: null\nparams: {rows: {type: integer, default: 1000}}\ndefault_args: {" + RETRY + "}\ntasks:\n"
DAGS = {
    "shell": "  - {id: work, uses: shell, with: {command: \"cd $MILLRACE_ROOT && head -c 4000000 /dev/urandom > shell.new && mv shell.new shell.out\"}}\n",
    "script": "  - {id: work, uses: shell, with: {command: $MILLRACE_FILES/work.sh, files: [work.sh]}}\n",
    "extract": f"  - id: work\n    uses: extract\n    with: {{sql: \"{NOISE}\", to: lake/extracted/, files: 2}}\n",
    "load": "  - id: work\n    uses: load\n    with: {connection: warehouse, table: noise, mode: append, input: lake/input/}\n",
    "input": f"  - id: work\n    uses: extract\n    with: {{sql: \"{NOISE}\", to: lake/input/, files: 2}}\n",
    "job": """  - id: work
    uses: mapreduce
    with:
      inputs: {noise: {path: lake/input/}}
      map: SELECT part, text, '{{ run_id }}' AS run FROM noise
      shuffle: {by: [part], partitions: 2}
      reduce: SELECT part, text, run FROM shuffled
      output: {path: lake/result/, format: csv}
""",
    # Its map output has 40 MB, a third of the worker's memory 32 MB: blocks are spilled into the worker's own folder.
    "spill": """  - id: work
    uses: mapreduce
    with:
      inputs: {noise: {path: lake/input/}}
      map: SELECT part, repeat(text, 12) AS wide FROM noise
      shuffle: {by: [part], partitions: 2}
      reduce: "SELECT part, count(*) AS rows, '{{ run_id }}' AS run FROM shuffled GROUP BY part"
      output: {path: lake/counted/, format: csv}
""",
}


class Story:
    """One DAG whose first run has succeeded; what its output looks like must not change while the second cannot finish."""

    def __init__(self, cluster, dag, output):
        self.cluster = cluster
        self.dag = dag
        self.output = cluster.root / output if output else None

    def visible(self):
        """Every file a reader could see, with its size and time."""
        if self.output is None or not self.output.exists():
            return {}
        files = self.output.rglob("*") if self.output.is_dir() else [self.output]
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.is_file()}

    def begin(self, rows=1000):
        self.last = self.cluster.trigger(self.dag, {"rows": rows}).replace("+", "%2B")
        return self.last

    def succeed(self, rows=1000):
        run = self.begin(rows)
        self.cluster.await_run(self.dag, run, "success")

    def fails_for_room(self, run, before):
        failed = eventually(f"an attempt of {self.dag} fails", lambda: self.cluster.await_task(
            self.dag, run, "work", "up_for_retry", "running", "success", "failed")["state"] != "running" and
            [one for one in self.cluster.tries(self.dag, run, "work") if one["state"] in ("failed", "up_for_retry")])[0]
        reason = failed["note"] or ""
        assert FULL in reason and "\n" not in reason, f"{self.dag}: {failed}"
        log = self.cluster.log(self.dag, run, "work", 1)
        assert FULL in log, f"{self.dag}: {log}"
        assert self.visible() == before, f"{self.dag}: {self.visible()} is visible, {before} was before"
        print(f"{self.dag}: {reason}", flush=True)

    def goes_on(self, run, before):
        self.cluster.await_run(self.dag, run, "success")
        if self.output is not None:
            assert self.visible() and self.visible() != before, f"{self.dag}: the retry has published nothing"
        staging = self.cluster.root / ".millrace/staging"
        eventually("staging is empty", lambda: not staging.exists() or not list(staging.iterdir()))
        half = list(self.cluster.root.rglob("*.new"))
        assert not half, half


def fill_while(cluster, disk, story, rows, room=50_000):
    """The disk is full before the run begins."""
    before = story.visible()
    disk.fill(room=room)
    run = story.begin(rows)
    story.fails_for_room(run, before)
    disk.free()
    story.goes_on(run, before)


def fill_at(cluster, disk, story, point, rows=1000):
    """The disk fills up while the attempt stands at `point`."""
    cluster.forget_hits(point)
    cluster.failpoints["w1"] = f"{point}=stop"
    restart(cluster)
    fired = len(cluster.fired())
    before = story.visible()
    run = story.begin(rows)
    pid = int(eventually(f"{point} is reached", lambda: cluster.fired()[fired:])[0][2])
    disk.fill()
    os.kill(pid, signal.SIGCONT)
    story.fails_for_room(run, before)
    disk.free()
    story.goes_on(run, before)
    del cluster.failpoints["w1"]


def restart(cluster):
    cluster.workers["w1"].kill()
    cluster.workers["w1"].wait()
    start(cluster)


def start(cluster):
    pid = cluster.start_worker("w1", 1, "--memory", "96MB").pid
    eventually("the worker is there", lambda: cluster.workers_seen().get("w1", {}).get("pid") == pid)


def main():
    with Cluster(BUILD / "bin", environment={"MILLRACE_CONN_WAREHOUSE": "duckdb:warehouse.duckdb"}) as cluster, \
            SmallDisk(cluster.root, 64) as root, SmallDisk(cluster.folder / "w1", 160) as own:
        cluster.faults.mkdir()
        for dag, tasks in DAGS.items():
            cluster.write_dag(f"{dag}.yaml", f"dag_id: {dag}\n{HEAD}{tasks}")
        (cluster.dags / "work.sh").write_text("#!/bin/sh\n" + "# a long one\n" * 10000)
        cluster.start_scheduler()
        start(cluster)
        stories = {dag: Story(cluster, dag, output) for dag, output in (
            ("input", "lake/input"), ("shell", "shell.out"), ("script", None), ("extract", "lake/extracted"), ("load", None),
            ("job", "lake/result"), ("spill", "lake/counted"))}
        stories["input"].succeed(100_000)
        for dag in ("shell", "extract", "job", "spill"):
            stories[dag].succeed()
        fill_while(cluster, root, stories["shell"], 1000)
        fill_while(cluster, own, stories["script"], 1000)
        fill_while(cluster, root, stories["extract"], 100_000)
        for point in ("lake.before_seal", "lake.before_fence", "lake.after_fence", "lake.before_manifest"):
            fill_at(cluster, root, stories["extract"], point)
        fill_while(cluster, root, stories["load"], 1000)
        fill_while(cluster, root, stories["job"], 1000)
        fill_at(cluster, root, stories["job"], "reduce.merged")
        fill_while(cluster, own, stories["spill"], 1000)
        report = cluster.ask("GET", f"/millrace/v1/jobs/spill/{stories['spill'].last}/work")["report"]
        assert sum(stage["spilled_bytes"] for stage in report["stages"]) > 0, f"nothing was spilled: the fault missed: {report}"


main()
