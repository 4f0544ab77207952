"""How fast tasks go through a real scheduler and two real workers of eight slots, durable store; prints, judges nothing.

usage: control_plane_bench.py BIN_FOLDER [SHAPE...]     shapes: wide chains shell python lag idle wide100k
"""

import datetime
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster import Cluster, eventually, processes  # noqa: E402

SLOTS = 8


def dag(name, chains, length, uses="empty", given=""):
    """`chains` chains of `length` tasks each."""
    lines = [f"dag_id: {name}", "schedule: null", "max_active_tasks: 100000", "tasks:"]
    for chain in range(chains):
        for step in range(length):
            needs = f", needs: [c{chain}s{step - 1}]" if step else ""
            lines.append(f"  - {{id: c{chain}s{step}, uses: {uses}{given}{needs}}}")
    return "\n".join(lines) + "\n"


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def once(cluster, name, patience=300):
    run = cluster.trigger(name)
    def ended():
        time.sleep(0.1)  # asking must not cost what is measured
        answer = cluster.run(name, run)
        return answer if answer["state"] in ("success", "failed") else None
    answer = eventually(f"{name} ends", ended, patience)
    assert answer["state"] == "success", answer
    return run, (moment(answer["end_date"]) - moment(answer["queued_at"])).total_seconds()


def burst(cluster, label, name, text, tasks, rounds=3):
    cluster.write_dag(f"{name}.yaml", text)
    seconds = min(once(cluster, name)[1] for _ in range(rounds))
    print(f"{label:44} {tasks / seconds:10.0f} tasks/s   ({seconds:.3f} s, best of {rounds})", flush=True)


def hundred_thousand(cluster):
    """As ten DAGs at once: a DAG file has at most 1 MiB."""
    names = [f"wide{i}" for i in range(10)]
    for name in names:
        cluster.write_dag(f"{name}.yaml", dag(name, 10_000, 1))
    for name in names:
        eventually(f"{name} is loaded", lambda name=name: [
            one for one in cluster.ask("GET", f"/api/v2/dags?dag_id_pattern={name}")["dags"] if one["dag_id"] == name])
    runs = [(name, cluster.trigger(name)) for name in names]
    answers = [cluster.await_run(name, run, "success", 300) for name, run in runs]
    seconds = (max(moment(a["end_date"]) for a in answers) - min(moment(a["queued_at"]) for a in answers)).total_seconds()
    print(f"{'burst, 10 x 10,000 empty at once':44} {100_000 / seconds:10.0f} tasks/s   ({seconds:.3f} s)", flush=True)


def lag(cluster):
    cluster.write_dag("lag.yaml", dag("lag", 4, 250))
    run, _ = once(cluster, "lag")
    found = {}
    for offset in range(0, 1000, 100):
        page = cluster.ask("GET", f"/api/v2/dags/lag/dagRuns/{run}/taskInstances?limit=100&offset={offset}")
        for task in page["task_instances"]:
            found[task["task_id"]] = task
    lags = sorted((moment(found[f"c{c}s{s}"]["start_date"]) - moment(found[f"c{c}s{s - 1}"]["end_date"])).total_seconds() * 1000
                  for c in range(4) for s in range(1, 250))
    print(f"{'lag, 4 chains of 250 empty':44} p50 {lags[len(lags) // 2]:.2f} ms   p99 {lags[len(lags) * 99 // 100]:.2f} ms"
          f"   max {lags[-1]:.2f} ms", flush=True)


def pss(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0


def idle(cluster):
    agent = cluster.workers["w1"].pid
    runners = [p[0] for p in processes() if p[1] == agent]
    print(f"{'idle memory, PSS: scheduler':44} {pss(cluster.scheduler.pid):10.1f} MB", flush=True)
    print(f"{'idle memory, PSS: worker (agent + runners)':44} {pss(agent) + sum(map(pss, runners)):10.1f} MB"
          f"   ({pss(agent):.1f} + {len(runners)} runners)", flush=True)


def main():
    shapes = sys.argv[2:] or ["idle", "wide", "chains", "lag", "shell", "python"]
    with Cluster(sys.argv[1], heartbeat_ms=3000, lease_ms=30_000) as cluster:
        cluster.start_scheduler()
        for name in ("w1", "w2"):
            cluster.start_worker(name, SLOTS)
        eventually("both joined", lambda: len(cluster.workers_seen()) == 2)
        for shape in shapes:
            if shape == "idle":
                eventually("runners are warm", lambda: len(cluster.runners_of("w1")) > SLOTS)
                time.sleep(2)
                idle(cluster)
            elif shape == "wide":
                burst(cluster, "burst, 1 x 10,000 empty", "wide", dag("wide", 10_000, 1), 10_000)
            elif shape == "chains":
                burst(cluster, "burst, 100 x 100 chains of empty", "chains", dag("chains", 100, 100), 10_000)
            elif shape == "wide100k":
                hundred_thousand(cluster)
            elif shape == "shell":
                burst(cluster, "burst, 1 x 2,000 shell: true", "shell",
                      dag("shell", 2_000, 1, "shell", ", with: {command: 'true'}"), 2_000, 2)
            elif shape == "python":
                cluster.write_dag("work.py", "def add(a, b):\n    return a + b\n")
                burst(cluster, "burst, 1 x 2,000 python functions", "python",
                      dag("python", 2_000, 1, "python", ", with: {file: work.py, function: add, args: {a: 1, b: 2}}"), 2_000, 2)
            elif shape == "lag":
                lag(cluster)


if __name__ == "__main__":
    main()
