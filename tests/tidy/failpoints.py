"""The failpoints of the source, their list, and the tests that kill there: three places, one set of names."""

import re

USE = re.compile(r'\bFailpoint\((?:"([^"]*)")?')
ROOM = "platform/failpoint/"
LIST = ROOM + "failpoint.cc"
TESTS = "tests/integration/faults/"


def check(tree, problems):
    if LIST not in tree.files:
        return
    array = re.search(r"kNames = \{(.*?)\};", tree.files[LIST], re.S)
    if not array:
        problems.add(LIST, 0, "kNames", "the list of names, kNames, is not there")
        return
    listed = re.findall(r'"([^"]*)"', array[1])
    killed_at = "\n".join(text for name, text in tree.files.items() if name.startswith(TESTS))
    used = {}
    for name, text in tree.sources():
        if name.startswith(ROOM):
            continue
        for match in USE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            if match[1] is None:
                problems.add(name, line, "Failpoint", "a failpoint's name is a literal, so that it can be found")
            elif match[1] in used:
                problems.add(name, line, match[1], f"{match[1]} stands in {used[match[1]]} already: a name is one place")
            elif match[1] not in listed:
                problems.add(name, line, match[1], f"{match[1]} is not in {LIST}")
            else:
                used[match[1]] = name
    for point in listed:
        if point not in used:
            problems.add(LIST, 0, point, f"{point} is nowhere in the source")
        if f'"{point}"' not in killed_at:
            problems.add(LIST, 0, point, f"no test of {TESTS} kills at {point}")
