"""The run that template_dump renders for (tests/unit/core/template/sample.h), for Jinja; and what Airflow adds to Jinja."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import dateutil.parser
import dateutil.relativedelta
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

LOGICAL = datetime(2001, 3, 1, 2, tzinfo=timezone.utc)
START = datetime(2001, 2, 28, 2, tzinfo=timezone.utc)
RUN_ID = "scheduled__2001-03-01T02:00:00+00:00"


def ds_add(ds, days):
    return (datetime.strptime(str(ds), "%Y-%m-%d") + timedelta(days=days)).strftime("%Y-%m-%d")


def ds_format(ds, input_format, output_format):
    return datetime.strptime(str(ds), input_format).strftime(output_format)


class Accessor:
    """As Airflow's var.value, var.json and conn: a member that is not there is an error, get has a fallback."""

    def __init__(self, known):
        self.known = known

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.known[name]

    def get(self, name, default_var=None, default=None, default_conn=None):
        fallbacks = [value for value in (default_var, default, default_conn) if value is not None]
        if name in self.known or not fallbacks:
            return self.known[name]
        return fallbacks[0]


VARIABLES = {"bucket": "raw & co", "limits": '{"rows": 3, "names": ["a", "b"], "ratio": 0.5}', "number": "42"}
LAKE = SimpleNamespace(conn_id="lake", conn_type="s3", description=None, host="lake.example", login="ana", password="pa ss", schema="base",
                       port=8443, extra='{"region": "eu", "depth": {"n": 1}}', extra_dejson={"region": "eu", "depth": {"n": 1}})
LOOKED_UP = {
    "var": SimpleNamespace(value=Accessor(VARIABLES), json=Accessor({name: json.loads(text) for name, text in VARIABLES.items()
                                                                     if name != "bucket"})),
    "conn": Accessor({"lake": LAKE}),
    "prev_data_interval_start_success": datetime(2001, 2, 27, 2, tzinfo=timezone.utc),
    "prev_data_interval_end_success": START,
    "prev_start_date_success": datetime(2001, 2, 28, 2, 0, 5, tzinfo=timezone.utc),
    "prev_end_date_success": datetime(2001, 2, 28, 2, 3, tzinfo=timezone.utc),
}

CONTEXT = {
    "ds": "2001-03-01", "ds_nodash": "20010301", "ts": "2001-03-01T02:00:00+00:00", "ts_nodash": "20010301T020000",
    "ts_nodash_with_tz": "20010301T020000+0000", "logical_date": LOGICAL, "data_interval_start": START,
    "data_interval_end": LOGICAL, "run_id": RUN_ID, "task_instance_key_str": "flights__delays__20010301",
    "params": {"threshold": 15, "ratio": 0.1, "name": "O'Hare & co", "states": ["NY", "ca", "TX", "AL"], "on": True,
               "nothing": None, "empty": "", "big": 12345678901234567, "tiny": 0.000012345, "text": "  two words ",
               "unicode": "Zürich – ✈ 🛫", "nested": {"a": {"b": [1, 2, {"c": "deep"}]}, "z": 1},
               "rows": [{"k": "b", "n": 2}, {"k": "a", "n": 3}, {"k": "b", "n": 1}]},
    "dag": {"dag_id": "flights"}, "task": {"task_id": "delays", "owner": "data"},
    "ti": {"dag_id": "flights", "task_id": "delays", "run_id": RUN_ID, "try_number": 2, "max_tries": 3, "map_index": -1},
    "dag_run": {"run_id": RUN_ID, "conf": {"who": "me", "n": 3}, "run_type": "scheduled", "logical_date": LOGICAL},
    "macros": SimpleNamespace(ds_add=ds_add, ds_format=ds_format, timedelta=timedelta, datetime=datetime, json=json,
                              dateutil=dateutil),
}
FILTERS = {
    "ds": lambda value: value.strftime("%Y-%m-%d"),
    "ds_nodash": lambda value: value.strftime("%Y%m%d"),
    "ts": lambda value: value.isoformat(),
    "ts_nodash": lambda value: value.strftime("%Y%m%dT%H%M%S"),
    "ts_nodash_with_tz": lambda value: value.isoformat().replace("-", "").replace(":", ""),
}


def environment():
    """As Airflow sets Jinja up for a DAG without options; but what is lazy shows its items, not its address."""
    made = SandboxedEnvironment(undefined=StrictUndefined, extensions=["jinja2.ext.do"], cache_size=0,
                              finalize=lambda value: list(value) if isinstance(value, Iterator) else value)
    made.filters.update(FILTERS)
    return made


def render(made, text):
    """(What Jinja renders, None), or (None, why it does not)."""
    values = {name: value if name == "macros" else deepcopy(value) for name, value in CONTEXT.items()}  # some filters change lists
    values.update(LOOKED_UP)
    try:
        return made.from_string(text).render(**values), None
    except Exception as error:  # whatever a template can make Python raise
        return None, f"{type(error).__name__}: {error}"
