"""Who may include what (docs/ARCHITECTURE.md). A wall in the wrong place is moved here and there, with a decision saying why."""

import re

from tree import ROOMS, code_only

# Room: what its files may include besides their own room. A folder stands for all below it, a path with a dot for one header.
# Everything may use core; core's own rooms are listed, as they are stricter.
ALLOWED = {
    "core/base": [],
    "core/model": ["core/base"],
    "core/calendar": ["core/base", "core/model"],
    "core/template": ["core/base", "core/model", "core/calendar"],  # filters and macros of dates
    "core/spec": ["core/base", "core/model", "core/calendar", "core/template"],  # a field is checked by what will read it
    "platform/failpoint": ["core/base"],  # for every room that makes something durable or sends it
    "platform": ["core/base"],  # what only main.cc puts into the rest
    "proto": [],
    "proto/convert": ["core", "proto"],
    "scheduler/inbox": ["core"],
    "scheduler/dagbag": ["core"],
    "scheduler/bundles": ["core", "scheduler/dagbag/bundle.h", "scheduler/dagbag/fields.h"],  # what dagbag looks at, made of repositories
    "scheduler/jobs": ["core"],
    "scheduler/store": ["core", "platform/failpoint"],
    "scheduler/http": ["core"],
    "scheduler/engine": ["core", "scheduler/jobs", "scheduler/inbox.h"],  # inbox.h: the questions that the engine answers
    "scheduler/auth": ["core", "scheduler/store/reader.h", "scheduler/inbox.h"],
    "scheduler/gateway": ["core", "platform/failpoint", "proto", "scheduler/auth", "scheduler/store/reader.h", "scheduler/store/logs.h",
                          "scheduler/inbox.h", "scheduler/sinks.h"],
    "scheduler/metrics": ["core", "scheduler/inbox.h"],
    "scheduler/api": ["core", "scheduler/http", "scheduler/auth", "scheduler/metrics", "scheduler/store/reader.h", "scheduler/store/run_counts.h",
                      "scheduler/store/activity.h", "scheduler/store/dependencies.h", "scheduler/store/logs.h",
                      "scheduler/inbox.h", "scheduler/sinks.h"],
    # The loop: the engine and the interfaces.
    "scheduler": ["core", "scheduler/engine", "scheduler/store/store.h", "scheduler/store/reader.h",
                  "scheduler/store/logs.h", "scheduler/inbox.h"],
    "worker/shuffle": ["core", "proto"],
    "worker/runner": ["core", "proto", "worker/shuffle/descriptor.h"],  # open files pass between a runner and its agent
    "worker/connect": ["core"],
    # COPY (FORMAT shuffle) is DuckDB's side of the map output: the files' forms, not what keeps, serves or fetches them.
    "worker/readers": ["core"],
    "worker/sql": ["core", "platform/failpoint", "worker/connect", "worker/readers", "worker/shuffle/block.h",
                   "worker/shuffle/map_writer.h", "worker/shuffle/map_file.h"],
    "worker/lake": ["core", "platform/failpoint", "worker/connect"],
    "worker/quality": ["core", "worker/sql"],
    "worker/mapreduce": ["core", "platform/failpoint", "worker/sql", "worker/readers", "worker/shuffle", "worker/quality", "worker/lake",
                         "worker/runner/spawn.h"],  # commands of native steps are child processes as shell tasks are
    "worker/tasks": ["core", "platform/failpoint", "proto", "worker/runner", "worker/connect", "worker/sql", "worker/lake", "worker/quality", "worker/mapreduce",
                     "worker/shuffle"],
    "worker/agent": ["core", "platform/failpoint", "proto", "worker/runner", "worker/shuffle"],
    "worker": ["core"],
    "dagctl": ["core", "scheduler/dagbag", "scheduler/engine"],
}
# Only main.cc names concrete classes together; never those of the other program.
MAIN = {"scheduler/main.cc": ["core", "platform", "proto", "scheduler"],
        "worker/main.cc": ["core", "platform", "proto", "worker"],
        "dagctl/main.cc": ["core", "platform", "dagctl", "scheduler/dagbag", "scheduler/engine"]}

# Sole owners of a third-party library.
OWNERS = {
    "duckdb.h": ["worker/sql"],
    "sqlite3.h": ["scheduler/store", "worker/connect"],
    "httplib.h": ["scheduler/http"],
    "grpcpp/": ["proto", "scheduler/gateway", "worker/agent", "worker/shuffle", "scheduler/main.cc", "worker/main.cc"],
    "sodium.h": ["scheduler/auth"],
    "prometheus/": ["scheduler/metrics"],
    "zip.h": ["scheduler/dagbag"],
    "curl/": ["worker/connect", "dagctl"],
    "CLI/": ["dagctl", "scheduler/main.cc", "worker/main.cc"],
}

# No IO, clock, thread or randomness: what these do depends on their arguments alone.
PURE = ["core/model", "core/spec", "core/calendar", "core/template", "scheduler/engine", "scheduler/jobs"]
IMPURE_HEADERS = {"atomic", "condition_variable", "filesystem", "fstream", "future", "iostream", "mutex", "random",
                  "shared_mutex", "thread", "ctime"}

POSIX = re.compile(r"(sys|linux|netinet|arpa|net)/.*|(aio|cpuid|ctype|dirent|dlfcn|endian|errno|fcntl|fnmatch|glob|grp|ifaddrs|"
                   r"inttypes|limits|locale|math|netdb|poll|pthread|pwd|sched|signal|spawn|stdint|stdio|stdlib|string|strings|"
                   r"syslog|termios|time|unistd|immintrin|byteswap|stddef|wait|utime|pty|getopt)\.h")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(<([^>]+)>|"([^"]+)")', re.M)


def room_of(name):
    """The most specific room of the table that holds this file: `scheduler` alone holds the files directly in it."""
    folder = name.rsplit("/", 1)[0]
    if folder in ALLOWED:
        return folder
    while "/" in folder:
        folder = folder.rsplit("/", 1)[0]
        if "/" in folder and folder in ALLOWED or folder in ("dagctl", "platform", "proto"):
            return folder
    return None


def below(name, place):
    return name == place or name.startswith(place + "/")


def library(included):
    """Whether <included> is a third-party header."""
    standard = "/" not in included and "." not in included
    return not standard and not POSIX.fullmatch(included)


def private_headers(tree):
    """Headers that name a library, themselves or through a header of their room: for the .cc files of their room alone."""
    included = {name: [m[2] or m[3] for m in INCLUDE.finditer(code_only(text))] for name, text in tree.sources(suffixes=(".h",))}
    private = {name: next(i for i in names if library(i) and i not in tree.files and not i.startswith("proto/"))
               for name, names in included.items()
               if any(library(i) and i not in tree.files and not i.startswith("proto/") for i in names)}
    grown = True
    while grown:
        grown = False
        for name, names in included.items():
            through = next((i for i in names if i in private and room_of(i) == room_of(name)), None)
            if name not in private and through:
                private[name] = private[through]
                grown = True
    return private


def check(tree, problems):
    private = private_headers(tree)
    for name in tree.files:
        if name.endswith((".h", ".cc")) and name.split("/")[0] not in ROOMS + ("tests", "examples"):
            problems.add(name, 0, "room", "no room of tests/tidy: a new folder needs its lines there")
    for name, text in tree.sources():
        room = room_of(name)
        if room is None:
            problems.add(name, 0, "room", "no room of tests/tidy/layers.py: a new room needs its line there")
            continue
        may = MAIN.get(name, ALLOWED[room])
        code = code_only(text)
        for match in INCLUDE.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            if match[3]:
                check_own(tree, problems, name, room, may, match[3], line)
                if match[3] in private and room_of(match[3]) != room:
                    problems.add(name, line, match[3], f"{match[3]} needs <{private[match[3]]}>, which stays in {room_of(match[3])}")
            else:
                check_library(problems, name, room, match[2], line)


def check_own(tree, problems, name, room, may, included, line):
    generated = re.fullmatch(r"proto/\w+(\.grpc)?\.pb\.h", included)
    if not generated and included not in tree.files:
        problems.add(name, line, included, f'"{included}" is not a file from the root: write the whole path, libraries in <>')
    elif below(included, "tests"):
        problems.add(name, line, included, "nothing includes tests")
    elif room_of(included) != room and not any(below(included, place) for place in may):
        problems.add(name, line, included, f"{room} may not include {included}; it may: {', '.join(may) or 'nothing'}")


def check_library(problems, name, room, included, line):
    if room in PURE and (included in IMPURE_HEADERS or POSIX.fullmatch(included)):
        problems.add(name, line, included, f"<{included}> in {room}, which has no IO, clock, thread or randomness")
    if not library(included):
        return
    if room == "core/base":
        problems.add(name, line, included, f"<{included}>: core/base uses the standard library only")
    for header, owners in OWNERS.items():
        if included.startswith(header) and not any(below(name, owner) for owner in owners):
            problems.add(name, line, included, f"<{included}> belongs to {', '.join(owners)}")
