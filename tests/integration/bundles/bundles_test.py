"""DAG bundles with a real scheduler, a real worker and real repositories: a folder and a repository beside the DAG folder; a push becomes a
new version while earlier runs keep theirs; a repository that is away harms nothing; a password comes from a connection.

usage: bundles_test.py BIN_FOLDER
"""

import base64
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from cluster import Cluster, eventually  # noqa: E402

BINARIES = sys.argv.pop(1)
PASSWORD = "canary-9f3b2c"
CLEAN = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "Test",
         "GIT_AUTHOR_EMAIL": "test@example.com", "GIT_COMMITTER_NAME": "Test", "GIT_COMMITTER_EMAIL": "test@example.com"}


def git(*arguments):
    result = subprocess.run(["git", *map(str, arguments)], env=CLEAN, capture_output=True, text=True, timeout=60, check=False)
    if result.returncode != 0:
        raise AssertionError(f"git {arguments}: {result.stderr}")
    return result.stdout.strip()


def dag(name, function="say"):
    return f"dag_id: {name}\nschedule: null\ntasks:\n  - {{id: say, uses: python, with: {{file: words.py, function: {function}}}}}\n"


def code(word, function="say"):
    return f"def {function}():\n    return {word!r}\n"


class Origin:
    """A repository with its DAGs in dags/."""

    def __init__(self, path):
        self.path = path
        (path / "dags").mkdir(parents=True)
        git("init", "--quiet", "--initial-branch=main", path)

    def commit(self, **files):
        for name, text in files.items():
            (self.path / "dags" / name.replace("__", ".")).write_text(text)
        git("-C", self.path, "add", "--all")
        git("-C", self.path, "commit", "--quiet", "--message", "x")
        return git("-C", self.path, "rev-parse", "HEAD")


class GitHttp(http.server.BaseHTTPRequestHandler):
    """git http-backend behind a password."""

    root = None
    refused = 0

    def answer(self):
        wanted = "Basic " + base64.b64encode(f"bot:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != wanted:
            type(self).refused += 1
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environment = dict(CLEAN, GIT_PROJECT_ROOT=str(self.root), GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
                           REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""),
                           CONTENT_LENGTH=str(len(body)), HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
                           GIT_PROTOCOL=self.headers.get("Git-Protocol", ""), REMOTE_USER="bot", REMOTE_ADDR="127.0.0.1")
        got = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, timeout=60, check=False).stdout
        head, _, content = got.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        self.send_response(status)
        for name, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


class BundlesTest(unittest.TestCase):
    def cluster(self, *bundles):
        cluster = self.enterContext(Cluster(BINARIES))
        (cluster.folder / "bundles.json").write_text(json.dumps(bundles))
        cluster.flags += ["--dag-bundles", str(cluster.folder / "bundles.json")]
        return cluster

    def git_bundle(self, name, where, **more):
        return {"name": name, "classpath": "airflow.providers.git.bundles.git.GitDagBundle", "refresh_interval": 1,
                "kwargs": {"tracking_ref": "main", "subdir": "dags", **where}, **more}

    def dagctl(self, cluster, *arguments, status=0, text=None):
        result = subprocess.run([pathlib.Path(BINARIES) / "dagctl", "--state", cluster.state, *arguments], input=text,
                                capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result.stdout

    def said(self, cluster, dag_id, run):
        """What the task of the run returned."""
        return cluster.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run}/taskInstances/say/xcomEntries/return_value")["value"]

    def bundle(self, cluster, name):
        return next(one for one in cluster.ask("GET", "/millrace/v1/bundles")["bundles"] if one["name"] == name)

    def errors(self, cluster):
        return {(one["bundle_name"], one["filename"]): one["stack_trace"]
                for one in cluster.ask("GET", "/api/v2/importErrors")["import_errors"]}

    def test_a_push_is_a_new_version_and_earlier_runs_keep_theirs(self):
        cluster = self.cluster({"name": "shared", "uses": "local", "with": {"path": "shared"}},
                               self.git_bundle("sales", {"repo_url": "origin"}, team_name="selling"))
        shared = cluster.folder / "shared"
        shared.mkdir()
        (shared / "a.yaml").write_text(dag("of_folder"))
        (shared / "words.py").write_text(code("folder"))
        cluster.write_dag("own.yaml", "dag_id: own\ntasks: [{id: x, uses: empty}]\n")
        origin = Origin(cluster.folder / "origin")
        first = origin.commit(b__yaml=dag("of_git"), words__py=code("one"), own__yaml="dag_id: own\ntasks: [{id: y, uses: empty}]\n")
        cluster.start_scheduler()
        cluster.start_worker("w1")

        run = cluster.trigger("of_folder")
        cluster.await_run("of_folder", run, "success")
        self.assertEqual(self.said(cluster, "of_folder", run), "folder")
        earlier = cluster.trigger("of_git")
        self.assertEqual(cluster.await_run("of_git", earlier, "success")["bundle_version"], first)
        self.assertEqual(self.said(cluster, "of_git", earlier), "one")
        shown = {name: cluster.ask("GET", f"/api/v2/dags/{name}") for name in ("own", "of_folder", "of_git")}
        self.assertEqual([(one["bundle_name"], one["bundle_version"]) for one in shown.values()],
                         [("dags-folder", None), ("shared", None), ("sales", first)])
        self.assertEqual(shown["of_git"]["relative_fileloc"], "b.yaml")

        # The DAG folder has its DAG, though the repository defines one of that name, too.
        told = eventually("the twin is told", lambda: self.errors(cluster).get(("sales", "own.yaml")))
        self.assertIn("DAG 'own' is defined in own.yaml of bundle 'dags-folder' already", told)

        second = origin.commit(words__py=code("two"))
        eventually("the push is seen", lambda: cluster.ask("GET", "/api/v2/dags/of_git")["bundle_version"] == second)
        later = cluster.trigger("of_git")
        self.assertEqual(cluster.await_run("of_git", later, "success")["bundle_version"], second)
        self.assertEqual(self.said(cluster, "of_git", later), "two")
        versions = cluster.ask("GET", "/api/v2/dags/of_git/dagVersions")["dag_versions"]
        self.assertEqual(sorted((one["bundle_name"], one["bundle_version"]) for one in versions),
                         sorted([("sales", first), ("sales", second)]))
        # The earlier run, again, is still the earlier code.
        cluster.ask("POST", f"/api/v2/dags/of_git/dagRuns/{earlier}/clear", {"dry_run": False})
        again = eventually("it ran again", lambda: (lambda got: got if got["try_number"] == 2 and got["state"] == "success" else None)(
            cluster.tasks("of_git", earlier)["say"]))
        self.assertEqual(again["state"], "success")
        self.assertEqual(self.said(cluster, "of_git", earlier), "one")
        self.assertEqual(cluster.run("of_git", earlier)["bundle_version"], first)

        sales = self.bundle(cluster, "sales")
        self.assertEqual((sales["kind"], sales["tracking_ref"], sales["version"], sales["team_name"], sales["dags"], sales["failure"]),
                         ("git", "main", second, "selling", 1, None))
        self.assertEqual(self.bundle(cluster, "shared")["path"], str(shared))
        listed = json.loads(self.dagctl(cluster, "-o", "json", "bundles", "list"))
        self.assertEqual([one["name"] for one in listed], ["dags-folder", "shared", "sales"])
        self.dagctl(cluster, "bundles", "refresh", "sales")
        self.dagctl(cluster, "bundles", "refresh", "shared", status=1)
        eventually("commits that nobody uses are removed",
                   lambda: [path.name for path in (cluster.state / "bundles/sales/commits").iterdir()] == [second])

    def test_a_repository_that_is_away_harms_nothing_also_at_a_start(self):
        cluster = self.cluster(self.git_bundle("sales", {"repo_url": "origin"}))
        origin = Origin(cluster.folder / "origin")
        first = origin.commit(a__yaml=dag("of_git"), words__py=code("one"))
        cluster.start_scheduler()
        cluster.start_worker("w1")
        cluster.await_run("of_git", cluster.trigger("of_git"), "success")

        away = cluster.folder / "away"
        origin.path.rename(away)
        told = eventually("the fetch fails", lambda: self.errors(cluster).get(("sales", ".")))
        self.assertIn("bundle sales: git: ", told)
        self.assertIn("its DAGs stay as they are", told)
        self.assertTrue(self.bundle(cluster, "sales")["failure"])
        cluster.await_run("of_git", cluster.trigger("of_git"), "success")

        cluster.kill_scheduler()
        cluster.start_scheduler()
        self.assertFalse(cluster.ask("GET", "/api/v2/dags/of_git")["is_stale"])
        self.assertEqual(self.bundle(cluster, "sales")["version"], first)
        run = cluster.trigger("of_git")
        cluster.await_run("of_git", run, "success")
        self.assertEqual(self.said(cluster, "of_git", run), "one")
        eventually("the failure is told again", lambda: self.errors(cluster).get(("sales", ".")))

        away.rename(origin.path)
        second = origin.commit(words__py=code("two"))
        eventually("it is fetched again", lambda: cluster.ask("GET", "/api/v2/dags/of_git")["bundle_version"] == second)
        eventually("the failure is taken back", lambda: not self.errors(cluster))

    def test_a_password_comes_from_a_connection_and_is_seen_nowhere(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), GitHttp)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/origin"
        cluster = self.cluster(self.git_bundle("sales", {"git_conn_id": "hub"}))
        GitHttp.root = cluster.folder
        commit = Origin(cluster.folder / "origin").commit(a__yaml=dag("of_git"), words__py=code("one"))
        cluster.start_scheduler()
        eventually("the connection is missed", lambda: "there is no connection 'hub'" in self.errors(cluster).get(("sales", "."), ""))

        wrong = cluster.ask("POST", "/api/v2/connections", {"connection_id": "hub", "conn_type": "git", "host": url, "login": "bot",
                                                             "password": PASSWORD + "-wrong"})
        self.assertEqual(wrong["connection_id"], "hub")
        eventually("it is refused", lambda: "login and password of connection 'hub'" in self.errors(cluster).get(("sales", "."), ""))
        self.assertGreater(GitHttp.refused, 0)
        self.dagctl(cluster, "connections", "delete", "hub")
        self.dagctl(cluster, "connections", "add", "hub", "--uri", "-", text=url.replace("://", f"://bot:{PASSWORD}@"))
        eventually("it is fetched", lambda: self.bundle(cluster, "sales")["version"] == commit)
        eventually("the DAG is there", lambda: [one for one in cluster.ask("GET", "/api/v2/dags")["dags"] if one["dag_id"] == "of_git"])
        self.assertEqual(self.bundle(cluster, "sales")["url"], url)
        encoded = base64.b64encode(f"bot:{PASSWORD}".encode()).decode()
        for path in [cluster.folder / "scheduler.log", *(cluster.state / "bundles").rglob("*")]:
            if path.is_file():
                text = path.read_bytes().decode(errors="replace")
                self.assertNotIn(PASSWORD, text, path)
                self.assertNotIn(encoded, text, path)

    def test_every_problem_of_the_file_is_told_and_nothing_starts(self):
        cluster = self.cluster({"name": "a b", "uses": "local", "with": {"path": "x"}},
                               self.git_bundle("sales", {"repo_url": "https://bot:secret@github.com/team/dags.git"}))
        scheduler = cluster.start("scheduler", [cluster.binaries / "millrace-scheduler", "--state", cluster.state, *cluster.flags])
        self.assertEqual(scheduler.wait(60), 2)
        log = (cluster.folder / "scheduler.log").read_text()
        for part in ("bundles.json:1:", "its name is not a name", "repo_url has credentials in it", "git_conn_id", "has 2 problems, told above"):
            self.assertIn(part, log)
        self.assertNotIn("secret", log)


if __name__ == "__main__":
    unittest.main(verbosity=2)
