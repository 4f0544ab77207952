// Python's ways to make text of values: strftime and strptime, "%5.1f" % x, "{:>8}".format(x), JSON. Private
// to this room.
#pragma once

#include <string>
#include <string_view>

#include "core/template/builtins.h"
#include "core/template/datum.h"

namespace millrace::jinja {

// Longer spans are refused where they would be made, so that adding one to a time cannot overflow.
inline constexpr Duration kLongestSpan = std::chrono::days(4'000'000);
// Times stay within years 1 to 9999.
Status CheckTime(WallTime time);

// In English; %z and %Z only of times in UTC. INVALID_ARGUMENT for a directive that is not supported.
StatusOr<std::string> FormatTimeBy(WallTime time, std::string_view format, TimeForm form = TimeForm::kUtc);
StatusOr<WallTime> ParseTimeBy(std::string_view text, std::string_view format);

// format % value, where value is a tuple, a map, or the one argument.
StatusOr<Datum> PercentFormat(std::string_view format, const Datum& value);
// format.format(arguments).
StatusOr<Datum> BraceFormat(std::string_view format, const Arguments& arguments);

// How json.dumps writes. With `for_html`, < > & ' become \u escapes, as Jinja's tojson does.
struct JsonForm {
  int indent = -1;  // from 0 on: on several lines
  bool sorted = true;
  bool for_html = false;
};
StatusOr<std::string> JsonText(const Datum& value, const JsonForm& form);

}  // namespace millrace::jinja
