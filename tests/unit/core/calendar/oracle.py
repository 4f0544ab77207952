#!/usr/bin/env python3
"""Asks Airflow's own timetables for the dates that golden_test.cc holds ours against.

    python3 -m venv V && V/bin/pip install apache-airflow==3.3.2
    V/bin/python oracle.py > golden.txt                              # about ten minutes
    V/bin/python oracle.py --dump schedule Europe/Berlin '0 2 * * *' # one chain, a run a line, like calendar_dump

Its first lines say which rules the zones had: zone | name | - | 0 | 0 | hash of their offsets; see zone_hash. Governments change them, and where
the machine's differ, that zone's lines cannot be compared.
The other lines: what | zone | cron | end of the chain | count | hash [| stuck, or moments at which Airflow raises]
what: schedule, schedule_interval: the whole chain of runs from START to END with catchup;
      latest_..., manual_...: without catchup, and for a manual run, at each of the moments that moments() lists.
cron: also "A ; B" for several, "A covering SECONDS" for a trigger whose runs have an interval, "every SECONDS".
hash: over the seconds of (run_after, logical date) or of the manual interval; see Hash.
"""
import datetime
import functools
import os
import sys
import types
import zoneinfo

os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")

import pendulum  # noqa: E402
from airflow.timetables import interval as interval_module  # noqa: E402
from airflow.timetables import trigger as trigger_module  # noqa: E402
from airflow.timetables.base import TimeRestriction  # noqa: E402
from croniter import croniter  # noqa: E402

# Reading the same expression again for each date takes most of the time.
croniter._expand = staticmethod(functools.cache(croniter._expand))

START = pendulum.datetime(2007, 1, 1, tz="UTC")
END = pendulum.datetime(2027, 1, 1, tz="UTC")
ZONES = ["America/New_York", "Europe/London", "Europe/Berlin", "Europe/Dublin", "America/St_Johns",
         "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo", "America/Havana", "UTC"]
# The chains of intervals, and of crons that fire more than once a day, take long: for these zones only.
FEWER_ZONES = ["America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Pacific/Apia"]
BUSY = ["0 1,2,3 * * *", "*/30 1-3 * * *", "0 22-2 * * *", "0 */6 * * *", "0 9-17/4 * * MON-FRI", "0 21-3/2 * * *"]
CRONS = ["0 2 * * *", "30 2 * * *", "30 1 * * *", "0 0 * * *", "0 3 * * *", "15 0 * * *", "59 23 * * *", "30 2 * * SUN",
         "20/25 0-4 * * SUN",
         "0 0 1 * *", "0 0 L * *", "0 0 15,L * *", "0 0 15W * *", "0 0 31W * *", "0 0 * * MON#1", "0 0 * * L5",
         "0 0 * * tue#2,thu#5", "0 0 13 * FRI", "0 0 1-7 * MON", "0 0 */2 * *", "0 0 1-31 * */2", "0 0 */10 * 0-6",
         "0 0 1 * MON#1", "0 0 15W * MON", "0 0 31 * *", "0 0 29 2 *", "0 12 * 1-6/2 TUE,THU", "0 0 * NOV-FEB SAT",
         "0 0 ? AUG-MAR/3 ?", "0 0 * * 5-7", "0 0 * * 6-2/2", "@weekly", "@monthly", "@quarterly",
         "@yearly", "@midnight", "@annually"]
# Every hour, so many runs: fewer zones and years.
HOURLY = ["0 * * * *", "45 */1 * * *", "30 0-23 * * 1-5", "0 * 1 * *", "@hourly"]
# Several at once, intervals of triggers, fixed steps (which have no zone, and whose latest depends on the start here).
MORE = ["0 2 * * * ; 30 14 * * 1-5", "0 0 1 * * ; 0 0 15 * *", "30 2 * * SUN ; 30 1 * * *", "0 3 * * MON#1 ; 0 3 * * L5",
        "0 */6 * * * ; 0 2 * * * ; 30 2 * * *", "0 2 * * * covering 86400", "0 0 * * MON covering 604800"]
STEPS = ["every 5400", "every 21600", "every 86400"]
MORE_END = pendulum.datetime(2011, 1, 1, tz="UTC")
HOURLY_END = pendulum.datetime(2008, 7, 1, tz="UTC")


def moments():
    """Spread over twenty years, at odd minutes, and denser than an hour around the northern changes of 2026."""
    step = 20 * 365 * 86400 // 97
    for i in range(97):
        yield START.int_timestamp + i * step // 60 * 60 + (i % 3) * 17
    for day in (pendulum.datetime(2026, 3, 8, tz="UTC"), pendulum.datetime(2026, 11, 1, tz="UTC")):
        for i in range(96):
            yield day.int_timestamp + i * 900


class Hash:
    def __init__(self):
        self.value, self.count, self.stuck = 0xCBF29CE484222325, 0, False

    def add(self, *numbers):
        self.count += 1
        for number in numbers:
            self.value = ((self.value ^ (number & (2**64 - 1))) * 0x100000001B3) & (2**64 - 1)

    def __str__(self):
        return f"{self.count} | {self.value:016x}" + (" | stuck" if self.stuck else "")


def make(what, zone, cron):
    if cron.startswith("every "):
        step = datetime.timedelta(seconds=int(cron.split()[1]))
        return (interval_module.DeltaDataIntervalTimetable if what.endswith("schedule_interval") else trigger_module.DeltaTriggerTimetable)(step)
    cron, _, covered = cron.partition(" covering ")
    if " ; " in cron:
        return trigger_module.MultipleCronTriggerTimetable(*cron.split(" ; "), timezone=zone)
    if covered:
        return trigger_module.CronTriggerTimetable(cron, timezone=zone, interval=datetime.timedelta(seconds=int(covered)))
    if what.endswith("schedule_interval"):
        return interval_module.CronDataIntervalTimetable(cron, zone)
    return trigger_module.CronTriggerTimetable(cron, timezone=zone)


def chain(what, zone, cron, end):
    timetable, last = make(what, zone, cron), None
    restriction = TimeRestriction(earliest=START, latest=end, catchup=True)
    while True:
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        if info is None:
            return
        last = info.data_interval
        yield info.run_after.int_timestamp, last.start.int_timestamp


def chain_hash(what, zone, cron, end):
    """Where clocks change, Airflow gives up on some intervals of crons that cover every hour; ours go on."""
    hashed = Hash()
    try:
        for run in chain(what, zone, cron, end):
            hashed.add(*run)
    except ValueError as error:
        assert "did not advance past" in str(error)
        hashed.stuck = True
    return hashed


def at_moments(what, zone, cron):
    timetable, hashed, raised = make(what, zone, cron), Hash(), []
    restriction = TimeRestriction(earliest=START, latest=None, catchup=False)
    for moment in moments():
        now = pendulum.from_timestamp(moment, tz="UTC")
        interval_module.utcnow = trigger_module.utcnow = lambda: now
        trigger_module.time = types.SimpleNamespace(time=now.timestamp)
        try:
            if what.startswith("manual"):
                covered = timetable.infer_manual_data_interval(run_after=now)
                answer = (covered.start.int_timestamp, covered.end.int_timestamp)
            else:
                info = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
                answer = (info.run_after.int_timestamp, info.data_interval.start.int_timestamp)
        except AssertionError:
            raised.append(str(moment))
            continue
        hashed.add(*answer)
    return f"{hashed} | {','.join(raised)}" if raised else str(hashed)


def more():
    total = 0
    for cron in MORE:
        for zone in FEWER_ZONES:
            hashed = chain_hash("schedule", zone, cron, MORE_END)
            total += hashed.count
            print("schedule", zone, cron, f"{MORE_END.int_timestamp} | {hashed}", sep=" | ")
            for what in ("latest_schedule", "manual_schedule"):
                print(what, zone, cron, f"0 | {at_moments(what, zone, cron)}", sep=" | ", flush=True)
    for cron in STEPS:
        for what in ("schedule", "schedule_interval"):
            hashed = chain_hash(what, "UTC", cron, MORE_END)
            total += hashed.count
            print(what, "UTC", cron, f"{MORE_END.int_timestamp} | {hashed}", sep=" | ", flush=True)
    return total


def zone_hash(zone):
    """Of the offset, in seconds, every three hours from 2006-12-01 to 2028-01-01."""
    rules, value = zoneinfo.ZoneInfo(zone), 0xCBF29CE484222325
    for moment in range(1164931200, 1830297600, 3 * 3600):
        offset = int(datetime.datetime.fromtimestamp(moment, rules).utcoffset().total_seconds())
        value = (value ^ (offset & 0xFFFFFFFFFFFFFFFF)) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def main():
    if sys.argv[1:2] == ["--dump"]:
        for run_after, logical in chain(*sys.argv[2:5], END):
            print(run_after, logical)
        return
    for zone in ZONES:
        print("zone", zone, "- | 0 | 0", zone_hash(zone), sep=" | ", flush=True)
    total = more()
    cases = [(zone, cron, END) for cron in CRONS for zone in ZONES]
    cases += [(zone, cron, END) for cron in BUSY for zone in FEWER_ZONES]
    cases += [(zone, cron, HOURLY_END) for cron in HOURLY for zone in FEWER_ZONES]
    for zone, cron, end in cases:
        for what in ("schedule", "schedule_interval"):
            if what == "schedule_interval" and zone not in FEWER_ZONES:
                continue
            hashed = chain_hash(what, zone, cron, end)
            total += hashed.count
            print(what, zone, cron, f"{end.int_timestamp} | {hashed}", sep=" | ")
            for kind in ("latest_", "manual_"):
                print(kind + what, zone, cron, f"0 | {at_moments(kind + what, zone, cron)}", sep=" | ", flush=True)
    print(f"{len(cases)} cases, {total} runs", file=sys.stderr)


if __name__ == "__main__":
    main()
