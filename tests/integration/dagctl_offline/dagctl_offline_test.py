"""dagctl's offline commands, as a user types them: usage: dagctl_offline_test.py DAGCTL DAG_FOLDER"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import zipfile

DAGCTL, DAGS = sys.argv[1:3]


def run(*arguments):
    return subprocess.run([DAGCTL, *arguments], capture_output=True, text=True, timeout=60, check=False)


class Offline(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def problems(self, name, text):
        path = self.write(name, text)
        result = run("dags", "validate", path)
        self.assertEqual(result.returncode, 1, result)
        for line in result.stdout.splitlines():
            self.assertTrue(line.startswith(path + ":"), line)
        return result.stdout

    def test_the_dags_that_ship_are_good(self):
        result = run("dags", "validate", DAGS)
        self.assertEqual(result.returncode, 0, result)
        self.assertIn("no problems", result.stdout)
        files = [os.path.join(DAGS, name) for name in sorted(os.listdir(DAGS)) if name.endswith(".yaml")]
        self.assertEqual(run("dags", "validate", *files).returncode, 0)
        self.assertEqual(json.loads(run("dags", "validate", *files, "-o", "json").stdout), [])

    def test_every_problem_is_told_with_its_place_and_a_suggestion(self):
        told = self.problems("bad.yaml", """dag_id: bad
schedule: "0 0 31 2 *"
tasks:
  - {id: a, uses: shel, needs: [c]}
  - {id: b, uses: shell, needs: [a], with: {comand: x, command: "echo {{ dss }}"}}
  - {id: c, uses: empty, needs: [b, dd]}
  - {id: c, uses: empty}
""")
        for part in ("bad.yaml:2:11: schedule '0 0 31 2 *'", "bad.yaml:4:19: task 'a': unknown task kind 'shel' (did you mean 'shell'?)",
                     "bad.yaml:5:45: task 'b': unknown field 'comand' (did you mean 'command'?)", "(did you mean 'ds'?)",
                     "a -> b -> c -> a", "needs 'dd', which does not exist", "task 'c' exists already"):
            self.assertIn(part, told)

    def test_hostile_files_are_refused(self):
        bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
        self.assertIn("anchors", self.problems("bomb.yaml", bomb))
        self.assertIn("nested deeper than 64", self.problems("deep.json", '{"a":' * 100_000 + "1" + "}" * 100_000))
        self.assertIn("nested deeper than 64", self.problems("lists.json", "[" * 100_000 + "]" * 100_000))
        self.problems("open.json", "[" * 100_000)
        self.assertIn("larger than 1 MiB", self.problems("large.yaml", "x" * (2 << 20)))

    def test_problems_are_rows_for_programs(self):
        path = self.write("bad.yaml", "dag_id: bad\ntasks: [{id: a, uses: emty}]\n")
        result = run("dags", "validate", path, "-o", "json")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(json.loads(result.stdout), [{"file": path, "line": 2, "column": 23, "message": "task 'a': unknown task kind 'emty'",
                                                      "suggestion": "did you mean 'empty'?"}])
        self.assertEqual(run("dags", "validate", "/nothing.yaml").returncode, 1)
        self.assertEqual(run("dags", "validate").returncode, 2)

    def test_an_archive_is_read_as_a_folder_is(self):
        path = os.path.join(self.folder.name, "flows.zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("daily.yaml", "dag_id: daily\nschedule: '@daily'\nstart_date: 2026-01-01\n"
                             "tasks: [{id: a, uses: python, with: {file: etl/a.py}}]\n")
            archive.writestr("checked.yaml", "dag_id: checked\ntasks: [{id: a, uses: check, with: {input: x, contract: contracts/c.yml}}]\n")
            archive.writestr("etl/a.py", "def main(): pass\n")
            archive.writestr("contracts/c.yml", "name: c\n")
        for given in (path, self.folder.name, path + "/daily.yaml"):
            result = run("dags", "validate", given)
            self.assertEqual(result.returncode, 0, result)
        self.assertIn("2 DAGs in 2 files", run("dags", "validate", path).stdout)
        for file in (path, path + "/daily.yaml"):
            result = run("simulate", "daily", "--file", file, "--days", "3", "-o", "json")
            self.assertEqual(len(json.loads(result.stdout)), 3, result)
        self.assertEqual([row["dag_ids"] for row in json.loads(run("dags", "report", path, "-o", "json").stdout)], ["checked", "daily"])
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("checked.yaml", "dag_id: checked\ntasks: [{id: a, uses: check, with: {input: x, contract: contracts/c.yml}}]\n")
            archive.writestr("contracts/c.yml", "nam: c\n")
            archive.writestr("daily.yaml", "dag_id: daily\ntasks: [{id: a, uses: python, with: {file: etl/a.py}}]\n")
        told = run("dags", "validate", path).stdout
        self.assertIn(f"{path}/contracts/c.yml:1:", told)
        self.assertIn(f"{path}/daily.yaml:2:", told)
        self.assertIn("file 'etl/a.py': the archive has no such file", told)

    def test_an_archive_that_cannot_be_read_says_why(self):
        path = os.path.join(self.folder.name, "flows.zip")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("flows/daily.yaml", "dag_id: daily\ntasks: [{id: a, uses: empty}]\n")
        self.assertEqual(run("dags", "validate", self.folder.name).returncode, 0)  # one that is not for DAGs
        self.assertIn("no DAG file at its root", run("dags", "validate", path).stdout)
        self.write("flows.zip", "PK")
        for given in (path, self.folder.name):
            result = run("dags", "validate", given)
            self.assertEqual(result.returncode, 1, result)
            self.assertIn(f"{path}: cannot be read: the archive is damaged", result.stdout)

    def next_runs(self, schedule, count, after):
        path = self.write("next.yaml", f"dag_id: d\n{schedule}\ntasks: [{{id: a, uses: empty}}]\n")
        result = run("dags", "next-execution", "d", "--file", path, "--count", str(count), "--after", after, "-o", "json")
        self.assertEqual(result.returncode, 0, result)
        return json.loads(result.stdout)

    def test_an_interval_covers_the_day_that_ended_also_when_clocks_change(self):
        runs = self.next_runs('schedule_interval: "0 2 * * *"\ntimezone: America/New_York\nstart_date: 2001-01-01', 2, "2001-03-31T12:00:00Z")
        self.assertEqual(runs, [
            # 1 April 2001 had no 02:00.
            {"run_after": "2001-04-01T07:00:00Z", "logical_date": "2001-03-31T07:00:00Z",
             "data_interval_start": "2001-03-31T07:00:00Z", "data_interval_end": "2001-04-01T07:00:00Z"},
            {"run_after": "2001-04-02T06:00:00Z", "logical_date": "2001-04-01T07:00:00Z",
             "data_interval_start": "2001-04-01T07:00:00Z", "data_interval_end": "2001-04-02T06:00:00Z"}])

    def test_a_schedule_has_the_time_it_fires_at_as_its_date(self):
        runs = self.next_runs('schedule: "30 6 * * MON"', 1, "2026-11-21")
        self.assertEqual(runs, [dict.fromkeys(("run_after", "logical_date", "data_interval_start", "data_interval_end"),
                                              "2026-11-23T06:30:00Z")])

    def test_no_schedule_has_no_next_run(self):
        self.assertEqual(self.next_runs("schedule: null", 3, "2026-11-21"), [])

    def test_every_kind_of_schedule_tells_its_next_runs(self):
        def times(schedule, count=3, after="2026-11-21"):
            return [row["run_after"] for row in self.next_runs(schedule, count, after)]
        self.assertEqual(times('schedule: ["0 2 * * *", "0 2,14 * * 1-5"]', 3, "2026-11-20T03:00:00Z"),
                         ["2026-11-20T14:00:00Z", "2026-11-21T02:00:00Z", "2026-11-22T02:00:00Z"])
        self.assertEqual(times("schedule: 6h\nstart_date: 2026-11-01T01:00:00Z"),
                         ["2026-11-21T01:00:00Z", "2026-11-21T07:00:00Z", "2026-11-21T13:00:00Z"])
        self.assertEqual(times("schedule: [2026-12-24, 2026-11-01, 2026-12-31]"), ["2026-12-24T00:00:00Z", "2026-12-31T00:00:00Z"])
        self.assertEqual(times('schedule: "@once"\nstart_date: 2026-12-01'), ["2026-12-01T00:00:00Z"])
        self.assertEqual(times('schedule: {datasets: [orders], timetable: "@monthly"}', 1), ["2026-12-01T00:00:00Z"])
        self.assertEqual(times("schedule: {datasets: [orders]}"), [])
        covered = self.next_runs('schedule: {uses: airflow.timetables.trigger.CronTriggerTimetable, with: {cron: "0 2 * * *", interval: 1d}}', 1, "2026-11-21")
        self.assertEqual((covered[0]["data_interval_start"], covered[0]["data_interval_end"]), ("2026-11-20T02:00:00Z", "2026-11-21T02:00:00Z"))
        for cron, first in (("0 0 L * *", "2026-11-30"), ("0 0 15W * *", "2026-12-15"), ("0 0 * * MON#1", "2026-12-07"), ("0 0 * * 5L", "2026-11-27"),
                            ("@quarterly", "2027-01-01"), ("0 0 1 JAN-MAR *", "2027-01-01")):
            self.assertEqual(times(f'schedule: "{cron}"', 1), [first + "T00:00:00Z"])

    def test_seconds_in_a_cron_are_refused_with_what_to_do(self):
        self.assertIn("seconds and years are not supported", self.problems("seconds.yaml", 'dag_id: d\nschedule: "0 0 2 * * *"\ntasks: [{id: a, uses: empty}]\n'))

    def simulate(self, head, *options, tasks="[{id: a, uses: shell, with: {command: x}}, {id: b, uses: shell, needs: [a], with: {command: x}}]"):
        path = self.write("simulated.yaml", f"dag_id: d\n{head}\ntasks: {tasks}\n")
        result = run("simulate", "d", "--file", path, "-o", "json", *options)
        self.assertEqual(result.returncode, 0, result)
        return json.loads(result.stdout)

    def test_a_year_is_simulated_a_row_a_run(self):
        rows = self.simulate('schedule: "0 2 * * *"\nstart_date: 2025-01-01', "--days", "365", "--duration", "a:30m", "--duration", "10m")
        self.assertEqual(len(rows), 365)
        self.assertEqual(rows[0], {
            "dag_id": "d", "run_id": "scheduled__2025-01-01T02:00:00+00:00", "run_type": "scheduled", "logical_date": "2025-01-01T02:00:00Z",
            "partition_key": None,
            "data_interval_start": "2025-01-01T02:00:00Z", "data_interval_end": "2025-01-01T02:00:00Z", "run_after": "2025-01-01T02:00:00Z",
            "queued_at": "2025-01-01T02:00:00Z", "started_at": "2025-01-01T02:00:00Z", "ended_at": "2025-01-01T02:40:00Z", "duration": 2400.0,
            "state": "success", "attempts": 2, "missed_deadlines": 0, "tasks": {"success": 2}, "note": ""})
        self.assertEqual(rows[-1]["logical_date"], "2025-12-31T02:00:00Z")
        self.assertEqual(len(self.simulate('schedule_interval: "@hourly"\nstart_date: 2025-01-01')), 8760)

    def test_runs_of_partitions_are_simulated_with_their_keys(self):
        head = 'schedule: {uses: cron_partition, with: {cron: "0 2 * * *", timezone: Asia/Taipei, run_offset: -1, key_format: "%Y-%m-%d"}}\nstart_date: 2025-01-01'
        rows = self.simulate(head, "--days", "3")
        self.assertEqual([row["partition_key"] for row in rows], ["2025-01-01", "2025-01-02", "2025-01-03"])  # 02:00 in Taipei is 18:00 UTC of the day before

    def test_a_simulated_attempt_fails_and_is_tried_again(self):
        head = 'schedule: "@daily"\nstart_date: 2025-01-01\ndefault_args: {retries: 1, retry_delay: 5m}'
        once = self.simulate(head, "--days", "2", "--fail", "b:1", "--tasks")
        self.assertEqual([(row["state"], row["attempts"], row["ended_at"]) for row in once],
                         [("success", 3, "2025-01-01T00:05:00Z"), ("success", 3, "2025-01-02T00:05:00Z")])
        self.assertEqual([(task["task_id"], task["state"], task["try_number"]) for task in once[0]["task_instances"]],
                         [("a", "success", 1), ("b", "success", 2)])
        twice = self.simulate(head, "--days", "1", "--fail", "a:2")
        self.assertEqual([(row["state"], row["tasks"]) for row in twice], [("failed", {"failed": 1, "upstream_failed": 1})])

    def test_simulated_days_begin_where_they_are_told(self):
        head = 'schedule: "@daily"\nstart_date: 2020-01-01\ntimezone: America/New_York\ncatchup: true'
        for option in ("--from", "--start"):
            rows = self.simulate(head, option, "2026-03-07", "--days", "3")
            self.assertEqual([row["run_after"] for row in rows], ["2026-03-07T05:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"])
        self.assertEqual(self.simulate("schedule: null"), [])

    def test_runs_that_take_too_long_are_seen_to_overlap(self):
        head = 'schedule: "@hourly"\nstart_date: 2026-01-01\noverlap: skip\ndeadline: {reference: queued_at, interval: 1h}'
        rows = self.simulate(head, "--days", "1", "--duration", "a:90m")
        self.assertEqual(len(rows), 12)
        self.assertEqual({row["missed_deadlines"] for row in rows}, {1})

    def test_branches_and_mapped_tasks_are_simulated_by_what_they_decide(self):
        tasks = """
  - {id: weekend, uses: branch, with: {choose: "{{ 'rest' if logical_date.weekday() >= 5 else 'work' }}"}}
  - {id: rest, uses: empty, needs: [weekend]}
  - {id: work, uses: empty, needs: [weekend]}
  - {id: list, uses: shell, with: {command: ls}}
  - {id: load, uses: shell, expand: {file: {$x: list}}, with: {command: "cat {{ map.file }}"}}
"""
        head = 'schedule: "@daily"\nstart_date: 2026-01-04'  # a Sunday
        rows = self.simulate(head, "--days", "2", "--tasks", tasks=tasks)
        self.assertEqual([row["tasks"] for row in rows], [{"success": 4, "skipped": 1}] * 2)
        skipped = [[task["task_id"] for task in row["task_instances"] if task["state"] == "skipped"] for row in rows]
        self.assertEqual(skipped, [["work"], ["rest"]])
        rows = self.simulate(head, "--days", "1", "--result", "list:[1, 2, 3]", tasks=tasks)
        self.assertEqual(rows[0]["tasks"], {"success": 6, "skipped": 1})

    def test_what_a_simulation_cannot_do_is_said_all_at_once(self):
        path = self.write("simulated.yaml", "dag_id: d\ntasks: [{id: load, uses: empty}]\n")
        result = run("simulate", "d", "--file", path, "--fail", "loaad:1", "--fail", "load:x", "--duration", "load:soon", "--result", "load:{")
        self.assertEqual(result.returncode, 1)
        for part in ("no task 'loaad' (did you mean 'load'?)", "'x' is no attempt's number", "--duration load:soon", "--result load:{"):
            self.assertIn(part, result.stderr)

    def test_the_schema_is_one_that_editors_read(self):
        schema = json.loads(run("dags", "schema").stdout)
        self.assertEqual(schema["$schema"], "https://json-schema.org/draft/2020-12/schema")
        self.assertEqual(schema["properties"]["tasks"]["items"]["else"], {"$ref": "#/$defs/task"})
        self.assertEqual(schema["$defs"]["task"]["required"][0], "id")

    RENDERED = """dag_id: d
schedule_interval: "0 2 * * *"
params: {name: world}
tasks:
  - {id: a, uses: sql, with: {sql: "SELECT {{ ti.xcom_pull('b') }} AS {{ var.value.column }}, DATE '{{ ds }}'"}}
  - id: b
    uses: shell
    with:
      command: |
        greet {{ params.name }} \\
          --until {{ data_interval_end | ds }}
"""

    def test_a_task_is_rendered_as_its_attempt_would_be(self):
        path = self.write("render.yaml", self.RENDERED)
        result = run("tasks", "render", "d", "b", "2001-03-01", "--file", path, "--conf", '{"name": "$(rm x)"}', "-o", "json")
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(json.loads(result.stdout), [
            {"field": "command", "value": 'greet "${MILLRACE_V1}" \\\n  --until 2001-03-02'},
            {"field": "MILLRACE_V1", "value": "$(rm x)"}])
        told = run("tasks", "render", "d", "b", "2001-03-01T02:00:00Z", "--file", path).stdout
        self.assertIn("run scheduled__2001-03-01T02:00:00+00:00, data interval 2001-03-01T02:00:00Z to 2001-03-02T02:00:00Z\n", told)
        self.assertIn('command:\ngreet "${MILLRACE_V1}" \\\n  --until 2001-03-02\n', told)

    def test_what_other_tasks_leave_is_given_to_render_with(self):
        path = self.write("render.yaml", self.RENDERED)
        result = run("tasks", "render", "d", "a", "2001-03-01", "--file", path)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"task 'a', .*render.yaml:5:\d+: template, line 1, column 14: the XCom 'return_value' of task 'b' "
                                        r"is not known before the run; give one to render with: --xcom b=JSON")
        result = run("tasks", "render", "d", "a", "2001-03-01", "--file", path, "--xcom", "b=3", "--var", "column=n", "-o", "plain")
        self.assertIn("sql\tSELECT 3 AS n, DATE '2001-03-01'\n", result.stdout)

    def test_under_airflows_schema_only_marked_strings_are_rendered(self):
        path = self.write("airflow.yaml", """$schema: https://airflow.apache.org/schemas/dag/2026-10-30.json
dag_id: d
schedule: "0 3 * * *"
tasks:
  - id: a
    uses: airflow.providers.standard.operators.bash.BashOperator
    with: {bash_command: {$t: "extract.sh {{ ds }}"}, env: {PLAIN: "{{ ds }} {% if %}", MARKED: {$t: "{{ ds_nodash }}"}}}
""")
        result = run("tasks", "render", "d", "a", "2001-03-01", "--file", path, "-o", "json")
        self.assertEqual(json.loads(result.stdout or "[]"), [
            {"field": "command", "value": "extract.sh 2001-03-01"},
            {"field": "env", "value": {"PLAIN": "{{ ds }} {% if %}", "MARKED": "20010301"}}], result.stderr)

    def test_what_cannot_be_rendered_is_told(self):
        path = self.write("render.yaml", self.RENDERED)
        for arguments, told in ((("d", "c", "2001-03-01"), "has no task 'c'"), (("d", "b", "monday"), "the date"),
                                (("d", "b", "2001-03-01", "--conf", "[]"), "conf must be a JSON object"),
                                (("d", "b", "2001-03-01", "--xcom", "b"), "TASK=JSON")):
            result = run("tasks", "render", *arguments, "--file", path)
            self.assertEqual(result.returncode, 1, result)
            self.assertIn(told, result.stderr)

    def test_bash_completes_commands_aliases_and_options_at_every_level(self):
        def completed(*words):
            script = 'source <("$1" completion); shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dagctl; printf "%s\\n" "${COMPREPLY[@]}"'
            done = subprocess.run(["bash", "-c", script, "bash", DAGCTL, "dagctl", *words], capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done)
            return sorted(done.stdout.split())
        self.assertEqual(completed("back"), ["backfill"])
        self.assertEqual(completed("dags", "list"), ["list", "list-import-errors", "list-jobs", "list-runs"])
        self.assertEqual(completed("-o", "json", "assets", "ma"), ["materialize"])
        self.assertEqual(completed("tasks", "clear", "etl", "--only-s"), ["--only-skipped"])
        self.assertEqual(completed("tasks", "clear", "--out"), ["--output"])

    def test_a_graph_is_told_of_a_file(self):
        path = self.write("one.yaml", "dag_id: one\ntasks: [{id: a, uses: empty}, {id: b, uses: empty, needs: [a]}]\n")
        self.assertIn('"a" -> "b";', run("dags", "graph", "one", "--file", path).stdout)
        rows = json.loads(run("dags", "graph", "one", "--file", path, "-o", "json").stdout)
        self.assertEqual(rows, [{"from": "a", "to": "b", "label": ""}])

    def test_a_word_that_is_none_is_refused_with_the_nearest_one_and_where_to_look(self):
        for words, told in ((("dag", "list"), "dagctl has no command dag; did you mean 'dags'?\ndagctl --help"),
                            (("dags", "lst"), "dagctl dags has no command lst; did you mean 'list'?\ndagctl dags --help"),
                            (("tasks", "clear", "etl", "--onlyfailed"),
                             "dagctl tasks clear has no option --onlyfailed; did you mean '--only-failed'?\ndagctl tasks clear --help"),
                            (("dags", "show", "a", "b"), "dagctl dags show takes no more: b\n"),
                            (("dags", "show"), "dag is required"),
                            (("dags",), "subcommand is required\ndagctl dags --help"),
                            (("dags", "list", "-o", "xml"), "--output: takes table, json, yaml or plain, not xml")):
            result = run(*words)
            self.assertEqual(result.returncode, 2, result)
            self.assertIn(told, result.stderr)
        self.assertRegex(run("--version").stdout, r"^dagctl \d+\.\d+")

    def test_an_unknown_dag_is_a_problem(self):
        path = self.write("one.yaml", "dag_id: one\ntasks: [{id: a, uses: empty}]\n")
        result = run("dags", "next-execution", "two", "--file", path)
        self.assertEqual(result.returncode, 1)
        self.assertIn("the file defines: one", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
