#include "core/model/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>

namespace millrace {
namespace {

Position At(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

constexpr std::size_t kMaxDocuments = 100;
constexpr std::size_t kMaxProblems = 100;

// Thrown through the library, whose parser recurses, to stop it; caught in ParseYaml.
struct Stopped {};

std::optional<std::int64_t> Integer(std::string_view text) {
  const bool plus = text.starts_with('+');
  std::string_view digits = plus ? text.substr(1) : text;
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0o")) {
    base = digits[1] == 'x' ? 16 : 8;
    digits.remove_prefix(2);
    if (digits.starts_with('-')) return std::nullopt;
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size() || (plus && digits.starts_with('-')))
    return std::nullopt;
  return value;
}

std::optional<double> Number(std::string_view text) {
  if (text.find_first_not_of("0123456789+-.eE") != text.npos) return std::nullopt;
  if (text.find_first_of("0123456789") == text.npos) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

Value Scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return Value(true);
  if (text == "false" || text == "False" || text == "FALSE") return Value(false);
  if (const std::optional<std::int64_t> integer = Integer(text)) return Value(*integer);
  if (const std::optional<double> number = Number(text)) return Value(*number);
  return Value(text);
}

// Builds one document.
class YamlBuilder final : public YAML::EventHandler {
 public:
  explicit YamlBuilder(std::vector<Problem>& problems) : problems_(problems) {}

  Value Take() { return std::move(root_); }
  Position start() const { return start_; }
  // Of the last text in quotes; line 0: there was none.
  Position last_quoted() const { return last_quoted_; }

  void OnDocumentStart(const YAML::Mark& mark) override { start_ = At(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Refuse(mark, anchor, "");
    Put(Value(), At(mark), /*text=*/nullptr);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Add(mark, "aliases (*name) are not allowed", "write the value out; default_args holds what tasks share");
    throw Stopped{};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    Refuse(mark, anchor, tag);
    if (tag == "!") last_quoted_ = At(mark);
    Put(tag == "?" ? Scalar(text) : Value(text), At(mark), &text);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Value(Value::List()), mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Value(Value::Map()), mark, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Level {
    Value value;
    Position where;
    std::optional<std::string> key;  // of a map: the member whose value comes next
    Position key_where;
    std::set<std::string> names;  // members so far: a map's own search is linear
  };

  void Add(const YAML::Mark& mark, std::string message, std::string suggestion) {
    problems_.push_back({"", At(mark), std::move(message), std::move(suggestion)});
  }

  void Refuse(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
    if (anchor != 0) {
      Add(mark, "anchors (&name) are not allowed",
          "write the value out; default_args holds what tasks share");
      throw Stopped{};
    }
    // "?": plain; "!": quoted.
    if (!tag.empty() && tag != "?" && tag != "!" && tag != "tag:yaml.org,2002:str") {
      Add(mark, "tags (" + tag + ") are not allowed", "leave the tag out");
    }
  }

  void Open(Value value, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    Refuse(mark, anchor, tag);
    if (open_.size() >= kMaxYamlDepth) {
      Add(mark, "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels", "");
      throw Stopped{};
    }
    if (!open_.empty() && open_.back().value.is_map() && !open_.back().key.has_value()) {
      Add(mark, "a list or a map cannot be a name", "a value that begins with { or [ needs quotes");
      throw Stopped{};
    }
    open_.push_back({std::move(value), At(mark), std::nullopt, {}, {}});
  }

  void Close() {
    Level done = std::move(open_.back());
    open_.pop_back();
    Put(std::move(done.value), done.where, /*text=*/nullptr);
  }

  // `text` is set for scalars, which can be names.
  void Put(Value value, Position where, const std::string* text) {
    value.At(where);
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Level& level = open_.back();
    if (level.value.is_list()) {
      level.value.as_list().push_back(std::move(value));
    } else if (!level.key.has_value()) {
      level.key = text != nullptr ? *text : "null";
      level.key_where = where;
    } else {
      value.KeyAt(level.key_where);
      if (!level.names.insert(*level.key).second) {
        problems_.push_back(
            {"", level.key_where, "'" + *level.key + "' stands twice in this map", "remove one of them"});
        if (problems_.size() >= kMaxProblems) throw Stopped{};
      } else {
        level.value.as_map().emplace_back(std::move(*level.key), std::move(value));
      }
      level.key.reset();
    }
  }

  std::vector<Problem>& problems_;
  std::vector<Level> open_;
  Value root_;
  Position start_;
  Position last_quoted_;
};

// The offset of the first byte that is not UTF-8, or npos.
std::size_t FindNotUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xC2 && lead < 0xE0 ? 2
                               : lead >= 0xE0 && lead < 0xF0 ? 3
                               : lead >= 0xF0 && lead < 0xF5 ? 4
                                                             : 0;
    if (length == 0 || i + length > text.size() || lead == 0) return i;
    for (std::size_t j = 1; j < length; ++j) {
      if ((static_cast<unsigned char>(text[i + j]) & 0xC0) != 0x80) return i;
    }
    i += length;
  }
  return text.npos;
}

Position PositionAt(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(offset - line_start) + 1};
}

// From the beginning of a line to the end of the text.
std::string_view FromLine(std::string_view text, int line) {
  for (; line > 1; --line) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return {};
    text.remove_prefix(end + 1);
  }
  return text;
}

std::string_view LineAt(std::string_view text, int line) {
  text = FromLine(text, line);
  return text.substr(0, text.find('\n'));
}

// yaml-cpp 0.7 lets a quoted text end with the file.
bool IsQuoteOpen(std::string_view text, Position where) {
  text = FromLine(text, where.line);
  const auto begin = static_cast<std::size_t>(where.column - 1);
  if (begin >= text.size() || (text[begin] != '"' && text[begin] != '\'')) return false;  // a block of text
  const char quote = text[begin];
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return false;
      ++i;
    }
  }
  return true;
}

std::string SyntaxSuggestion(std::string_view text, Position where) {
  const std::string_view line = LineAt(text, where.line);
  const std::string_view indentation = line.substr(0, line.find_first_not_of(" \t"));
  if (indentation.find('\t') != line.npos) return "indent with spaces: YAML does not allow tabs";
  if (line.find("{{") != line.npos || line.find("{%") != line.npos)
    return "a value that begins with a template needs quotes";
  return "look at the indentation, at brackets and quotes; a value that holds ': ' or ' #' needs quotes";
}

}  // namespace

YamlText ParseYaml(std::string_view text) {
  YamlText result;
  if (text.size() > kMaxYamlBytes) {
    result.problems.push_back({"", {1, 1}, "the file is larger than 1 MiB", "split it into several files"});
    return result;
  }
  if (const std::size_t bad = FindNotUtf8(text); bad != text.npos) {
    result.problems.push_back({"", PositionAt(text, bad), "not UTF-8 text", "save the file as UTF-8"});
    return result;
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Position last_start;
    while (true) {
      YamlBuilder builder(result.problems);
      if (!parser.HandleNextDocument(builder)) break;
      // On a stray sign between documents yaml-cpp 0.7 stands still and makes empty documents for ever.
      if (std::exchange(last_start, builder.start()) == builder.start()) {
        result.problems.push_back({"", builder.start(), "not valid YAML: unexpected text between documents",
                                   SyntaxSuggestion(text, builder.start())});
        break;
      }
      if (builder.last_quoted().line > 0 && IsQuoteOpen(text, builder.last_quoted())) {
        result.problems.push_back({"", builder.last_quoted(), "not valid YAML: the closing quote is missing",
                                   "close what this quote opens"});
      }
      if (result.documents.size() >= kMaxDocuments) {
        result.problems.push_back({"", builder.start(),
                                   "more than " + std::to_string(kMaxDocuments) + " documents",
                                   "split it into several files"});
        break;
      }
      Value document = builder.Take();
      if (!document.is_null()) result.documents.push_back(std::move(document));
    }
  } catch (const Stopped&) {
    // The problem is told already.
  } catch (const YAML::Exception& error) {
    const Position where = error.mark.is_null() ? Position{1, 1} : At(error.mark);
    result.problems.push_back({"", where, "not valid YAML: " + error.msg, SyntaxSuggestion(text, where)});
  } catch (const std::exception& error) {
    result.problems.push_back({"", {1, 1}, std::string("not valid YAML: ") + error.what(), ""});
  }
  return result;
}

}  // namespace millrace
