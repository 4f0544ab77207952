#!/usr/bin/env python3
"""Fills the disk under the scheduler's state folder while a run is under way: changes are refused or wait, reads go on, nothing that was
answered is lost, and with room again everything goes on by itself.

usage: disk_full_test.py BUILD SOURCE
"""
import os
import pathlib
import subprocess
import sys
import urllib.error

BUILD, SOURCE = map(pathlib.Path, sys.argv[1:3])
sys.path.insert(0, str(SOURCE / "tests/support"))
from cluster import Cluster, eventually  # noqa: E402

DAG = """dag_id: work
schedule: null
tasks:
  - {id: wait, uses: shell, with: {command: "while [ ! -e GO ]; do /bin/sleep 0.1; done"}}
  - {id: then, uses: empty, needs: [wait]}
"""


def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 65536)
        except OSError:
            pass
        try:
            while True:
                file.write(b"x")
        except OSError:
            pass


def main():
    if os.geteuid() != 0:
        print("skipped: only root can mount a small tmpfs")
        sys.exit(77)
    with Cluster(BUILD / "bin") as cluster:
        cluster.state.mkdir(mode=0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=0700", "tmpfs", cluster.state], check=True)
        try:
            cluster.write_dag("work.yaml", DAG.replace("GO", str(cluster.root / "go")))
            cluster.start_scheduler()
            cluster.start_worker("w1", 2)
            run = cluster.trigger("work")
            cluster.await_task("work", run, "wait", "running")

            fill(cluster.state / "filler")
            refused = 0
            for name in range(3000):  # the store goes on for as long as it has room of its own, in a log that was longer before
                if refused == 3:
                    break
                try:
                    cluster.ask("POST", "/api/v2/dags/work/dagRuns", {"logical_date": None, "dag_run_id": f"full{name}"})
                except (urllib.error.HTTPError, TimeoutError) as error:
                    refused += 1
                    (cluster.root / "go").touch()  # the task ends; its report cannot become durable now
                    print("refused:", getattr(error, "code", error))
            assert refused == 3, "the disk was not full for the store: the fault missed"
            assert cluster.ask("GET", "/api/v2/dags")["total_entries"] == 1, "reads must go on"
            assert cluster.run("work", run)["state"] == "running"

            (cluster.state / "filler").unlink()
            cluster.await_run("work", run, "success")
            assert len(cluster.tries("work", run, "wait")) <= 1, "the task ran again"
            second = cluster.trigger("work")
            cluster.await_run("work", second, "success")
            print("the scheduler went on by itself")
        finally:
            cluster.kill_scheduler()
            subprocess.run(["umount", "-l", cluster.state], check=True)


main()
