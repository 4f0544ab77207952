"""`dagctl dags test` and `tasks test`: DAGs from files on a scheduler and a worker of their own, which leave nothing.

usage: dagctl_trial_test.py BIN_FOLDER SOURCE_FOLDER
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import eventually, processes  # noqa: E402

BIN, SOURCE = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
del sys.argv[1:3]

ETL = """\
dag_id: etl
schedule_interval: "0 0 * * *"
start_date: 2001-01-01
catchup: true
params: {who: {type: string, default: world}}
tasks:
  - id: first
    uses: shell
    retries: 1
    retry_delay: 0s
    with: {command: "echo first of {{ ds }}, from {{ data_interval_start | ds }}; test -e $MILLRACE_ROOT/tried || { touch $MILLRACE_ROOT/tried; exit 4; }"}
  - group: stage
    needs: [first]
    tasks:
      - {id: say, uses: shell, expand: {n: [1, 2]}, with: {command: "echo hello {{ params.who }} {{ map.n }}"}}
  - {id: last, uses: python, needs: [stage], with: {file: code/last.py, function: last}}
---
dag_id: other
schedule: "* * * * *"
tasks: [{id: bad, uses: shell, with: {command: "echo no >&2; exit 3"}}, {id: then, uses: empty, needs: [bad]}]
---
dag_id: again
tasks:
  - group: g
    loop: {until: "{{ loop.result == 2 }}", max_iterations: 5}
    tasks: [{id: count, uses: shell, with: {command: "echo at {{ loop.index }}; echo return_value={{ (loop.previous or 0) + 1 }} >> $MILLRACE_OUTPUT"}}]
  - {id: behind, uses: shell, needs: [g], with: {command: "echo came to {{ ti.xcom_pull('g.count') }}"}}
"""


class TrialTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace_"))
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("here", "here/dags", "here/dags/code", "root", "tmp"):
            (self.folder / name).mkdir()
        (self.folder / "here/dags/etl.yaml").write_text(ETL)
        (self.folder / "here/dags/code/last.py").write_text("def last():\n    print('last of all')\n    return 42\n")

    def start(self, *arguments):
        return subprocess.Popen([str(BIN / "dagctl"), *map(str, arguments), "--root", str(self.folder / "root")],
                                cwd=self.folder / "here", env=dict(os.environ, TMPDIR=str(self.folder / "tmp")), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def dagctl(self, *arguments, status=0):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=240)
        self.assertEqual(process.returncode, status, f"{arguments}\n{out}{err}")
        self.assertEqual(list((self.folder / "tmp").iterdir()), [])
        mark = str(self.folder)
        eventually("everything has ended", lambda: not [p for p in processes() if mark in p[4] and p[3] != "Z"])
        return out if status in (0, 3) else err

    def test_a_dag_that_ships_runs_from_its_file(self):
        orders = self.folder / "root/in/orders/2001-03-01"
        orders.mkdir(parents=True)
        (orders / "a.csv").write_text("1\n2\n3\n")
        rows = json.loads(self.dagctl("dags", "test", SOURCE / "dags/wait_for_orders.yaml", "2001-03-01", "-o", "json"))
        self.assertEqual({row["task_id"]: row["state"] for row in rows},
                         dict.fromkeys(("orders", "quiet", "count", "report"), "success"))
        self.assertIn("orders: 3", next(row["log"] for row in rows if row["task_id"] == "report"))

    def test_tries_and_logs_are_told_as_they_end_and_no_schedule_starts_it(self):
        out = self.dagctl("dags", "test", "etl", "2001-03-01", "--conf", '{"who": "you"}')
        lines = out.splitlines()
        self.assertTrue(lines[0].startswith("first  failed, to be tried again, try 1"), out)
        self.assertEqual(lines[1], "  | first of 2001-03-01, from 2001-02-28")
        self.assertIn("  | hello you 2", lines)
        self.assertIn("  | last of all", lines)
        self.assertEqual(lines[-1], "etl  success")
        self.assertEqual(out.count("first of"), 2)

    def test_the_iterations_of_a_group_that_loops_are_told_as_such(self):
        out = self.dagctl("dags", "test", "dags/etl.yaml", "--dag-id", "again")
        lines = out.splitlines()
        # The gate: what it repeats is a success like any other until it has asked.
        self.assertIn("g.__loop_gate  success, an iteration of its loop, try 1", lines)
        self.assertIn("  | at 1", lines)
        self.assertIn("  | came to 2", lines)
        self.assertEqual(lines[-1], "again  success")

    def test_a_run_that_fails_is_exit_status_three(self):
        out = self.dagctl("dags", "test", "dags/etl.yaml", "--dag-id", "other", status=3)
        self.assertIn("bad  failed", out)
        self.assertIn("  | no", out)
        self.assertIn("then  upstream_failed", out)
        self.assertEqual(out.splitlines()[-1], "other  failed")

    def test_one_task_runs_without_what_it_needs(self):
        rows = json.loads(self.dagctl("tasks", "test", "etl", "stage.say", "2001-03-01", "-o", "json"))
        self.assertEqual([(row["task_id"], row["state"]) for row in rows], [("stage.say[0]", "success"), ("stage.say[1]", "success")])
        [last] = json.loads(self.dagctl("tasks", "test", "etl", "last", "-o", "json"))
        self.assertIn("last of all", last["log"])

    def test_what_is_not_there_is_told_before_anything_is_started(self):
        self.assertIn("say which", self.dagctl("dags", "test", "dags/etl.yaml", status=1))
        self.assertIn("no DAG nothing", self.dagctl("dags", "test", "nothing", status=1))
        self.assertIn("no task: nothing", self.dagctl("tasks", "test", "etl", "nothing", status=1))
        self.assertIn("JSON", self.dagctl("dags", "test", "etl", "--conf", "[", status=1))
        (self.folder / "here/broken.yaml").write_text("dag_id: broken\ntasks: [{id: a, uses: shel}]\n")
        self.assertIn("shel", self.dagctl("dags", "test", "broken.yaml", status=1))

    def test_ctrl_c_leaves_nothing(self):
        (self.folder / "here/slow.yaml").write_text(
            "dag_id: slow\nschedule: null\ntasks: [{id: a, uses: shell, with: {command: 'touch $MILLRACE_ROOT/began; sleep 600'}}]\n")
        process = self.start("dags", "test", "slow.yaml")
        eventually("it runs", (self.folder / "root/began").exists)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(list((self.folder / "tmp").iterdir()), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
