"""Two teams on one real scheduler: the DAGs of two bundles, a member of each team, and an admin. Each sees and does what is theirs,
of the rest nothing is told anywhere, and every page of the dashboard opens.

usage: team_access_test.py BIN_FOLDER
"""

import json
import pathlib
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually  # noqa: E402

BINARIES = sys.argv.pop(1)
PASSWORD = "correct horse battery staple"

# The word stands in all that a team has.
OF_A_TEAM = """\
dag_id: {word}_orders
description: {word}
tags: [{word}]
tasks:
  - {{id: {word}_load, uses: shell, outlets: [orders], with: {{command: "echo {word} was here"}}}}
  - {{id: {word}_fail, uses: shell, with: {{command: "echo {word}; exit 3"}}}}
"""

SHARED = """\
dag_id: shared
tasks:
  - {id: only, uses: shell, with: {command: "echo for all"}}
"""

# What the pages of the dashboard ask for that names no DAG.
PAGES = [
    "/millrace/v1/me", "/api/v2/version", "/api/v2/monitor/health",
    "/api/v2/dags?limit=50", "/api/v2/dags?exclude_stale=false", "/api/v2/dagTags", "/api/v2/dagStats", "/api/v2/importErrors?limit=100",
    "/api/v2/dags/~/dagRuns?limit=100&order_by=-run_after", "/api/v2/dags/~/dagRuns/~/taskInstances?limit=100",
    "/millrace/v1/recent_runs?dag_id=shared", "/millrace/v1/activity", "/millrace/v1/timeline?limit=3000",
    "/api/v2/assets?limit=50", "/api/v2/assets/events?limit=50", "/api/v2/assets/aliases", "/millrace/v1/dependencies",
    "/millrace/v1/backfills", "/api/v2/dags/~/dagRuns/~/hitlDetails?limit=100", "/millrace/v1/notifications",
    "/api/v2/pools", "/api/v2/variables", "/api/v2/connections", "/millrace/v1/workers", "/millrace/v1/bundles", "/api/v2/jobs",
]


class TeamAccessTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cluster = Cluster(BINARIES)
        cls.addClassCleanup(cluster.__exit__, None, None, None)
        bundles = []
        for word in ("apple", "zebra"):
            folder = cluster.folder / f"dags_{word}"
            folder.mkdir()
            (folder / "orders.yaml").write_text(OF_A_TEAM.format(word=word))
            (folder / "broken.yaml").write_text(f"dag_id: {word}_broken\ntasks: {word}\n")
            bundles.append({"name": f"{word}_dags", "uses": "local", "with": {"path": str(folder)}, "team_name": f"{word}_team"})
        file = cluster.folder / "bundles.yaml"
        file.write_text(json.dumps(bundles))
        cluster.flags += ["--dag-bundles", str(file)]
        cluster.write_dag("shared.yaml", SHARED)
        cluster.start_scheduler()
        cluster.start_worker("w1")
        cls.tokens = {"admin": cluster.token}
        for name, word in (("alice", "apple"), ("bob", "zebra")):
            cluster.ask("POST", "/millrace/v1/teams", {"name": f"{word}_team"})
            cluster.ask("POST", "/millrace/v1/users",
                        {"username": name, "password": PASSWORD, "role": "op", "teams": [f"{word}_team"]})
            cls.tokens[name] = cluster.ask("POST", "/auth/token", {"username": name, "password": PASSWORD})["access_token"]
        cls.runs = {word: cluster.trigger(f"{word}_orders", {"note": word}) for word in ("apple", "zebra")}
        cls.runs["shared"] = cluster.trigger("shared")
        for word in ("apple", "zebra"):
            cluster.await_run(f"{word}_orders", cls.runs[word], "failed")
        cluster.await_run("shared", cls.runs["shared"], "success")
        eventually("both broken files are told", lambda: cluster.ask("GET", "/api/v2/importErrors")["total_entries"] == 2)

    def ask(self, who, method, path, body=None):
        """Status and text."""
        request = urllib.request.Request(self.cluster.url + path, None if body is None else json.dumps(body).encode(), method=method,
                                         headers={"Authorization": "Bearer " + self.tokens[who], "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def get(self, who, path):
        status, text = self.ask(who, "GET", path)
        self.assertEqual(status, 200, f"{who} {path}: {text}")
        return json.loads(text)

    def pages_of(self, word):
        """What the pages of a DAG, a run and a task ask for."""
        dag, run = f"{word}_orders", self.runs[word]
        of_run = f"/api/v2/dags/{dag}/dagRuns/{run}"
        task = f"{of_run}/taskInstances/{word}_load"
        ours = task.replace("/api/v2/", "/millrace/v1/")
        return [f"/api/v2/dags/{dag}", f"/api/v2/dags/{dag}/details", f"/api/v2/dags/{dag}/tasks", f"/api/v2/dags/{dag}/dagVersions",
                f"/api/v2/dagSources/{dag}", f"/millrace/v1/dags/{dag}/graph", f"/millrace/v1/dags/{dag}/grid",
                f"/millrace/v1/dags/{dag}/calendar", f"/millrace/v1/dags/{dag}/checks", f"/api/v2/dags/{dag}/dagRuns", of_run,
                f"{of_run}/taskInstances", f"{of_run}/upstreamAssetEvents", task, f"{task}/tries", f"{task}/logs/1",
                f"{task}/xcomEntries", f"{task}/state-store", f"{ours}/why", f"{task}/links"]

    def test_each_sees_the_dags_of_their_team_and_of_none_and_an_admin_sees_all(self):
        def dags(who):
            return {dag["dag_id"] for dag in self.get(who, "/api/v2/dags")["dags"]}
        self.assertEqual(dags("alice"), {"apple_orders", "shared"})
        self.assertEqual(dags("bob"), {"zebra_orders", "shared"})
        self.assertEqual(dags("admin"), {"apple_orders", "zebra_orders", "shared"})

    def test_every_page_opens_and_tells_nothing_of_the_other_team(self):
        for path in PAGES:
            status, text = self.ask("alice", "GET", path)
            self.assertEqual(status, 200, f"{path}: {text}")
            self.assertNotIn("zebra", text, path)
        for path in self.pages_of("apple"):
            status, text = self.ask("alice", "GET", path)
            self.assertEqual(status, 200, f"{path}: {text}")
            self.assertNotIn("zebra", text, path)

    def test_a_page_of_the_other_teams_dag_is_missing_as_if_there_were_none(self):
        for path in self.pages_of("zebra"):
            status, text = self.ask("alice", "GET", path)
            missing = self.ask("alice", "GET", path.replace("zebra_orders", "no_such_dag"))
            self.assertEqual(status, 404, path)
            self.assertEqual((status, text.replace("zebra_orders", "no_such_dag")), missing, path)
            self.assertEqual(self.ask("bob", "GET", path)[0], 200, path)

    def test_nothing_is_done_to_the_other_teams_dag(self):
        run = self.runs["zebra"]
        of_run = f"/api/v2/dags/zebra_orders/dagRuns/{run}"
        for method, path, body in [
            ("PATCH", "/api/v2/dags/zebra_orders", {"is_paused": True}),
            ("POST", "/api/v2/dags/zebra_orders/dagRuns", {"logical_date": None}),
            ("PATCH", of_run, {"state": "queued"}),
            ("DELETE", of_run, None),
            ("POST", "/api/v2/dags/zebra_orders/clearTaskInstances", {"dry_run": False, "dag_run_id": run}),
            ("POST", "/api/v2/dags/~/clearDagRuns", {"dry_run": False, "dag_runs": [{"dag_id": "zebra_orders", "dag_run_id": run}]}),
            ("POST", "/api/v2/backfills", {"dag_id": "zebra_orders", "from_date": "2001-03-01T00:00:00Z", "to_date": "2001-03-02T00:00:00Z"}),
            ("DELETE", "/api/v2/dags/zebra_orders", None),
        ]:
            status, text = self.ask("alice", method, path, body)
            self.assertEqual(status, 404, f"{method} {path}: {text}")
        entity = {"dag_id": "zebra_orders", "dag_run_id": run}
        status, text = self.ask("alice", "PATCH", "/api/v2/dags/~/dagRuns", {"actions": [{"action": "delete", "entities": [entity]}]})
        self.assertEqual((status, json.loads(text)["delete"]["success"]), (200, []))
        # All that match are paused: of her own.
        self.ask("alice", "PATCH", "/api/v2/dags?dag_id_pattern=%25orders", {"is_paused": True})
        self.assertFalse(self.get("bob", "/api/v2/dags/zebra_orders")["is_paused"])
        self.assertTrue(self.get("alice", "/api/v2/dags/apple_orders")["is_paused"])
        self.ask("alice", "PATCH", "/api/v2/dags/apple_orders", {"is_paused": False})
        self.assertEqual(self.cluster.run("zebra_orders", run)["state"], "failed")
        self.assertEqual(len(self.get("bob", "/api/v2/dags/zebra_orders/dagRuns")["dag_runs"]), 1)

    def test_pools_variables_and_connections_are_for_their_team(self):
        for path, one in [("/api/v2/pools", {"name": "zebra_pool", "slots": 3}), ("/api/v2/variables", {"key": "zebra_key", "value": "v"}),
                          ("/api/v2/connections", {"connection_id": "zebra_conn", "conn_type": "http"})]:
            status, text = self.ask("alice", "POST", path, {**one, "team_name": "zebra_team"})
            self.assertEqual(status, 403, f"{path}: {text}")
            status, text = self.ask("bob", "POST", path, {**one, "team_name": "zebra_team"})
            self.assertEqual(status, 201, f"{path}: {text}")
            name = next(iter(one.values()))
            self.assertNotIn(name, self.ask("alice", "GET", path)[1])
            self.assertIn(name, self.ask("bob", "GET", path)[1])
            self.assertEqual(self.ask("alice", "GET", f"{path}/{name}")[0], 404)
            self.assertEqual(self.ask("alice", "DELETE", f"{path}/{name}")[0], 404)
            self.assertEqual(self.ask("bob", "DELETE", f"{path}/{name}")[0], 204)

    def test_live_events_are_of_what_the_listener_sees(self):
        request = urllib.request.Request(self.cluster.url + "/millrace/v1/events",
                                         headers={"Authorization": "Bearer " + self.tokens["alice"]})
        with urllib.request.urlopen(request, timeout=60) as stream:
            self.assertEqual(stream.readline(), b": connected\n")
            hidden = json.loads(self.ask("bob", "POST", "/api/v2/dags/zebra_orders/dagRuns", {"logical_date": None})[1])["dag_run_id"]
            self.cluster.await_run("zebra_orders", hidden, "failed")
            self.ask("bob", "DELETE", f"/api/v2/dags/zebra_orders/dagRuns/{hidden}")
            seen = self.cluster.trigger("shared")
            heard = []
            while not any('"dag_id":"shared"' in line and seen in line and '"state":"success"' in line for line in heard):
                heard.append(stream.readline().decode())
        self.assertNotIn("zebra", "".join(heard))

    def test_who_joins_a_team_sees_its_dags_and_who_leaves_it_no_longer(self):
        self.cluster.ask("POST", "/millrace/v1/users", {"username": "carol", "password": PASSWORD, "role": "viewer"})
        self.tokens["carol"] = self.cluster.ask("POST", "/auth/token", {"username": "carol", "password": PASSWORD})["access_token"]
        path = "/api/v2/dags/zebra_orders"
        self.assertEqual(self.ask("carol", "GET", path)[0], 404)
        self.cluster.ask("PATCH", "/millrace/v1/users/carol", {"teams": ["zebra_team"]})
        # The change of a user may make their tokens worthless.
        self.tokens["carol"] = self.cluster.ask("POST", "/auth/token", {"username": "carol", "password": PASSWORD})["access_token"]
        eventually("carol sees it", lambda: self.ask("carol", "GET", path)[0] == 200)
        self.assertEqual(self.ask("carol", "PATCH", path, {"is_paused": True})[0], 403)
        self.cluster.ask("PATCH", "/millrace/v1/users/carol", {"teams": []})
        eventually("carol sees it no longer", lambda: self.ask("carol", "GET", path)[0] in (401, 404))


if __name__ == "__main__":
    unittest.main()
