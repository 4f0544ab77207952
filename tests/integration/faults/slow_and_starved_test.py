#!/usr/bin/env python3
"""Stage tasks that are slow, or are killed for memory. One of four mappers never ends: it is tried a second time on the other worker, the
job ends with every row counted once, and the mapper that hung is killed. A runner is killed as the kernel kills one when memory is short:
what ran in it is tried again with twice the slots, whose memory it gets. A fault that does not happen fails the test.

usage: slow_and_starved_test.py BUILD SOURCE
"""
import pathlib
import sys

BUILD, SOURCE = map(pathlib.Path, sys.argv[1:3])
sys.path.insert(0, str(SOURCE / "tests/support"))
from cluster import Cluster, eventually, processes  # noqa: E402

# A folder can be made by one of them only.
HANGS = "mkdir $MILLRACE_ROOT/hung 2>/dev/null && exec sleep 7654; sed 's/$/\\t1/'"
SLOW = f"""dag_id: slow
schedule: null
tasks:
  - id: job
    uses: mapreduce
    with:
      inputs: {{text: {{path: data/text/, format: text}}}}
      map: {{command: [sh, -c, "{HANGS.replace(chr(92), chr(92) * 2)}"]}}
      reduce: {{command: [awk, -F, "\\t", "{{n[$1] += $2}} END {{for (k in n) print k FS n[k]}}"]}}
      output: {{path: out/slow/, format: text}}
"""
STARVED = """dag_id: starved
schedule: null
tasks:
  - id: job
    uses: mapreduce
    with:
      inputs: {text: {path: data/text/, format: text}}
      map: SELECT line FROM text
      aggregate: {by: [line], select: {n: count(*)}}
      mode: distributed
      output: {path: out/starved/, format: csv}
"""


def decisions(cluster, dag, run):
    report = cluster.ask("GET", f"/millrace/v1/jobs/{dag}/{run}/job")["report"]
    return {decision["rule"]: decision for decision in report["decisions"]}


def a_slow_mapper_is_tried_twice(cluster):
    run = cluster.trigger("slow")
    cluster.await_run("slow", run, "success")
    assert (cluster.root / "hung").is_dir(), "no mapper hung"
    told = decisions(cluster, "slow", run)
    assert "is tried a second time" in told["speculate"]["what"], told
    counted = sorted(line for part in (cluster.root / "out/slow").glob("*.txt") for line in part.read_text().splitlines())
    assert counted == sorted(f"word{i}\t8" for i in range(100)), counted[:5]
    eventually("the mapper that hung is killed", lambda: not [p for p in processes() if "sleep 7654" in p[4] and p[3] != "Z"])
    print("slow:", told["speculate"]["what"] + ",", told["speculate"]["why"])


def a_starved_task_gets_more(cluster):
    for name in ("w1", "w2"):
        cluster.failpoints[name] = "map.rows=kill@1"
        cluster.workers[name].kill()
        cluster.workers[name].wait()
        cluster.start_worker(name, 2, "--memory", "256MB")
    eventually("the workers are back", lambda: sum(seen["state"] == "online" for seen in cluster.workers_seen().values()) == 2)
    run = cluster.trigger("starved")
    cluster.await_run("starved", run, "success")
    assert [entry[0] for entry in cluster.fired()] == ["map.rows"], cluster.fired()
    told = decisions(cluster, "starved", run)
    assert "with 2 slots and their memory" in told["memory"]["what"], told
    rows = [line for part in (cluster.root / "out/starved").glob("*.csv") for line in part.read_text().splitlines()[1:]]
    assert sorted(rows) == sorted(f"word{i},8" for i in range(100)), rows[:5]
    print("starved:", told["memory"]["what"])


def main():
    with Cluster(BUILD / "bin") as cluster:
        text = cluster.root / "data/text"
        text.mkdir(parents=True)
        for number in range(8):
            (text / f"{number}.txt").write_text("".join(f"word{i}\n" for i in range(100)))
        cluster.write_dag("slow.yaml", SLOW)
        cluster.write_dag("starved.yaml", STARVED)
        cluster.start_scheduler()
        for name in ("w1", "w2"):
            cluster.start_worker(name, 2)
        eventually("both workers are there", lambda: len(cluster.workers_seen()) == 2)
        a_slow_mapper_is_tried_twice(cluster)
        a_starved_task_gets_more(cluster)


main()
