"""The files a check looks at, and the problems it found. Standard library only."""

import os
import re
import subprocess

SOURCE = (".h", ".cc")
ROOMS = ("core", "platform", "proto", "scheduler", "worker", "dagctl")


class Tree:
    """A checkout: its text files, read once. What git ignores is not part of it."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        listed = subprocess.run(
            ["git", "-C", self.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True, check=False)
        if listed.returncode == 0:
            names = listed.stdout.decode().split("\0")
        else:  # an exported tree without git, or one that belongs to another user
            names = []
            for folder, folders, files in os.walk(self.root):
                folders[:] = [f for f in folders if f not in ("build", "node_modules", ".git", "__pycache__")]
                names += [os.path.relpath(os.path.join(folder, f), self.root) for f in files]
        self.files = {}
        for name in sorted(filter(None, names)):
            try:
                with open(os.path.join(self.root, name), encoding="utf-8") as file:
                    self.files[name] = file.read()
            except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
                continue  # a picture, or a file that is deleted but not yet committed

    def sources(self, folders=ROOMS, suffixes=SOURCE):
        for name, text in self.files.items():
            if name.split("/")[0] in folders and name.endswith(suffixes):
                yield name, text


class Problems:
    """What a check found, less what allowed.txt excuses. An excuse that excuses nothing is a problem itself."""

    def __init__(self, check, allowed):
        self.check = check
        self.allowed = [a for a in allowed if a[0] == check]
        self.used = set()
        self.found = []

    def add(self, name, line, token, message):
        for excuse in self.allowed:
            if re.fullmatch(excuse[1], name) and excuse[2] == token:
                self.used.add(excuse)
                return
        self.found.append(f"{name}:{line}: {message}" if line else f"{name}: {message}")

    def finish(self):
        for excuse in self.allowed:
            if excuse not in self.used:
                self.found.append(f"tests/tidy/allowed.txt: '{' '.join(excuse[:3])}' excuses nothing any more: remove it")
        return self.found


def read_allowed(text):
    """Lines `CHECK PATH-REGEX TOKEN reason...`; a reason is required."""
    allowed = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        fields = line.split(None, 3)
        if len(fields) < 4:
            raise SystemExit(f"tests/tidy/allowed.txt:{number}: CHECK PATH TOKEN REASON, and a reason is required")
        allowed.append(tuple(fields[:3]))
    return allowed


COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^()\\\s]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


def code_only(text):
    """C++ without comments and literals, its line numbers kept. Include lines keep their names."""
    def blank(match):
        line_start = text.rfind("\n", 0, match.start()) + 1
        if match[0][0] == '"' and re.match(r"\s*#\s*include", text[line_start:match.start()]):
            return match[0]
        if match[0][0] == "'" and match.start() and text[match.start() - 1].isalnum():
            return match[0]  # 1'000'000
        return "\n" * match[0].count("\n") or " "
    return COMMENT_OR_STRING.sub(blank, text)
