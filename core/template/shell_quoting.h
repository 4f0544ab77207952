// Follows how a shell would read a text, to know how a reference to a variable must be quoted at its end.
// Knows quotes, comments, $(...), `...`, $((...)) and here-documents. Where it is mistaken, a value may be
// split or shown as "${NAME}", but it is never parsed as shell text: every reference it makes is a parameter
// expansion with balanced quotes. Private.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace millrace::jinja {

class ShellQuoting {
 public:
  // The next part of the text, as it will be written.
  void Feed(std::string_view text);
  // A reference to a variable for this place. INVALID_ARGUMENT where none can be safe, or would not be
  // expanded.
  StatusOr<std::string> Reference(std::string_view name) const;
  // The reference has been written: it ends where it began, in the middle of a word.
  void PassReference();

 private:
  enum class State { kCommand, kSingle, kDouble, kAnsi, kComment, kSubshell, kBackticks, kArithmetic };
  struct HereDocument {
    std::string word;
    bool expands = true;
    bool strips_tabs = false;
  };

  void FeedOne(char c);
  void FeedCommand(char c);
  void FeedHereLine(char c);
  void StartWord(char c);
  State top() const { return states_.back(); }

  std::vector<State> states_{State::kCommand};
  std::vector<int> depths_{0};  // open parentheses, a state each
  bool escaped_ = false;
  bool word_starts_ = true;
  char previous_ = '\n';
  char before_previous_ = '\n';
  // Reading the word after <<.
  bool reading_here_word_ = false;
  HereDocument here_;
  char here_quote_ = '\0';
  std::deque<HereDocument> waiting_;  // their bodies start after the line
  bool in_here_body_ = false;
  std::string here_line_;
};

}  // namespace millrace::jinja
