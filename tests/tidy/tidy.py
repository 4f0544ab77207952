#!/usr/bin/env python3
"""tidy.py CHECK [--root FOLDER] [--commands compile_commands.json]: one check of the checkout; its problems, one a line.

Checks: layers tokens names mentions length headers links build docs failpoints. What allowed.txt beside this file excuses is no problem."""

import argparse
import os
import sys

import failpoints
import layers
import shape
import text
from tree import Problems, Tree, read_allowed

CHECKS = {
    "layers": layers.check, "tokens": text.tokens, "names": text.names, "mentions": text.mentions, "length": text.length,
    "headers": text.headers, "links": text.links, "docs": shape.docs, "build": shape.build,
    "failpoints": failpoints.check,
}


def run(name, tree, allowed, commands=None):
    problems = Problems(name, allowed)
    if name == "build":
        shape.build(tree, problems, commands)
    else:
        CHECKS[name](tree, problems)
    return problems.finish()


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("check", choices=sorted(CHECKS))
    parser.add_argument("--root", default=os.path.join(here, "..", ".."))
    parser.add_argument("--commands")
    arguments = parser.parse_args()
    with open(os.path.join(here, "allowed.txt"), encoding="utf-8") as file:
        allowed = read_allowed(file.read())
    found = run(arguments.check, Tree(arguments.root), allowed, arguments.commands)
    print("\n".join(found) or f"{arguments.check}: nothing found")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
