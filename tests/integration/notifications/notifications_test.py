"""Callbacks and notifiers through a real scheduler and real workers, to a real mail server and a real HTTP server; also while
both programs are killed between what happened and its delivery. Lineage events, which go the same way.

usage: notifications_test.py BIN_FOLDER
"""

import datetime
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually  # noqa: E402
from sinks import HttpSink, SmtpSink  # noqa: E402

BINARIES = sys.argv.pop(1)


class NotificationsTest(unittest.TestCase):
    def cluster(self, worker=True, **options):
        cluster = self.enterContext(Cluster(BINARIES, **options))
        cluster.start_scheduler()
        if worker:
            cluster.start_worker("w1")
        return cluster

    @staticmethod
    def told(cluster, **query):
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return cluster.ask("GET", "/millrace/v1/notifications?order_by=id&" + text)["notifications"]

    def await_told(self, cluster, states):
        def got():
            rows = self.told(cluster)
            return rows if [row["state"] for row in rows] == states else None
        return eventually(f"notifications are {states}", got)

    def dagctl(self, cluster, *arguments):
        return subprocess.run([pathlib.Path(BINARIES) / "dagctl", "--state", cluster.state, *arguments], capture_output=True, text=True,
                              timeout=60, check=False)

    def test_a_failure_is_told_by_mail_webhook_slack_shell_and_python_and_changes_nothing(self):
        http = self.enterContext(HttpSink())
        smtp = self.enterContext(SmtpSink())
        cluster = self.cluster(environment={
            "MILLRACE_CONN_MAIL": f"smtp://ana:se-cret@127.0.0.1:{smtp.port}?from=Millrace%20%3Cmillrace@example.com%3E",
            "MILLRACE_CONN_SMTP_DEFAULT": f"smtp://127.0.0.1:{smtp.port}?from=millrace@example.com",
            "MILLRACE_CONN_HOOK": http.url + "/services/T0/se-cret-path"})
        (cluster.dags / "tell.py").write_text(
            "import os, pathlib\n"
            "def main(context):\n"
            "    print('python was told of', context['exception'])\n"
            "    pathlib.Path('python.txt').write_text(context['callback'] + ' ' + context['state'] + ' ' + context['task_id'])\n")
        cluster.write_dag("etl.yaml", f"""
dag_id: etl
schedule: null
tasks:
  - id: load
    uses: shell
    with: {{command: "echo broken; exit 3"}}
    email: [ops@example.com]
    on_failure_callback:
      - {{notify: smtp, connection: mail, to: ["Zoë <zoe@example.com>", bob@example.com], bcc: boss@example.com,
          subject: "Größe: {{{{ ti.task_id }}}} {{{{ exception }}}}", body: "look at {{{{ ti.log_url }}}}", html: "<b>look</b>"}}
      - {{notify: webhook, url: "{http.url}/hook", headers: {{X-Team: data}}, body: {{task: "{{{{ ti.task_id }}}}", deep: ["{{{{ try_number }}}}"]}}}}
      - {{notify: slack, connection: hook, text: "{{{{ ti.task_id }}}} failed"}}
      - {{uses: shell, with: {{command: "echo {{{{ exception }}}} > shell.txt; pwd", cwd: "."}}}}
      - {{uses: python, with: {{file: tell.py, cwd: "."}}}}
      - {{uses: airflow.providers.smtp.notifications.smtp.SmtpNotifier, with: {{smtp_conn_id: mail, from_email: a@example.com, to: c@example.com, subject: S, html_content: "<i>H</i>"}}}}
on_failure_callback: {{notify: webhook, url: "{http.url}/run"}}
""")
        run = cluster.trigger("etl")
        cluster.await_run("etl", run, "failed")
        rows = self.await_told(cluster, ["delivered"] * 8)
        self.assertEqual({row["event"] for row in rows}, {"on_failure"})
        self.assertEqual(cluster.tasks("etl", run)["load"]["state"], "failed")
        mails = {message["To"]: message for message in smtp.messages()}
        first = mails["Zoë <zoe@example.com>, bob@example.com"]
        self.assertEqual(first["Subject"], "Größe: load exit code 3: broken")
        self.assertEqual(first["From"], "Millrace <millrace@example.com>")
        self.assertIn("/dags/etl/runs/", first.get_body(("plain",)).get_content())
        self.assertEqual(first.get_body(("html",)).get_content().strip(), "<b>look</b>")
        self.assertNotIn("boss@example.com", str(first))
        envelope = next(mail for mail in smtp.mails if len(mail["to"]) == 3)
        self.assertEqual(envelope["to"], ["zoe@example.com", "bob@example.com", "boss@example.com"])
        self.assertEqual(envelope["user"], ("ana", "se-cret"))
        self.assertEqual(mails["c@example.com"].get_content().strip(), "<i>H</i>")
        self.assertEqual(mails["ops@example.com"]["Subject"], "Millrace: etl, task load failed")
        by_path = {request["path"]: request for request in http.requests}
        self.assertEqual(json.loads(by_path["/hook"]["body"]), {"task": "load", "deep": ["1"]})
        self.assertEqual(by_path["/hook"]["headers"]["X-Team"], "data")
        self.assertEqual(json.loads(by_path["/services/T0/se-cret-path"]["body"]), {"text": "load failed"})
        whole = json.loads(by_path["/run"]["body"])
        self.assertEqual((whole["event"], whole["dag_id"], whole["state"], whole["reason"]), ("on_failure", "etl", "failed", "task_failure"))
        keys = {row["idempotency_key"] for row in rows}
        self.assertEqual(len(keys), 8)
        for request in http.requests:
            self.assertIn(request["headers"]["Idempotency-Key"], keys)
        for message in smtp.messages():
            self.assertIn(message["Message-ID"].strip("<>").split("@")[0], keys)
        self.assertEqual((cluster.root / "shell.txt").read_text(), "exit code 3: broken\n")
        self.assertEqual((cluster.root / "python.txt").read_text(), "on_failure failed load")
        python = next(row for row in rows if row["kind"] == "python")
        self.assertIn("python was told of exit code 3: broken", cluster.ask("GET", f"/millrace/v1/notifications/{python['id']}")["log"])
        self.assertNotIn("python was told", cluster.log("etl", run, "load"))
        cluster.kill_scheduler()
        for path in [*cluster.state.rglob("*"), *cluster.folder.glob("*.log")]:
            if path.is_file():
                self.assertNotIn(b"se-cret", path.read_bytes(), path)

    def test_deliveries_need_no_slot_and_a_notify_task_is_an_ordinary_task(self):
        http = self.enterContext(HttpSink())
        cluster = self.cluster(worker=False)
        cluster.start_worker("w1", 1)
        cluster.write_dag("busy.yaml", f"""
dag_id: busy
schedule: null
tasks:
  - id: tell
    uses: notify
    with: {{notify: webhook, url: "{http.url}/task", body: {{run: "{{{{ run_id }}}}"}}}}
  - id: hold
    uses: shell
    needs: tell
    with: {{command: "while [ ! -e {cluster.root}/go ]; do sleep 0.05; done"}}
    on_execute_callback: {{notify: webhook, url: "{http.url}/started"}}
""")
        run = cluster.trigger("busy")
        eventually("the start is told while the only slot is taken", lambda: [r for r in http.requests if r["path"] == "/started"])
        self.assertEqual(cluster.tasks("busy", run)["hold"]["state"], "running")
        (cluster.root / "go").touch()
        cluster.await_run("busy", run, "success")
        task = next(r for r in http.requests if r["path"] == "/task")
        self.assertEqual(json.loads(task["body"]), {"run": run})
        self.assertTrue(task["headers"]["Idempotency-Key"])

    def test_what_fails_for_good_is_shown_and_tried_again_by_hand(self):
        http = self.enterContext(HttpSink())
        smtp = self.enterContext(SmtpSink())
        smtp.replies = ["554 never"]
        http.answers["/hook"] = (400, "text/plain", "no such channel")
        cluster = self.cluster(environment={"MILLRACE_CONN_MAIL": f"smtp://127.0.0.1:{smtp.port}?from=m@example.com"})
        cluster.write_dag("done.yaml", f"""
dag_id: done
schedule: null
tasks:
  - id: x
    uses: empty
    on_success_callback:
      - {{notify: webhook, url: "{http.url}/hook"}}
      - {{notify: smtp, connection: mail, to: a@example.com}}
""")
        run = cluster.trigger("done")
        cluster.await_run("done", run, "success")
        rows = self.await_told(cluster, ["failed", "failed"])
        self.assertIn("no such channel", rows[0]["reason"])
        self.assertIn("554", rows[1]["reason"])
        del http.answers["/hook"]
        listed = self.dagctl(cluster, "notifications", "list", "--state", "failed", "-o", "json")
        self.assertEqual({row["id"] for row in json.loads(listed.stdout)}, {row["id"] for row in rows}, listed.stderr)
        for row in rows:
            again = self.dagctl(cluster, "notifications", "retry", str(row["id"]))
            self.assertEqual(again.returncode, 0, again.stderr)
        self.await_told(cluster, ["delivered", "delivered"])
        self.assertNotEqual(self.dagctl(cluster, "notifications", "retry", str(rows[0]["id"])).returncode, 0)
        self.assertEqual(http.requests[0]["headers"]["Idempotency-Key"], http.requests[1]["headers"]["Idempotency-Key"])
        audit = cluster.ask("GET", "/api/v2/eventLogs?limit=100")["event_logs"]
        self.assertEqual(len([line for line in audit if line["event"] == "notification_failed"]), 2)

    def test_mail_goes_by_starttls_when_the_server_must_have_it(self):
        if shutil.which("openssl") is None:
            self.skipTest("no openssl to make a certificate with")
        folder = self.enterContext(Cluster(BINARIES)).folder
        pem = folder / "server.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", folder / "key.pem", "-out",
                        folder / "cert.pem", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True, timeout=60)
        pem.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
        safe = self.enterContext(SmtpSink(certificate=pem))
        plain = self.enterContext(SmtpSink())
        cluster = self.cluster(environment={
            "MILLRACE_CONN_SAFE": f"smtp://127.0.0.1:{safe.port}?from=m@example.com&tls=required&ca_file={folder}/cert.pem",
            "MILLRACE_CONN_STRANGE": f"smtp://127.0.0.1:{safe.port}?from=m@example.com&tls=required",
            "MILLRACE_CONN_PLAIN": f"smtp://127.0.0.1:{plain.port}?from=m@example.com&tls=required"})
        cluster.write_dag("tls.yaml", """
dag_id: tls
schedule: null
tasks:
  - {id: safe, uses: notify, with: {notify: smtp, connection: safe, to: a@example.com, subject: s, body: b}}
  - {id: strange, uses: notify, with: {notify: smtp, connection: strange, to: a@example.com, subject: s, body: b}}
  - {id: plain, uses: notify, with: {notify: smtp, connection: plain, to: a@example.com, subject: s, body: b}}
""")
        run = cluster.trigger("tls")
        cluster.await_run("tls", run, "failed")
        states = {name: task["state"] for name, task in cluster.tasks("tls", run).items()}
        self.assertEqual(states, {"safe": "success", "strange": "failed", "plain": "failed"})
        self.assertEqual([mail["tls"] for mail in safe.mails], [True])
        self.assertEqual(plain.mails, [])

    def test_nothing_is_lost_when_the_scheduler_dies_between_the_end_of_a_task_and_its_telling(self):
        http = self.enterContext(HttpSink())
        for point in ("gateway.report_received", "gateway.before_assign", "gateway.after_assign"):
            with self.subTest(point=point), Cluster(BINARIES) as cluster:
                http.requests.clear()
                cluster.start_scheduler()
                cluster.write_dag("end.yaml", f"""
dag_id: end
schedule: null
tasks:
  - id: x
    uses: shell
    with: {{command: "while [ ! -e {cluster.root}/go ]; do sleep 0.05; done"}}
    on_success_callback: {{notify: webhook, url: "{http.url}/end"}}
""")
                cluster.start_worker("w1")
                run = cluster.trigger("end")
                cluster.await_task("end", run, "x", "running")
                cluster.kill_scheduler()
                # The worker keeps what it has, so its first hit is about the end of the task, or about what tells of it.
                cluster.failpoints["scheduler"] = f"{point}=kill@1"
                cluster.start_scheduler()
                eventually("the worker is back", lambda: "w1" in cluster.workers_seen())
                (cluster.root / "go").touch()
                eventually("the scheduler dies", lambda: cluster.scheduler.poll() is not None)
                self.assertTrue(cluster.fired())
                del cluster.failpoints["scheduler"]
                cluster.start_scheduler()
                cluster.await_run("end", run, "success")
                self.await_told(cluster, ["delivered"])
                self.assertGreaterEqual(len(http.requests), 1)
                self.assertEqual(len({request["headers"]["Idempotency-Key"] for request in http.requests}), 1)

    def test_a_worker_that_dies_while_it_delivers_is_followed_by_another(self):
        smtp = self.enterContext(SmtpSink())
        smtp.hold = threading.Event()
        cluster = self.cluster(lease_ms=2000, environment={"MILLRACE_CONN_MAIL": f"smtp://127.0.0.1:{smtp.port}?from=m@example.com"})
        cluster.write_dag("mail.yaml", """
dag_id: mail
schedule: null
tasks:
  - id: x
    uses: empty
    on_success_callback: {notify: smtp, connection: mail, to: a@example.com}
""")
        run = cluster.trigger("mail")
        cluster.await_run("mail", run, "success")
        eventually("the server has the mail, the worker not yet its answer", lambda: smtp.mails)
        cluster.workers["w1"].kill()
        cluster.workers["w1"].wait()
        cluster.start_worker("w2")
        smtp.hold.set()
        row = self.await_told(cluster, ["delivered"])[0]
        self.assertEqual(row["worker"], "w2")
        self.assertEqual({message["Message-ID"] for message in smtp.messages()}, {f"<{row['idempotency_key']}@millrace>"})
        self.assertEqual(len(smtp.mails), 2)


class LineageTest(unittest.TestCase):
    @staticmethod
    def check_members(test, event):
        test.assertEqual(set(event), {"eventTime", "eventType", "producer", "schemaURL", "run", "job", "inputs", "outputs"})
        test.assertEqual(event["schemaURL"], "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent")
        test.assertEqual(str(uuid.UUID(event["run"]["runId"])), event["run"]["runId"])
        test.assertEqual(event["job"]["namespace"], "shop")
        datetime.datetime.fromisoformat(event["eventTime"].replace("Z", "+00:00"))
        for part in (event["run"], event["job"]):
            for name, facet in part["facets"].items():
                test.assertTrue(facet["_producer"].startswith("urn:millrace:"), name)
                test.assertTrue(facet["_schemaURL"].startswith("https://openlineage.io/spec/facets/"), name)

    def test_every_run_and_attempt_has_a_start_and_an_end_also_over_a_restart_of_the_scheduler(self):
        http = self.enterContext(HttpSink())
        cluster = self.enterContext(Cluster(BINARIES))
        cluster.flags += ["--lineage-url", http.url + "/api/v1/lineage", "--lineage-namespace", "shop"]
        cluster.start_scheduler()
        cluster.start_worker("w1")
        cluster.write_dag("etl.yaml", f"""
dag_id: etl
owner: ana
schedule: null
tasks:
  - id: extract
    uses: shell
    retries: 1
    retry_delay: 1s
    inlets: [{{name: raw, uri: "s3://lake/raw"}}]
    outlets: [{{name: orders, uri: "file:///data/orders"}}]
    with:
      command: |
        if [ ! -e {cluster.root}/once ]; then touch {cluster.root}/once; echo no luck; exit 3; fi
        while [ ! -e {cluster.root}/go ]; do sleep 0.05; done
        echo 'return_value={{"rows": 5}}' >> "$MILLRACE_OUTPUT"
  - id: count
    uses: sql
    needs: extract
    with: {{sql: "select 1 as one"}}
""")
        run = cluster.trigger("etl")

        def second():
            task = cluster.tasks("etl", run)["extract"]
            return task["state"] == "running" and task["try_number"] == 2
        eventually("the second try runs", second)
        cluster.kill_scheduler()
        cluster.start_scheduler()
        eventually("the worker is back", lambda: "w1" in cluster.workers_seen())
        (cluster.root / "go").touch()
        cluster.await_run("etl", run, "success")

        def all_delivered():
            rows = cluster.ask("GET", "/millrace/v1/notifications?limit=100")["notifications"]
            return rows if len(rows) == 8 and {row["state"] for row in rows} == {"delivered"} else None
        rows = eventually("all events are delivered", all_delivered)
        self.assertEqual({row["event"] for row in rows}, {"lineage"})
        self.assertEqual({request["path"] for request in http.requests}, {"/api/v1/lineage"})
        # At least once: what is repeated is the same event under the same key.
        by_key = {}
        for request in http.requests:
            event = json.loads(request["body"])
            self.assertEqual(by_key.setdefault(request["headers"]["Idempotency-Key"], event), event)
        events = list(by_key.values())
        self.assertEqual(len(events), 8)
        by_run = {}
        for event in events:
            self.check_members(self, event)
            by_run.setdefault(event["run"]["runId"], []).append(event)
        told = sorted((pair[0]["job"]["name"], sorted(event["eventType"] for event in pair)) for pair in by_run.values())
        self.assertEqual(told, [("etl", ["COMPLETE", "START"]), ("etl.count", ["COMPLETE", "START"]),
                                ("etl.extract", ["COMPLETE", "START"]), ("etl.extract", ["FAIL", "START"])])
        whole = next(event for event in events if event["job"]["name"] == "etl")
        self.assertEqual(whole["job"]["facets"]["jobType"]["jobType"], "DAG")
        for event in events:
            if event["job"]["name"] == "etl":
                self.assertNotIn("parent", event["run"]["facets"])
                continue
            parent = event["run"]["facets"]["parent"]
            self.assertEqual(parent["run"]["runId"], whole["run"]["runId"])
            self.assertEqual(parent["job"], {"namespace": "shop", "name": "etl"})
            self.assertEqual(parent["root"]["run"]["runId"], whole["run"]["runId"])
        extract = {event["eventType"]: event for event in events if event["job"]["name"] == "etl.extract"}
        self.assertIn("no luck", extract["FAIL"]["run"]["facets"]["errorMessage"]["message"])
        self.assertEqual([(one["namespace"], one["name"]) for one in extract["COMPLETE"]["inputs"]], [("s3://lake", "raw")])
        self.assertEqual([(one["namespace"], one["name"]) for one in extract["COMPLETE"]["outputs"]], [("file", "/data/orders")])
        self.assertEqual(extract["COMPLETE"]["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"], 5)
        count = next(event for event in events if event["job"]["name"] == "etl.count")
        self.assertEqual(count["job"]["facets"]["sql"]["query"], "select 1 as one")

    def test_a_connection_says_where_events_go_and_its_token_stands_in_no_row(self):
        http = self.enterContext(HttpSink())
        cluster = self.enterContext(Cluster(BINARIES, environment={
            "MILLRACE_CONN_MARQUEZ": http.url + "/api/v1/lineage?token=se-cret-token"}))
        cluster.flags += ["--lineage-connection", "marquez"]
        cluster.start_scheduler()
        cluster.start_worker("w1")
        cluster.write_dag("one.yaml", "dag_id: one\nschedule: null\ntasks:\n  - {id: x, uses: empty}\n")
        run = cluster.trigger("one")
        cluster.await_run("one", run, "success")
        eventually("four events have come", lambda: len(http.requests) >= 4)
        for request in http.requests:
            self.assertEqual(request["path"], "/api/v1/lineage")
            self.assertEqual(request["headers"]["Authorization"], "Bearer se-cret-token")
        cluster.kill_scheduler()
        for path in cluster.state.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"se-cret-token", path.read_bytes(), path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
