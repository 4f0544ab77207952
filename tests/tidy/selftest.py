#!/usr/bin/env python3
"""Each check of tidy.py fails on a planted bad file, and only there: a check that cannot fail is none."""

import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy  # noqa: E402
from tree import Tree, read_allowed  # noqa: E402

# A header as it should be: everything planted below differs from it in one thing.
GOOD = "// What it is.\n#pragma once\n\n#include <string>\n\n#include \"core/base/status.h\"\n"
STATUS = "// Errors as values.\n#pragma once\n#include <string>\n"


class Planted(unittest.TestCase):
    def problems(self, check, files, allowed="", commands=None):
        with tempfile.TemporaryDirectory() as root:
            for name, text in {"core/base/status.h": STATUS, "scheduler/store/store.h": GOOD, **files}.items():
                path = os.path.join(root, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            if commands is not None:
                with open(os.path.join(root, "commands.json"), "w", encoding="utf-8") as file:
                    json.dump([{"file": os.path.join(root, name)} for name in commands], file)
                commands = os.path.join(root, "commands.json")
            return tidy.run(check, Tree(root), read_allowed(allowed), commands)

    def found(self, check, name, text, expected, **more):
        problems = self.problems(check, {name: text}, **more)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(expected, problems[0])

    def clean(self, check, name, text, **more):
        self.assertEqual(self.problems(check, {name: text}, **more), [])

    def test_a_good_tree_has_no_problem(self):
        for check in tidy.CHECKS:
            self.assertEqual(self.problems(check, {}, commands=[]), [], check)

    def test_layers_hold_the_walls_between_rooms(self):
        self.found("layers", "worker/lake/stage.cc", '#include "scheduler/store/store.h"\n', "worker/lake may not include")
        self.found("layers", "core/base/dag.cc", '#include "scheduler/store/store.h"\n', "core/base may not include")
        self.found("layers", "scheduler/api/runs.cc", '\n\n#include "scheduler/store/store.h"\n', "runs.cc:3:")
        self.found("layers", "worker/main.cc", '#include "scheduler/store/store.h"\n', "may not include")
        self.found("layers", "core/base/x.cc", '#include "status.h"\n', "write the whole path")
        self.found("layers", "scheduler/cellar/x.cc", "", "a new room needs its line")
        self.clean("layers", "scheduler/main.cc", '#include "scheduler/store/store.h"\n')
        self.clean("layers", "scheduler/loop.h", '#include "scheduler/store/store.h"\n')
        self.clean("layers", "worker/lake/stage.cc", '// #include "scheduler/store/store.h"\n')

    def test_layers_hold_libraries_behind_their_owner(self):
        rows = {"worker/sql/db.h": "#include <duckdb.h>\n", "worker/sql/rows.h": '#include "worker/sql/db.h"\n'}
        user = self.problems("layers", {**rows, "worker/quality/x.cc": '#include "worker/sql/rows.h"\n'})
        self.assertEqual(len(user), 1, user)
        self.assertIn("needs <duckdb.h>, which stays in worker/sql", user[0])
        self.assertEqual(self.problems("layers", {**rows, "worker/sql/x.cc": '#include "worker/sql/rows.h"\n'}), [])
        self.found("layers", "worker/lake/stage.cc", "#include <duckdb.h>\n", "belongs to worker/sql")
        self.found("layers", "core/base/x.cc", "#include <fmt/core.h>\n", "standard library only")
        self.found("layers", "scheduler/engine/x.cc", "#include <thread>\n", "no IO, clock, thread")
        self.found("layers", "core/calendar/x.cc", "#include <unistd.h>\n", "no IO, clock, thread")
        self.clean("layers", "worker/sql/db.cc", "#include <duckdb.h>\n#include <sys/types.h>\n")

    def test_tokens_that_are_banned_are_found_in_code_alone(self):
        for line, token in [("auto t = std::chrono::system_clock::now();", "system_clock::now"),
                            ("auto t = std::chrono::steady_clock::now();", "steady_clock::now"),
                            ("std::this_thread::sleep_for(1s);", "sleep_for"), ("int x = rand();", "rand("),
                            ('auto* v = getenv("HOME");', "getenv"), ('std::cout << "x";', "std::cout"),
                            ("using namespace std;", "using namespace std"), ("absl::Status s;", "absl::")]:
            self.found("tokens", "worker/lake/x.cc", "\n" + line + "\n", f"x.cc:2: {token}")
        self.found("tokens", "tests/unit/x_test.cc", "std::this_thread::sleep_for(1s);", "sleep_for")
        self.clean("tokens", "worker/lake/x.cc", '// sleep_for\nauto text = "rand()"; int operand(int);\n/* getenv\n */\n')
        self.clean("tokens", "tests/unit/x_test.cc", "auto end = std::chrono::steady_clock::now() + 5s;")

    def test_names_that_say_nothing_are_found(self):
        self.found("names", "core/base/string_utils.h", GOOD, "a file's name says what is in it")
        self.found("names", "webui/src/Helpers/a.ts", "", "a file's name says what is in it")
        self.found("names", "core/base/x.h", "class PoolManager {};\n", "PoolManager")
        self.found("names", "core/base/x.h", "namespace util {}\nstruct RunUtil {};\n", "RunUtil")
        self.clean("names", "core/base/x.h", "class Manageress {}; struct CommonTable;\n")

    def test_mentions_of_places_and_people_are_found(self):
        self.found("mentions", "README.md", "see /ho" "me/ann/millrace/x\n", "README.md:1: a path of somebody's machine")
        self.found("mentions", "a.json", '"resolved": "https://registry.npm' 'js.org/x"', "take the machine's own")
        self.found("mentions", "a.sh", "# as the" " lead said", "not for its readers")
        self.found("mentions", "a.cc", "// see iss" "ue 3", "not for its readers")
        self.clean("mentions", "a.md", "dagctl --root $HOME/work/lake and issues of 3 kinds; build/work/x")

    def test_length_has_an_end(self):
        self.found("length", "core/base/x.cc", "\n" * 601, "601 lines")
        self.clean("length", "core/base/x.cc", "\n" * 600)

    def test_headers_begin_as_they_should(self):
        self.found("headers", "core/base/x.h", "// What.\n#include <string>\n", "#pragma once")
        self.found("headers", "core/base/x.h", "#pragma once\n", "a header opens with")
        self.found("headers", "core/base/status.cc", '#include <string>\n#include "core/base/status.h"\n', "comes first")

    def test_links_lead_somewhere(self):
        self.found("links", "docs/a.md", "\nsee [this](../core/base/gone.h)\n", "a.md:2: ../core/base/gone.h")
        self.clean("links", "docs/a.md", "see [this](../core/base/status.h#top) and [that](https://example.org)\n")

    def test_every_source_is_in_the_build(self):
        self.found("build", "tests/unit/core/base/x_test.cc", "", "in no target", commands=[])
        self.found("build", "core/base/x.cc", "", "in no target", commands=["core/base/status.cc"])
        self.clean("build", "core/base/x.cc", "", commands=["core/base/x.cc"])

    def test_what_is_compiled_as_one_text_is_in_the_build(self):
        files = {"core/base/x.cc": "", "core/base/y.cc": "", "build/unity_0_cxx.cxx": '#include "../core/base/x.cc"\n'}
        problems = self.problems("build", files, commands=["build/unity_0_cxx.cxx"])
        self.assertEqual(len(problems), 1, problems)
        self.assertIn("core/base/y.cc", problems[0])

    def test_the_map_of_the_docs_has_the_folders_and_no_others(self):
        head, tail = "# Map\n\n```\n", "scheduler/  x\n  store/  rows\ndocs/  this\n```\n"
        self.clean("docs", "docs/ARCHITECTURE.md", head + "core/   shared\n  base/   status\n" + tail)
        self.found("docs", "docs/ARCHITECTURE.md", head + "core/   shared\n" + tail, "the map lacks core/base/")
        self.found("docs", "docs/ARCHITECTURE.md", head + "core/  a\n  base/  b\n  attic/  c\n" + tail, "the map has core/attic/")
        self.found("docs", "docs/ARCHITECTURE.md", "# no map\n", "has no map")

    def test_failpoints_are_listed_and_killed_at(self):
        names = {"platform/failpoint/failpoint.cc": 'constexpr std::array kNames = {"a.b", "c.d"};\n',
                 "tests/integration/faults/x_test.py": 'KILL = ["a.b", "c.d"]\n'}
        both = 'Failpoint("a.b");\nFailpoint("c.d");\n'
        for text, expected in [('Failpoint("a.b");\n', "c.d is nowhere"), (both + 'Failpoint("e.f");\n', "x.cc:3: e.f is not in"),
                               (both + 'Failpoint("a.b");\n', "a name is one place"), (both + "Failpoint(name);\n", "is a literal")]:
            problems = self.problems("failpoints", {**names, "worker/lake/x.cc": text})
            self.assertEqual(len(problems), 1, problems)
            self.assertIn(expected, problems[0])
        self.assertEqual(self.problems("failpoints", {**names, "worker/lake/x.cc": both}), [])
        tests = {"tests/integration/faults/x_test.py": 'KILL = ["a.b"]\n'}
        self.assertIn("kills at c.d", self.problems("failpoints", {**names, **tests, "worker/lake/x.cc": both})[0])

    def test_an_excuse_excuses_one_thing_and_must_be_used(self):
        bad = "int x = rand();\n"
        self.clean("tokens", "core/base/x.cc", bad, allowed="tokens core/base/x[.]cc rand( why not\n")
        self.assertEqual(len(self.problems("tokens", {"core/base/y.cc": bad}, "tokens core/base/x[.]cc rand( why\n")), 2)
        self.assertRaises(SystemExit, read_allowed, "tokens core/base/x.cc rand(\n")


if __name__ == "__main__":
    unittest.main()
