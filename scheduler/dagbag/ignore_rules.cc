#include "scheduler/dagbag/ignore_rules.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

namespace millrace::dagbag {
namespace {

using Segments = std::vector<std::string>;

// Without its comment, which begins with the first '#' that is not "\#", and the spaces before it; a space after '\' stays.
std::string_view WithoutComment(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '#') {
      line = line.substr(0, i);
    }
  }
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) {
    if (line.size() > 1 && line[line.size() - 2] == '\\') break;
    line.remove_suffix(1);
  }
  return line;
}

Segments Split(std::string_view path) {
  Segments segments;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return segments;
}

bool IsClass(std::string_view name, unsigned char c) {
  if (name == "alpha") return std::isalpha(c) != 0;
  if (name == "digit") return std::isdigit(c) != 0;
  if (name == "alnum") return std::isalnum(c) != 0;
  if (name == "upper") return std::isupper(c) != 0;
  if (name == "lower") return std::islower(c) != 0;
  return name == "space" && std::isspace(c) != 0;
}

// Where a character class "[...]" ends, or npos: then '[' is a letter like others.
std::size_t EndOfClass(std::string_view pattern, std::size_t open) {
  std::size_t i = open + 1;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;
  for (; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern.substr(i, 2) == "[:") {
      const std::size_t end = pattern.find(":]", i + 2);
      if (end != std::string_view::npos) i = end + 1;
    } else if (pattern[i] == ']') {
      return i;
    }
  }
  return std::string_view::npos;
}

// `inside` is what stands between the brackets.
bool InClass(std::string_view inside, char letter) {
  const bool negated = !inside.empty() && (inside[0] == '!' || inside[0] == '^');
  if (negated) inside.remove_prefix(1);
  const auto take = [&inside] {
    if (inside.size() > 1 && inside[0] == '\\') inside.remove_prefix(1);
    const auto c = static_cast<unsigned char>(inside[0]);
    inside.remove_prefix(1);
    return c;
  };
  const auto c = static_cast<unsigned char>(letter);
  bool found = false;
  while (!inside.empty()) {
    const std::size_t end = inside.starts_with("[:") ? inside.find(":]", 2) : std::string_view::npos;
    if (end != std::string_view::npos) {
      found = found || IsClass(inside.substr(2, end - 2), c);
      inside.remove_prefix(end + 2);
      continue;
    }
    const unsigned char low = take();
    unsigned char high = low;
    if (inside.size() > 1 && inside[0] == '-') {
      inside.remove_prefix(1);
      high = take();
    }
    found = found || (low <= c && c <= high);
  }
  return found != negated;
}

// How many bytes of `pattern` stand for the one letter at the front of `name`; none: it is another letter.
std::optional<std::size_t> OneLetter(std::string_view pattern, char letter) {
  if (pattern[0] == '?') return 1;
  if (pattern[0] == '\\' && pattern.size() > 1) {
    if (pattern[1] == letter) return 2;
    return std::nullopt;
  }
  if (pattern[0] == '[') {
    if (const std::size_t end = EndOfClass(pattern, 0); end != std::string_view::npos) {
      if (InClass(pattern.substr(1, end - 1), letter)) return end + 1;
      return std::nullopt;
    }
  }
  if (pattern[0] == letter) return 1;
  return std::nullopt;
}

// One name against one segment. A star that does not fit gives way by a letter, the newest first: others need not be
// tried again, so this takes at most the product of the two lengths.
bool NameMatches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::optional<std::pair<std::size_t, std::size_t>> star;  // behind it, and what it has taken up to
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = {++p, n};
      continue;
    }
    const auto step = p < pattern.size() ? OneLetter(pattern.substr(p), name[n]) : std::nullopt;
    if (step) {
      p += *step;
      ++n;
    } else if (star) {
      p = star->first;
      n = ++star->second;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// The same for whole paths, where "**" is the star and names are the letters. At the end it wants something to stand for.
bool PathMatches(const Segments& pattern, const Segments& path) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::optional<std::pair<std::size_t, std::size_t>> star;
  while (n < path.size()) {
    if (p < pattern.size() && pattern[p] == "**") {
      if (++p == pattern.size()) return true;
      star = {p, n};
    } else if (p < pattern.size() && NameMatches(pattern[p], path[n])) {
      ++p;
      ++n;
    } else if (star) {
      p = star->first;
      n = ++star->second;
    } else {
      return false;
    }
  }
  return p == pattern.size();
}

}  // namespace

void IgnoreRules::Add(std::string_view folder, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = WithoutComment(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    Rule rule;
    rule.folder = folder;
    if (line.starts_with('!')) {
      rule.ignore = false;
      line.remove_prefix(1);
    }
    if (line.ends_with('/') && !line.ends_with("\\/")) {
      rule.only_folders = true;
      line.remove_suffix(1);
    }
    // A slash, other than at its end, ties a pattern to the folder of its file.
    const bool tied = line.find('/') != std::string_view::npos;
    if (line.starts_with('/')) line.remove_prefix(1);
    if (line.empty()) continue;
    rule.segments = Split(line);
    if (!tied && rule.segments.front() != "**") rule.segments.insert(rule.segments.begin(), "**");
    rules_.push_back(std::move(rule));
  }
}

void IgnoreRules::Forget(std::string_view folder) {
  const auto first =
      std::find_if(rules_.begin(), rules_.end(), [&](const Rule& rule) { return rule.folder == folder; });
  rules_.erase(first, rules_.end());
}

bool IgnoreRules::Matches(const Rule& rule, std::string_view path) {
  if (!rule.folder.empty()) path.remove_prefix(rule.folder.size() + 1);
  return PathMatches(rule.segments, Split(path));
}

// The last that fits decides.
bool IgnoreRules::Ignores(std::string_view path, bool is_folder) const {
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    if ((is_folder || !rule->only_folders) && Matches(*rule, path)) return rule->ignore;
  }
  return false;
}

}  // namespace millrace::dagbag
