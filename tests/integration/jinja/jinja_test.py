"""The template engine renders what Jinja renders: usage: jinja_test.py TEMPLATE_DUMP"""

import json
import os
import subprocess
import sys
import unittest
import warnings

import jinja2
import jinja_values
import products

DUMP = sys.argv[1]
TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "table.txt")
FLOOR = (3, 1, 6)


def read_table():
    """A template a line; those of several lines are JSON strings."""
    with open(TABLE, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    return [json.loads(line) if line.startswith('"') else line for line in lines]


def is_known(theirs, error, ours):
    """Where Millrace departs on purpose, or by less than a user can see (docs/templates.md)."""
    if error is not None and ours is not None:
        return "unhashable type" in error  # lists are compared, so they need no hash
    if ours is None:
        # An undefined value is an error at once, also where Jinja never uses it; no complex numbers; 64 bits.
        return "Undefined" in theirs or "j)" in theirs
    return False


class Jinja(unittest.TestCase):
    def setUp(self):
        warnings.simplefilter("ignore")  # of the Python that Jinja makes: 1[0]
        self.jinja = jinja_values.environment()

    def ours(self, templates):
        result = subprocess.run([DUMP], input="".join(json.dumps(text) + "\n" for text in templates), capture_output=True, text=True,
                                timeout=240, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        answers = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual(len(answers), len(templates))
        return answers

    def differences(self, templates, known=lambda theirs, error, ours: False):
        found = []
        for text, (ours, refusal) in zip(templates, self.ours(templates)):
            theirs, error = jinja_values.render(self.jinja, text)
            if theirs != ours and not known(theirs, error, ours):
                found.append(f"{text!r}\n  Jinja: {theirs!r} {error or ''}\n  Millrace: {ours!r} {refusal or ''}")
        return found

    def expect_none(self, found):
        self.assertEqual(found, [], f"{len(found)} differ:\n" + "\n".join(found[:30]))

    def test_jinja_is_not_older_than_its_floor(self):
        self.assertGreaterEqual(tuple(int(part) for part in jinja2.__version__.split(".")), FLOOR)

    def test_every_template_of_the_table_renders_as_jinja_renders_it(self):
        table = read_table()
        self.assertGreaterEqual(len(table), 500)
        self.expect_none(self.differences(table))

    def test_every_filter_test_operator_and_method_does_with_every_value_what_it_does_in_jinja(self):
        templates = list(products.templates())
        self.assertGreaterEqual(len(templates), 10_000)
        self.expect_none(self.differences(templates, is_known))

    def test_letters_have_the_cases_that_python_gives_them(self):
        codes = [code for first, last in ((0xC0, 0x17F), (0x386, 0x38F), (0x391, 0x3C9), (0x400, 0x481), (0x48A, 0x52F), (0x531, 0x556),
                                          (0x561, 0x586), (0x1E00, 0x1E95), (0x1EA0, 0x1EFF)) for code in range(first, last + 1)]
        words = [chr(code) + "x" for code in codes if len(chr(code).upper()) == 1 or chr(code) == "ß"]
        self.assertGreater(len(words), 850)
        self.expect_none(self.differences(["{{ '%s'.%s() }}" % (word, method) for word in words
                                           for method in ("upper", "lower", "title", "capitalize", "swapcase", "isalpha", "isupper")]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
