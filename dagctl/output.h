// How answers are shown: tables for people, JSON (an array of objects), YAML and plain (tab-separated) for programs.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/value.h"

namespace millrace::dagctl {

enum class Format { kTable, kJson, kYaml, kPlain };

// Which members a command shows, under which heading; JSON and YAML show exactly these, by name.
struct Field {
  std::string name;
  std::string heading;  // of tables
  bool if_any = false;  // tables have it only if a row does
};

class Output {
 public:
  // `colour`: the stream is a terminal.
  Output(std::ostream& stream, Format format, bool colour) : stream_(stream), format_(format), colour_(colour) {}

  // Each row is a map. A missing member is null.
  void Rows(const std::vector<Field>& fields, const Value::List& rows);
  // The same without a choice of members: JSON, or YAML when the format is.
  void Objects(const Value::List& rows);
  // A line for people; nothing in the formats for programs.
  void Say(std::string_view line);

  Format format() const { return format_; }
  bool colour() const { return colour_; }
  std::ostream& stream() { return stream_; }

 private:
  void Table(const std::vector<Field>& fields, const Value::List& rows);
  std::ostream& stream_;
  Format format_;
  bool colour_;
};

// Columns that a terminal needs for the text: wide characters count two, what combines counts none.
std::size_t DisplayWidth(std::string_view text);
// A state's word in its colour.
std::string Coloured(std::string_view state, bool colour);

}  // namespace millrace::dagctl
