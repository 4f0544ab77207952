"""Variables, connections and cached results with a real scheduler and a real worker: a canary secret reaches the attempts that name it, and
stands nowhere in the clear: not in the store, its WAL or journal, no log, no answer, no backup.

usage: credentials_test.py BIN
"""

import json
import pathlib
import subprocess
import sys
import unittest
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually  # noqa: E402
from sinks import HttpSink  # noqa: E402

BIN = sys.argv.pop(1)
CANARY = "Kanarienvogel-4711-Zwitschern"
TOKEN = "Grünfink-0815"

SECRETS = """\
dag_id: secrets
tasks:
  - id: shell
    uses: shell
    with:
      command: |
        test {{ conn.vogel.password }} = "$(cat {{ var.value.path }})" || exit 7
        printf 'it is %s' {{ conn.vogel.password }}
        p={{ conn.vogel.password }}; printf '%s' "${p%%-*}"; sleep 0.2; printf -- '-%s\\n' "${p#*-}"
        echo {{ var.json.api_token.main }}
        echo "rows=$p" >> "$MILLRACE_OUTPUT"
        echo "last {{ conn.vogel.password }}"
  - id: argument
    uses: shell
    with: {command: [sh, -c, 'echo "got $0"; exit 0', "{{ conn.vogel.password }}"]}
  - {id: fails, uses: shell, with: {command: "echo {{ conn.vogel.password }} >&2; exit 3"}}
  - {id: wrong, uses: shell, with: {command: "echo {{ {}[conn.vogel.password] }}"}}
  - {id: undefined, uses: shell, with: {command: "echo {{ var.value.nothing }}"}}
"""

CACHED = """\
dag_id: cached
params: {table: orders}
tasks:
  - {id: read, uses: shell, cache: {expires: 1h}, with: {command: "echo ran >> {{ var.value.path }}.ran; echo read {{ params.table }}"}}
  - {id: load, uses: shell, needs: [read], with: {command: "echo loaded {{ ti.xcom_pull('read') }}"}}
"""

TELLS = """\
dag_id: tells
tasks:
  - id: boom
    uses: shell
    with: {command: exit 1}
    on_failure_callback: {notify: webhook, url: "{{ var.value.hook }}", body: {text: "{{ ti.task_id }} failed", token: "{{ conn.vogel.password }}"}}
"""

SLOW = """\
dag_id: slow
tasks:
  - {id: read, uses: shell, cache: {expires: 1h}, with: {command: "until test -e {{ var.value.path }}; do sleep 0.1; done; echo read"}}
"""

PREVIOUS = """\
dag_id: previous
schedule_interval: "@daily"
start_date: 2001-03-01
end_date: 2001-03-03
catchup: true
max_active_runs: 1
tasks:
  - {id: since, uses: shell, with: {command: "echo since {{ prev_data_interval_end_success or 'ever' }}"}}
"""


class CredentialsTest(unittest.TestCase):
    def dagctl(self, cluster, *arguments, text=None, status=0):
        done = subprocess.run([f"{BIN}/dagctl", "--url", cluster.url, "--token", cluster.token, *arguments], input=text,
                              capture_output=True, text=True, timeout=60, env={"HOME": "/nonexistent"})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def assert_nowhere(self, folder, *besides):
        """No file of all that the programs wrote has the canary, in any form in which it was asked for."""
        looked = 0
        for path in pathlib.Path(folder).rglob("*"):
            if not path.is_file() or path in besides:
                continue
            content = path.read_bytes()
            looked += 1
            for secret in (CANARY, TOKEN, CANARY.replace("-", "%2D")):
                self.assertNotIn(secret.encode(), content, path)
        self.assertGreater(looked, 5)

    def test_a_secret_works_and_is_nowhere_to_be_read(self):
        with Cluster(BIN, environment={"MILLRACE_VAR_GIVEN": "by the environment"}) as cluster:
            known = cluster.folder / "known"
            known.write_text(CANARY)
            cluster.write_dag("secrets.yaml", SECRETS)
            cluster.start_scheduler()
            cluster.start_worker("w1")
            self.dagctl(cluster, "connections", "add", "vogel", "--uri", "-",
                        text=f"http://ana:{CANARY}@127.0.0.1:9?api_key={TOKEN.replace('ü', '%C3%BC')}\n")
            self.dagctl(cluster, "variables", "set", "path", str(known))
            self.dagctl(cluster, "variables", "set", "api_token", json.dumps({"main": TOKEN}))
            self.assertEqual(self.dagctl(cluster, "variables", "get", "path").strip(), str(known))
            shown = self.dagctl(cluster, "-o", "json", "connections", "list") + self.dagctl(cluster, "-o", "json", "variables", "list")
            self.assertIn("***", shown)
            self.assertNotIn(CANARY, shown)
            self.assertNotIn(TOKEN, shown)

            run = cluster.trigger("secrets")
            cluster.await_run("secrets", run, "failed")
            tasks = cluster.tasks("secrets", run)
            self.assertEqual({name: task["state"] for name, task in tasks.items()},
                             {"shell": "success", "argument": "success", "fails": "failed", "wrong": "failed", "undefined": "failed"})
            self.assertIn("there is no variable 'nothing'", tasks["undefined"]["note"])
            self.assertIn("secrets.yaml:", tasks["undefined"]["note"])
            log = cluster.log("secrets", run, "shell")
            self.assertIn("it is ***", log)
            self.assertIn("last ***", log)
            rendered = cluster.ask("GET", f"/api/v2/dags/secrets/dagRuns/{run}/taskInstances/shell")["rendered_fields"]
            self.assertIn("${MILLRACE_V1}", rendered["command"])
            self.assertEqual(rendered["MILLRACE_V1"], "***")
            self.assertEqual(rendered["MILLRACE_V2"], str(known))
            entry = cluster.ask("GET", f"/api/v2/dags/secrets/dagRuns/{run}/taskInstances/shell/xcomEntries/rows")
            self.assertEqual(entry["value"], "***")
            for name in tasks:
                answer = json.dumps([tasks[name], cluster.log("secrets", run, name), cluster.tries("secrets", run, name)])
                self.assertNotIn(CANARY, answer)
                self.assertNotIn(TOKEN, answer)
            self.assert_nowhere(cluster.folder, known)  # while the WAL is there

            # A restart reads it again; a backup has no more than the store.
            cluster.ask("POST", "/millrace/v1/db/backup", {"name": "canary"})
            cluster.kill_scheduler()
            cluster.start_scheduler()
            again = cluster.trigger("secrets")
            cluster.await_run("secrets", again, "failed")
            self.assertEqual(cluster.tasks("secrets", again)["shell"]["state"], "success")
            self.assert_nowhere(cluster.folder, known)

            # With another key nothing opens, and who asks is told why.
            (cluster.state / "secret.key").write_text("0" * 64 + "\n")
            cluster.kill_scheduler()
            cluster.start_scheduler()
            run = cluster.trigger("secrets")
            cluster.await_run("secrets", run, "failed")
            self.assertIn("sealed with another key", cluster.tasks("secrets", run)["shell"]["note"])
            self.dagctl(cluster, "connections", "delete", "vogel")
            self.dagctl(cluster, "connections", "get", "vogel", status=1)

    def test_a_worker_tries_whether_a_connection_works(self):
        with Cluster(BIN, environment={"MILLRACE_CONN_GIVEN": "file:known"}) as cluster, HttpSink() as http:
            cluster.start_scheduler()
            self.dagctl(cluster, "connections", "add", "api", "--uri", http.url.replace("://", f"://ana:{CANARY}@") + "/status/204")
            alone = cluster.ask("POST", "/api/v2/connections/test", {"connection_id": "api"})
            self.assertFalse(alone["status"])
            self.assertIn("no worker is connected", alone["message"])
            cluster.start_worker("w1")
            eventually("the worker has joined", lambda: cluster.ask("POST", "/api/v2/connections/test", {"connection_id": "api"})["status"])
            self.assertIn("/status/204 answered 204", self.dagctl(cluster, "connections", "test", "api"))
            self.assertEqual(http.requests[-1]["method"], "HEAD")
            self.assertIn("Authorization", http.requests[-1]["headers"])
            self.dagctl(cluster, "connections", "test", "nothing", status=1)
            # As Airflow's client sends one that is not kept.
            whole = {"connection_id": "other", "conn_type": "http", "host": "127.0.0.1", "port": int(http.url.rsplit(":", 1)[1]),
                     "login": "ana", "password": CANARY}
            answer = cluster.ask("POST", "/api/v2/connections/test", whole)
            self.assertTrue(answer["status"], answer)
            gone = cluster.ask("POST", "/api/v2/connections/test", {**whole, "port": 9})
            self.assertFalse(gone["status"])
            self.assertNotIn(CANARY, gone["message"])
            unknown = cluster.ask("POST", "/api/v2/connections/test", {**whole, "conn_type": "aws"})
            self.assertIn("cannot be tested", unknown["message"])
            self.dagctl(cluster, "connections", "test", "given", status=1)
            (cluster.root / "known").write_text("here")
            self.assertIn("known is there", self.dagctl(cluster, "connections", "test", "given"))
            self.assertEqual([row["connection_id"] for row in cluster.ask("GET", "/api/v2/connections")["connections"]], ["api"])
            self.assert_nowhere(cluster.folder)

    def test_a_callback_reads_variables_and_a_secret_that_stands_in_no_row(self):
        with Cluster(BIN) as cluster, HttpSink() as http:
            cluster.write_dag("tells.yaml", TELLS)
            cluster.start_scheduler()
            cluster.start_worker("w1")
            self.dagctl(cluster, "connections", "add", "vogel", "--uri", "-", text=f"http://ana:{CANARY}@h\n")
            run = cluster.trigger("tells")
            cluster.await_run("tells", run, "failed")
            row = eventually("the callback has failed", lambda: next(
                (row for row in cluster.ask("GET", "/millrace/v1/notifications")["notifications"] if row["state"] == "failed"), None))
            self.assertIn("there is no variable 'hook'", json.dumps(row))
            self.dagctl(cluster, "variables", "set", "hook", http.url + "/echo")
            self.dagctl(cluster, "notifications", "retry", str(row["id"]))
            sent = eventually("it is told", lambda: http.requests[-1] if http.requests else None)
            self.assertEqual(json.loads(sent["body"]), {"text": "boom failed", "token": CANARY})
            eventually("it is delivered", lambda: any(
                row["state"] == "delivered" for row in cluster.ask("GET", "/millrace/v1/notifications")["notifications"]))
            self.assert_nowhere(cluster.folder)

    def test_an_attempt_that_outlives_its_scheduler_leaves_a_cached_result(self):
        with Cluster(BIN) as cluster:
            go = cluster.folder / "go"
            cluster.write_dag("slow.yaml", SLOW)
            cluster.start_scheduler()
            cluster.start_worker("w1")
            self.dagctl(cluster, "variables", "set", "path", str(go))
            first = cluster.trigger("slow")
            eventually("it runs", lambda: cluster.tasks("slow", first)["read"]["state"] == "running")
            cluster.kill_scheduler()
            cluster.start_scheduler()
            go.touch()
            cluster.await_run("slow", first, "success")
            second = cluster.trigger("slow")
            cluster.await_run("slow", second, "success")
            self.assertIn(f"cached: run {first} left it at", cluster.tasks("slow", second)["read"]["note"])

    def test_variables_go_out_and_come_in_as_a_file(self):
        with Cluster(BIN) as cluster:
            cluster.start_scheduler()
            file = cluster.folder / "variables.json"
            file.write_text(json.dumps({"a": "1", "b": {"x": [1, 2]}, "c": {"value": "3", "description": "the third"}, "my_token": "t0p"}))
            self.assertIn("imported 4", self.dagctl(cluster, "variables", "import", str(file)))
            self.dagctl(cluster, "variables", "import", str(file), "-a", "fail", status=1)
            out = cluster.folder / "out.json"
            self.dagctl(cluster, "variables", "export", str(out), status=1)  # says that a secret one is left out
            self.assertEqual(json.loads(out.read_text()), {"a": "1", "b": '{"x":[1,2]}', "c": {"value": "3", "description": "the third"}})
            self.dagctl(cluster, "variables", "delete", "my_token")
            self.dagctl(cluster, "variables", "export", str(out))

    def test_a_cached_result_stands_until_it_is_refreshed(self):
        with Cluster(BIN) as cluster:
            known = cluster.folder / "known"
            ran = cluster.folder / "known.ran"
            cluster.write_dag("cached.yaml", CACHED)
            cluster.start_scheduler()
            cluster.start_worker("w1")
            self.dagctl(cluster, "variables", "set", "path", str(known))
            first = cluster.trigger("cached")
            cluster.await_run("cached", first, "success")
            second = cluster.trigger("cached")
            cluster.await_run("cached", second, "success")
            self.assertEqual(ran.read_text(), "ran\n")
            task = cluster.tasks("cached", second)["read"]
            self.assertEqual(task["state"], "success")
            self.assertIn(f"cached: run {first} left it at", task["note"])
            self.assertIn("loaded read orders", cluster.log("cached", second, "load"))
            why = cluster.ask("GET", f"/millrace/v1/dags/cached/dagRuns/{second}/taskInstances/read/why")
            self.assertIn("cached: run", json.dumps(why))
            cluster.await_run("cached", cluster.trigger("cached", {"table": "users"}), "success")
            self.assertEqual(ran.read_text(), "ran\n" * 2)
            cluster.kill_scheduler()
            cluster.start_scheduler()
            cluster.await_run("cached", cluster.trigger("cached"), "success")
            self.assertEqual(ran.read_text(), "ran\n" * 2)
            self.dagctl(cluster, "tasks", "clear", "cached", second, "read", "--refresh-cache")
            cluster.await_run("cached", second, "success")
            self.assertEqual(ran.read_text(), "ran\n" * 3)
            cluster.await_run("cached", cluster.trigger("cached", {"refresh_cache": True}), "success")
            self.assertEqual(ran.read_text(), "ran\n" * 4)

    def test_the_last_success_is_known_to_the_next_run(self):
        with Cluster(BIN) as cluster:
            cluster.write_dag("previous.yaml", PREVIOUS)
            cluster.start_scheduler()
            cluster.start_worker("w1")
            def ended():
                try:
                    listed = cluster.ask("GET", "/api/v2/dags/previous/dagRuns?state=success&order_by=logical_date")["dag_runs"]
                except urllib.error.HTTPError:
                    return None  # not loaded yet
                return [run["dag_run_id"] for run in listed] if len(listed) >= 2 else None
            runs = eventually("two days have run", ended)
            for run, told in zip(runs, ("since ever", "since 2001-03-02 00:00:00+00:00")):
                self.assertIn(told, cluster.log("previous", run, "since"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
