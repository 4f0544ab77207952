"""Jobs from the command line, without a DAG: on a scheduler and workers of their own, and on one that runs.

usage: jobs_command_test.py BIN_FOLDER
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
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually, processes  # noqa: E402

BIN = pathlib.Path(sys.argv.pop(1)).resolve()
ROWS = "SELECT i % 97 AS k, CASE WHEN i % 11 = 0 THEN NULL ELSE i * 7919 % 1000 END AS v FROM range(300000) t(i)"
PLAIN = "SELECT k, count(*) AS n, sum(v) AS total, max(v) AS most FROM '{rows}' GROUP BY ALL ORDER BY ALL"
JOB = """inputs:
  rows: {path: %s}
map: SELECT k, v FROM rows
aggregate: {by: [k], select: {n: count(*), total: sum(v), most: max(v)}}
output: {path: %s}
"""
ENDLESS = """inputs:
  rows: {path: rows.csv}
map: SELECT a.v AS k, sum(b.v * c.v) AS v FROM rows a, rows b, rows c GROUP BY ALL
aggregate: {by: [k], select: {n: count(*)}}
output: {path: endless}
"""


def duckdb(statement):
    subprocess.run([BIN / "plain_duckdb", statement, "1"], check=True, stdout=subprocess.DEVNULL)


def fuse(told):
    [decision] = [decision for decision in told["report"]["decisions"] if decision["rule"] == "fuse"]
    return decision


class Folder(unittest.TestCase):
    """A folder of the caller's with data in it, and a TMPDIR of its own, which must be empty afterwards."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace_"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.here = self.folder / "here"
        self.temporary = self.folder / "tmp"
        self.here.mkdir()
        self.temporary.mkdir()
        duckdb(f"COPY ({ROWS}) TO '{self.here}/rows.csv'")
        duckdb(f"COPY ({ROWS}) TO '{self.here}/rows.parquet' (ROW_GROUP_SIZE 30000)")
        self.write("csv.yaml", JOB % ("rows.csv", "out"))
        self.write("parquet.yaml", JOB % ("rows.parquet", "out"))
        self.environment = dict(os.environ, TMPDIR=str(self.temporary))

    def write(self, name, text):
        (self.here / name).write_text(text)

    def start(self, *arguments):
        return subprocess.Popen([BIN / "dagctl", "jobs", *map(str, arguments)], cwd=self.here, env=self.environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def dagctl(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def succeed(self, *arguments):
        """The one object of -o json."""
        done = self.dagctl(*arguments, "-o", "json")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        [told] = json.loads(done.stdout)
        return told

    def fails(self, status, *arguments):
        """What it says on its one line of stderr."""
        done = self.dagctl(*arguments)
        self.assertEqual(done.returncode, status, done)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done)
        return done.stderr

    def assert_equals_plain(self, rows, output):
        got, expected = self.folder / "got.csv", self.folder / "expected.csv"
        duckdb(f"COPY (SELECT * FROM '{output}/*.parquet' ORDER BY ALL) TO '{got}'")
        duckdb(f"COPY ({PLAIN.format(rows=rows)}) TO '{expected}'")
        self.assertEqual(got.read_text(), expected.read_text())

    def assert_nothing_left(self):
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.assertFalse((self.here / ".millrace").exists())
        mark = str(self.folder)
        eventually("everything has ended", lambda: not [p for p in processes() if mark in p[4] and p[3] != "Z"])


class Local(Folder):
    def test_a_csv_job_equals_plain_duckdb_and_leaves_nothing_but_its_output(self):
        told = self.succeed("run", "csv.yaml", "--local")
        self.assertEqual((told["state"], told["mode"], told["reason"]), ("success", "fused", None))
        self.assertEqual((told["rows"], told["path"]), (97, str(self.here / "out")))
        self.assertGreater(told["duration_ms"], 0)
        self.assertEqual(sorted(file["path"] for file in told["files"]), sorted(file.name for file in (self.here / "out").glob("part-*")))
        self.assertEqual(told["report"]["plan"]["inputs"][0]["bytes"], (self.here / "rows.csv").stat().st_size)
        self.assert_equals_plain(self.here / "rows.csv", self.here / "out")
        self.assert_nothing_left()
        names = {entry.name for entry in self.here.iterdir()}
        self.assertEqual(names, {"rows.csv", "rows.parquet", "csv.yaml", "parquet.yaml", "out", ".out.lock"})

    def test_a_distributed_parquet_job_on_two_workers_equals_it_too_and_a_fused_one_may_replace_it(self):
        self.write("distributed.yaml", JOB % ("rows.parquet", "out") + "mode: distributed\nshuffle: {partitions: 5}\n")
        told = self.succeed("run", "distributed.yaml", "--local", "--workers", 2, "--slots", 2)
        self.assertEqual((told["mode"], len(told["files"])), ("distributed", 5))
        self.assertEqual({entry["worker"] for entry in told["report"]["timeline"]}, {"w1", "w2"})
        self.assert_equals_plain(self.here / "rows.parquet", self.here / "out")
        # Its fences count from the start again, and must not be taken for those of a publisher that was given up.
        self.assertEqual(self.succeed("run", "parquet.yaml", "--local")["mode"], "fused")
        self.assert_equals_plain(self.here / "rows.parquet", self.here / "out")
        self.assert_nothing_left()

    def test_two_at_once_in_one_folder_do_not_meet(self):
        both = [self.start("run", "csv.yaml", "--local", "--output", name, "-o", "json") for name in ("one", "two")]
        for process, name in zip(both, ("one", "two")):
            out, err = process.communicate(timeout=120)
            self.assertEqual((process.returncode, err), (0, ""), out)
            self.assert_equals_plain(self.here / "rows.csv", self.here / name)
        self.assert_nothing_left()

    def test_paths_may_lie_outside_the_callers_folder(self):
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        shutil.move(self.here / "rows.csv", elsewhere / "moved.csv")
        self.succeed("run", "csv.yaml", "--local", "--input", "rows=../elsewhere/m*.csv", "--output", elsewhere / "out")
        self.assert_equals_plain(elsewhere / "moved.csv", elsewhere / "out")
        self.assertFalse((self.folder / ".millrace").exists())
        self.assert_nothing_left()

    def test_explain_tells_inputs_stages_and_why_and_runs_nothing(self):
        told = self.succeed("explain", "parquet.yaml", "--local", "--workers", 2, "--slots", 1)
        plan = told["report"]["plan"]
        [rows] = plan["inputs"]
        self.assertEqual((rows["name"], rows["format"], rows["rows"], rows["files"]), ("rows", "parquet", 300000, 1))
        self.assertGreater(rows["splits"], 0)
        self.assertEqual([stage["stage"] for stage in plan["stages"]], ["fused", "publish"])
        self.assertLess(plan["fused_seconds"], plan["distributed_seconds"])
        self.assertIn("estimated", fuse(told)["why"])
        self.assertFalse((self.here / "out").exists())
        shown = self.dagctl("explain", "parquet.yaml", "--local")
        for part in ("INPUT", "parquet", "fuse: fused (estimated", "SELECT k, v FROM rows"):
            self.assertIn(part, shown.stdout)
        self.assert_nothing_left()

    def test_wrong_input_is_told_in_one_line(self):
        self.assertIn("no input files at", self.fails(3, "run", "csv.yaml", "--local", "--input", "rows=nothing.csv"))
        self.write("bad_sql.yaml", (JOB % ("rows.csv", "out")).replace("SELECT k, v", "SELECT k, w AS v"))
        self.assertIn('Referenced column "w" not found', self.fails(3, "run", "bad_sql.yaml", "--local"))
        self.write("unknown.yaml", JOB % ("rows.csv", "out") + "shufle: {partitions: 3}\n")
        self.assertIn("unknown.yaml:6:1: unknown field 'shufle' (did you mean 'shuffle'?)", self.fails(1, "run", "unknown.yaml", "--local"))
        self.assertIn("the job has no input 'row' (did you mean 'rows'?)", self.fails(1, "run", "csv.yaml", "--local", "--input", "row=x"))
        self.assertIn("must be name=path", self.fails(1, "run", "csv.yaml", "--local", "--input", "rows"))
        self.assertIn("nothing.yaml: No such file", self.fails(1, "run", "nothing.yaml", "--local"))
        self.assertEqual(self.dagctl("run", "csv.yaml", "--workers", 2).returncode, 2)
        self.assertFalse((self.here / "out").exists())
        self.assert_nothing_left()

    def test_a_failure_is_json_too(self):
        done = self.dagctl("run", "csv.yaml", "--local", "--input", "rows=nothing.csv", "-o", "json")
        [told] = json.loads(done.stdout)
        self.assertEqual((done.returncode, told["state"], told["duration_ms"], told["files"]), (3, "failed", None, []))
        self.assertIn("no input files at", told["reason"])

    def test_ctrl_c_leaves_nothing(self):
        self.write("endless.yaml", ENDLESS)
        process = self.start("run", "endless.yaml", "--local")
        eventually("it runs", lambda: list(self.here.glob(".millrace/staging/*/*")))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out, err), (130, "", "dagctl: stopped; the job is cancelled\n"))
        self.assertFalse((self.here / "endless").exists())
        self.assert_nothing_left()


class Running(Folder):
    def setUp(self):
        super().setUp()
        self.cluster = self.enterContext(Cluster(BIN))
        shutil.move(self.here, self.cluster.root / "here")
        self.here = self.cluster.root / "here"
        self.cluster.start_scheduler()
        self.cluster.start_worker("w1", 2)
        self.environment["MILLRACE_STATE"] = str(self.cluster.state)

    def test_a_job_is_a_run_like_any_other(self):
        told = self.succeed("run", "csv.yaml", "--input", "rows=rows.csv", "--output", "out")
        self.assert_equals_plain(self.here / "rows.csv", self.here / "out")
        run = self.cluster.run(told["dag_id"], told["dag_run_id"])
        self.assertEqual((run["state"], run["run_type"]), ("success", "manual"))
        source = self.cluster.ask("GET", f"/api/v2/dagSources/{told['dag_id']}")
        self.assertEqual(source["content"], (self.here / "csv.yaml").read_text())
        shown = self.dagctl("show", told["dag_id"], told["dag_run_id"], told["task_id"])
        self.assertIn("state success, fused", shown.stdout)
        # Another job is another version of the same DAG.
        other = self.succeed("run", "parquet.yaml", "--input", "rows=rows.parquet", "--output", "other")
        self.assertNotEqual(other["dag_run_id"], told["dag_run_id"])
        self.assert_equals_plain(self.here / "rows.parquet", self.here / "other")
        versions = self.cluster.ask("GET", f"/api/v2/dags/{told['dag_id']}/dagVersions")
        self.assertEqual(versions["total_entries"], 2)

    def test_what_is_kept_of_a_job_goes_with_its_run_when_the_store_is_cleaned(self):
        runs = []
        for i in range(4):
            self.write("job.yaml", (JOB % ("here/rows.csv", f"here/out{i}")).replace("SELECT k, v", f"SELECT k, v + {i} AS v"))
            runs.append(self.succeed("run", "job.yaml"))
            if i == 1:
                cleaned_before = self.cluster.run(runs[1]["dag_id"], runs[1]["dag_run_id"])["end_date"]
        dag = runs[0]["dag_id"]
        versions = lambda: [version["version_number"] for version in self.cluster.ask("GET", f"/api/v2/dags/{dag}/dagVersions")["dag_versions"]]  # noqa: E731
        self.assertEqual(versions(), [1, 2, 3, 4])
        body = {"before": cleaned_before, "dag_ids": [dag], "dry_run": False}
        self.assertEqual(self.cluster.ask("POST", "/millrace/v1/db/clean", body)["runs"], 1)  # that which ended before the second
        self.assertEqual(versions(), [2, 3, 4])
        # After a restart, too: the others' reports and what they ran.
        self.cluster.kill_scheduler()
        self.cluster.start_scheduler()
        for i, run in enumerate(runs[1:], 1):
            self.assertIn("state success", self.dagctl("show", dag, run["dag_run_id"], run["task_id"]).stdout)
            source = self.cluster.ask("GET", f"/api/v2/dagSources/{dag}?version_number={i + 1}")
            self.assertIn(f"v + {i} AS v", source["content"])
        self.assertNotEqual(self.dagctl("show", dag, runs[0]["dag_run_id"], "job").returncode, 0)
        done = subprocess.run([BIN / "dagctl", "db", "clean", "--before", "0s", "--dag", dag], env=self.environment, text=True, stdout=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(versions(), [4])
        # The next one counts on.
        self.write("job.yaml", JOB % ("here/rows.csv", "here/next"))
        self.succeed("run", "job.yaml")
        self.assertEqual(versions(), [4, 5])

    def test_paths_in_the_file_are_the_workers_and_scripts_come_with_the_job(self):
        self.write("count.sh", "tr -cs 0-9 '\\n' | sed 's/$/\\t1/'\n")
        self.write("words.yaml", """inputs: {lines: {path: here/rows.csv, format: text}}
map: {command: [sh, count.sh]}
reduce: {command: [sh, -c, "cut -f1 | uniq -c | awk '{print $2 \\"\\\\t\\" $1}'"]}
files: [count.sh]
output: {path: here/words, format: text}
""")
        told = self.succeed("run", "words.yaml")
        self.assertEqual(told["mode"], "distributed")
        counts = dict(line.split("\t") for file in (self.here / "words").glob("part-*") for line in file.read_text().splitlines())
        expected = {}
        for word in (self.here / "rows.csv").read_text().replace(",", "\n").split("\n"):
            if word.isdigit():
                expected[word] = expected.get(word, 0) + 1
        self.assertEqual({word: int(n) for word, n in counts.items() if word}, expected)

    def test_explain_leaves_a_run_that_wrote_nothing(self):
        self.write("distributed.yaml", JOB % ("here/rows.parquet", "here/out") + "mode: distributed\n")
        told = self.succeed("explain", "distributed.yaml")
        self.assertEqual([stage["stage"] for stage in told["report"]["plan"]["stages"]], ["map", "reduce", "publish"])
        self.assertEqual(fuse(told)["why"], "the job says mode: distributed")
        self.assertFalse((self.here / "out").exists())

    def test_what_is_wrong_with_a_request_is_told_with_its_place(self):
        self.assertIn("lies outside the worker's root", self.fails(3, "run", "csv.yaml", "--input", f"rows={self.folder}/rows.csv"))
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.cluster.ask("POST", "/millrace/v1/jobs", {"file": "a.yaml", "text": "inputs: {t: {path: x}}\noutptu: 3\n"})
        self.assertIn("a.yaml:2:1: unknown field 'outptu' (did you mean 'output'?)", [i["msg"] for i in json.loads(refused.exception.read())["detail"]])

    def test_ctrl_c_cancels_the_run(self):
        self.write("endless.yaml", ENDLESS.replace("rows.csv", "here/rows.csv").replace("endless", "here/endless"))
        process = self.start("run", "endless.yaml")
        runs = lambda: self.cluster.ask("GET", "/api/v2/dags/~/dagRuns?state=running")["dag_runs"]  # noqa: E731
        [run] = eventually("it runs", runs)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.cluster.await_run(run["dag_id"], run["dag_run_id"], "failed")["state"], "failed")

    def test_without_a_scheduler_it_says_how_to_get_one(self):
        self.environment["MILLRACE_STATE"] = str(self.folder / "nowhere")
        self.assertIn("dagctl up", self.fails(4, "run", "csv.yaml"))


unittest.main()
