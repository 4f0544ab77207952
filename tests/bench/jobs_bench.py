#!/usr/bin/env python3
"""mapreduce jobs on two workers of two slots, fused, distributed and distributed with all fetches by gRPC, beside DuckDB, Polars and
Spark with two threads: milliseconds (the best round), CPU seconds of that round and peak memory, and whether the answers are the same.
Prints, judges nothing but answers. Called by jobs.sh, which brings the peers.

A job's time is its task instance's, from running to published; a peer's is that of one warm process, start excluded. A job has two rounds
more, as there are four runners to warm. Memory is what processes hold by themselves and share (anonymous and memfd), sampled; page
cache is nobody's.

usage: jobs_bench.py BIN DEPS [--rows MILLIONS] [--rounds N] [--full] [--only TEXT] [--data FOLDER] [--peers duckdb,polars,spark]
"""
import argparse
import contextlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import duckdb

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from cluster import Cluster, eventually, processes  # noqa: E402
from jobs_cases import cases, make_data  # noqa: E402

TICK = 100
def tree(roots):
    """The pids of these processes and of all below them."""
    everyone = processes()
    found = set(roots)
    while True:
        more = {p[0] for p in everyone if p[1] in found} - found
        if not more:
            return found
        found |= more


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
            ticks += sum(map(int, stat[stat.rindex(")") + 2:].split()[11:15]))  # its own, and those of children that ended
    return ticks / TICK


def held_bytes(pid):
    with contextlib.suppress(OSError):
        lines = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
        return 1024 * sum(int(lines[kind].split()[0]) for kind in ("RssAnon", "RssShmem") if kind in lines)
    return 0


class Watch:
    """What the trees of processes take between start and stop."""

    def __init__(self, roots):
        self.roots = roots
        self.peak = 0
        self.over = threading.Event()
        self.cpu = cpu_seconds(tree(roots))
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self):
        while not self.over.wait(0.05):
            self.peak = max(self.peak, sum(map(held_bytes, tree(self.roots))))

    def stop(self):
        self.over.set()
        self.thread.join()
        return cpu_seconds(tree(self.roots)) - self.cpu, self.peak


def better(best, ms, cpu, peak):
    """Time and CPU of the best round, the most memory of all."""
    peak = max(peak, best[2]) if best else peak
    return (ms, cpu, peak) if best is None or ms < best[0] else (*best[:2], peak)


def by_peer(engine, case, arguments, output):
    command = [sys.executable, HERE / "jobs_peer.py", engine, case.label, arguments.data, output, str(arguments.rounds), str(arguments.rows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        best = None
        watch = None
        for line in process.stdout:
            if line.strip() == "begin":
                watch = Watch([process.pid])
            else:
                best = better(best, float(line), *watch.stop())
                watch = None
        if watch is not None:
            watch.stop()
        if process.wait() != 0:
            print(f"  {engine} failed: {process.stderr.read().strip().splitlines()[-1:]}", file=sys.stderr)
            return None
    return best


def by_job(cluster, case, name, rounds):
    mode = "fused" if name == "fused" else "distributed"
    dag = f"{name}_{abs(hash(case.label))}"
    inputs = ", ".join(f"{name}: {{path: data/{file}}}" for name, file in case.inputs.items())
    form = ", format: text" if case.user_code else ""
    body = "\n".join("      " + line for line in case.job.splitlines())
    cluster.write_dag(f"{dag}.yaml", f"dag_id: {dag}\nschedule: null\ntasks:\n  - id: job\n    uses: mapreduce\n    with:\n"
                      f"      inputs: {{{inputs}}}\n{body}\n      mode: {mode}\n      output: {{path: out/{dag}/{form}}}\n")
    best = None
    for _ in range(rounds):
        watch = Watch([cluster.scheduler.pid, *(worker.pid for worker in cluster.workers.values())])
        run = cluster.trigger(dag)
        try:
            cluster.await_run(dag, run, "success", 1800)
        except AssertionError as error:
            print(f"  {name} failed: {error}", file=sys.stderr)
            watch.stop()
            return None, None
        best = better(best, 1000 * cluster.tasks(dag, run)["job"]["duration"], *watch.stop())
    return best, cluster.root / "out" / dag


def answer(case, path):
    """Of the rows in any order, as all engines write them."""
    connection = duckdb.connect()
    if case.user_code and path.is_dir() and any(path.glob("*.txt")):
        rows = f"FROM read_csv('{path}/*.txt', columns={{'word': 'VARCHAR', 'n': 'BIGINT'}}, header=false, delim='\\t', quote='')"
    else:
        rows = f"FROM read_parquet('{path}/*.parquet')" if path.is_dir() else f"FROM '{path}'"
    return connection.execute(f"SELECT count(*), sum(hash(COLUMNS(*)::VARCHAR) % 1000003) {rows}").fetchone()


@contextlib.contextmanager
def workers(arguments, *flags):
    with Cluster(arguments.bin) as cluster:
        cluster.root = arguments.root
        cluster.start_scheduler()
        for name in ("w1", "w2"):
            cluster.start_worker(name, 2, *flags)
        eventually("both workers are there", lambda: len(cluster.workers_seen()) == 2)
        yield cluster


def show(title, rows, columns, index, unit):
    print(f"\n{title:34}" + "".join(f"{column:>13}" for column in columns))
    for label, measured in rows:
        values = (measured.get(column) for column in columns)
        print(f"{label:34}" + "".join(f"{unit(value[index]):>13}" if value else f"{'-':>13}" for value in values))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("deps", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=10, help="millions")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="also 100 M rows and 1 GB of words")
    parser.add_argument("--only", default="", help="cases whose label has this in it")
    parser.add_argument("--data", type=pathlib.Path, help="a folder that keeps the data; else a temporary one")
    parser.add_argument("--peers", default="duckdb,polars,spark")
    arguments = parser.parse_args()
    arguments.bin = arguments.bin.resolve()
    with tempfile.TemporaryDirectory(prefix="millrace_jobs_") as scratch:
        arguments.root = (arguments.data or pathlib.Path(scratch)).resolve()
        arguments.data = arguments.root / "data"
        arguments.data.mkdir(parents=True, exist_ok=True)
        shutil.copytree(arguments.bin.parent / "lib", arguments.root / "lib", dirs_exist_ok=True)
        shutil.copy(arguments.deps / "vega-datasets/flights-3m.parquet", arguments.data)
        make_data(duckdb, arguments.data, arguments.rows, arguments.full)
        chosen = [case for case in cases(arguments.rows) if (arguments.full or not case.full) and arguments.only in case.label]
        peers = [peer for peer in arguments.peers.split(",") if peer]
        rows = measure(chosen, peers, arguments, pathlib.Path(scratch))
    wrong = sum(seen.pop("wrong") for _, seen in rows)
    columns = [*peers, "fused", "distributed", "gRPC"]
    show("ms, best round", rows, columns, 0, lambda ms: f"{ms:.0f}")
    show("CPU seconds of that round", rows, columns, 1, lambda cpu: f"{cpu:.2f}")
    show("peak MB", rows, columns, 2, lambda held: f"{held / 1e6:.0f}")
    if "duckdb" in peers:
        ratios = [(label, {name: (seen["duckdb"][0] / one[0],) for name, one in seen.items() if one and seen.get("duckdb")})
                  for label, seen in rows]
        show("times DuckDB's speed", ratios, columns, 0, lambda ratio: f"{ratio:.2f}")
    if wrong:
        sys.exit(f"{wrong} answers differ")


def measure(chosen, peers, arguments, scratch):
    """Of each case: its label, what each engine took, and how many answers differed from the first."""
    rows = []
    with workers(arguments) as local, workers(arguments, "--no-local-shuffle") as remote:
        for case in chosen:
            began = time.monotonic()
            seen = {}
            answers = {}
            for peer in peers:
                output = scratch / f"{peer}.parquet"
                seen[peer] = by_peer(peer, case, arguments, output)
                if seen[peer]:
                    answers[peer] = answer(case, output)
            for name, cluster in (("fused", local), ("distributed", local), ("gRPC", remote)):
                if name == "fused" and case.user_code:
                    continue
                seen[name], output = by_job(cluster, case, name, arguments.rounds + 2)
                if seen[name]:
                    answers[name] = answer(case, output)
                    shutil.rmtree(output)
            wrong = {name: told for name, told in answers.items() if told != next(iter(answers.values()))}
            if wrong:
                print(f"  {case.label}: answers differ: {answers}", file=sys.stderr)
            seen["wrong"] = len(wrong)
            print(f"{case.label}: {len(answers)} answers in {time.monotonic() - began:.0f} s" + ("" if wrong else ", all the same"), flush=True)
            rows.append((case.label, seen))
    return rows


main()
