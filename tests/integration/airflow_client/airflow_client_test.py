"""Airflow's official Python client drives a real scheduler and worker: what it sends is understood, what it gets it accepts.

usage: airflow_client_test.py DAGCTL
"""

import datetime
import json
import sys
import unittest

import airflow_client.client as airflow
from airflow_client.client import models

from installation import DAG, DAG_FILE, Installation, eventually  # beside this file

DAGCTL = sys.argv.pop(1)


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.installation = Installation(DAGCTL)
        cls.addClassCleanup(cls.installation.stop)
        client = airflow.ApiClient(airflow.Configuration(host=cls.installation.url, access_token=cls.installation.token))
        cls.client = client
        cls.dags = airflow.DAGApi(client)
        cls.runs = airflow.DagRunApi(client)
        cls.instances = airflow.TaskInstanceApi(client)
        eventually("the DAG is known", cls.dag_is_known)
        cls.run_id = cls.runs.trigger_dag_run(DAG, models.TriggerDAGRunPostBody(conf={"name": "you"}, note="by test")).dag_run_id
        eventually("the run ends", lambda: cls.runs.get_dag_run(DAG, cls.run_id).state in ("success", "failed"))

    @classmethod
    def dag_is_known(cls):
        return DAG in [dag.dag_id for dag in cls.dags.get_dags().dags]

    def test_version_and_health_are_told(self):
        self.assertTrue(airflow.VersionApi(self.client).get_version().version)
        health = airflow.MonitorApi(self.client).get_health()
        self.assertEqual(health.scheduler.status, "healthy")
        self.assertEqual(health.metadatabase.status, "healthy")

    def test_dags_are_found_by_filters(self):
        found = self.dags.get_dags(limit=10, tags=["hello"], dag_id_pattern="%greet%", order_by=["-dag_id"], paused=False)
        self.assertEqual([dag.dag_id for dag in found.dags], [DAG])
        self.assertEqual(found.total_entries, 1)
        self.assertEqual(self.dags.get_dags(tags=["nothing"]).total_entries, 0)
        self.assertEqual(self.dags.get_dag(DAG).description, "Says hello, then fails")
        details = self.dags.get_dag_details(DAG)
        self.assertEqual(details.params["name"]["value"], "world")
        self.assertEqual(self.dags.get_dag_tags().tags, ["hello", "test"])
        self.assertEqual(airflow.DagSourceApi(self.client).get_dag_source(DAG).content, DAG_FILE)
        self.assertEqual(airflow.DagVersionApi(self.client).get_dag_versions(DAG).dag_versions[0].version_number, 1)
        self.assertEqual(airflow.DagStatsApi(self.client).get_dag_stats(dag_ids=[DAG]).dags[0].dag_id, DAG)

    def test_a_dag_is_paused_and_unpaused(self):
        for paused in (True, False):
            dag = self.dags.patch_dag(DAG, models.DAGPatchBody(is_paused=paused), update_mask=["is_paused"])
            self.assertEqual(dag.is_paused, paused)
            self.assertEqual(self.dags.get_dag(DAG).is_paused, paused)

    def test_an_approval_is_shown_answered_and_goes_on(self):
        run = eventually("asks is known", lambda: self.trigger("asks"))
        waiting = eventually("both ask", lambda: (
            lambda listed: listed.hitl_details if listed.total_entries == 2 else None)(
                self.instances.get_hitl_details("asks", run, response_received=False, state=["deferred"], order_by=["subject"])))
        self.assertEqual([detail.subject for detail in waiting], [f"Publish {run}?", "Sure?"])
        detail = self.instances.get_hitl_detail("asks", run, "ok", -1)
        self.assertEqual((detail.body, detail.options, detail.multiple), ("**now**", ["publish", "wait", "drop"], True))
        self.assertEqual(detail.params["rows"]["value"], 3)
        self.assertEqual([user.id for user in detail.assigned_users], ["admin"])
        self.assertEqual((detail.task_instance.task_id, detail.task_instance.state), ("ok", "deferred"))
        for wrong in ({"chosen_options": ["shout"]}, {"chosen_options": ["wait"], "params_input": {"rows": "many", "why": "x"}}):
            with self.assertRaises(airflow.ApiException) as refused:
                self.instances.update_hitl_detail("asks", run, "ok", -1, models.UpdateHITLDetailPayload(**wrong))
            self.assertEqual(refused.exception.status, 400)
        given = models.UpdateHITLDetailPayload(chosen_options=["publish", "wait"], params_input={"rows": 5, "why": "it is time"})
        answer = self.instances.update_hitl_detail("asks", run, "ok", -1, given)
        self.assertEqual((answer.responded_by.name, answer.chosen_options), ("admin", ["publish", "wait"]))
        with self.assertRaises(airflow.ApiException) as refused:
            self.instances.update_hitl_detail("asks", run, "ok", -1, given)
        self.assertEqual(refused.exception.status, 409)
        with self.assertRaises(airflow.ApiException) as refused:
            self.instances.update_hitl_detail("asks", run, "gate", -1, models.UpdateHITLDetailPayload(chosen_options=["Approve"]))
        self.assertEqual(refused.exception.status, 403)
        with self.assertRaises(airflow.ApiException) as refused:
            self.instances.get_hitl_detail("asks", run, "more", -1)
        self.assertEqual(refused.exception.status, 404)
        tried = self.instances.get_hitl_detail_try_detail("asks", run, "ok", -1, 1)
        self.assertTrue(tried.response_received)
        value = airflow.XComApi(self.client).get_xcom_entry("asks", "ok", run, "return_value").actual_instance.value
        value = json.loads(value) if isinstance(value, str) else value
        self.assertEqual(value["params_input"], {"rows": 5, "why": "it is time"})
        self.assertEqual(value["responded_by_user"], {"id": "admin", "name": "admin"})
        eventually("more has triggered and waited", lambda: self.instances.get_task_instance("asks", run, "more").state == "success")
        made = self.runs.get_dag_runs("mapped", run_type=["operator_triggered"]).dag_runs
        self.assertEqual([(child.state, child.triggered_by) for child in made], [("success", "operator")])
        self.runs.patch_dag_run("asks", run, models.DAGRunPatchBody(state="failed"))
        self.assertEqual(self.instances.get_task_instance("asks", run, "gate").state, "failed")
        self.assertEqual(self.instances.get_hitl_details("~", "~", response_received=False, state=["deferred"]).total_entries, 0)

    def test_many_are_changed_in_one_request_and_long_lists_go_on_by_cursor(self):
        pools = airflow.PoolApi(self.client)
        body = {"actions": [
            {"action": "create", "entities": [{"name": "bulk_a", "slots": 2}, {"name": "bulk_b", "slots": 3}]},
            {"action": "update", "entities": [{"name": "bulk_a", "slots": 5}], "update_mask": ["slots"]},
            {"action": "delete", "entities": ["bulk_b", "nowhere"], "action_on_non_existence": "skip"}]}
        done = pools.bulk_pools(models.BulkBodyPoolBody.from_dict(body))
        self.assertEqual((done.create.success, done.update.success, done.delete.success), (["bulk_a", "bulk_b"], ["bulk_a"], ["bulk_b"]))
        self.assertEqual(pools.get_pool("bulk_a").slots, 5)
        ids = [eventually("mapped is known", lambda: self.trigger("mapped")) for _ in range(3)]
        for run in ids:
            eventually("it ends", lambda: self.runs.get_dag_run("mapped", run).state in ("success", "failed"))
        changed = self.instances.bulk_task_instances("mapped", "~", models.BulkBodyBulkTaskInstanceBody.from_dict({"actions": [
            {"action": "update", "entities": [
                {"dag_run_id": ids[0], "task_id": "load", "map_index": 1, "new_state": "failed", "note": "looked wrong"}]},
            {"action": "delete", "entities": [{"dag_run_id": ids[1], "task_id": "load", "map_index": 0}]}]}))
        self.assertEqual(changed.update.success, [f"mapped.{ids[0]}.load[1]"])
        self.assertEqual(changed.delete.success, [f"mapped.{ids[1]}.load[0]"])
        eventually("it ends again", lambda: self.runs.get_dag_run("mapped", ids[0]).state == "failed")
        marked = self.instances.get_mapped_task_instance("mapped", ids[0], "load", 1)
        self.assertEqual((marked.state, marked.note), ("failed", "looked wrong"))
        forgotten = self.instances.get_mapped_task_instance("mapped", ids[1], "load", 0)
        self.assertIsNone(forgotten.state)
        self.assertEqual(airflow.XComApi(self.client).get_xcom_entries("mapped", ids[1], "load", map_index=0).total_entries, 0)
        noted = self.runs.patch_dag_run("mapped", ids[0], models.DAGRunPatchBody(note="mine"), update_mask=["note"])
        self.assertEqual((noted.note, noted.state), ("mine", "failed"))
        cleared = self.runs.clear_dag_runs("mapped", models.BulkDAGRunClearBody(
            dag_runs=[models.BulkDAGRunBody(dag_run_id=run) for run in ids], dry_run=False, note="all again"))
        self.assertEqual(len(cleared.actual_instance.dag_runs), 3)
        for run in ids:
            eventually("it ends once more", lambda: self.runs.get_dag_run("mapped", run).state == "success")
            self.assertEqual(self.runs.get_dag_run("mapped", run).note, "all again")
        seen, cursor = [], ""
        while cursor is not None:
            page = self.runs.get_dag_runs("mapped", order_by=["-id"], limit=1, cursor=cursor)
            seen += [run.dag_run_id for run in page.dag_runs]
            cursor = page.next_cursor
        self.assertEqual(seen[:3], ids[::-1])
        tasks, cursor = 0, ""
        while cursor is not None:
            page = self.instances.get_task_instances("mapped", "~", limit=2, cursor=cursor)
            tasks += len(page.task_instances)
            cursor = page.next_cursor
        self.assertEqual(tasks, 2 * len(seen))
        removed = self.runs.bulk_dag_runs("mapped", models.BulkBodyBulkDAGRunBody.from_dict(
            {"actions": [{"action": "delete", "entities": [{"dag_run_id": run} for run in ids]}]}))
        self.assertEqual(removed.delete.success, [f"mapped.{run}" for run in ids])

    def trigger(self, dag):
        try:
            return self.runs.trigger_dag_run(dag, models.TriggerDAGRunPostBody()).dag_run_id
        except airflow.ApiException as error:
            if error.status != 404:
                raise
            return None

    def test_tasks_have_their_edges(self):
        tasks = airflow.TaskApi(self.client)
        self.assertEqual(tasks.get_tasks(DAG).total_entries, 2)
        self.assertEqual(tasks.get_task(DAG, "hello").downstream_task_ids, ["fails"])

    def test_import_errors_are_listed(self):
        errors = eventually("the import error",
                            lambda: airflow.ImportErrorApi(self.client).get_import_errors().import_errors)
        self.assertIn("broken.yaml", errors[0].filename)
        self.assertIn("shel", errors[0].stack_trace)

    def test_assets_start_the_dag_that_waits_for_them(self):
        assets = airflow.AssetApi(self.client)
        known = {asset.name: asset for asset in eventually("the assets", lambda: assets.get_assets(order_by=["name"]).assets)}
        self.assertEqual(list(known), ["orders", "reports", "users"])
        self.assertEqual(known["orders"].scheduled_dags[0].dag_id, "report")
        self.assertEqual(assets.get_asset(known["reports"].id).producing_tasks[0].task_id, "write")
        self.assertEqual(assets.get_assets(name_pattern="%order%").total_entries, 1)
        with self.assertRaises(airflow.exceptions.NotFoundException):
            assets.get_dag_asset_queued_events("report")
        event = assets.create_asset_event(models.CreateAssetEventsBody(asset_id=known["orders"].id, extra={"rows": 5}))
        self.assertEqual((event.name, event.extra["rows"]), ("orders", 5))
        queued = assets.get_dag_asset_queued_events("report").queued_events
        self.assertEqual([one.asset_id for one in queued], [known["orders"].id])
        assets.create_asset_event(models.CreateAssetEventsBody(asset_id=known["users"].id))
        run = eventually("the run", lambda: self.runs.get_dag_runs("report", run_type=["asset_triggered"]).dag_runs)[0]
        eventually("its end", lambda: self.runs.get_dag_run("report", run.dag_run_id).state == "success")
        upstream = self.runs.get_upstream_asset_events("report", run.dag_run_id).asset_events
        self.assertEqual([one.name for one in upstream], ["orders", "users"])
        self.assertEqual(assets.get_asset_events(asset_id=known["orders"].id).asset_events[0].created_dagruns[0].run_id, run.dag_run_id)
        made = eventually("its own event", lambda: assets.get_asset_events(source_dag_id="report").asset_events)
        self.assertEqual((made[0].name, made[0].source_task_id), ("reports", "write"))
        self.assertIn("5 rows", str(self.instances.get_log("report", run.dag_run_id, "write", 1)))
        self.assertEqual(assets.materialize_asset(known["reports"].id).dag_id, "report")

    def test_a_run_is_triggered_found_and_waited_for(self):
        run = self.runs.get_dag_run(DAG, self.run_id)
        self.assertEqual(run.state, "failed")
        self.assertEqual(run.conf, {"name": "you"})
        self.assertEqual(run.triggering_user_name, "admin")
        now = datetime.datetime.now(datetime.timezone.utc)
        found = self.runs.get_dag_runs("~", state=["failed"], run_type=["manual"], order_by=["-run_after"],
                                       run_after_gte=now - datetime.timedelta(hours=1), run_after_lte=now)
        self.assertIn(self.run_id, [one.dag_run_id for one in found.dag_runs])
        self.assertEqual(self.runs.wait_dag_run_until_finished(DAG, self.run_id, interval=1.0)["state"], "failed")

    def test_a_run_id_of_every_allowed_character_goes_both_ways(self):
        name = "mine__2001-05-17T00:00:00+00:00.x"
        body = models.TriggerDAGRunPostBody(dag_run_id=name, logical_date=datetime.datetime(2001, 5, 17))
        run = self.runs.trigger_dag_run(DAG, body)
        self.assertEqual(run.dag_run_id, name)
        self.assertEqual(run.logical_date, datetime.datetime(2001, 5, 17, tzinfo=datetime.timezone.utc))
        self.assertEqual(self.runs.get_dag_run(DAG, name).dag_run_id, name)
        with self.assertRaises(airflow.exceptions.ConflictException):
            self.runs.trigger_dag_run(DAG, body)
        # Cancelled, or it had failed by itself before: either way there is an answer, and the run has failed.
        try:
            self.runs.patch_dag_run(DAG, name, models.DAGRunPatchBody(state="failed"), update_mask=["state"])
        except airflow.exceptions.ConflictException:
            pass
        eventually("the run has failed", lambda: self.runs.get_dag_run(DAG, name).state == "failed")

    def test_task_instances_tries_and_logs_are_read(self):
        found = self.instances.get_task_instances(DAG, self.run_id)
        self.assertEqual({one.task_id: one.state for one in found.task_instances}, {"hello": "success", "fails": "failed"})
        self.assertTrue(self.instances.get_task_instances("~", "~", state=["failed"]).task_instances)
        one = self.instances.get_mapped_task_instance(DAG, self.run_id, "hello", -1)
        self.assertEqual(one.try_number, 1)
        self.assertEqual(self.instances.get_task_instance_tries(DAG, self.run_id, "hello").total_entries, 1)
        log = eventually("the log", lambda: self.instances.get_log(DAG, self.run_id, "hello", 1).content.actual_instance)
        self.assertIn("hello", [line.event for line in log])

    def test_failed_tasks_are_cleared_after_a_look(self):
        body = models.ClearTaskInstancesBody(dag_run_id=self.run_id)
        would = self.instances.post_clear_task_instances(DAG, body)
        self.assertEqual([one.task_id for one in would.task_instances], ["fails"])
        self.assertEqual(self.runs.get_dag_run(DAG, self.run_id).state, "failed")
        body.dry_run = False
        self.instances.post_clear_task_instances(DAG, body)
        eventually("the second try", lambda: self.instances.get_task_instance(DAG, self.run_id, "fails").try_number == 2)
        eventually("the run ends", lambda: self.runs.get_dag_run(DAG, self.run_id).state == "failed")

    def test_a_state_set_by_hand_counts(self):
        run = self.runs.trigger_dag_run(DAG, models.TriggerDAGRunPostBody()).dag_run_id
        eventually("the run ends", lambda: self.runs.get_dag_run(DAG, run).state == "failed")
        marked = self.instances.patch_task_instance(DAG, run, "fails", models.PatchTaskInstanceBody(new_state="success"),
                                                    update_mask=["new_state"])
        self.assertEqual(marked.task_instances[0].state, "success")

    def test_mapped_instances_and_their_xcoms_are_read_and_changed(self):
        eventually("the mapped DAG is known", lambda: "mapped" in [dag.dag_id for dag in self.dags.get_dags().dags])
        run = self.runs.trigger_dag_run("mapped", models.TriggerDAGRunPostBody()).dag_run_id
        eventually("the mapped run ends", lambda: self.runs.get_dag_run("mapped", run).state in ("success", "failed"))
        listed = self.instances.get_mapped_task_instances("mapped", run, "load")
        self.assertEqual([(row.map_index, row.state) for row in listed.task_instances], [(0, "success"), (1, "success")])
        self.assertEqual(self.instances.get_mapped_task_instance("mapped", run, "load", 1).map_index, 1)
        self.assertEqual(self.instances.get_mapped_task_instance_tries("mapped", run, "load", 1).total_entries, 1)
        self.assertEqual(self.instances.get_task_instance_dependencies_by_map_index("mapped", run, "load", 1).dependencies, [])
        xcoms = airflow.XComApi(self.client)
        entries = xcoms.get_xcom_entries("mapped", run, "load", map_index=1)
        self.assertEqual([entry.key for entry in entries.xcom_entries], ["return_value", "rows"])
        self.assertEqual(xcoms.get_xcom_entry("mapped", "load", run, "return_value", map_index=1).actual_instance.value, "loaded 2")
        xcoms.create_xcom_entry("mapped", "load", run, models.XComCreateBody(key="note", value={"a": [1]}, map_index=0))
        xcoms.update_xcom_entry("mapped", "load", run, "note", models.XComUpdateBody(value=[2], map_index=0))
        self.assertEqual(xcoms.get_xcom_entry("mapped", "load", run, "note", map_index=0).actual_instance.value, [2])
        xcoms.delete_xcom_entry("mapped", "load", run, "note", map_index=0)
        with self.assertRaises(airflow.exceptions.NotFoundException):
            xcoms.get_xcom_entry("mapped", "load", run, "note", map_index=0)

    def test_a_backfill_is_previewed_made_paused_and_followed(self):
        backfills = airflow.BackfillApi(self.client)
        eventually("the DAG is known", lambda: "nightly" in [dag.dag_id for dag in self.dags.get_dags().dags])
        body = models.BackfillPostBody(dag_id="nightly", from_date=datetime.datetime(2001, 3, 1), to_date=datetime.datetime(2001, 3, 3),
                                       reprocess_behavior=models.ReprocessBehavior.COMPLETED, max_active_runs=1)
        dates = [one.logical_date.day for one in backfills.create_backfill_dry_run(body).backfills]
        self.assertEqual(dates, [1, 2, 3])
        made = backfills.create_backfill(body)
        self.assertEqual((made.dag_id, made.reprocess_behavior, made.max_active_runs), ("nightly", "completed", 1))
        done = eventually("it completes", lambda: (
            lambda row: row if row.completed_at else None)(backfills.get_backfill(made.id)))
        self.assertFalse(done.is_paused)
        self.assertEqual([one.id for one in backfills.list_backfills("nightly").backfills], [made.id])
        eventually("its runs end", lambda: self.runs.get_dag_runs("nightly", state=["success"]).total_entries == 3)
        with self.assertRaises(airflow.exceptions.ConflictException):
            backfills.cancel_backfill(made.id)
        for run in self.runs.get_dag_runs("nightly").dag_runs:
            self.runs.delete_dag_run("nightly", run.dag_run_id)
        self.dags.delete_dag("nightly")
        with self.assertRaises(airflow.exceptions.NotFoundException):
            self.dags.get_dag("nightly")

    def test_runs_and_task_instances_are_listed_by_a_filter_in_the_body(self):
        since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
        body = models.DAGRunsBatchBody(dag_ids=[DAG, "nothing"], states=["failed"], conf_contains="you", start_date_gte=since,
                                       order_by="-run_after", page_limit=5)
        self.assertIn(self.run_id, [run.dag_run_id for run in self.runs.get_list_dag_runs_batch("~", body).dag_runs])
        self.assertEqual(self.runs.get_list_dag_runs_batch("~", models.DAGRunsBatchBody(dag_ids=["nothing"])).total_entries, 0)
        wanted = models.TaskInstancesBatchBody(dag_ids=[DAG], dag_run_ids=[self.run_id], task_ids=["hello"], state=["success"],
                                               pool=["default_pool"], start_date_gte=since)
        found = self.instances.get_task_instances_batch("~", "~", wanted)
        self.assertEqual([(one.task_id, one.state) for one in found.task_instances], [("hello", "success")])
        self.assertEqual(found.total_entries, 1)

    def test_a_dag_is_made_a_favorite_and_found_as_one(self):
        self.dags.favorite_dag(DAG)
        self.assertEqual([dag.dag_id for dag in self.dags.get_dags(is_favorite=True).dags], [DAG])
        self.assertTrue(self.dags.get_dag_details(DAG).is_favorite)
        self.assertNotIn(DAG, [dag.dag_id for dag in self.dags.get_dags(is_favorite=False).dags])
        self.dags.unfavorite_dag(DAG)
        self.assertFalse(self.dags.get_dag_details(DAG).is_favorite)
        self.assertEqual(self.dags.get_dags(is_favorite=True).total_entries, 0)
        with self.assertRaises(airflow.exceptions.ConflictException):
            self.dags.unfavorite_dag(DAG)

    def test_what_clients_ask_for_besides(self):
        airflow.DAGParsingApi(self.client).reparse_dag_file(self.dags.get_dag(DAG).file_token)
        with self.assertRaises(airflow.exceptions.NotFoundException):
            airflow.DAGParsingApi(self.client).reparse_dag_file("nothing")
        links = airflow.ExtraLinksApi(self.client).get_extra_links(DAG, self.run_id, "hello")
        self.assertEqual((links.extra_links, links.total_entries), ({}, 0))
        url = self.instances.get_external_log_url(DAG, self.run_id, "hello", 1).url
        self.assertTrue(url.endswith("/tasks/hello?try=1"), url)
        jobs = airflow.JobApi(self.client).get_jobs(is_alive=True, order_by=["job_type"]).jobs
        self.assertEqual([(job.job_type, job.state) for job in jobs], [("SchedulerJob", "running"), ("WorkerJob", "running")])

    def test_a_pool_is_made_changed_and_deleted(self):
        pools = airflow.PoolApi(self.client)
        made = pools.post_pool(models.PoolBody(name="db", slots=2, description="the warehouse"))
        self.assertEqual((made.slots, made.open_slots), (2, 2))
        self.assertEqual(pools.patch_pool("db", models.PoolPatchBody(slots=-1), update_mask=["slots"]).slots, -1)
        self.assertEqual([pool.name for pool in pools.get_pools().pools], ["db", "default_pool"])
        with self.assertRaises(airflow.exceptions.ConflictException):
            pools.post_pool(models.PoolBody(name="db", slots=1))
        pools.delete_pool("db")
        with self.assertRaises(airflow.exceptions.NotFoundException):
            pools.get_pool("db")

    def test_a_variable_is_made_changed_and_deleted(self):
        variables = airflow.VariableApi(self.client)
        made = variables.post_variable(models.VariableBody(key="bucket", value="raw", description="where"))
        self.assertEqual((made.key, made.value, made.is_encrypted), ("bucket", "raw", True))
        self.assertEqual(variables.post_variable(models.VariableBody(key="limits", value={"rows": 3})).value, '{"rows":3}')
        self.assertEqual(variables.patch_variable("bucket", models.VariableBody(key="bucket", value="gold")).description, "where")
        self.assertEqual(variables.post_variable(models.VariableBody(key="api_key", value="hunter2")).value, "***")
        self.assertEqual([variable.key for variable in variables.get_variables(order_by=["-key"]).variables], ["limits", "bucket", "api_key"])
        with self.assertRaises(airflow.exceptions.ConflictException):
            variables.post_variable(models.VariableBody(key="bucket", value="x"))
        done = variables.bulk_variables(models.BulkBodyVariableBody.from_dict({"actions": [
            {"action": "create", "entities": [{"key": "a", "value": "1"}], "action_on_existence": "overwrite"},
            {"action": "delete", "entities": ["bucket", "limits", "api_key"]}]}))
        self.assertEqual((done.create.success, sorted(done.delete.success)), (["a"], ["api_key", "bucket", "limits"]))
        variables.delete_variable("a")
        with self.assertRaises(airflow.exceptions.NotFoundException):
            variables.get_variable("a")

    def test_a_connection_is_made_changed_and_deleted_and_its_password_never_told(self):
        connections = airflow.ConnectionApi(self.client)
        body = models.ConnectionBody(connection_id="db", conn_type="postgres", host="h", login="ana", password="hunter2", port=5432,
                                     schema="sales", extra='{"sslmode": "require"}')
        made = connections.post_connection(body)
        self.assertEqual((made.host, made.port, made.var_schema, made.password), ("h", 5432, "sales", "***"))
        changed = connections.patch_connection("db", models.ConnectionBody(connection_id="db", conn_type="postgres", host="other"),
                                               update_mask=["host"])
        self.assertEqual((changed.host, changed.login), ("other", "ana"))
        listed = connections.get_connections(connection_id_pattern="d%")
        self.assertEqual([connection.connection_id for connection in listed.connections], ["db"])
        self.assertNotIn("hunter2", listed.to_json())
        connections.delete_connection("db")
        with self.assertRaises(airflow.exceptions.NotFoundException):
            connections.get_connection("db")

    def test_errors_are_the_clients_exceptions(self):
        with self.assertRaises(airflow.exceptions.NotFoundException):
            self.dags.get_dag("nothing")
        stranger = airflow.ApiClient(airflow.Configuration(host=self.installation.url, access_token="no such token"))
        with self.assertRaises(airflow.exceptions.UnauthorizedException):
            airflow.DAGApi(stranger).get_dags()
        with self.assertRaises(airflow.exceptions.UnprocessableEntityException):
            self.dags.get_dags(order_by=["colour"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
