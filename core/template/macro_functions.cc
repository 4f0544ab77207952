// The functions of `macros`: what Airflow gives templates of Python's own modules, as far as it needs no
// clock and no machine.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/template/date_parser.h"
#include "core/template/method_table.h"
#include "core/template/text_format.h"

namespace millrace::jinja {
namespace {

using Args = const Arguments&;
using std::chrono::year_month_day;

StatusOr<Datum> DsAdd(Args args, Budget&) {
  if (args.positional.size() != 2) return InvalidArgument("takes a date and a number of days");
  ASSIGN_OR_RETURN(const std::int64_t count, args.Integer(1, "days", 0));
  ASSIGN_OR_RETURN(const WallTime date, ParseTimeBy(ToText(args.positional[0]), "%Y-%m-%d"));
  if (count > 4'000'000 || count < -4'000'000) return InvalidArgument("the number of days is too large");
  const WallTime moved = date + std::chrono::days(count);
  RETURN_IF_ERROR(CheckTime(moved));
  return Datum(FormatDs(moved));
}

StatusOr<Datum> DsFormat(Args args, Budget&) {
  if (args.positional.size() != 3)
    return InvalidArgument("takes a date, its format and the format to give it");
  ASSIGN_OR_RETURN(const WallTime date, ParseTimeBy(ToText(args.positional[0]), ToText(args.positional[1])));
  ASSIGN_OR_RETURN(std::string out, FormatTimeBy(date, ToText(args.positional[2]), TimeForm::kNaive));
  return Datum(std::move(out));
}

StatusOr<Datum> TimeDelta(Args args, Budget&) {
  constexpr std::array<std::pair<std::string_view, Duration>, 7> kUnits = {
      {{"days", std::chrono::days(1)},
       {"seconds", std::chrono::seconds(1)},
       {"microseconds", Duration(1)},
       {"milliseconds", std::chrono::milliseconds(1)},
       {"minutes", std::chrono::minutes(1)},
       {"hours", std::chrono::hours(1)},
       {"weeks", std::chrono::days(7)}}};
  double micros = 0;
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    const Datum* amount = args.Find(i, kUnits[i].first);
    if (amount == nullptr) continue;
    if (!amount->is_number())
      return InvalidArgument("'" + std::string(kUnits[i].first) + "' must be a number");
    micros += amount->number() * static_cast<double>(kUnits[i].second.count());
  }
  for (const auto& [name, value] : args.named) {
    const auto is_named = [&name](const auto& unit) { return unit.first == name; };
    if (std::none_of(kUnits.begin(), kUnits.end(), is_named))
      return InvalidArgument("does not know '" + name + "'");
  }
  if (!(std::abs(micros) <= static_cast<double>(kLongestSpan.count()))) return InvalidArgument("is too long");
  return Datum(Duration(std::llround(micros)));
}

// datetime(2001, 3, 1, 2): without a zone, as Python makes it.
StatusOr<Datum> DateTime(Args args, Budget&) {
  constexpr std::array<std::string_view, 7> kNames = {"year",   "month",  "day",        "hour",
                                                      "minute", "second", "microsecond"};
  constexpr std::array<std::int64_t, 7> kMost = {9999, 12, 31, 23, 59, 59, 999'999};
  std::array<std::int64_t, 7> parts{};
  if (args.positional.size() + args.named.size() > kNames.size())
    return InvalidArgument("takes year to microsecond");
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const bool needed = i < 3;
    if (needed && args.Find(i, kNames[i]) == nullptr)
      return InvalidArgument("needs the " + std::string(kNames[i]));
    ASSIGN_OR_RETURN(parts[i], args.Integer(i, kNames[i], 0));
    if (parts[i] < (needed ? 1 : 0) || parts[i] > kMost[i])
      return InvalidArgument("the " + std::string(kNames[i]) +
                             " is out of range: " + std::to_string(parts[i]));
  }
  for (const auto& [name, value] : args.named) {
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end())
      return InvalidArgument("does not know '" + name + "'");
  }
  const year_month_day date =
      std::chrono::year(static_cast<int>(parts[0])) / static_cast<int>(parts[1]) / static_cast<int>(parts[2]);
  if (!date.ok()) return InvalidArgument("the day is out of range for the month");
  const WallTime time = WallTime(std::chrono::sys_days(date)) + std::chrono::hours(parts[3]) +
                        std::chrono::minutes(parts[4]) + std::chrono::seconds(parts[5]) + Duration(parts[6]);
  return Datum(time, TimeForm::kNaive);
}

StatusOr<Datum> ParsedTime(Args args, Budget&) {
  ASSIGN_OR_RETURN(const std::string text, args.Text(0, "date_string", ""));
  ASSIGN_OR_RETURN(const std::string format, args.Text(1, "format", ""));
  if (format.find("%z") != std::string::npos)
    return InvalidArgument(
        "does not read offsets; take data_interval_start and the like, which are times already");
  ASSIGN_OR_RETURN(const WallTime time, ParseTimeBy(text, format));
  return Datum(time, TimeForm::kNaive);
}

StatusOr<Datum> FromIsoFormat(Args args, Budget&) {
  ASSIGN_OR_RETURN(const std::string text, args.Text(0, "date_string", ""));
  // A time with an offset is one in UTC here; without one it has no zone.
  const bool has_offset = text.size() > 10 && (text.ends_with('Z') || text.find_last_of("+-") > 9) &&
                          text.find_last_of("Z+-") != std::string::npos;
  ASSIGN_OR_RETURN(const WallTime time, ParseTimeUtc(has_offset || text.size() == 10 ? text : text + "Z"));
  return Datum(time, has_offset ? TimeForm::kUtc : TimeForm::kNaive);
}

StatusOr<Datum> JsonDumps(Args args, Budget&) {
  if (args.positional.size() != 1) return InvalidArgument("takes one value");
  ASSIGN_OR_RETURN(const std::int64_t indent, args.Integer(1, "indent", -1));
  for (const auto& [name, value] : args.named) {
    if (name != "indent" && name != "sort_keys") return InvalidArgument("does not know '" + name + "'");
  }
  const bool sorted = args.Flag(1, "sort_keys", false);
  ASSIGN_OR_RETURN(
      std::string text,
      JsonText(args.positional[0],
               {.indent = static_cast<int>(std::clamp<std::int64_t>(indent, -1, 100)), .sorted = sorted}));
  return Datum(std::move(text));
}

StatusOr<Datum> JsonLoads(Args args, Budget&) {
  ASSIGN_OR_RETURN(const std::string text, args.Text(0, "s", ""));
  ASSIGN_OR_RETURN(const Value value, ParseJson(text));
  return Datum::OfValue(value);
}

StatusOr<Datum> Random(Args args, Budget& budget) {
  if (args.weight() != 0) return InvalidArgument("takes nothing");
  return Datum(static_cast<double>(budget.Draw() >> 11) * 0x1.0p-53);
}

StatusOr<Datum> DateutilParse(Args args, Budget&) {
  const Datum* text = args.Find(0, "timestr");
  if (text == nullptr || !text->is_string()) return InvalidArgument("takes a str");
  for (const auto& [name, value] : args.named) {
    if (name != "timestr" && name != "dayfirst" && name != "yearfirst")
      return InvalidArgument("does not know '" + name + "'; known: dayfirst, yearfirst");
  }
  return ParseDate(text->string(), {args.Flag(9, "dayfirst", false), args.Flag(9, "yearfirst", false)});
}

StatusOr<Datum> Relative(Args args, Budget&) {
  ASSIGN_OR_RETURN(const RelativeDelta delta, RelativeDeltaOf(args));
  return Datum(delta);
}

}  // namespace

const std::vector<FunctionRow>& MacroFunctions() {
  static const std::vector<FunctionRow> kTable = {
      {"macros.datetime", DateTime},
      {"macros.datetime.fromisoformat", FromIsoFormat},
      {"macros.datetime.strptime", ParsedTime},
      {"macros.dateutil.parser.parse", DateutilParse},
      {"macros.dateutil.relativedelta.relativedelta", Relative},
      {"macros.ds_add", DsAdd},
      {"macros.ds_format", DsFormat},
      {"macros.json.dumps", JsonDumps},
      {"macros.json.loads", JsonLoads},
      {"macros.random", Random},
      {"macros.timedelta", TimeDelta},
  };
  return kTable;
}

}  // namespace millrace::jinja
