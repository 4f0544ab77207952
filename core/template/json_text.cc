// json.dumps, to the byte.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "core/template/text_format.h"

namespace millrace::jinja {
namespace {

class JsonWriter {
 public:
  explicit JsonWriter(const JsonForm& form)
      : indent_(std::min(form.indent, 100)), sorted_(form.sorted), for_html_(form.for_html) {}

  Status Write(const Datum& value, int depth) {
    RETURN_IF_ERROR(Budget::CheckSize(static_cast<std::int64_t>(out_.size())));
    if (value.is_none()) {
      out_ += "null";
    } else if (value.is_bool()) {
      out_ += value.integer() != 0 ? "true" : "false";
    } else if (value.is_int()) {
      out_ += std::to_string(value.integer());
    } else if (value.is_float()) {
      WriteFloat(value.number());
    } else if (value.is_string()) {
      WriteString(value.string());
    } else if (value.is_list()) {
      return WriteList(value.list(), depth);
    } else if (value.is_map()) {
      return WriteMap(value.map(), depth);
    } else {
      return InvalidArgument("a " + std::string(TypeName(value)) +
                             " cannot be written as JSON; make it text first (| ts, | string)");
    }
    return OkStatus();
  }

  std::string TakeText() { return std::move(out_); }

 private:
  void NewLine(int depth) {
    if (indent_ < 0) return;
    out_ += '\n';
    out_.append(static_cast<std::size_t>(indent_ * depth), ' ');
  }

  void WriteFloat(double number) {
    if (std::isnan(number)) {
      out_ += "NaN";
    } else if (std::isinf(number)) {
      out_ += number < 0 ? "-Infinity" : "Infinity";
    } else {
      out_ += FloatText(number);
    }
  }

  void WriteUnit(unsigned unit) {
    std::array<char, 8> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "\\u%04x", unit & 0xffffU);
    out_ += buffer.data();
  }

  void WriteString(std::string_view text) {
    out_ += '"';
    for (const std::string_view character : Characters(text)) {
      const auto lead = static_cast<unsigned char>(character[0]);
      if (character.size() == 1 && lead < 0x80) {
        WriteAscii(character[0]);
        continue;
      }
      unsigned code = character.size() == 1 ? 0xfffdU : lead & (0xffU >> (character.size() + 1));
      for (std::size_t i = 1; i < character.size(); ++i)
        code = code << 6 | (static_cast<unsigned char>(character[i]) & 0x3fU);
      if (code >= 0x10000) {
        code -= 0x10000;
        WriteUnit(0xd800 | code >> 10);
        WriteUnit(0xdc00 | (code & 0x3ff));
      } else {
        WriteUnit(code);
      }
    }
    out_ += '"';
  }

  void WriteAscii(char c) {
    constexpr std::string_view kPlain = "\"\\\n\r\t\b\f";
    constexpr std::string_view kEscaped = "\"\\nrtbf";
    if (const std::size_t known = kPlain.find(c); known != std::string_view::npos) {
      out_ += '\\';
      out_ += kEscaped[known];
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f ||
               (for_html_ && (c == '<' || c == '>' || c == '&' || c == '\''))) {
      if (c == 0x7f) {
        out_ += c;
      } else {
        WriteUnit(static_cast<unsigned char>(c));
      }
    } else {
      out_ += c;
    }
  }

  Status WriteList(const List& items, int depth) {
    if (items.empty()) {
      out_ += "[]";
      return OkStatus();
    }
    out_ += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i != 0) out_ += indent_ < 0 ? ", " : ",";
      NewLine(depth + 1);
      RETURN_IF_ERROR(Write(items[i], depth + 1));
    }
    NewLine(depth);
    out_ += ']';
    return OkStatus();
  }

  Status WriteMap(const Pairs& pairs, int depth) {
    std::vector<std::pair<std::string, const Datum*>> sorted;
    for (const auto& [key, value] : pairs) {
      std::string name = key.is_string() ? key.string() : ToText(key);
      if (key.is_none()) name = "null";
      if (key.is_bool()) name = key.integer() != 0 ? "true" : "false";
      sorted.emplace_back(std::move(name), &value);
    }
    if (sorted_) {
      std::stable_sort(sorted.begin(), sorted.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    if (sorted.empty()) {
      out_ += "{}";
      return OkStatus();
    }
    out_ += '{';
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (i != 0) out_ += indent_ < 0 ? ", " : ",";
      NewLine(depth + 1);
      WriteString(sorted[i].first);
      out_ += ": ";
      RETURN_IF_ERROR(Write(*sorted[i].second, depth + 1));
    }
    NewLine(depth);
    out_ += '}';
    return OkStatus();
  }

  std::string out_;
  int indent_;
  bool sorted_;
  bool for_html_;
};

}  // namespace

StatusOr<std::string> JsonText(const Datum& value, const JsonForm& form) {
  JsonWriter writer(form);
  RETURN_IF_ERROR(writer.Write(value, 0));
  return writer.TakeText();
}

}  // namespace millrace::jinja
