#!/usr/bin/env python3
"""Counts the words of a seeded text with the DAG that ships, in C++ and by commands, and compares both with coreutils.

usage: word_count_test.py BUILD SOURCE [MEGABYTES]
"""
import os
import pathlib
import shutil
import subprocess
import sys

BUILD, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
MEGABYTES = int(sys.argv[3]) if len(sys.argv) > 3 else 50
sys.path.insert(0, str(SOURCE / "tests/support"))
from cluster import Cluster  # noqa: E402

COUNT = r"""for f in *; do tr -s '[:space:]' '\n' < "$f"; echo; done | sed '/^$/d' | sort | uniq -c | sed 's/^ *\([0-9]*\) \(.*\)$/\2\t\1/' | sort"""


def expected(folder):
    return subprocess.run(["sh", "-c", COUNT], cwd=folder, env=dict(os.environ, LC_ALL="C"), check=True, stdout=subprocess.PIPE).stdout


def counted(folder):
    lines = b"".join(file.read_bytes() for file in sorted(folder.glob("part-*.txt"))).splitlines(keepends=True)
    return b"".join(sorted(lines))


def main():
    with Cluster(BUILD / "bin") as cluster:
        text = cluster.root / "data/text"
        text.mkdir(parents=True)
        subprocess.run([SOURCE / "examples/word_count/make_text.py", "--megabytes", str(MEGABYTES), text / "text.txt"], check=True)
        whole = (text / "text.txt").read_bytes()
        assert len(whole) >= MEGABYTES << 20 and not whole.endswith(b"\n") and max(map(len, whole.split(b"\n"))) > 1_000_000
        (text / "second.txt").write_bytes(b"a second file\nwith a last line")

        (cluster.root / "lib").mkdir()
        shutil.copy(BUILD / "lib/libword_count.so", cluster.root / "lib")
        shutil.copytree(SOURCE / "dags/word_count", cluster.dags / "word_count")
        cluster.write_dag("word_count.yaml", (SOURCE / "dags/word_count.yaml").read_text())
        cluster.start_scheduler()
        for name in ("w1", "w2"):
            cluster.start_worker(name, 2)
        run = cluster.trigger("word_count")
        cluster.await_run("word_count", run, "success", patience=500)

        right = expected(text)
        assert right.count(b"\n") > 2_000, right[:1000]
        for way in ("native", "streaming"):
            got = counted(cluster.root / "lake/words" / way)
            assert got == right, f"{way}: {len(got)} bytes instead of {len(right)}"
        print(len(right.splitlines()), "words agree")


main()
