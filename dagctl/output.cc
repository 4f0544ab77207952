#include "dagctl/output.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <ostream>

#include "core/model/json.h"

namespace millrace::dagctl {
namespace {

std::string Cell(const Value& row, const Field& field) {
  const Value* value = row.Find(field.name);
  if (value == nullptr || value->is_null()) return "";
  return value->is_string() ? value->as_string() : ToJson(*value);
}

bool HasCell(const Value& row, const Field& field) {
  const Value* value = row.Find(field.name);
  if (value == nullptr || value->is_null()) return false;
  return value->is_string() ? !value->as_string().empty() : !value->is_list() || !value->as_list().empty();
}

std::vector<Field> OfTable(const std::vector<Field>& fields, const Value::List& rows) {
  std::vector<Field> shown;
  for (const Field& field : fields) {
    const auto has = [&field](const Value& row) { return HasCell(row, field); };
    if (!field.if_any || std::any_of(rows.begin(), rows.end(), has)) shown.push_back(field);
  }
  return shown;
}

// One code point of UTF-8; bytes that are none count as one column each.
char32_t Next(std::string_view text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at++]);
  int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
  char32_t code = more == 3 ? first & 0x07U : more == 2 ? first & 0x0FU : more == 1 ? first & 0x1FU : first;
  for (; more > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U; --more) {
    code = (code << 6) | (static_cast<unsigned char>(text[at++]) & 0x3FU);
  }
  return code;
}

// What terminals draw two columns wide: East Asian wide forms and emoji.
bool IsWide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
         (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1F64F) || (c >= 0x1F900 && c <= 0x1F9FF) ||
         (c >= 0x20000 && c <= 0x3FFFD);
}

bool IsCombining(char32_t c) { return (c >= 0x0300 && c <= 0x036F) || c == 0x200D || (c >= 0xFE00 && c <= 0xFE0F); }

YAML::Node ToYaml(const Value& value) {
  if (value.is_null()) return YAML::Node(YAML::NodeType::Null);
  if (value.is_bool()) return YAML::Node(value.as_bool());
  if (value.is_int()) return YAML::Node(value.as_int());
  if (value.is_double()) return YAML::Node(ToJson(value));  // as few digits as tell it
  if (value.is_string()) return YAML::Node(value.as_string());
  YAML::Node node(value.is_list() ? YAML::NodeType::Sequence : YAML::NodeType::Map);
  if (value.is_list()) {
    for (const Value& item : value.as_list()) node.push_back(ToYaml(item));
  } else {
    for (const auto& [key, member] : value.as_map()) node[key] = ToYaml(member);
  }
  return node;
}

}  // namespace

std::size_t DisplayWidth(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = Next(text, at);
    if (!IsCombining(c)) width += IsWide(c) ? 2 : 1;
  }
  return width;
}

std::string Coloured(std::string_view state, bool colour) {
  if (!colour) return std::string(state);
  const char* code = state == "success"                                                 ? "32"
                     : state == "failed" || state == "upstream_failed"                  ? "31"
                     : state == "running"                                               ? "36"
                     : state == "queued" || state == "scheduled"                        ? "34"
                     : state == "up_for_retry" || state == "skipped" || state == "restarting" ? "33"
                                                                                        : nullptr;
  if (code == nullptr) return std::string(state);
  return "\x1b[" + std::string(code) + "m" + std::string(state) + "\x1b[0m";
}

void Output::Say(std::string_view line) {
  if (format_ == Format::kTable) stream_ << line << '\n' << std::flush;
}

void Output::Rows(const std::vector<Field>& fields, const Value::List& rows) {
  if (format_ == Format::kTable) return Table(OfTable(fields, rows), rows);
  Value::List shown;
  for (const Value& row : rows) {
    Value picked = Value(Value::Map());
    for (const Field& field : fields) {
      const Value* value = row.Find(field.name);
      picked.as_map().emplace_back(field.name, value != nullptr ? *value : Value());
    }
    shown.push_back(std::move(picked));
  }
  if (format_ == Format::kJson || format_ == Format::kYaml) {
    Objects(shown);
  } else {
    for (const Value& row : rows) {
      for (std::size_t i = 0; i < fields.size(); ++i) stream_ << (i == 0 ? "" : "\t") << Cell(row, fields[i]);
      stream_ << '\n';
    }
  }
}

void Output::Objects(const Value::List& rows) {
  if (format_ == Format::kYaml) {
    stream_ << ToYaml(Value(rows)) << '\n';
  } else {
    stream_ << ToPrettyJson(Value(rows)) << '\n';
  }
}

void Output::Table(const std::vector<Field>& fields, const Value::List& rows) {
  std::vector<std::size_t> widths;
  for (const Field& field : fields) widths.push_back(DisplayWidth(field.heading));
  for (const Value& row : rows) {
    for (std::size_t i = 0; i < fields.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(Cell(row, fields[i])));
  }
  const auto pad = [&](std::size_t column, const std::string& text) {
    return column + 1 == fields.size() ? std::string() : std::string(widths[column] - DisplayWidth(text) + 2, ' ');
  };
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& heading = fields[i].heading;
    stream_ << (colour_ ? "\x1b[1m" + heading + "\x1b[0m" : heading) << pad(i, heading);
  }
  stream_ << '\n';
  for (const Value& row : rows) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const std::string cell = Cell(row, fields[i]);
      stream_ << (fields[i].name == "state" ? Coloured(cell, colour_) : cell) << pad(i, cell);
    }
    stream_ << '\n';
  }
  stream_ << std::flush;
}

}  // namespace millrace::dagctl
