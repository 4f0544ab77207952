"""What the client talks to: `dagctl up` with a folder of DAGs, in a folder of its own, on any ports."""

import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import eventually  # noqa: E402

DAG = "greetings"

DAG_FILE = """\
dag_id: greetings
description: Says hello, then fails
schedule: null
tags: [hello, test]
params: {name: {type: string, default: world}}
tasks:
  - id: hello
    uses: shell
    with: {command: "echo hello"}
  - id: fails
    uses: shell
    needs: [hello]
    with: {command: "echo oops; exit 3"}
"""

REPORT_FILE = """\
dag_id: report
schedule: {datasets: {all: [orders, users]}}
tasks:
  - id: write
    uses: shell
    with: {command: "echo {{ triggering_asset_events['orders'][0].extra.rows }} rows"}
    outlets: [{name: reports, uri: "file://reports"}]
"""


MAPPED_FILE = """\
dag_id: mapped
schedule: null
tasks:
  - {id: load, uses: shell, expand: {n: [1, 2]}, with: {command: "echo rows={{ map.n }} >> $MILLRACE_OUTPUT; echo loaded {{ map.n }}"}}
"""

NIGHTLY_FILE = """\
dag_id: nightly
schedule: "0 0 * * *"
start_date: 2001-03-01
end_date: 2001-03-03
tasks:
  - {id: nothing, uses: empty}
"""

ASKS_FILE = """\
dag_id: asks
schedule: null
tasks:
  - id: ok
    uses: airflow.providers.standard.operators.hitl.HITLOperator
    with:
      subject: "Publish {{ run_id }}?"
      body: "**now**"
      options: [publish, wait, drop]
      multiple: true
      params: {rows: {type: integer, default: 3, description: how many}, why: none}
      assigned_users: [{id: admin, name: admin}]
  - {id: more, uses: trigger_dag, needs: [ok], with: {dag: mapped, wait_for_completion: true}}
  - {id: gate, uses: airflow.providers.standard.operators.hitl.ApprovalOperator, with: {subject: "Sure?", respondents: [nobody]}}
"""


class Installation:
    """dagctl up, in a folder of its own, on any ports."""

    def __init__(self, dagctl):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace_client_")
        root = pathlib.Path(self.folder.name)
        self.state = root / "state"
        (root / "dags").mkdir()
        (root / "data").mkdir()
        (root / "dags" / "greetings.yaml").write_text(DAG_FILE)
        (root / "dags" / "report.yaml").write_text(REPORT_FILE)
        (root / "dags" / "mapped.yaml").write_text(MAPPED_FILE)
        (root / "dags" / "nightly.yaml").write_text(NIGHTLY_FILE)
        (root / "dags" / "asks.yaml").write_text(ASKS_FILE)
        (root / "dags" / "broken.yaml").write_text("dag_id: broken\ntasks:\n  - id: a\n    uses: shel\n")
        self.process = subprocess.Popen(
            [dagctl, "--state", str(self.state), "up", "--dags", str(root / "dags"), "--root", str(root / "data"),
             "--workers", "1", "--slots", "2", "--port", "0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            self.url = eventually("the scheduler serves", self.endpoint)
            self.token = self.login()
        except BaseException:
            self.stop()
            raise

    def endpoint(self):
        if self.process.poll() is not None:
            raise AssertionError(f"dagctl up has ended: {self.process.stderr.read()}")
        try:
            place = json.loads((self.state / "endpoints.json").read_text())["http"]
            url = place if "://" in place else "http://" + place
            with urllib.request.urlopen(url + "/api/v2/monitor/health", timeout=10):
                return url
        except (OSError, ValueError, KeyError):
            return None

    def login(self):
        password = eventually("the password", self.password)
        body = json.dumps({"username": "admin", "password": password}).encode()
        request = urllib.request.Request(self.url + "/auth/token", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 201, answer.status
            return json.load(answer)["access_token"]

    def password(self):
        try:
            return (self.state / "admin.password").read_text().strip()
        except FileNotFoundError:
            return None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
        self.folder.cleanup()
