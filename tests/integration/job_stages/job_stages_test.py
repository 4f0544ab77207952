"""Distributed jobs on two real workers: rows kept for later jobs, outputs beside the output, records that cannot be read, folders as
columns, compressed files, very many small ones, native stages. Every row is compared with what plain DuckDB makes of the same files.

usage: job_stages_test.py BUILD_FOLDER PARTITIONER_LIBRARY
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually  # noqa: E402
from small_disk import SmallDisk  # noqa: E402

BUILD, PARTITIONER = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
del sys.argv[1:3]
BIN = BUILD / "bin"


def duckdb(statement):
    subprocess.run([BIN / "plain_duckdb", statement, "1"], check=True, stdout=subprocess.DEVNULL)


class Jobs(unittest.TestCase):
    """Two workers, and a root with orders in it, for all tests of a class."""
    worker_options = ()
    failpoints = {}

    @classmethod
    def make_cluster(cls):
        return cls.enterClassContext(Cluster(BIN, lease_ms=15000))

    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.make_cluster()
        cls.root = cls.cluster.root
        cls.outputs = 0
        cls.cluster.start_scheduler()
        for name in ("w1", "w2"):
            if name in cls.failpoints:
                cls.cluster.failpoints[name] = cls.failpoints[name]
            cls.cluster.start_worker(name, 2, *cls.worker_options)
        cls.await_workers()
        (cls.root / "orders").mkdir()
        for part in range(4):
            duckdb(f"COPY (SELECT i AS id, 'c' || i % 50 AS customer, i % 9 AS amount, CASE WHEN i % 11 = 0 THEN 'a, \"b\"' END AS note "
                   f"FROM range({part}, 20000, 4) t(i)) TO '{cls.root}/orders/{part}.csv'")
        cls.orders = f"read_csv('{cls.root}/orders/*.csv', header=true)"

    @classmethod
    def await_workers(cls):
        eventually("both workers are there",
                   lambda: sum(worker["state"] == "online" for worker in cls.cluster.workers_seen().values()) == 2)

    def run_job(self, job, state="success"):
        """Its output's folder, and what dagctl tells of it."""
        type(self).outputs += 1
        output = f"out{self.outputs}/"
        job = {"mode": "distributed", "shuffle": {"partitions": 4}, **job, "output": {"path": output, **job.get("output", {})}}
        file = self.cluster.folder / "job.json"
        file.write_text(json.dumps(job))
        done = subprocess.run([BIN / "dagctl", "jobs", "run", file, "-o", "json"], text=True, timeout=120, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=dict(os.environ, MILLRACE_STATE=str(self.cluster.state)))
        self.assertTrue(done.stdout, done)
        [told] = json.loads(done.stdout)
        self.assertEqual(told["state"], state, done)
        return self.root / output, told

    def rows(self, select):
        file = self.cluster.folder / "rows.csv"
        duckdb(f"COPY (SELECT * FROM ({select}) ORDER BY ALL) TO '{file}'")
        return file.read_text()

    def assert_rows(self, got, expected):
        expected = self.rows(expected)
        self.assertGreater(expected.count("\n"), 1, "nothing to compare")
        self.assertTrue(self.rows(got) == expected, f"{got} is not what plain DuckDB has")

    def assert_output(self, output, expected):
        self.assert_rows(f"FROM '{output}/*.parquet'", expected)

    def stage(self, told, name):
        [stage] = [one for one in told["report"]["stages"] if one["stage"] == name]
        return stage


def totals_job(key, limit=7):
    return {"inputs": {"orders": {"path": "orders/"}}, "stages": [
        {"name": "wanted", "sql": "SELECT customer, amount FROM orders WHERE amount > 2"},
        {"name": "totals", "aggregate": {"by": ["customer"], "select": {"n": "count(*)", "total": "sum(amount)::BIGINT"}},
         "cache": {"key": key, "ttl": "1d"}},
        {"name": "most", "order_by": ["total DESC", "customer"], "limit": limit}]}


TOTALS = "SELECT customer, count(*) AS n, sum(amount)::BIGINT AS total FROM {orders} WHERE amount > 2 GROUP BY customer"


class KeepingJobs(Jobs):
    def kept(self, told):
        [cached] = told["report"]["plan"]["cached"]
        return cached["hit"]

    def run_totals(self, key, hit, limit=7):
        output, told = self.run_job(totals_job(key, limit))
        self.assert_output(output, f"FROM ({TOTALS.format(orders=self.orders)}) ORDER BY total DESC, customer LIMIT {limit}")
        self.assertEqual(self.kept(told), hit, told["report"]["plan"])
        ran = {entry["stage"] for entry in told["report"]["timeline"]}
        self.assertEqual("wanted" in ran, not hit, ran)
        if hit:  # what is read is what was kept
            self.assertEqual(self.stage(told, "totals")["input_rows"], 50)
        return told

    def entries(self):
        return sorted(path for path in (self.root / ".millrace/cache").iterdir() if path.is_dir() and not path.name.startswith("."))


class Kept(KeepingJobs):
    def test_the_second_job_reads_what_the_first_kept_and_does_not_run_the_stage_again(self):
        self.run_totals("a", False)
        told = self.run_totals("a", True, limit=9)
        self.assertEqual(told["report"]["plan"]["inputs"][0]["name"], "totals")
        self.assertEqual(told["report"]["plan"]["inputs"][0]["rows"], 50)
        # Kept rows of which a file is gone are computed and kept anew.
        [entry] = self.entries()
        next(entry.glob("*.parquet")).unlink()
        self.run_totals("a", False)
        self.run_totals("a", True)
        # So they are when an input has changed.
        duckdb(f"COPY (SELECT 90000 AS id, 'c1' AS customer, 8 AS amount, NULL AS note) TO '{self.root}/orders/more.csv'")
        try:
            self.run_totals("a", False)
        finally:
            (self.root / "orders/more.csv").unlink()


class KeptOnASmallDisk(KeepingJobs):
    @classmethod
    def make_cluster(cls):
        cluster = cls.enterClassContext(Cluster(BIN))
        cls.disk = cls.enterClassContext(SmallDisk(cluster.root, 64))
        return cluster

    def test_under_pressure_what_was_not_used_lately_is_dropped_and_made_again(self):
        self.run_totals("a", False)
        [a] = self.entries()
        old = time.time() - 2 * 3600
        os.utime(f"{a}.json", (old, old))
        self.run_totals("b", False)
        self.assertEqual(len(self.entries()), 2, "there is room")
        self.disk.fill(room=4 << 20)  # of 64 MB, where a tenth should be free
        os.utime(f"{a}.json", (old, old))
        self.run_totals("c", False)
        self.assertNotIn(a, self.entries())
        self.assertEqual(len(self.entries()), 2, "what was used lately may be read by a job now")
        self.disk.free()
        self.run_totals("a", False)
        self.run_totals("a", True)


class KeptWhenAWorkerDies(KeepingJobs):
    failpoints = {"w2": "reduce.fetched=kill-parent@3"}

    @classmethod
    def make_cluster(cls):
        return cls.enterClassContext(Cluster(BIN, lease_ms=4000))

    def test_what_the_dead_worker_made_is_made_again_and_kept_once(self):
        told = self.run_totals("a", False)
        self.assertEqual([fired[0] for fired in self.cluster.fired()], ["reduce.fetched"])
        self.assertIn("lost", {decision["rule"] for decision in told["report"]["decisions"]})
        [entry] = self.entries()
        self.assert_rows(f"FROM '{entry}/*.parquet'", TOTALS.format(orders=self.orders))
        # It lies beneath the root, not with a worker: the one that is left and the next one read it.
        self.run_totals("a", True)
        del self.cluster.failpoints["w2"]
        self.cluster.workers["w2"].wait()
        self.cluster.start_worker("w2", 2)
        self.cluster.workers["w1"].kill()
        self.cluster.workers["w1"].wait()
        self.run_totals("a", True, limit=11)


class Beside(Jobs):
    def test_stages_are_published_beside_the_output_in_every_format(self):
        output, told = self.run_job({"inputs": {"orders": {"path": "orders/"}}, "stages": [
            {"name": "small", "sql": "SELECT * FROM orders WHERE amount < 3", "inputs": ["orders"],
             "output": {"path": "beside/small/", "format": "csv", "partition_by": ["amount"]}},
            {"name": "odd", "sql": "SELECT id, note FROM orders WHERE note IS NOT NULL", "inputs": ["orders"],
             "output": {"path": "beside/odd/", "format": "jsonl"}},
            {"name": "totals", "inputs": ["small"], "aggregate": {"by": ["customer"], "select": {"n": "count(*)"}},
             "output": {"path": "beside/totals/"}},
            {"name": "most", "order_by": ["n DESC", "customer"], "limit": 5}]})
        beside = self.root / "beside"
        totals = f"SELECT customer, count(*) AS n FROM {self.orders} WHERE amount < 3 GROUP BY customer"
        self.assert_output(output, f"FROM ({totals}) ORDER BY n DESC, customer LIMIT 5")
        self.assert_output(beside / "totals", totals)
        self.assert_rows(f"SELECT id, customer, note, amount FROM read_csv('{beside}/small/*/*.csv', hive_partitioning=true, header=true)",
                         f"SELECT id, customer, note, amount FROM {self.orders} WHERE amount < 3")
        self.assert_rows(f"SELECT id, note FROM read_json('{beside}/odd/*.jsonl')", f"SELECT id, note FROM {self.orders} WHERE note IS NOT NULL")
        rows = {side["name"]: side["rows"] for side in told["report"]["output"]["beside"]}
        self.assertEqual(rows, {"small": 6668, "odd": 1819, "totals": 50})
        self.assertEqual(self.rows(f"SELECT count(*), count(*) FILTER (amount < 3), count(note) FROM {self.orders}").splitlines()[1], "20000,6668,1819")

    def bad_input(self, name, bad, good, rows):
        """Files of rows k, v of which every hundredth is bad; what each bad one is: (file, offset, text)."""
        found = set()
        for part in range(4):
            text = b"k,v\n" if name == "csv" else b""
            for i in range(part, rows, 4):
                line = (bad if i % 100 < 4 else good)(i)
                if i % 100 < 4:
                    found.add((f"{part}.{name}", len(text), line))
                text += line.encode() + b"\n"
            path = self.root / name / f"{part}.{name}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text)
        return found

    def test_records_that_cannot_be_read_are_published_with_offset_and_reason_from_all_map_tasks(self):
        rows = 40000
        kinds = {
            "csv": ([lambda i: f"{i},no number", lambda i: f"{i}", lambda i: f"{i},1,2", lambda i: f"x{i},1"], lambda i: f"{i},{i % 7}"),
            "jsonl": ([lambda i: f'{{"k":{i},"v":"no number"}}', lambda i: f'{{"k":{i},"v":', lambda i: f"[{i}]", lambda i: "no JSON"],
                      lambda i: f'{{"k":{i},"v":{i % 7}}}'),
        }
        for name, (bad, good) in kinds.items():
            with self.subTest(name):
                expected = self.bad_input(name, lambda i, bad=bad: bad[i % 100](i), good, rows)
                self.assertEqual(len(expected), rows // 25)
                job = lambda limit: {"inputs": {"rows": {  # noqa: E731
                    "path": f"{name}/", "columns": {"k": "BIGINT", "v": "BIGINT"}, "bad_rows": {"limit": limit, "path": f"bad/{name}/"}}},
                    "map": "SELECT k % 10 AS g, v FROM rows", "aggregate": {"by": ["g"], "select": {"n": "count(*)", "total": "sum(v)::BIGINT"}}}
                refused, told = self.run_job(job(len(expected) - 1), "failed")
                self.assertIn("cannot be read", told["reason"])
                self.assertFalse((self.root / "bad").joinpath(name).exists() or refused.exists())
                output, told = self.run_job(job(len(expected)))
                self.assert_output(output, f"SELECT i % 10 AS g, count(*) AS n, sum(i % 7)::BIGINT AS total FROM range({rows}) t(i) "
                                           f"WHERE i % 100 >= 4 GROUP BY g")
                lines = [json.loads(line) for file in (self.root / "bad" / name).glob("*.jsonl") for line in file.read_text().splitlines()]
                self.assertEqual({(pathlib.Path(one["path"]).name, one["offset"], one["text"]) for one in lines}, expected)
                self.assertEqual(len(lines), len(expected))
                self.assertEqual({one["input"] for one in lines}, {"rows"})
                self.assertGreaterEqual(len({one["reason"] for one in lines}), 3, "each says what is wrong with it")
                self.assertTrue(all(one["reason"] for one in lines))
                self.assertEqual(self.stage(told, "map")["bad_rows"], len(expected))
                maps = {(entry["worker"], entry["index"]) for entry in told["report"]["timeline"] if entry["stage"] == "map"}
                self.assertEqual({worker for worker, index in maps}, {"w1", "w2"}, maps)


class Inputs(Jobs):
    def test_names_of_folders_are_columns_and_only_the_wanted_folders_are_read(self):
        for format in ("parquet", "csv"):
            with self.subTest(format):
                lake = self.root / format
                duckdb(f"COPY (SELECT i AS k, i % 7 AS v, DATE '2001-01-01' + (i % 4)::INTEGER AS day, CASE WHEN i % 3 = 0 THEN 'CA' "
                       f"WHEN i % 3 = 1 THEN 'a b/c=%' END AS st FROM range(12000) t(i)) TO '{lake}' (FORMAT {format}, PARTITION_BY (day, st))")
                plain = f"read_{format}('{lake}/*/*/*.{format}', hive_partitioning=true)"
                for where, files in (("day = '2001-01-02'", 3), ("day >= DATE '2001-01-02' AND st = 'CA'", 3), ("st LIKE 'a b/%' AND v > 2", 4)):
                    output, told = self.run_job({"inputs": {"lake": {"path": f"{format}/"}}, "stages": [
                        {"name": "wanted", "sql": f"SELECT k, v, st, day FROM lake WHERE {where}"},
                        {"name": "totals", "aggregate": {"by": ["st", "day"], "select": {"n": "count(*)", "total": "sum(k * v)::BIGINT"}}}]})
                    self.assert_output(output, f"SELECT st, day, count(*) AS n, sum(k * v)::BIGINT AS total FROM {plain} WHERE {where} GROUP BY ALL")
                    [lake_facts] = told["report"]["plan"]["inputs"]
                    self.assertEqual((lake_facts["files"], lake_facts["pruned_files"]), (files, 12 - files))
                    self.assertEqual(self.stage(told, "wanted")["input_rows"], files * 1000, "of those folders and no others")

    def test_gzip_and_zstd_files_of_every_kind_are_read_side_by_side(self):
        for format, extension in (("csv", "csv"), ("json", "jsonl")):
            with self.subTest(format):
                folder = self.root / f"z{format}"
                folder.mkdir()
                for part, (codec, suffix) in enumerate((("gzip", ".gz"), ("zstd", ".zst"), ("uncompressed", ""))):
                    duckdb(f"COPY (SELECT i AS k, i * 3 AS v, 'text \"' || i % 1000 AS s FROM range({part}, 30000, 3) t(i)) "
                           f"TO '{folder}/{part}.{extension}{suffix}' (FORMAT {format}, COMPRESSION {codec})")
                output, told = self.run_job({"inputs": {"rows": {"path": f"z{format}/"}}, "map": "SELECT s, v FROM rows",
                                             "aggregate": {"by": ["s"], "select": {"n": "count(*)", "total": "sum(v)::BIGINT"}}})
                self.assert_output(output, "SELECT 'text \"' || i % 1000 AS s, count(*) AS n, sum(i * 3)::BIGINT AS total FROM range(30000) t(i) GROUP BY s")
                self.assertEqual(self.stage(told, "map")["input_rows"], 30000)
                self.assertEqual(told["report"]["plan"]["inputs"][0]["files"], 3)

    def test_very_many_small_files_are_few_splits_and_every_row_comes_once(self):
        folder = self.root / "many"
        folder.mkdir()
        for file in range(900):
            (folder / f"{file}.jsonl").write_text("".join(f'{{"k":{k}}}\n' for k in range(file, 9000, 900)))
        output, told = self.run_job({"inputs": {"rows": {"path": "many/"}}, "map": "SELECT k % 10 AS g, k FROM rows",
                                     "aggregate": {"by": ["g"], "select": {"n": "count(*)", "least": "min(k)", "total": "sum(k)::BIGINT"}}})
        plain = f"SELECT k % 10 AS g, count(*) AS n, min(k) AS least, sum(k)::BIGINT AS total FROM read_json('{folder}/*.jsonl') GROUP BY g"
        self.assert_output(output, plain)
        [facts] = told["report"]["plan"]["inputs"]
        self.assertEqual(facts["files"], 900)
        self.assertLess(facts["splits"], 400)
        self.assertEqual(self.stage(told, "map")["input_rows"], 9000)


class RunningJobs(Jobs):
    """Jobs that are looked at, or meddled with, while they run."""

    def begin(self, job):
        output = f"{job['output']['path']}"
        sent = self.cluster.ask("POST", "/millrace/v1/jobs", {"file": "job.json", "text": json.dumps({"mode": "distributed", **job})})
        self.job = f"/millrace/v1/jobs/{sent['dag_id']}/{sent['dag_run_id'].replace('+', '%2B')}/{sent['task_id']}"
        return sent["dag_id"], sent["dag_run_id"], self.root / output

    def report(self):
        return self.cluster.ask("GET", self.job)["report"]

    def run_is_known(self):
        try:
            return self.report() is not None
        except urllib.error.HTTPError:
            return False


class Damaged(RunningJobs):
    worker_options = ("--memory", "64MB")  # map outputs above 10 MB become files
    failpoints = {"w1": "reduce.fetched=stop@1", "w2": "reduce.fetched=stop@1"}  # the first of all that is hit

    def outputs_of(self, name):
        """The files, all without a name, in which a worker keeps map outputs."""
        descriptors = pathlib.Path(f"/proc/{self.cluster.workers[name].pid}/fd")
        mark = str(self.cluster.folder / name)
        return [path for path in descriptors.iterdir() if mark in os.readlink(path) and "(deleted)" in os.readlink(path)]

    def test_blocks_that_are_damaged_on_the_disk_are_found_and_their_map_is_made_again(self):
        (self.root / "noise").mkdir()
        for part in range(4):
            duckdb(f"COPY (SELECT i % 97 AS k, md5(i::VARCHAR) AS text FROM range({part}, 120000, 4) t(i)) TO '{self.root}/noise/{part}.parquet'")
        dag, run, output = self.begin({"inputs": {"noise": {"path": "noise/"}}, "map": "SELECT k, repeat(text, 16) AS wide FROM noise",
                                       "shuffle": {"by": ["k"], "partitions": 4}, "output": {"path": "wide/"},
                                       "reduce": "SELECT k, count(*) AS n, min(wide) AS least, max(wide) AS most FROM shuffled GROUP BY k"})
        [fired] = eventually("a reduce task has its first blocks", self.cluster.fired)
        damaged = self.outputs_of("w1")[:1]
        for path in damaged:
            with open(path, "r+b") as file:  # of every partition a byte
                size = os.fstat(file.fileno()).st_size
                for place in range(size // 32, size, size // 16):
                    file.seek(place)
                    byte = file.read(1)
                    file.seek(place)
                    file.write(bytes([byte[0] ^ 1]))
        os.kill(int(fired[2]), signal.SIGCONT)
        self.cluster.await_run(dag, run, "success")
        self.assertEqual(len(damaged), 1, "nothing was there to be damaged")
        self.assert_output(output, f"SELECT k, count(*) AS n, repeat(min(text), 16) AS least, repeat(max(text), 16) AS most "
                                   f"FROM '{self.root}/noise/*.parquet' GROUP BY k")
        report = self.report()
        again = {decision["what"] for decision in report["decisions"] if decision["rule"] == "lost"}
        self.assertEqual(len(again), 1, report["decisions"])
        self.assertRegex(again.pop(), "^map [0-3] runs again$")
        [maps] = [stage for stage in report["stages"] if stage["stage"] == "map"]
        self.assertEqual((maps["tasks"], maps["attempts"], maps["failed_attempts"]), (4, 5, 0))
        self.assertGreater(maps["output_bytes"], 60_000_000)


class Progress(RunningJobs):
    def test_the_report_of_a_job_that_runs_says_how_far_it_is(self):
        # One mapper of four waits until it is told.
        wait = "mkdir $MILLRACE_ROOT/waits 2>/dev/null && while [ ! -e $MILLRACE_ROOT/go ]; do sleep 0.05; done; sed 's/$/\\t1/'"
        dag, run, output = self.begin({"inputs": {"orders": {"path": "orders/", "format": "text"}}, "map": {"command": ["sh", "-c", wait]},
                                       "reduce": "SELECT count(*) AS n FROM shuffled", "shuffle": {"partitions": 1}, "output": {"path": "counted/"}})

        def waiting():
            stages = {stage["stage"]: stage for stage in self.report()["stages"]} if self.run_is_known() else {}
            return stages if stages.get("map", {}).get("done") == 3 else None
        stages = eventually("three mappers have ended", waiting)
        self.assertEqual({name: (stage["tasks"], stage["done"], stage["running"]) for name, stage in stages.items()},
                         {"plan": (1, 1, 0), "map": (4, 3, 1)})
        self.assertEqual(self.report()["state"], "running")
        self.assertIsNone(self.report()["output"])
        shown = subprocess.run([BIN / "dagctl", "jobs", "show", dag, run, "job"], text=True, check=True, stdout=subprocess.PIPE,
                               env=dict(os.environ, MILLRACE_STATE=str(self.cluster.state))).stdout
        self.assertIn("state running", shown)
        (self.root / "go").touch()
        self.cluster.await_run(dag, run, "success")
        self.assertEqual(self.report()["state"], "success")
        self.assert_output(output, f"SELECT count(*) + 4 AS n FROM {self.orders}")


class Native(Jobs):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.root / "lib").mkdir()
        shutil.copy(BUILD / "lib/libword_count.so", cls.root / "lib/libword_count.so")
        shutil.copy(PARTITIONER, cls.root / "lib/libfirst_letter.so")
        (cls.root / "text").mkdir()
        for part in range(4):
            words = (f"{chr(97 + i * i % 23)}{i * 7919 % 211}" for i in range(part, 60000, 4))
            (cls.root / "text" / f"{part}.txt").write_text("".join(word + ("\n" if i % 9 == 8 else " ") for i, word in enumerate(words)))
        cls.plain = (f"SELECT word, count(*) AS n FROM (SELECT unnest(string_split(line, ' ')) AS word FROM read_csv('{cls.root}/text/*.txt', "
                     f"columns={{'line': 'VARCHAR'}}, header=false, delim=E'\\x01', quote='')) WHERE word <> '' GROUP BY word")

    def assert_counted(self, stage):
        output, told = self.run_job({"inputs": {"text": {"path": "text/"}}, "stages": [
            {"name": "words", "partition": {"library": "lib/libfirst_letter.so"}, "columns": {"word": "VARCHAR", "n": "BIGINT"}, **stage},
            {"name": "frequent", "sql": "SELECT * FROM words WHERE n > 0"}]})
        self.assert_output(output, self.plain)
        # A file is a partition, and has the words of its letters and no others.
        files = sorted(output.glob("*.parquet"))
        self.assertEqual(len(files), 4)
        letters = self.rows(f"SELECT count(DISTINCT ascii(word) % 4), count(*) > 0 FROM read_parquet('{output}/*.parquet', filename=true) GROUP BY filename")
        self.assertEqual(letters.splitlines()[1:], ["1,true"] * 4)
        self.assertEqual(self.stage(told, "words.map")["input_rows"], int(self.lines()))
        # The combiner left a pair a word and map, at most.
        distinct = int(self.rows(f"SELECT count(*) FROM ({self.plain})").split()[1])
        self.assertLessEqual(self.stage(told, "words.map")["output_rows"], distinct * self.stage(told, "words.map")["tasks"])
        return told

    def lines(self):
        return sum(file.read_bytes().count(b"\n") + (not file.read_bytes().endswith(b"\n")) for file in (self.root / "text").iterdir())

    def test_classes_of_a_library_with_a_combiner_and_a_partitioner(self):
        library = {"library": "lib/libword_count.so"}
        told = self.assert_counted({"map": library, "combine": library, "reduce": library})
        self.assertEqual(self.stage(told, "words.map")["counters"], {"word_count,lines": self.lines()})

    def test_streaming_commands_with_a_combiner_and_a_partitioner(self):
        total = ("$1 != key { if (NR > 1) print key \"\\t\" n; key = $1; n = 0 } { n += $2 } END { if (NR) print key \"\\t\" n; "
                 "print \"reporter:counter:pairs,%s,\" NR > \"/dev/stderr\" }")
        told = self.assert_counted({
            "map": {"command": ["awk", "{ for (i = 1; i <= NF; ++i) print $i \"\\t1\"; words += NF } END { print \"reporter:counter:text,words,\" words > \"/dev/stderr\" }"]},
            "combine": {"command": ["awk", "-F", "\t", total % "combined"]}, "reduce": {"command": ["awk", "-F", "\t", total % "reduced"]}})
        counters = self.stage(told, "words.map")["counters"]
        self.assertEqual(counters["text,words"], 60000)
        self.assertGreaterEqual(counters["pairs,combined"], 60000)
        self.assertEqual(self.stage(told, "frequent")["counters"]["pairs,reduced"], self.stage(told, "words.map")["output_rows"])


unittest.main()
