#!/usr/bin/env python3
"""Renders templates with real Jinja, as Airflow sets it up, for table_test.cc.

    python3 -m venv V && V/bin/pip install apache-airflow==3.3.2
    V/bin/python oracle.py > table.jsonl

A line: [template, what it renders to], or [template, null] where Jinja raises.
"""
import json
import os

os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")

import pendulum  # noqa: E402
from airflow.sdk.definitions._internal.templater import SandboxedEnvironment  # noqa: E402
from airflow.sdk.execution_time import macros  # noqa: E402
from jinja2 import StrictUndefined  # noqa: E402

LOGICAL = pendulum.datetime(2001, 3, 1, 2, tz="UTC")
START = pendulum.datetime(2001, 2, 28, 2, tz="UTC")
RUN_ID = "scheduled__2001-03-01T02:00:00+00:00"
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
    "macros": macros,
}
TEMPLATES = r"""
plain text
{{ ds }}
{{ ds_nodash }} {{ ts }} {{ ts_nodash }} {{ ts_nodash_with_tz }}
{{ logical_date }}
{{ data_interval_start | ds }}/{{ data_interval_end | ds_nodash }}
{{ data_interval_start | ts }} {{ data_interval_start | ts_nodash }} {{ data_interval_start | ts_nodash_with_tz }}
{{ run_id }}
{{ dag.dag_id }}.{{ task.task_id }} {{ task_instance_key_str }}
{{ ti.try_number }} {{ ti.try_number + 1 }} {{ ti.map_index }}
{{ params.threshold }} {{ params['threshold'] }} {{ params["threshold"] * 2 }}
{{ params.nested.a.b[2].c }} {{ params['nested']['a']['b'][-1]['c'] }} {{ params.nested.a.b.0 }}
{{ dag_run.conf.who }} {{ dag_run.conf['n'] + 1 }} {{ dag_run.conf.get('x', 'none') }} {{ dag_run.conf.get('x') }}
{{ macros.ds_add(ds, 5) }} {{ macros.ds_add(ds, -1) }} {{ macros.ds_add(ds, 0) }} {{ macros.ds_add('2000-02-28', 1) }}
{{ macros.ds_format(ds, "%Y-%m-%d", "%d.%m.%y") }} {{ macros.ds_format('1/5/2015', '%m/%d/%Y', '%Y-%m-%d') }}
{{ macros.ds_format(ds, '%Y-%m-%d', '%A %d %B %Y %j %U %W %a %b') }}
{{ logical_date.strftime('%Y/%m/%d %H:%M:%S.%f %p %I') }} {{ logical_date.strftime('%y%%%j|%u%w|%V %G') }}
{{ logical_date.year }} {{ logical_date.month }} {{ logical_date.day }} {{ logical_date.hour }} {{ logical_date.minute }}
{{ logical_date.add(days=1) | ds }} {{ logical_date.subtract(months=1, days=1) | ds }} {{ logical_date.add(years=1, hours=30) | ts }}
{{ logical_date.start_of('month') | ds }} {{ logical_date.end_of('month') }} {{ logical_date.start_of('week') | ds }}
{{ logical_date.isoformat() }} {{ logical_date.to_date_string() }} {{ logical_date.to_datetime_string() }} {{ logical_date.to_iso8601_string() }}
{{ logical_date.int_timestamp }} {{ logical_date.timestamp() }} {{ logical_date.weekday() }} {{ logical_date.isoweekday() }}
{{ logical_date.day_of_year }} {{ logical_date.week_of_year }} {{ logical_date.quarter }}
{{ (logical_date - macros.timedelta(days=1)) | ds }} {{ (logical_date + macros.timedelta(hours=5, minutes=30)) | ts }}
{{ (data_interval_end - data_interval_start).days }} {{ (data_interval_end - data_interval_start).total_seconds() }}
{{ macros.timedelta(days=1, hours=2) }} {{ macros.timedelta(minutes=90) }} {{ macros.timedelta(seconds=-1) }} {{ macros.timedelta(milliseconds=1500) }}
{{ data_interval_start < data_interval_end }} {{ data_interval_end == logical_date }}
{{ 1 + 2 * 3 - 4 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 10 / 4 }}
{{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 1e3 }} {{ 1.5e-7 }} {{ 1e16 }} {{ 123456789.123 }} {{ 0.1 + 0.2 }} {{ 1_000 }} {{ 3.0 }}
{{ params.big }} {{ params.tiny }} {{ params.ratio }} {{ 100 * 1.1 }} {{ 1e22 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }}
{{ 'a' ~ 1 ~ true ~ none }} {{ 'a' + 'b' }} {{ 'ab' * 3 }} {{ [1] + [2, 3] }} {{ [0] * 3 }}
{{ 1 ~ 2 + 3 }}
{{ 1 < 2 <= 2 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 'x' != 'y' }} {{ 1 < 2 > 3 }} {{ true == 1 }}
{{ 'a' in 'abc' }} {{ 'z' not in ['z'] }} {{ 'threshold' in params }} {{ 2 in (1, 2) }} {{ not 1 in [1] }}
{{ true and 'yes' or 'no' }} {{ '' or 'fallback' }} {{ 0 and 1 }} {{ not true }} {{ not not 1 }} {{ none or 0 }}
{{ 'big' if params.threshold > 10 else 'small' }} {{ 'a' if false else 'b' if false else 'c' }} {{ 1 if true }}
{{ -2 ** 2 }} {{ -params.threshold }} {{ +3 }} {{ -3 | abs }} {{ (-3) | abs }} {{ - 3 }}
{{ [1, 'two', 3.0, none, true, {'k': 'v'}] }} {{ (1, 2) }} {{ (1,) }} {{ () }} {{ {} }} {{ {'a': 1, 2: [3]} }} {{ 1, 2 }}
{{ "it's" }} {{ ["it's", 'say "hi"', 'both \' "', 'tab\t', 'nl\n', 'back\\'] }} {{ 'é' }} {{ ['é'] }}
{{ 'a' 'b' }} {{ "\x41\u00e9" }} {{ '\q' }}
{{ params.states }} {{ params.states[0] }} {{ params.states[-1] }} {{ params.states[1:3] }} {{ params.states[::-1] }} {{ params.states[::2] }} {{ 'abcdef'[1:-1] }} {{ 'abcdef'[::-2] }} {{ 'abc'[5:] }}
{{ missing | default('x') }} {{ params.missing | default('y') }} {{ missing | d }} {{ '' | default('z') }} {{ '' | default('z', true) }} {{ none | default('n') }} {{ none | default('n', boolean=true) }}
{{ missing is defined }} {{ ds is defined }} {{ params.missing is undefined }} {{ params.nothing is none }} {{ params.nothing is not none }}
{{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(4) }} {{ 'a' is string }} {{ 1 is number }} {{ 1.5 is float }} {{ 1 is integer }} {{ true is boolean }} {{ {} is mapping }} {{ [] is sequence }} {{ 'x' is iterable }} {{ 'abc' is lower }} {{ 'ABC' is upper }} {{ 1 is eq 1 }} {{ 1 is lt(2) }} {{ 3 is ge 3 }} {{ 'a' is in 'abc' }} {{ true is true }} {{ 1 is sameas 1 }} {{ range is callable }}
{{ params.states | upper }} {{ 'MiXed' | lower }} {{ 'hello wORLD' | capitalize }} {{ 'hello-world (big) ok' | title }} {{ 'x' | upper | lower }}
{{ params.text | trim }}| {{ 'xxaxx' | trim('x') }} {{ 'aXbXc' | replace('X', '-') }} {{ 'aaa' | replace('a', 'b', 2) }} {{ 12 | replace(1, 2) }}
{{ params.states | join(', ') }} {{ [1, 2, 3] | join }} {{ params.rows | join('/', attribute='k') }} {{ 'abc' | join('-') }}
{{ params.states | length }} {{ 'Zürich' | length }} {{ params | length > 3 }} {{ [] | count }} {{ params.nested | length }}
{{ params.states | first }} {{ params.states | last }} {{ 'abc' | first }} {{ params.states | reverse | list }} {{ 'abc' | reverse }}
{{ params.states | sort }} {{ params.states | sort(case_sensitive=true) }} {{ params.states | sort(reverse=true) }} {{ [3, 1, 2] | sort | join }} {{ params.rows | sort(attribute='n') | map(attribute='n') | list }}
{{ [1, 2, 2, 3, 1] | unique | list }} {{ ['a', 'A', 'b'] | unique | list }} {{ [3, 1, 2] | min }} {{ [3, 1, 2] | max }} {{ params.states | max }} {{ params.rows | max(attribute='n') }} {{ [1, 2, 3] | sum }} {{ params.rows | sum(attribute='n') }} {{ [1.5, 2] | sum(start=10) }}
{{ params.states | map('lower') | join(',') }} {{ params.rows | map(attribute='k') | unique | join }} {{ [1, 2, 3, 4] | select('odd') | list }} {{ [1, 2, 3, 4] | reject('gt', 2) | list }} {{ params.rows | selectattr('k', 'equalto', 'b') | list | length }} {{ params.rows | rejectattr('n', '>', 1) | map(attribute='n') | list }} {{ [0, 1, ''] | select | list }} {{ [{'a': 1}, {}] | map(attribute='a', default=9) | list }} {{ ['1', '2'] | map('int') | sum }}
{% for k, rows in params.rows | groupby('k') %}{{ k }}:{{ rows | map(attribute='n') | join('+') }};{% endfor %}
{{ '42' | int }} {{ 'x' | int }} {{ 'x' | int(7) }} {{ '3.9' | int }} {{ 3.9 | int }} {{ 'ff' | int(base=16) }} {{ '0x1A' | int(0, 16) }} {{ ' 12 ' | int }} {{ '1_000' | int }} {{ '3.5' | float }} {{ 'x' | float }} {{ 2 | float }} {{ none | int }} {{ '-5' | int }}
{{ 42.55 | round }} {{ 42.55 | round(1) }} {{ 2.675 | round(2) }} {{ 0.5 | round }} {{ 1.5 | round }} {{ 42.1 | round(method='ceil') }} {{ 42.99 | round(0, 'floor') }} {{ 5 | round }} {{ 1234.5 | round(-2) }} {{ 3.14159 | round(3) }}
{{ params | tojson | length > 10 }} {{ params.nested | tojson }} {{ params.states | tojson }} {{ params.name | tojson }} {{ params.unicode | tojson }} {{ [1.0, true, none, '<b>'] | tojson }} {{ {'b': 1, 'a': [1, {'c': 2}]} | tojson(indent=2) }} {{ [] | tojson }} {{ {} | tojson(2) }}
{{ '%s is %d (%5.1f|%-5s|%05d|%x)' | format('a', 3, 2.55, 'ab', 42, 255) }} {{ '%(a)s-%(b)s' | format(a=1, b=2) }} {{ '%s' % 'x' }} {{ '%s,%s' % (1, 2) }} {{ '%%' % () }} {{ '%r' % 'q' }} {{ '%+d % d' % (3, 4) }} {{ '%.3s|' % 'abcdef' }} {{ '%e' % 12345.678 }} {{ '%g' % 0.0001 }}
{{ '{}-{}'.format(1, 'b') }} {{ '{1}{0}'.format('a', 'b') }} {{ '{x:>5}|{y:<5}|{z:^5}|'.format(x='a', y='b', z='c') }} {{ '{:05d} {:.2f} {:,} {:x} {:%}'.format(42, 3.14159, 1234567, 255, 0.25) }} {{ '{{}}' }} {{ '{0[a]} {1.year}'.format({'a': 1}, logical_date) }} {{ '{:%Y%m%d}'.format(logical_date) }} {{ '{!r}'.format('a') }}
{{ 'a b  c'.split() }} {{ 'a,b,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' x '.strip() }}| {{ 'xxa'.lstrip('x') }} {{ 'a/b'.partition('/') }} {{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('b', 'c')) }} {{ 'abc'.find('c') }} {{ 'abc'.replace('b', '') }} {{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} {{ 'ab'.rjust(4, '.') }} {{ 'ab'.center(5, '*') }} {{ '-'.join(['a', 'b']) }} {{ 'they are'.title() }} {{ 'aBc'.swapcase() }} {{ 'l1\nl2'.splitlines() }} {{ 'abcabc'.count('bc') }} {{ '12'.isdigit() }} {{ 'file.csv'.removesuffix('.csv') }} {{ 'A'.islower() }}
{{ params.nested.keys() | list }} {{ params.nested.values() | list | length }} {% for k, v in params.nested.items() %}{{ k }};{% endfor %} {{ {'a': 1} | items | list }} {{ {'b': 1, 'a': 2} | dictsort }} {{ {'b': 1, 'a': 2} | dictsort(by='value') }} {{ {'b': 1}.get('b') }} {{ dict(a=1, b=2) }}
{{ 'some long text here' | truncate(10) }} {{ 'some long text here' | truncate(10, true) }} {{ 'some long text here' | truncate(9, true, '~', 0) }} {{ 'short' | truncate(9) }} {{ 'a b c' | wordcount }} {{ 'x' | center(5) }}| {{ 'a\nb\n\nc' | indent(2) }} {{ 'a\nb' | indent(2, true) }} {{ 'a\nb' | indent('> ', first=true) }}
{{ 'a b&c/d?é' | urlencode }} {{ {'q': 'a b', 'r': 'x/y'} | urlencode }} {{ [('a', 1), ('b', 'c d')] | urlencode }} {{ '<a href="x">&' | e }} {{ 5 | string | length }} {{ "a" | list }} {{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | batch(2, 'x') | list }} {{ [1, 2, 3, 4, 5] | slice(2) | list }} {{ [1, 2, 3] | slice(2, 0) | list }} {{ params | attr('nothing') is defined }}
{% if params.threshold > 10 %}high{% elif params.threshold > 5 %}mid{% else %}low{% endif %}
{% if false %}a{% elif true %}b{% endif %}{% if not params.on %}off{% else %}on{% endif %}{% if params.empty %}x{% endif %}
{% for s in params.states %}{{ loop.index }}{{ s }}{% if not loop.last %},{% endif %}{% endfor %}
{% for i in range(3) %}{{ i }}{% endfor %} {% for i in range(2, 8, 3) %}{{ i }}{% endfor %} {% for i in range(3, 0, -1) %}{{ i }}{% endfor %}
{% for x in [] %}a{% else %}nothing{% endfor %} {% for x in [1, 2, 3, 4] if x is even %}{{ loop.index }}:{{ x }} {% endfor %}
{% for x in 'ab' %}{{ loop.first }}{{ loop.revindex }}{{ loop.index0 }}{{ loop.length }}{{ loop.cycle('o', 'e') }} {% endfor %}
{% for x in [1, 2, 3] %}{{ loop.previtem | default('-') }}{{ x }}{{ loop.nextitem | default('-') }} {% endfor %}
{% for a, b in [(1, 2), (3, 4)] %}{{ a + b }} {% endfor %}{% for (a, b) in [[5, 6]] %}{{ a * b }}{% endfor %}
{% for i in [1, 2] %}{% for j in 'xy' %}{{ i }}{{ j }}{{ loop.index }} {% endfor %}{{ loop.index }};{% endfor %}
{% set x = 5 %}{{ x }} {% set a, b = 1, 2 %}{{ a }}{{ b }} {% set t %}[{{ ds }}]{% endset %}{{ t }}
{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}
a {#- gone -#} b{# also gone #} c
a {%- if true -%} b {%- endif -%} c {{- ' d ' -}} e
  {%+ if true %} x{% endif +%}  y
{% raw %}{{ not a template }} {% if %}{% endraw %} {%- raw -%}  {{ x }}  {%- endraw -%}  end
{{ '}}' }} {{ "{{ x }}" }} {{ {'a': {'b': 1}}.a.b }} {{ {'a':1}['a']}}
{{ params.unicode }} {{ params.unicode | upper | length }} {{ params.unicode[0:2] }} {{ params.unicode | list | length }}
SELECT * FROM t WHERE d = DATE '{{ ds }}' AND n > {{ params.threshold }}
lake/raw/{{ ds }}/part-{{ '%05d' | format(3) }}.parquet
{{ (params.states | map('upper') | sort)[0] }} {{ [[1, 2], [3]] | map('length') | list }} {{ [[3], [1]] | sort | first | first }}
{{ params.nested.a.b | map('string') | list | length }} {{ params.nested['a'].b[0] }} {{ params.nested.z + params.nested.a.b | first }}
{{ 10 | string ~ 'x' }} {{ 'a' | upper ~ 'b' }} {{ 1 + 2 | string | int }} {{ not params.on | string }} {{ 2 * 3 | abs }}
{{ true }} {{ True }} {{ none }} {{ None }} {{ false | string }} {{ [true, none] | string }} {{ 1 == true }} {{ params.on and params.nothing }}
{{ dag_run.run_type }} {{ dag_run.logical_date | ds }} {{ dag_run.conf }} {{ dag_run.conf | length }}
{{ dss }}
{{ params.treshold }}
{{ missing.attr | default('x') }}
{{ params.states[10] }}
{{ params.nothing.x }}
{{ 1 + 'a' }}
{{ 'a' < 1 }}
{{ 1 / 0 }}
{{ [] | first }}
{{ 'abc'.nope() }}
{{ ds() }}
{{ 5 | ds }}
{{ ds
{{ }}
{{ 1 + }}
{% if %}x{% endif %}
{% if true %}x
{% endif %}
{% for x %}{% endfor %}
{{ 'open }}
{{ a b }}
{{ ds | nosuchfilter }}
{{ ds is nosuchtest }}
{{ (1, 2 }}
{# open
{% frobnicate %}
{{ 1 if false }}
{% for a, b in [(1, 2, 3)] %}{% endfor %}
{{ macros.ds_add('nonsense', 1) }}
{{ range(1, 2, 0) }}
{{ 'a' * 'b' }}
{{ -'a' }}
{{ [1, 'a'] | sort }}
{{ 'x' | int(base=1) }}
{% macro m(a, b=2) %}[{{ a }}-{{ b }}]{% endmacro %}{{ m(1) }}{{ m(1, b=3) }}{{ m(a=5) }}
{% macro m() %}{{ varargs | join('+') }}|{{ kwargs.x }}{% endmacro %}{{ m(1, 2, x=3) }}
{% macro m(t) %}<{{ t }}>{{ caller('u') }}</{{ t }}>{% endmacro %}{% call(x) m('b') %}in {{ x }}{% endcall %}
{% macro m(x) %}{% if x > 0 %}{{ x }}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(3) }}
{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}
{% macro m(a, b) %}{% endmacro %}{{ m.name }} {{ m.arguments }} {{ m.caller }}
{% set ns = namespace(n=0) %}{% for i in [1, 2, 3] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}
{% filter upper %}a{{ 1 }}b{% endfilter %} {% filter replace('a', 'x') | upper %}banana{% endfilter %}
{% set x | upper | trim %} ab {% endset %}{{ x }}|
{% with a = 1, b = 2 %}{{ a + b }}{% endwith %} {% with %}{% set q = 1 %}{{ q }}{% endwith %}
{% set l = [] %}{% for i in [1, 2] %}{% do l.append(i * 2) %}{% endfor %}{{ l }}
{% set d = {'a': 1} %}{% do d.update({'b': 2}) %}{{ d }} {% set _ = d.pop('a') %}{{ d }} {{ _ }}
{% for x in [1, [2, [3]]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}.{{ loop.depth }}{% endif %}{% endfor %}
{% for x in [1, 1, 2] %}{{ loop.changed(x) }} {% endfor %}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}
{% set j = joiner('; ') %}{% for x in [1, 2, 3] %}{{ j() }}{{ x }}{% endfor %}
{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{{ 0x1f }} {{ 0o17 }} {{ 0b101 }} {{ 0xFF_FF }}
{{ dict([('a', 1)], b=2) }} {{ dict({'a': 1}) }}
{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*[1, 2]) }} {{ m(**{'a': 3, 'b': 4}) }}
{{ 1000 | filesizeformat }} {{ 1 | filesizeformat }} {{ 123456789 | filesizeformat(true) }} {{ 999 | filesizeformat }}
{{ '<p>a &amp; <b>b</b></p>  c<!-- x -->' | striptags }}
{{ {'class': 'a "b"', 'id': none, 'n': 1} | xmlattr }}
{{ '<a>' | e | e }} {{ '<a>' | safe | e }} {{ '<a>' | e | forceescape }} {{ '<a>' | e is escaped }} {{ '<a>' is escaped }}
{{ 'the quick brown fox jumps-over the lazy dog' | wordwrap(10) }}
{{ 'abcdefghijklmnop qrs' | wordwrap(5) }} {{ 'abcdefghij kl' | wordwrap(5, false) }}
{{ 'well-known long-winded words -- and dashes--here' | wordwrap(12) }}
{{ {'b': 1, 'a': [1, 2]} | pprint }}
{{ range(40) | list | pprint }}
{{ {'alpha': 'x' * 40, 'beta': 'y' * 50, 'gamma': [1, 2, 3]} | pprint }}
{{ ('word ' * 30) | pprint }}
{{ [{'a': 2, 'b': 1}, {'a': 1, 'b': 3}, {'a': 1, 'b': 2}] | sort(attribute='a,b') | map(attribute='b') | list }}
{{ [{'a': 1}, {}] | groupby('a', default=0) | map('first') | list }}
{{ 1 is sameas 1.0 }} {{ true is sameas 1 }} {{ 'upper' is filter }} {{ 'odd' is test }} {{ 'nope' is filter }}
{{ ('<b>' | safe) + '<i>' }}
{% include 'x' %}
{{ [1, 2, 3] | sum(start=1) }} {{ loop is defined }}
{% for i in [1] %}{% for j in [1, 2] %}{{ loop.last }}{% endfor %}{% endfor %}
{% call m() %}{% endcall %}
""".strip("\n").split("\n") + [
    "two\nlines {{ ds }}\n", "ends with two\n\n", "crlf\r\n{{ ds }}\r\n", "{% if true %}\n  indented\n{% endif %}\n",
    "{% for s in params.states -%}\n  {{ s }}\n{% endfor %}", "{{ ds\n}} over {{\n  'lines' }}", "", "\n", "{ {x} } } {", "{{ 'a\\\nb' }}",
]


def main():
    # Exactly what Airflow's create_template_env makes of a DAG without options.
    environment = SandboxedEnvironment(undefined=StrictUndefined, extensions=["jinja2.ext.do"], cache_size=0)
    for template in TEMPLATES:
        try:
            expected = environment.from_string(template).render(**CONTEXT)
        except Exception:  # noqa: BLE001
            expected = None
        print(json.dumps([template, expected]))


if __name__ == "__main__":
    main()
