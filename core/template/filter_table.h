// The rows of the filter table. Private to this room.
#pragma once

#include <string_view>
#include <vector>

#include "core/template/builtins.h"

namespace millrace::jinja {

struct FilterRow {
  std::string_view name;
  StatusOr<Datum> (*apply)(const Datum& value, const Arguments& arguments, Budget& budget);
};

const std::vector<FilterRow>& ValueFilters();
const std::vector<FilterRow>& SequenceFilters();
const std::vector<FilterRow>& HtmlFilters();
const std::vector<FilterRow>& LayoutFilters();
const std::vector<FilterRow>& LinkFilters();

// A str as HTML: escaped, unless it is HTML already.
std::string EscapedMarkup(const Datum& text);
// A list of its lines, with their ends or without; in text_methods.cc.
StatusOr<Datum> SplitIntoLines(std::string_view text, bool keep_ends);

}  // namespace millrace::jinja
