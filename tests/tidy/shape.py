"""Whether the build holds every source, and docs/ARCHITECTURE.md every folder."""

import json
import os
import re

from tree import ROOMS

# tests/CMakeLists.txt: these kinds belong to the release build, whose file list is not the one that is read here.
RELEASE_KINDS = ("e2e", "webui", "bench")


def compiled(path):
    """A source of the build, or the sources that a text of cmake/unity.cmake includes."""
    if not os.path.basename(path).startswith("unity_"):
        return [path]
    with open(path, encoding="utf-8") as file:
        return [os.path.join(os.path.dirname(path), source) for source in re.findall(r'^#include "(.*)"$', file.read(), re.M)]


def build(tree, problems, commands):
    """commands: compile_commands.json of the dev build, or None where nothing is configured."""
    if commands is None:
        problems.add("build/dev/compile_commands.json", 0, "build", "is not there: cmake --preset dev writes it")
        return
    with open(commands, encoding="utf-8") as file:
        sources = [source for entry in json.load(file) for source in compiled(entry["file"])]
    built = {os.path.relpath(os.path.realpath(source), os.path.realpath(tree.root)) for source in sources}
    for name, _ in tree.sources(ROOMS + ("tests",), (".cc",)):
        parts = name.split("/")
        if parts[0] == "tests" and (parts[1] in RELEASE_KINDS or not name.endswith("_test.cc")):
            continue
        if name not in built:
            problems.add(name, 0, "build", "is in no target of the dev build")


def folder_map(text):
    """The folders of the map in docs/ARCHITECTURE.md: the block that begins with `core/`, two spaces a level."""
    match = re.search(r"^```\w*\n(core/.*?)^```", text, re.M | re.S)
    if not match:
        return None
    folders, path = set(), []
    for line in match[1].splitlines():
        entry = re.match(r"( *)([\w.-]+)/(\s|$)", line)
        if entry:
            path[len(entry[1]) // 2:] = [entry[2]]
            folders.add("/".join(path))
    return folders


def docs(tree, problems):
    text = tree.files.get("docs/ARCHITECTURE.md")
    if text is None:
        return
    mapped = folder_map(text)
    if mapped is None:
        problems.add("docs/ARCHITECTURE.md", 0, "map", "has no map: a code block that begins with core/")
        return
    there = set()
    for name in tree.files:
        parts = name.split("/")[:-1]
        if parts and not parts[0].startswith("."):
            there.add(parts[0])
            if parts[0] in ROOMS and len(parts) > 1:
                there.add("/".join(parts[:2]))
    every = {"/".join(name.split("/")[:depth]) for name in tree.files for depth in range(1, name.count("/") + 1)}
    for folder in sorted(there - mapped):
        problems.add("docs/ARCHITECTURE.md", 0, folder, f"the map lacks {folder}/")
    for folder in sorted(mapped - every):
        problems.add("docs/ARCHITECTURE.md", 0, folder, f"the map has {folder}/, which is not there")
