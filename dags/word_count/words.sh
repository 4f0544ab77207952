#!/bin/sh
# The mapper as a Hadoop Streaming command: text in, "word TAB 1" lines out.
tr -s '[:space:]' '\n' | sed '/^$/d; s/$/\t1/'
