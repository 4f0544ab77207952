"""A real scheduler and real workers in a folder of their own, on free ports, for tests that start processes; standard library only.

    with Cluster(bin_folder, lease_ms=3000) as cluster:
        cluster.write_dag("etl.yaml", "...")
        cluster.start_scheduler(); cluster.start_worker("w1")
        run = cluster.trigger("etl"); cluster.await_run("etl", run, "success")

Everything that was started is dead when the `with` is left.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE = 90  # seconds until something that must come has come


def eventually(what, ask, patience=PATIENCE):
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + patience
    while True:
        got = ask()
        if got:
            return got
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen in {patience} s: {what}")
        time.sleep(0.02)


def processes():
    """(pid, parent, session, state, command line) of every process."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        fields = stat[stat.rindex(")") + 2:].split()
        found.append((int(entry.name), int(fields[1]), int(fields[3]), fields[0], command))
    return found


class Cluster:
    def __init__(self, binaries, heartbeat_ms=500, lease_ms=6000, environment=None):
        self.binaries = pathlib.Path(binaries)
        self.flags = ["--heartbeat-ms", str(heartbeat_ms), "--lease-ms", str(lease_ms)]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace_"))
        self.state = self.folder / "state"
        self.dags = self.folder / "dags"
        self.root = self.folder / "root"
        self.dags.mkdir()
        self.root.mkdir()
        self.environment = dict(os.environ, **(environment or {}))
        self.scheduler = None
        self.workers = {}
        self.faults = self.folder / "faults"
        self.failpoints = {}  # program (scheduler, or a worker's name) -> what it is armed with when it starts, as "lake.after_rename=kill@2"
        self.ports = ("127.0.0.1:0", "127.0.0.1:0")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            for log in sorted(self.folder.glob("*.log")):
                print(f"---- {log.name}\n{log.read_text(errors='replace')[-4000:]}")
        for process in [*self.workers.values(), self.scheduler]:
            if process is not None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        mark = str(self.folder)
        eventually("runners end with their agents",
                   lambda: not [p for p in processes() if mark in p[4] and p[3] != "Z" and p[0] != os.getpid()])
        shutil.rmtree(self.folder, ignore_errors=True)

    # Processes

    def start(self, name, arguments):
        log = open(self.folder / f"{name}.log", "ab")
        environment = dict(self.environment)
        if name in self.failpoints:
            self.faults.mkdir(exist_ok=True)
            environment["MILLRACE_FAILPOINTS"] = f"folder={self.faults},{self.failpoints[name]}"
        try:
            return subprocess.Popen([str(argument) for argument in arguments], stdout=log, stderr=log,
                                    stdin=subprocess.DEVNULL, env=environment)
        finally:
            log.close()

    def start_scheduler(self):
        """Starts it, after the first time on the same ports, and waits until it serves."""
        (self.state / "endpoints.json").unlink(missing_ok=True)
        self.scheduler = self.start("scheduler", [
            self.binaries / "millrace-scheduler", "--state", self.state, "--dags", self.dags, "--listen", self.ports[0],
            "--grpc", self.ports[1], *self.flags])
        endpoints = eventually("the scheduler serves", self.endpoints)
        self.url = endpoints["http"]
        self.ports = (self.url.removeprefix("http://"), endpoints["grpc"])
        self.token = (self.state / "cli.token").read_text().strip()

    def endpoints(self):
        if self.scheduler.poll() is not None:
            raise AssertionError(f"the scheduler has ended with {self.scheduler.returncode}")
        try:
            return json.loads((self.state / "endpoints.json").read_text())
        except FileNotFoundError:
            return None

    def start_worker(self, name, slots=4, *more, token_file=None):
        self.workers[name] = self.start(name, [
            self.binaries / "millrace-worker", "--scheduler", self.ports[1], "--token-file", token_file or self.state / "worker.token",
            "--name", name, "--slots", slots, "--root", self.root, "--folder", self.folder / name, *more])
        return self.workers[name]

    def kill_scheduler(self):
        self.scheduler.kill()
        self.scheduler.wait()

    # Failpoints

    def hits(self, point):
        """How often it was reached since it was last forgotten, by all processes that had it armed."""
        path = self.faults / point
        return path.stat().st_size if path.exists() else 0

    def fired(self):
        """(point, hit, pid) of every failpoint that did its act, in order."""
        path = self.faults / "fired"
        return [tuple(line.split()) for line in path.read_text().splitlines()] if path.exists() else []

    def forget_hits(self, point):
        """The next hit of it is the first again."""
        (self.faults / point).unlink(missing_ok=True)

    def runners_of(self, name):
        agent = self.workers[name].pid
        return [p[0] for p in processes() if p[1] == agent]

    # REST

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(), method=method,
                                         headers={"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def write_dag(self, name, text):
        path = self.dags / name
        path.write_text(text)
        return path

    def trigger(self, dag, conf=None):
        """Triggers a run as soon as the DAG is known; answers its id."""
        def known():
            try:
                return self.ask("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf or {}})
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise AssertionError(f"{error.code}: {error.read().decode()}") from error
                return None
        return eventually(f"{dag} is loaded", known)["dag_run_id"]

    def run(self, dag, run):
        return self.ask("GET", f"/api/v2/dags/{dag}/dagRuns/{run}")

    def tasks(self, dag, run):
        listed = self.ask("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances?limit=100")
        return {task["task_id"]: task for task in listed["task_instances"]}

    def await_run(self, dag, run, state, patience=PATIENCE):
        got = eventually(f"{dag} {run} ends", lambda: (
            lambda answer: answer if answer["state"] in ("success", "failed") else None)(self.run(dag, run)), patience)
        if got["state"] != state:
            told = {task: (row["state"], row["note"]) for task, row in self.tasks(dag, run).items()}
            raise AssertionError(f"{run} is {got['state']}: {told}")
        return got

    def await_task(self, dag, run, task, *states):
        return eventually(f"{task} is {states}", lambda: (
            lambda answer: answer if answer["state"] in states else None)(self.tasks(dag, run)[task]))

    def tries(self, dag, run, task):
        return self.ask("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/tries")["task_instances"]

    def log(self, dag, run, task, try_number=1):
        """The text of a try's log, as the API shows it."""
        answer = self.ask("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{try_number}")
        content = answer["content"]
        return "\n".join(line if isinstance(line, str) else line.get("event", "") for line in content)

    def workers_seen(self):
        answer = self.ask("GET", "/millrace/v1/workers")
        return {worker["name"]: worker for worker in (answer["workers"] if isinstance(answer, dict) else answer)}
