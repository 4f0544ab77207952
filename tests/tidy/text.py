"""What a file may say: banned calls, names and mentions, lengths, and how headers begin."""

import os
import re

from tree import ROOMS, code_only

# token: (where it is banned, why). `source` are the rooms; `all` are also tests and examples.
BANNED = {
    r"system_clock::now": ("source", "take the time from core/base/clock.h: tests and the simulator set it"),
    r"steady_clock::now": ("source", "take the time from core/base/clock.h: tests and the simulator set it"),
    r"sleep_for": ("all", "wait for a condition with a deadline, never for a time"),
    r"(?<![\w:.>])s?rand\(": ("all", "randomness comes in through an argument, so that a run can be repeated"),
    r"getenv": ("source", "settings come in through main.cc"),
    r"std::cout": ("source", "write to a log or return the text; only dagctl prints"),
    r"using namespace std": ("all", "name what you use"),
    r"absl::": ("all", "core/base/status.h is ours; absl is gRPC's, at whatever version it came with"),
}
BANNED_NAME = re.compile(r"(Utils?|Helpers?|Common|Manager)\b")
TYPE = re.compile(r"\b(?:class|struct|enum(?: class)?|namespace|concept|using)\s+(?:\[\[\w+\]\]\s*)?([A-Za-z_]\w*)")
FILE_NAME = re.compile(r"(^|[_/])(utils?|helpers?|common|manager)([_./]|$)", re.I)

# Never in a file that ships. In brackets, so that this file may name them.
MENTIONS = {
    r"registry[.]npmjs|registry[.]yarnpkg|(?:deb|snapshot|archive|ftp)[.]debian[.]org|pypi[.]org|pythonhosted[.]org|"
    r"proxy[.]golang[.]org": "a registry's or mirror's address: take the machine's own",
    r"(?<![\w.}\"$])/(?:home/[a-z]\w*|work|tmp/wt|tmp/millrace-deps|Users/[a-z]\w*)/":
        "a path of somebody's machine",
    r"(?i)\bhelpers[/]BRIEF|[.][.]/shared[/]|\bthe[ ]lead\b|\bissue[ ]\d+\b": "a note between people who built this, not for its readers",
}

LONG, TOO_LONG = 500, 600
WRITTEN = (".h", ".cc", ".py", ".sh", ".ts", ".tsx", ".css", ".proto", ".cmake")


def tokens(tree, problems):
    for name, text in tree.sources(ROOMS + ("tests", "examples"), (".h", ".cc")):
        code = code_only(text)
        for token, (where, why) in BANNED.items():
            if where == "all" or name.split("/")[0] in ROOMS:
                for match in re.finditer(token, code):
                    problems.add(name, code.count("\n", 0, match.start()) + 1, match[0], f"{match[0]}: {why}")


def names(tree, problems):
    for name, text in tree.files.items():
        if FILE_NAME.search(name):
            problems.add(name, 0, "file", "a file's name says what is in it; Utils, Helpers, Common and Manager do not")
        if name.endswith((".h", ".cc", ".ts", ".tsx")):
            code = code_only(text)
            for match in TYPE.finditer(code):
                if BANNED_NAME.search(match[1]):
                    line = code.count("\n", 0, match.start()) + 1
                    problems.add(name, line, match[1], f"{match[1]}: a name says what it is; Utils, Helpers, Common and Manager do not")


def mentions(tree, problems):
    for name, text in tree.files.items():
        for pattern, why in MENTIONS.items():
            for match in re.finditer(pattern, text):
                problems.add(name, text.count("\n", 0, match.start()) + 1, "mention", why)


def length(tree, problems):
    for name, text in tree.files.items():
        if not name.endswith(WRITTEN):
            continue
        count = text.count("\n")
        if count > TOO_LONG:
            problems.add(name, 0, "length", f"{count} lines: split it at its second idea (at most {LONG}, {TOO_LONG} with a good will)")
        elif count > LONG:
            print(f"warning: {name} has {count} lines; {LONG} is the aim")


def headers(tree, problems):
    for name, text in tree.sources():
        if name.endswith(".h"):
            code = code_only(text).split()
            if code[:2] != ["#pragma", "once"]:
                problems.add(name, 1, "pragma", "#pragma once comes first, after the comment that says what this is")
            if not text.lstrip().startswith("//"):
                problems.add(name, 1, "comment", "a header opens with what it is, who calls it, on which thread, what it does not do")
        else:
            own = name[:-3] + ".h"
            first = re.search(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', code_only(text), re.M)
            if own in tree.files and first and first[1] != own:
                problems.add(name, 1, "first", f'"{own}" comes first, so that the header is seen to stand alone')


LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


def links(tree, problems):
    for name, text in tree.files.items():
        if name.endswith(".md"):
            for match in LINK.finditer(text):
                target = os.path.normpath(os.path.join(os.path.dirname(name), match[1]))
                if not os.path.exists(os.path.join(tree.root, target)):
                    problems.add(name, text.count("\n", 0, match.start()) + 1, match[1], f"{match[1]} is not there")
