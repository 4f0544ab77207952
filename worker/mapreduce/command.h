// One run of an author's command: bytes in, lines out, as Hadoop Streaming has it. The attempt's thread, which feeds and
// drains the child by turns; the child has a group of its own and is told to end when the attempt is cancelled. The process
// ignores SIGPIPE, as the runner does: a command may stop reading.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "worker/mapreduce/counters.h"
#include "worker/mapreduce/site.h"

namespace millrace::mapreduce {

struct CommandStreams {
  // The next bytes for its stdin, valid until the next call; nothing at the end.
  std::function<std::optional<std::string_view>()> input;
  // A line of its stdout, without the newline.
  std::function<Status(std::string_view line)> output;
};

// One word with spaces is a shell's line; else the words are the program and its arguments. FAILED_PRECONDITION when it does
// not end with exit code 0; CANCELLED when the attempt was.
Status RunCommand(const Site& site, const std::vector<std::string>& command, const CommandStreams& streams,
                  LoggedCounters& counters);

// "key TAB value", or all of it the key.
std::pair<std::string_view, std::string_view> SplitPair(std::string_view line);

}  // namespace millrace::mapreduce
