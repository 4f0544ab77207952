#include "core/template/shell_quoting.h"

namespace millrace::jinja {
namespace {

bool EndsWord(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == ';' || c == '&' || c == '|' || c == '(' || c == ')' ||
         c == '<' || c == '>';
}

}  // namespace

void ShellQuoting::Feed(std::string_view text) {
  for (const char c : text) {
    if (in_here_body_) {
      FeedHereLine(c);
    } else {
      FeedOne(c);
    }
    before_previous_ = previous_;
    previous_ = c;
  }
}

void ShellQuoting::PassReference() {
  if (in_here_body_) here_line_ += '$';
  word_starts_ = false;
  before_previous_ = previous_ = '}';
}

void ShellQuoting::FeedHereLine(char c) {
  if (c != '\n') {
    here_line_ += c;
    return;
  }
  std::string_view line = here_line_;
  while (waiting_.front().strips_tabs && line.starts_with('\t')) line.remove_prefix(1);
  if (line == waiting_.front().word) waiting_.pop_front();
  here_line_.clear();
  in_here_body_ = !waiting_.empty();
  word_starts_ = true;
}

void ShellQuoting::FeedOne(char c) {
  if (escaped_) {
    escaped_ = false;
    if (reading_here_word_) here_.word += c;
    word_starts_ = false;
    return;
  }
  switch (top()) {
    case State::kSingle:
      if (c == '\'') states_.pop_back(), depths_.pop_back();
      return;
    case State::kAnsi:
      if (c == '\\') escaped_ = true;
      if (c == '\'') states_.pop_back(), depths_.pop_back();
      return;
    case State::kComment:
      if (c != '\n') return;
      states_.pop_back();
      depths_.pop_back();
      FeedCommand(c);
      return;
    case State::kDouble:
      if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        states_.pop_back();
        depths_.pop_back();
        word_starts_ = false;
      } else {
        StartWord(c);
      }
      return;
    case State::kArithmetic:
      if (c == '(') ++depths_.back();
      if (c == ')' && --depths_.back() == 0) states_.pop_back(), depths_.pop_back();
      return;
    default:
      FeedCommand(c);
  }
}

// What opens a new state inside commands and double quotes alike: $( $(( and `.
void ShellQuoting::StartWord(char c) {
  if (c == '`') {
    if (top() == State::kBackticks) {
      states_.pop_back();
      depths_.pop_back();
    } else {
      states_.push_back(State::kBackticks);
      depths_.push_back(0);
      word_starts_ = true;
    }
  } else if (c == '(' && previous_ == '$') {
    states_.push_back(State::kSubshell);
    depths_.push_back(1);
    word_starts_ = true;
  }
}

void ShellQuoting::FeedCommand(char c) {
  if (reading_here_word_) {
    const bool empty = here_.word.empty() && here_.expands;
    if (here_quote_ != '\0') {
      if (c == here_quote_) {
        here_quote_ = '\0';
      } else {
        here_.word += c;
      }
      return;
    }
    if (c == '\'' || c == '"' || c == '\\') {
      here_.expands = false;
      if (c == '\\') {
        escaped_ = true;
      } else {
        here_quote_ = c;
      }
      return;
    }
    if (c == '-' && empty && previous_ == '<') {
      here_.strips_tabs = true;
      return;
    }
    if (c == '<' && empty && previous_ == '<') {  // <<< is a here-string
      reading_here_word_ = false;
      return;
    }
    if (!EndsWord(c)) {
      here_.word += c;
      return;
    }
    if (empty && (c == ' ' || c == '\t')) return;
    reading_here_word_ = false;
    waiting_.push_back(here_);
  }
  const bool starts = word_starts_;
  word_starts_ = EndsWord(c);
  switch (c) {
    case '\\':
      escaped_ = true;
      return;
    case '\'':
      states_.push_back(previous_ == '$' ? State::kAnsi : State::kSingle);
      depths_.push_back(0);
      return;
    case '"':
      states_.push_back(State::kDouble);
      depths_.push_back(0);
      return;
    case '#':
      if (!starts) return;
      states_.push_back(State::kComment);
      depths_.push_back(0);
      return;
    case '\n':
      if (!waiting_.empty()) in_here_body_ = true;
      return;
    case '<':
      if (previous_ == '<' && before_previous_ != '<') {
        reading_here_word_ = true;
        here_ = HereDocument();
      }
      return;
    case '(':
      // $(( and (( are arithmetic; what they hold is evaluated.
      if (previous_ == '(' && before_previous_ == '$' && top() == State::kSubshell) {
        states_.back() = State::kArithmetic;
        depths_.back() = 2;
        return;
      }
      if (previous_ == '(' && EndsWord(before_previous_)) {
        states_.push_back(State::kArithmetic);
        depths_.push_back(1);
        return;
      }
      if (previous_ == '$') {
        StartWord(c);
      } else if (top() == State::kSubshell) {
        ++depths_.back();
      }
      return;
    case ')':
      if (top() == State::kSubshell && --depths_.back() == 0) {
        states_.pop_back();
        depths_.pop_back();
        word_starts_ = false;
      }
      return;
    default:
      StartWord(c);
  }
}

StatusOr<std::string> ShellQuoting::Reference(std::string_view name) const {
  if (escaped_) return InvalidArgument("a backslash stands before a value that users can set");
  const std::string plain = "${" + std::string(name) + "}";
  if (in_here_body_) {
    if (waiting_.front().expands) return plain;
    return InvalidArgument(
        "a value that users can set stands in a here-document with a quoted word, where the shell expands "
        "nothing; write <<" +
        waiting_.front().word + " without quotes");
  }
  if (reading_here_word_)
    return InvalidArgument("a value that users can set cannot be the word of a here-document");
  switch (top()) {
    case State::kDouble:
    case State::kComment:
      return plain;
    case State::kSingle:
      return "'\"" + plain + "\"'";
    case State::kAnsi:
      return "'\"" + plain + "\"$'";
    case State::kArithmetic:
      return InvalidArgument(
          "a value that users can set stands inside ((...)), which a shell evaluates; assign it to a "
          "variable and check that it is a number first");
    default:
      return "\"" + plain + "\"";
  }
}

}  // namespace millrace::jinja
