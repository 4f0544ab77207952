#!/usr/bin/env python3
"""Writes text to count words in: the same bytes for the same seed and size, on every machine.

  make_text.py [--megabytes 50] [--seed 1] FILE

Words are Zipf-distributed, some in other scripts, some not even valid UTF-8; there is a line of one megabyte, and no newline
at the end.
"""
import argparse


class Numbers:
    """A 64-bit linear congruential generator: the standard library's may change with its version."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        return (self.state >> 33) % bound


SYLLABLES = ["ba", "ke", "li", "mo", "nu", "ra", "shi", "to", "ve", "zy", "ß", "é", "дом", "水", "🌊", "ن", "na", "ta"]


def vocabulary(numbers, size):
    words = set()
    while len(words) < size:
        words.add("".join(SYLLABLES[numbers.below(len(SYLLABLES))] for _ in range(1 + numbers.below(4))).encode())
    words = sorted(words)
    words[7::500] = [b"\xff\xfe" + word for word in words[7::500]]  # bytes that are no UTF-8
    return words


def text(numbers, size):
    words = vocabulary(numbers, 20_000)
    spaces = [b" "] * 8 + [b"\n", b"\t", b"  "]
    # Ranks by an inverse power of a uniform number: few words make up most of the text.
    picks = [words[int((2**31 / (1 + numbers.below(2**31))) ** 1.5) % len(words)] for _ in range(200_000)]
    written = 0
    long_line = 1 << 20
    while written < size:
        start = numbers.below(len(picks))
        chunk = bytearray()
        for i in range(20_000):
            chunk += picks[(start + i * 7) % len(picks)] + spaces[numbers.below(len(spaces))]
        if written == 0:
            line = b"\n" + (b"x" * 99 + b" ") * (long_line // 100) + b"y" * (long_line // 4) + b"\n"
            chunk += line
        yield bytes(chunk)
        written += len(chunk)
    yield b"the last line has no newline"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("file")
    arguments = parser.parse_args()
    with open(arguments.file, "wb") as file:
        for chunk in text(Numbers(arguments.seed), arguments.megabytes << 20):
            file.write(chunk)


if __name__ == "__main__":
    main()
