#!/usr/bin/env python3
"""A scheduler that has run out of descriptors lets workers wait, and takes them when there is room again. In the release build: where
no descriptor is free, UBSan's look at an object's type (it opens a pipe) reports sound objects as broken.

usage: descriptors_test.py BUILD SOURCE
"""
import pathlib
import resource
import socket
import sys

BUILD, SOURCE = map(pathlib.Path, sys.argv[1:3])
sys.path.insert(0, str(SOURCE / "tests/support"))
from cluster import Cluster, eventually  # noqa: E402


def limit_descriptors(pid, spare):
    """Leaves the process so many more than it has open; answers the limits that it had."""
    open_now = len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_now + spare, before[1]))
    return before


def main():
    with Cluster(BUILD / "bin") as cluster:
        cluster.start_scheduler()
        log = cluster.folder / "scheduler.log"
        host, port = cluster.ports[1].split(":")
        before = limit_descriptors(cluster.scheduler.pid, 8)
        crowd = [socket.create_connection((host, int(port)), timeout=20) for _ in range(32)]
        eventually("the gateway is out of descriptors", lambda: "Worker connections wait" in log.read_text())
        cluster.start_worker("w1")
        told = log.read_text().count("Worker connections wait")
        eventually("the gateway goes on asking", lambda: log.read_text().count("Worker connections wait") > told + 3)
        assert cluster.scheduler.poll() is None, "the scheduler ended"
        for connection in crowd:
            connection.close()
        resource.prlimit(cluster.scheduler.pid, resource.RLIMIT_NOFILE, before)
        eventually("the worker that waited has joined", lambda: "w1" in cluster.workers_seen())
        print("out of descriptors, workers waited; with room again they joined")


main()
