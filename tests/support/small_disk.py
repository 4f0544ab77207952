"""A disk of a few megabytes (tmpfs), which a test can fill and free again. Mounting needs root: without it the test says so and is skipped
(exit status 77).

    with SmallDisk(folder, 24) as disk:
        disk.fill(); ...; disk.free()
"""

import os
import subprocess
import sys


class SmallDisk:
    def __init__(self, folder, megabytes):
        self.folder = folder
        self.megabytes = megabytes
        self.filler = folder / ".filler"

    def __enter__(self):
        if os.geteuid() != 0:
            print("skipped: only root can mount a small tmpfs")
            sys.exit(77)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m,mode=0700", "tmpfs", self.folder], check=True)
        return self

    def __exit__(self, kind, error, trace):
        subprocess.run(["umount", "-l", self.folder], check=True)

    def fill(self, room=0):
        """To the last byte, but for `room` bytes."""
        with open(self.filler, "ab", buffering=0) as file:
            for piece in (b"x" * 65536, b"x"):
                try:
                    while True:
                        file.write(piece)
                except OSError:
                    pass
            if room:
                file.truncate(max(0, file.tell() - room))

    def free(self):
        self.filler.unlink()
