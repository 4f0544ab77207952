"""How a scheduler bears many DAGs, many runs at once, large DAGs and a long history; prints, judges nothing.

usage: scale_bench.py BIN_FOLDER [SHAPE...]     shapes: folder minute tasks fan history
"""

import datetime
import pathlib
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cluster import Cluster, eventually  # noqa: E402
from control_plane_bench import moment, once, pss  # noqa: E402

PATIENCE = 600


def say(label, text):
    print(f"{label:44} {text}", flush=True)


def loaded(cluster, pattern=""):
    return cluster.ask("GET", f"/api/v2/dags?limit=1&dag_id_pattern={pattern}")["total_entries"]


def until(what, ask, pause=0.02):
    """Seconds until it is so."""
    began = time.monotonic()
    eventually(what, lambda: ask() or time.sleep(pause), PATIENCE)
    return time.monotonic() - began


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def folder(binaries, count=10_000):
    """A folder of `count` DAGs: read once, not again when it starts anew; a file that changes is live at once."""
    text = "dag_id: {0}\nschedule: '0 3 * * *'\nstart_date: 2030-01-01\ntasks:\n  - {{id: a, uses: empty}}\n  - {{id: b, uses: empty, needs: [a]}}\n"
    with Cluster(binaries) as cluster:
        for number in range(count):
            cluster.write_dag(f"d{number:05}.yaml", text.format(f"d{number:05}"))
        began = time.monotonic()
        cluster.start_scheduler()
        until("all are loaded", lambda: loaded(cluster) == count, 0.1)
        say(f"{count} DAGs, first start", f"{time.monotonic() - began:10.2f} s")
        cluster.scheduler.terminate()
        cluster.scheduler.wait()
        began = time.monotonic()
        cluster.start_scheduler()
        until("all are there", lambda: loaded(cluster) == count, 0.05)
        say(f"{count} DAGs, next start", f"{time.monotonic() - began:10.2f} s")
        time.sleep(5)
        before = cpu_seconds(cluster.scheduler.pid)
        time.sleep(10)
        say("unchanged, processor time", f"{(cpu_seconds(cluster.scheduler.pid) - before) * 10:10.1f} % of a core")
        waits = []
        for number in range(5):
            cluster.write_dag("d00007.yaml", text.format(f"changed{number}"))
            waits.append(until("the change is live", lambda number=number: loaded(cluster, f"changed{number}") == 1))
        say("one changed file is live after", f"{max(waits):10.2f} s (slowest of {len(waits)})")
        say("scheduler, PSS", f"{pss(cluster.scheduler.pid):10.1f} MB")


def minute(binaries, count=1_000):
    """`count` DAGs whose next run falls due in the same minute."""
    text = "dag_id: {0}\nschedule: '* * * * *'\ncatchup: false\nstart_date: 2020-01-01\ntasks:\n  - {{id: a, uses: empty}}\n  - {{id: b, uses: empty, needs: [a]}}\n"
    with Cluster(binaries, heartbeat_ms=3000, lease_ms=30_000) as cluster:
        for number in range(count):
            cluster.write_dag(f"d{number:04}.yaml", text.format(f"d{number:04}"))
        cluster.start_scheduler()
        for name in ("w1", "w2"):
            cluster.start_worker(name, 8)
        until("all are loaded", lambda: loaded(cluster) == count, 0.1)
        due = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0) + datetime.timedelta(minutes=2)
        text = due.strftime("%Y-%m-%dT%H:%M:%SZ")
        while datetime.datetime.now(datetime.timezone.utc) < due:
            time.sleep(0.5)
        listing = f"/api/v2/dags/~/dagRuns?run_after_gte={text}&run_after_lte={text}&state=success&limit=100"
        until("all have run", lambda: cluster.ask("GET", listing)["total_entries"] >= count, 0.2)
        ends = []
        for offset in range(0, count, 100):
            ends += [moment(run["end_date"]) for run in cluster.ask("GET", f"{listing}&offset={offset}")["dag_runs"]]
        waits = sorted((end - due).total_seconds() for end in ends)
        say(f"{count} DAGs due at one minute, run ended", f"p50 {waits[len(waits) // 2]:.2f} s   last {waits[-1]:.2f} s after it")


def shape(binaries, label, name, text, tasks):
    with Cluster(binaries, heartbeat_ms=3000, lease_ms=30_000) as cluster:
        cluster.start_scheduler()
        for worker in ("w1", "w2"):
            cluster.start_worker(worker, 8)
        cluster.write_dag(f"{name}.yaml", text)
        seconds = min(once(cluster, name)[1] for _ in range(3))
        say(label, f"{seconds:10.3f} s   {tasks / seconds:.0f} tasks/s")


def tasks(binaries):
    lines = ["dag_id: large", "schedule: null", "max_active_tasks: 100000", "tasks:"]
    lines += [f"  - {{id: t{number}, uses: empty{f', needs: [t{number // 2}]' if number else ''}}}" for number in range(10_000)]
    shape(binaries, "a DAG of 10,000 tasks, a binary tree", "large", "\n".join(lines) + "\n", 10_000)


def fan(binaries):
    """100 tasks, 10 times one after another, each needing all of those before it."""
    lines = ["dag_id: fan", "schedule: null", "max_active_tasks: 100000", "tasks:"]
    for level in range(10):
        needs = f", needs: [{', '.join(f'l{level - 1}t{number}' for number in range(100))}]" if level else ""
        lines += [f"  - {{id: l{level}t{number}, uses: empty{needs}}}" for number in range(100)]
    shape(binaries, "fan-in 100 x 10", "fan", "\n".join(lines) + "\n", 1_000)


def history(binaries, instances=10_000_000, per_run=20):
    """A store with a long past, as if the runs of one DAG's schedule had been copied: bytes a row, and pages of a list."""
    lines = ["dag_id: past", "schedule: null", "tasks:"] + [f"  - {{id: t{number}, uses: empty}}" for number in range(per_run)]
    with Cluster(binaries) as cluster:
        cluster.write_dag("past.yaml", "\n".join(lines) + "\n")
        cluster.start_scheduler()
        cluster.start_worker("w1", 8)
        cluster.await_run("past", cluster.trigger("past"), "success")
        cluster.scheduler.terminate()
        cluster.scheduler.wait()
        path = cluster.state / "millrace.db"
        began = time.monotonic()
        multiply(path, instances // per_run)
        say(f"{instances} task instances made in", f"{time.monotonic() - began:10.1f} s")
        sizes(path, instances)
        began = time.monotonic()
        cluster.start_scheduler()
        say("the scheduler starts on it in", f"{time.monotonic() - began:10.2f} s")
        pages(cluster, "task instances, all DAGs", "/api/v2/dags/~/dagRuns/~/taskInstances?limit=100")
        pages(cluster, "task instances of one run", "/api/v2/dags/past/dagRuns/copy{}/taskInstances?limit=100", instances // per_run)
        pages(cluster, "runs of a DAG", "/api/v2/dags/past/dagRuns?limit=100&order_by=-run_after")
        say("scheduler, PSS", f"{pss(cluster.scheduler.pid):10.1f} MB")


def multiply(path, runs):
    """Copies of the one run that is there, with all that it wrote."""
    store = sqlite3.connect(path)
    store.execute("PRAGMA journal_mode=OFF")
    store.execute("PRAGMA synchronous=OFF")
    columns = {table: [row[1] for row in store.execute(f"PRAGMA table_info({table})")] for table in ("run", "task_instance", "attempt")}
    first, = store.execute("SELECT min(run) FROM run").fetchone()
    store.execute(f"CREATE TEMP TABLE n AS WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {runs}) SELECT n FROM n")
    minutes = "60000000 * n"

    def copied(table, replaced):
        return ", ".join(replaced.get(column, f"{column} + {minutes}" if column.endswith("_at") or column == "run_after" else f"s.{column}")
                         for column in columns[table])
    key = f"s.key + (n << 20)"
    of_first = f"s.key BETWEEN {first} << 20 AND ({first + 1} << 20) - 1"
    store.execute(f"INSERT INTO run SELECT {copied('run', {'run': 's.run + n', 'run_id': repr('copy') + ' || n'})} FROM n, run s WHERE s.run = {first}")
    for table in ("task_instance", "attempt"):
        store.execute(f"INSERT INTO {table} SELECT {copied(table, {'key': key})} FROM n, {table} s WHERE {of_first}")
    store.execute("UPDATE meta SET value = value + ? WHERE name = 'next_run'", (runs + 1,))
    store.commit()
    store.close()


def sizes(path, instances):
    store = sqlite3.connect(path)
    try:
        rows = store.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY 1 ORDER BY 2 DESC LIMIT 8").fetchall()
    except sqlite3.OperationalError:  # Python's SQLite is built without it
        rows = []
    store.close()
    say("the store, a task instance", f"{path.stat().st_size / instances:10.1f} bytes with its share of run and attempt  "
        + "  ".join(f"{name} {size / instances:.1f}" for name, size in rows))


def pages(cluster, label, path, many=0):
    """A hundred pages; by cursor where the list gives one."""
    waits, cursor = [], None
    for number in range(100):
        place = path.format(1 + number * 7919 % many) if many else path + (f"&cursor={cursor}" if cursor else "")
        began = time.perf_counter()
        answer = cluster.ask("GET", place)
        waits.append((time.perf_counter() - began) * 1000)
        cursor = answer.get("next_cursor")
    waits.sort()
    say(f"page of 100: {label}", f"p50 {waits[50]:.1f} ms   p99 {waits[99]:.1f} ms")


def main():
    shapes = {"folder": folder, "minute": minute, "tasks": tasks, "fan": fan, "history": history}
    for name in sys.argv[2:] or shapes:
        shapes[name](sys.argv[1])


if __name__ == "__main__":
    main()
