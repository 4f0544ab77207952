"""XComs, mapping, branches, setup and teardown through a real scheduler and a real worker.

usage: authoring_test.py BIN_FOLDER
"""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually  # noqa: E402

BINARIES = sys.argv.pop(1)

DAG = """
dag_id: etl
schedule: null
params: {limit: {type: integer, default: 25, minimum: 0}}
tasks:
  - {id: create, uses: shell, setup: true, with: {command: "echo rows=5 >> $MILLRACE_OUTPUT; echo made"}}
  - id: list
    uses: python
    needs: [create]
    with: {file: files.py, function: names, args: {created: {$x: create}, rows: "{{ ti.xcom_pull('create', key='rows') }}"}}
  - group: file
    needs: [list]
    expand: {name: {$x: list}}
    tasks:
      - {id: size, uses: python, with: {file: files.py, function: size}}
      - {id: say, uses: shell, needs: [size], with: {command: "echo {{ map.name }} has {{ ti.xcom_pull('file.size') }}"}}
  - {id: sum, uses: python, needs: [file], with: {file: files.py, function: total, args: {sizes: {$x: file.size}}}}
  - id: pick
    uses: branch
    needs: [sum]
    with: {choose: "{{ 'much' if ti.xcom_pull('sum') > params.limit else 'little' }}"}
  - {id: much, uses: shell, needs: [pick], with: {command: echo much}}
  - {id: little, uses: shell, needs: [pick], with: {command: echo little}}
  - {id: end, uses: shell, needs: [much, little], trigger_rule: none_failed_min_one_success, with: {command: echo done}}
  - {id: drop, uses: shell, needs: [end], teardown: [create], with: {command: echo dropped}}
"""

FILES = """
import millrace
def names(created, rows):
    assert created == 'made' and rows == '5', (created, rows)
    millrace.xcom_push('count', 3)
    return ['a', 'bb', "it's; $(echo c)"]
def size(name):
    return len(name) * 10
def total(sizes):
    return sum(sizes)
"""


class AuthoringTest(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(Cluster(BINARIES))
        self.cluster.start_scheduler()
        self.cluster.start_worker("w1")
        (self.cluster.dags / "files.py").write_text(FILES)
        self.cluster.write_dag("etl.yaml", DAG)

    def states(self, run):
        listed = self.cluster.ask("GET", f"/api/v2/dags/etl/dagRuns/{run}/taskInstances?limit=100")
        return {(row["task_id"], row["map_index"]): row["state"] for row in listed["task_instances"]}

    def value(self, run, task, key="return_value", index=-1):
        path = f"/api/v2/dags/etl/dagRuns/{run}/taskInstances/{task}/xcomEntries/{key}?map_index={index}"
        return self.cluster.ask("GET", path)["value"]

    def test_values_flow_through_groups_branches_and_teardowns(self):
        run = self.cluster.trigger("etl")
        self.cluster.await_run("etl", run, "success")
        states = self.states(run)
        self.assertEqual(states.pop(("little", -1)), "skipped")
        self.assertEqual(set(states.values()), {"success"})
        self.assertEqual({key for key in states if key[0] == "file.say"}, {("file.say", i) for i in range(3)})
        self.assertEqual(self.value(run, "sum"), 10 + 20 + 150)
        self.assertEqual(self.value(run, "list", "count"), 3)
        self.assertEqual(self.value(run, "file.say", index=2), "it's; $(echo c) has 150")
        listed = self.cluster.ask("GET", f"/api/v2/dags/etl/dagRuns/{run}/taskInstances/file.size/listMapped")
        self.assertEqual(listed["total_entries"], 3)

        few = self.cluster.trigger("etl", {"limit": 1000})
        self.cluster.await_run("etl", few, "success")
        self.assertEqual(self.states(few)[("much", -1)], "skipped")

    def test_a_scheduler_that_is_killed_in_the_midst_of_a_mapped_group_goes_on(self):
        go = self.cluster.root / "go"
        script = self.cluster.dags / "files.py"
        held = script.read_text().replace("    return len(name)", f"""    import os, time
    while not os.path.exists({str(go)!r}):
        time.sleep(0.02)
    return len(name)""")
        self.assertIn(str(go), held)
        versions = lambda: self.cluster.ask("GET", "/api/v2/dags/etl/dagVersions")["total_entries"]
        eventually("it is loaded", lambda: self.cluster.ask("GET", "/api/v2/dags")["total_entries"])
        before = versions()
        script.write_text(held)
        eventually("the version that waits is live", lambda: versions() > before)
        run = self.cluster.trigger("etl")
        eventually("the group is mapped", lambda: ("file.size", 2) in self.states(run))
        self.cluster.kill_scheduler()
        self.cluster.start_scheduler()
        self.assertEqual(self.cluster.run("etl", run)["state"], "running")
        go.touch()
        self.cluster.await_run("etl", run, "success")
        self.assertEqual(self.value(run, "sum"), 180)


if __name__ == "__main__":
    unittest.main(verbosity=2)
