"""Jobs over Zipf(1.3) keys on real workers: what is hot is cut or salted, no task reads much more than the others, the rows are those of
plain DuckDB, and a worker that dies between two pieces changes nothing.

usage: skew_test.py BIN_FOLDER
"""

import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually  # noqa: E402

BIN = pathlib.Path(sys.argv.pop(1)).resolve()
PARTITIONS = 24
# The chance that a key is at least k is k^-0.3.
ZIPF = """SELECT (floor(((hash(i, 'zipf') >> 11)::DOUBLE / 9007199254740992 + 1e-9) ^ (-1 / 0.3)) % 1000003)::BIGINT AS k, i AS v, i % 7 AS w
FROM range({first}, 300000, 3) t(i)"""
STATES = """SELECT k, v, w, 1::BIGINT AS n FROM mapped"""
MERGE = """SELECT k, sum(v)::BIGINT AS v, max(w) AS w, sum(n)::BIGINT AS n FROM shuffled GROUP BY k"""
DAG = f"""dag_id: skew
schedule: null
tasks:
  - id: aggregate
    uses: mapreduce
    with:
      inputs: {{a: {{path: a/}}}}
      combine: {STATES}
      merge: {MERGE}
      shuffle: {{by: [k], partitions: {PARTITIONS}, salt: none}}
      output: {{path: totals/}}
  - id: join
    uses: mapreduce
    with:
      inputs: {{a: {{path: a/, read: split}}, b: {{path: b/, read: split}}}}
      shuffle: {{partitions: {PARTITIONS}, salt: none}}
      stages:
        - name: joined
          join: {{left: a, right: b, on: [k], type: left, strategy: shuffle, select: "a.k, a.v, b.y"}}
      output: {{path: joined/}}
  - id: salted
    uses: mapreduce
    with:
      inputs: {{a: {{path: a/}}}}
      combine: {STATES}
      merge: {MERGE}
      shuffle: {{by: [k], partitions: {PARTITIONS}, salt: 6, cut: none}}
      output: {{path: salted/}}
"""
TOTALS = "SELECT k, sum(v)::BIGINT AS v, max(w) AS w, count(*) AS n FROM '{root}/a/*.parquet' GROUP BY k"
JOINED = "SELECT a.k, a.v, b.y FROM '{root}/a/*.parquet' a LEFT JOIN '{root}/b/*.parquet' b USING (k)"


def duckdb(statement):
    subprocess.run([BIN / "plain_duckdb", statement, "1"], check=True, stdout=subprocess.DEVNULL)


class Skew(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(Cluster(BIN, lease_ms=4000))
        for folder in ("a", "b"):
            (self.cluster.root / folder).mkdir(parents=True)
        for part in range(3):
            duckdb(f"COPY ({ZIPF.format(first=part)}) TO '{self.cluster.root}/a/{part}.parquet'")
        duckdb(f"COPY (SELECT DISTINCT k, k * 3 AS y FROM '{self.cluster.root}/a/*.parquet' WHERE k % 3 <> 2) TO '{self.cluster.root}/b/0.parquet'")

    def run_all(self, tend=None):
        self.cluster.write_dag("skew.yaml", DAG)
        self.cluster.start_scheduler()
        for name in ("w1", "w2"):
            self.cluster.start_worker(name, 2)
        run = self.cluster.trigger("skew")

        def ended():
            if tend is not None:
                tend()
            state = self.cluster.run("skew", run)["state"]
            return state if state in ("success", "failed") else None
        self.assertEqual(eventually("the run has ended", ended, 240), "success")
        return run.replace("+", "%2B")

    def report(self, run, task):
        return self.cluster.ask("GET", f"/millrace/v1/jobs/skew/{run}/{task}")["report"]

    def assert_rows(self, output, plain):
        got, expected = self.cluster.folder / "got.csv", self.cluster.folder / "expected.csv"
        duckdb(f"COPY (SELECT * FROM '{self.cluster.root}/{output}/*.parquet' ORDER BY ALL) TO '{got}'")
        duckdb(f"COPY (SELECT * FROM ({plain.format(root=self.cluster.root)}) ORDER BY ALL) TO '{expected}'")
        self.assertTrue(got.read_bytes() == expected.read_bytes(), f"{output} is not what plain DuckDB has")

    def assert_all_rows(self):
        self.assert_rows("totals", TOTALS)
        self.assert_rows("joined", JOINED)
        self.assert_rows("salted", TOTALS)

    def test_no_task_reads_much_more_than_the_median_and_the_report_says_what_was_done(self):
        run = self.run_all()
        self.assert_all_rows()
        for task, stages in (("aggregate", ("reduce", "reduce.cut")), ("join", ("joined",))):
            report = self.report(run, task)
            [skew] = report["skew"]
            self.assertGreater(skew["largest_bytes"], 5 * skew["usual_bytes"], skew)
            sizes = {stage["stage"]: stage for stage in report["stages"]}
            for stage in stages:
                self.assertLessEqual(sizes[stage]["largest_task_bytes"], 1.5 * skew["usual_bytes"], (stage, skew))
                # What it read is what came over the shuffle.
                self.assertEqual(sizes[stage]["failed_attempts"] + sizes[stage]["lost_attempts"], 0, report)
            self.assertEqual(skew["keys"][0]["key"], "k=1")
            shown = subprocess.run([BIN / "dagctl", "jobs", "show", "skew", run.replace("%2B", "+"), task], text=True, check=True,
                                   stdout=subprocess.PIPE, env=dict(os.environ, MILLRACE_STATE=str(self.cluster.state))).stdout
            self.assertIn("hot partitions in", shown)
            self.assertIn("the heaviest key is k=1", shown)
        report = self.report(run, "salted")
        [salt] = [decision for decision in report["decisions"] if decision["rule"] == "salt"]
        self.assertIn("k=1 has", salt["why"])
        by_stage = {stage["stage"]: stage for stage in report["stages"]}
        self.assertLess(by_stage["reduce.cut"]["largest_task_bytes"], self.report(run, "aggregate")["skew"][0]["largest_bytes"] / 3)

    def test_a_worker_that_dies_between_two_pieces_changes_nothing(self):
        # The join's maps fetch nothing: these are pieces, of a join or of an aggregation, or what merges them.
        self.cluster.failpoints["w1"] = "reduce.fetched=kill-parent@40"

        def tend():
            if self.cluster.workers["w1"].poll() is not None:
                self.cluster.failpoints.pop("w1", None)
                self.cluster.start_worker("w1", 2)
        run = self.run_all(tend)
        self.assertEqual(len(self.cluster.fired()), 1)
        self.assert_all_rows()
        lost = [task for task in ("aggregate", "join", "salted")
                if any(decision["rule"] == "lost" for decision in self.report(run, task)["decisions"])]
        self.assertTrue(lost)


unittest.main()
