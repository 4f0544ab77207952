// A line of a scenario file, and what stands in it as text: for the files of this folder.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/calendar/format.h"

namespace millrace::test {

// Words, and key=value pairs; "..." keeps spaces together.
struct Line {
  int number = 0;
  std::string text;
  std::vector<std::string> words;
  std::map<std::string, std::string> options;
  bool indented = false;

  std::string Word(std::size_t i) const { return i < words.size() ? words[i] : ""; }
  std::string Rest(std::size_t from) const {
    std::string rest;
    for (std::size_t i = from; i < words.size(); ++i) rest += (i == from ? "" : " ") + words[i];
    return rest;
  }
  // The text behind so many words, as it is written.
  std::string After(std::size_t count) const {
    std::size_t at = 0;
    for (std::size_t word = 0; word < count && at != text.npos; ++word) at = text.find(' ', at + 1);
    return at == text.npos ? "" : text.substr(at + 1);
  }
  std::string Option(const std::string& name, const std::string& otherwise = "") const {
    const auto found = options.find(name);
    return found == options.end() ? otherwise : found->second;
  }
  bool Has(const std::string& word) const {
    return std::find(words.begin(), words.end(), word) != words.end();
  }
};

inline Line Split(const std::string& text, int number) {
  Line line;
  line.number = number;
  line.text = text;
  line.indented = !text.empty() && text[0] == ' ';
  std::string word;
  bool quoted = false;
  bool is_option = false;
  const auto flush = [&] {
    const std::size_t equals = word.find('=');
    if (is_option && equals != std::string::npos) {
      line.options[word.substr(0, equals)] = word.substr(equals + 1);
    } else if (!word.empty()) {
      line.words.push_back(word);
    }
    word.clear();
    is_option = false;
  };
  for (const char c : text) {
    if (c == '"' && (quoted || word.empty() || word.back() == '=')) {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      flush();
    } else {
      if (c == '=' && !quoted) is_option = true;
      word += c;
    }
  }
  flush();
  return line;
}

inline std::vector<std::string> Names(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream stream(text);
  for (std::string name; std::getline(stream, name, ',');) names.push_back(name);
  return names;
}

inline Duration Length(const std::string& text) {
  const StatusOr<Duration> duration = ParseDuration(text);
  EXPECT_TRUE(duration.ok()) << text;
  return duration.ok() ? *duration : Duration(0);
}

inline WallTime Time(const std::string& text) {
  const StatusOr<WallTime> time = ParseTimeUtc(text);
  EXPECT_TRUE(time.ok()) << text;
  return time.ok() ? *time : WallTime{};
}

// "01:30:00", or with its date on another day than the first.
inline std::string Clock(WallTime time, WallTime start) {
  const std::string text = FormatTime(time);
  return FormatDs(time) == FormatDs(start) ? text.substr(11, 8) : text;
}

}  // namespace millrace::test
