"""Teams with a real scheduler and a real worker: pools, variables and connections of a team are used by the DAGs of its bundle, and by nobody
else, who is told whose they are; and a team goes once nothing belongs to it.

usage: teams_test.py BIN
"""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually  # noqa: E402

BIN = sys.argv.pop(1)

# The same tasks for everybody; `handed` needs the connection's value on the worker.
TASKS = """\
dag_id: {dag}
tasks:
  - {{id: pool, uses: shell, pool: warehouse, retries: 3, with: {{command: echo ran}}}}
  - {{id: variable, uses: shell, with: {{command: "echo {{{{ var.value.bucket }}}}"}}}}
  - {{id: fallback, uses: shell, with: {{command: "echo {{{{ var.value.get('bucket', 'nothing') }}}}"}}}}
  - {{id: connection, uses: shell, with: {{command: "echo {{{{ conn.lake.login }}}}"}}}}
  - {{id: handed, uses: notify, with: {{notify: webhook, connection: lake, body: hello}}}}
  - {{id: everybodys, uses: shell, with: {{command: "echo {{{{ var.value.plain }}}}"}}}}
"""


class TeamsTest(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(Cluster(BIN))
        bundles = []
        for dag, team in (("ours", "sales"), ("theirs", "ads"), ("nobodys", None)):
            folder = self.cluster.folder / dag
            folder.mkdir()
            (folder / f"{dag}.yaml").write_text(TASKS.format(dag=dag))
            bundles.append({"name": dag, "uses": "local", "with": {"path": str(folder)}, **({"team_name": team} if team else {})})
        config = self.cluster.folder / "bundles.yaml"
        config.write_text(json.dumps(bundles))
        self.cluster.flags += ["--dag-bundles", config]
        self.cluster.start_scheduler()

    def dagctl(self, *arguments, status=0, text=None):
        done = subprocess.run([f"{BIN}/dagctl", "--url", self.cluster.url, "--token", self.cluster.token, *map(str, arguments)],
                              input=text, capture_output=True, text=True, timeout=60, env={"HOME": "/nonexistent"})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stdout + done.stderr

    def rows(self, *arguments):
        return json.loads(self.dagctl("-o", "json", *arguments))

    def make_teams(self):
        for team in ("sales", "ads"):
            self.dagctl("teams", "create", team)

    def test_teams_come_and_go(self):
        self.assertEqual(self.rows("teams", "list"), [])
        self.assertIn("Bundle ours: There is no team sales", (self.cluster.folder / "scheduler.log").read_text())
        self.make_teams()
        self.assertEqual(self.rows("teams", "list"), [{"name": "ads"}, {"name": "sales"}])
        self.assertIn("exists already", self.dagctl("teams", "create", "ads", status=1))
        self.assertIn("3 to 50", self.dagctl("teams", "create", "ab", status=1))
        self.dagctl("teams", "create", "passing")
        self.dagctl("teams", "delete", "passing", "--yes")
        self.assertIn("no team", self.dagctl("teams", "delete", "passing", "--yes", status=1))
        [made] = self.rows("users", "create", "ana", "--role", "user", "--team", "sales,ads")
        self.assertEqual(made["teams"], ["sales", "ads"])
        self.assertIn("did you mean 'sales'?", self.dagctl("users", "set", "ana", "--team", "sale", status=1))
        [there] = self.rows("users", "set", "ana", "--role", "op")
        self.assertEqual(there["teams"], ["ads", "sales"])
        [there] = self.rows("users", "set", "ana", "--team", "sales")
        self.assertEqual(there["teams"], ["sales"])
        self.assertIn("sales", self.dagctl("users", "list"))
        eventually("ours is known", lambda: "ours" in [dag["dag_id"] for dag in self.rows("dags", "list")])
        told = self.dagctl("teams", "delete", "sales", "--yes", status=1)
        self.assertIn("user ana", told)
        self.assertIn("DAG ours", told)
        [there] = self.rows("users", "set", "ana", "--no-teams")
        self.assertEqual(there["teams"], [])
        actions = {(line["event"], line["object"]) for line in self.rows("audit", "list", "--limit", "50")}
        self.assertLessEqual({("create_team", "sales"), ("delete_team", "passing")}, actions)

    def test_what_a_team_has_only_its_dags_use(self):
        self.make_teams()
        self.dagctl("pools", "set", "warehouse", 2, "--team", "sales")
        self.dagctl("variables", "set", "bucket", "raw", "--team", "sales")
        self.dagctl("variables", "set", "plain", "for all")
        # Nobody listens there: what was handed the connection fails otherwise than what was not.
        self.dagctl("connections", "add", "lake", "--uri", "-", "--team", "sales", text="http://ana:t0ps3cret@127.0.0.1:9/hook\n")
        self.assertIn("did you mean 'sales'?", self.dagctl("pools", "set", "other", 2, "--team", "sale", status=1))
        self.assertIn("everybody's", self.dagctl("pools", "set", "default_pool", 128, "--team", "sales", status=1))
        self.cluster.start_worker("w1")

        run = self.cluster.trigger("ours")
        self.cluster.await_run("ours", run, "failed")
        tasks = self.cluster.tasks("ours", run)
        self.assertEqual({name: task["state"] for name, task in tasks.items()},
                         {"pool": "success", "variable": "success", "fallback": "success", "connection": "success",
                          "handed": "failed", "everybodys": "success"}, tasks)
        self.assertNotIn("belongs to team", tasks["handed"]["note"])
        self.assertIn("raw", self.cluster.log("ours", run, "variable"))
        self.assertIn("raw", self.cluster.log("ours", run, "fallback"))
        self.assertIn("ana", self.cluster.log("ours", run, "connection"))

        for dag, whose in (("theirs", "team ads"), ("nobodys", "none")):
            run = self.cluster.trigger(dag)
            self.cluster.await_run(dag, run, "failed")
            tasks = self.cluster.tasks(dag, run)
            self.assertEqual({name: task["state"] for name, task in tasks.items()},
                             {"pool": "failed", "variable": "failed", "fallback": "success", "connection": "failed",
                              "handed": "failed", "everybodys": "success"}, tasks)
            self.assertEqual(tasks["pool"]["note"], f"pool warehouse belongs to team sales, and DAG {dag} to {whose}")
            self.assertEqual(tasks["pool"]["try_number"], 1, "it is not tried again")
            self.assertIn(f"variable bucket belongs to team sales, and this DAG to {whose}", tasks["variable"]["note"])
            self.assertIn(f"connection lake belongs to team sales, and this DAG to {whose}", tasks["connection"]["note"])
            self.assertIn(f"connection lake belongs to team sales, and this DAG to {whose}", tasks["handed"]["note"])
            self.assertIn("nothing", self.cluster.log(dag, run, "fallback"))
            self.assertIn("for all", self.cluster.log(dag, run, "everybodys"))

        # A gift to everybody is one from then on, also after a restart.
        self.dagctl("pools", "set", "warehouse", 2, "--team", "")
        self.dagctl("variables", "set", "bucket", "gold", "--team", "")
        self.cluster.kill_scheduler()
        self.cluster.start_scheduler()
        run = self.cluster.trigger("theirs")
        self.cluster.await_run("theirs", run, "failed")
        tasks = self.cluster.tasks("theirs", run)
        self.assertEqual((tasks["pool"]["state"], tasks["variable"]["state"], tasks["connection"]["state"]),
                         ("success", "success", "failed"))

    def test_files_take_teams_out_and_in_and_a_change_without_a_word_leaves_them(self):
        self.make_teams()
        self.dagctl("pools", "set", "warehouse", 2, "--team", "sales")
        self.dagctl("variables", "set", "bucket", "raw", "--team", "sales")
        self.dagctl("connections", "add", "lake", "--uri", "duckdb:lake.duckdb", "--team", "ads")
        self.dagctl("pools", "set", "warehouse", 3)
        self.dagctl("variables", "set", "bucket", "gold")
        out = {}
        for group, name in (("pools", "warehouse"), ("variables", "bucket"), ("connections", "lake")):
            file = self.cluster.folder / f"{group}.json"
            self.dagctl(group, "export", file)
            out[group] = json.loads(file.read_text())[name]
            self.dagctl(group, "delete", name)
            self.dagctl(group, "import", file)
        self.assertEqual((out["pools"]["slots"], out["pools"]["team_name"]), (3, "sales"))
        self.assertEqual(out["variables"], {"value": "gold", "team_name": "sales"})
        self.assertEqual(out["connections"]["team_name"], "ads")
        self.assertEqual(self.rows("pools", "get", "warehouse")[0]["team_name"], "sales")
        self.assertEqual(self.rows("variables", "get", "bucket")[0]["team_name"], "sales")
        self.assertEqual(self.rows("connections", "get", "lake")[0]["team_name"], "ads")
        self.assertIn("TEAM", self.dagctl("pools", "list"))
        self.dagctl("pools", "delete", "warehouse")
        self.assertNotIn("TEAM", self.dagctl("pools", "list"))


if __name__ == "__main__":
    unittest.main()
