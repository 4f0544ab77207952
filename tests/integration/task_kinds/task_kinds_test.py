"""Python and HTTP tasks through a real scheduler and a real worker.

usage: task_kinds_test.py BIN_FOLDER
"""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster  # noqa: E402
from sinks import HttpSink  # noqa: E402

BINARIES = sys.argv.pop(1)


class TaskKindsTest(unittest.TestCase):
    def cluster(self, **options):
        cluster = self.enterContext(Cluster(BINARIES, **options))
        cluster.start_scheduler()
        cluster.start_worker("w1")
        return cluster

    def rendered(self, cluster, dag, task, run_or_date):
        result = subprocess.run([pathlib.Path(BINARIES) / "dagctl", "--state", cluster.state, "tasks", "render", dag, task, run_or_date,
                                 "-o", "json"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_python_functions_are_called_with_rendered_arguments_and_the_context(self):
        cluster = self.cluster()
        (cluster.dags / "scripts").mkdir()
        (cluster.dags / "scripts" / "report.py").write_text(
            "from millrace import SkipException\n"
            "def build(day, factor, context):\n"
            "    print('building', day, context['params']['base'] * factor, context['dag_id'])\n"
            "    return {'day': day}\n"
            "def nothing():\n"
            "    raise SkipException('no news')\n"
            "def broken():\n"
            "    raise KeyError('city')\n")
        cluster.write_dag("report.yaml", """
dag_id: report
schedule: null
params: {base: {type: integer, default: 6}}
tasks:
  - id: build
    uses: python
    with: {file: scripts/report.py, function: build, args: {day: "{{ run_id }}", factor: 7}}
  - id: nothing
    uses: airflow.providers.standard.operators.python.PythonOperator
    with: {python_callable: scripts.report.nothing}
  - id: broken
    uses: python
    needs: [build]
    with: {file: scripts/report.py, function: broken}
""")
        run = cluster.trigger("report", {"base": 5})
        cluster.await_run("report", run, "failed")
        tasks = cluster.tasks("report", run)
        self.assertEqual({name: task["state"] for name, task in tasks.items()},
                         {"build": "success", "nothing": "skipped", "broken": "failed"})
        self.assertIn(f"building {run} 35 report", cluster.log("report", run, "build"))
        given = self.rendered(cluster, "report", "build", run)
        self.assertIn({"field": "args", "value": {"day": run, "factor": 7}}, given)
        planned = self.rendered(cluster, "report", "build", "2001-03-01")
        self.assertIn({"field": "args", "value": {"day": "manual__2001-03-01T00:00:00+00:00", "factor": 7}}, planned)
        self.assertIn("line 8, in broken", cluster.log("report", run, "broken"))

    def test_http_requests_carry_what_was_written_and_their_answers_are_results_or_files(self):
        http = self.enterContext(HttpSink())
        host = http.url.removeprefix("http://")
        cluster = self.cluster(environment={"MILLRACE_CONN_API": f"http://ana:se-cret@{host}/v1?token=tok-en-1"})
        cluster.write_dag("web.yaml", f"""
dag_id: web
schedule: null
tasks:
  - id: post
    uses: http
    with: {{connection: api, endpoint: rows, json: {{run: "{{{{ run_id }}}}", n: 3}}, params: {{q: "a b&c"}}}}
  - id: file
    uses: http
    with: {{url: "{http.url}/large/3000000", to: "lake/{{{{ run_id }}}}.txt"}}
  - id: large
    uses: http
    with: {{url: "{http.url}/large/100000"}}
  - id: redirected
    uses: http
    with: {{url: "{http.url}/redirect/3"}}
  - id: too_far
    uses: http
    with: {{url: "{http.url}/redirect/9"}}
  - id: missing
    uses: http
    with: {{url: "{http.url}/status/404"}}
  - id: expected
    uses: http
    with: {{url: "{http.url}/status/404", expect: 404, method: DELETE}}
  - id: refused
    uses: http
    with: {{url: "http://127.0.0.1:1/"}}
""")
        run = cluster.trigger("web")
        cluster.await_run("web", run, "failed")
        tasks = cluster.tasks("web", run)
        self.assertEqual({name: task["state"] for name, task in tasks.items()},
                         {"post": "success", "file": "success", "large": "success", "redirected": "success", "too_far": "failed",
                          "missing": "failed", "expected": "success", "refused": "failed"})
        posted = next(r for r in http.requests if r["method"] == "POST")
        self.assertEqual(posted["path"], "/v1/rows?q=a%20b%26c")
        self.assertEqual(json.loads(posted["body"]), {"run": run, "n": 3})
        self.assertEqual(posted["headers"]["Authorization"], "Bearer tok-en-1")
        self.assertEqual((cluster.root / "lake" / f"{run}.txt").stat().st_size, 3000000)
        self.assertIn("the result has its beginning", cluster.log("web", run, "large"))
        log = "".join(cluster.log("web", run, task) for task in tasks)
        self.assertNotIn("se-cret", log)
        self.assertNotIn("tok-en-1", log)
        self.assertIn("answered 404: this is 404", json.dumps(cluster.tries("web", run, "missing")) + log + json.dumps(tasks["missing"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
