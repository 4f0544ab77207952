#!/usr/bin/awk -f
# The combiner and the reducer as a Hadoop Streaming command: lines "word TAB count" in the order of words in, one line a word
# out. Words are compared as text also when they look like numbers.
BEGIN { FS = "\t" }
($1 "") != word {
  if (NR > 1) printf "%s\t%.0f\n", word, count
  word = $1 ""
  count = 0
}
{ count += $2 }
END { if (NR > 0) printf "%s\t%.0f\n", word, count }
