#include "core/template/datum.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/calendar/format.h"

namespace millrace::jinja {
namespace {

Status TypeError(std::string message) { return InvalidArgument(std::move(message)); }

std::string Quoted(std::string_view text) {
  const bool doubled = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = doubled ? '"' : '\'';
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + quote;
}

std::string Joined(const List& items) {
  std::string out;
  for (const Datum& item : items) {
    if (!out.empty()) out += ", ";
    out += ToRepr(item);
  }
  return out;
}

// "1 day, 2:00:00", as Python prints a timedelta.
std::string SpanText(Duration span) {
  const auto day_count = std::chrono::floor<std::chrono::days>(span);
  const std::chrono::hh_mm_ss<Duration> rest(span - day_count);
  std::string out;
  if (day_count.count() != 0) {
    out = std::to_string(day_count.count()) + (std::abs(day_count.count()) == 1 ? " day, " : " days, ");
  }
  const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  out += std::to_string(rest.hours().count()) + ":" + two(rest.minutes().count()) + ":" +
         two(rest.seconds().count());
  if (rest.subseconds().count() != 0) {
    const std::string micros = std::to_string(rest.subseconds().count());
    out += "." + std::string(6 - micros.size(), '0') + micros;
  }
  return out;
}

// datetime.timedelta(days=1, seconds=7200)
std::string SpanRepr(Duration span) {
  const auto day_count = std::chrono::floor<std::chrono::days>(span);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(span - day_count);
  std::string out;
  const auto add = [&out](const char* name, std::int64_t count) {
    if (count != 0) out += (out.empty() ? "" : ", ") + std::string(name) + "=" + std::to_string(count);
  };
  add("days", day_count.count());
  add("seconds", seconds.count());
  add("microseconds", (span - day_count - seconds).count());
  return "datetime.timedelta(" + (out.empty() ? "0" : out) + ")";
}

// DateTime(2001, 3, 1, 2, 0, 0, tzinfo=Timezone('UTC')), as pendulum shows it; datetime.datetime(2001, 3, 1,
// 2, 0).
std::string TimeRepr(const Datum& datum) {
  const auto day = std::chrono::floor<std::chrono::days>(datum.time());
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<Duration> clock(datum.time() - day);
  const bool utc = datum.form() == TimeForm::kUtc;
  std::string out = std::to_string(static_cast<int>(date.year())) + ", " +
                    std::to_string(static_cast<unsigned>(date.month())) + ", " +
                    std::to_string(static_cast<unsigned>(date.day()));
  if (datum.form() == TimeForm::kDate) return "datetime.date(" + out + ")";
  const auto seconds = clock.seconds().count();
  const auto micros = clock.subseconds().count();
  out += ", " + std::to_string(clock.hours().count()) + ", " + std::to_string(clock.minutes().count());
  if (utc || seconds != 0 || micros != 0) out += ", " + std::to_string(seconds);
  if (micros != 0) out += ", " + std::to_string(micros);
  return utc ? "DateTime(" + out + ", tzinfo=Timezone('UTC'))" : "datetime.datetime(" + out + ")";
}

}  // namespace

Datum Datum::Sequence(List items, bool tuple) {
  Datum datum(Data{ListData{nullptr, tuple, false}});
  for (const Datum& item : items) datum.Count(item);
  std::get<ListData>(datum.data_).items = std::make_shared<const List>(std::move(items));
  return datum;
}

Datum Datum::OfMap(Pairs pairs) {
  Datum datum(Data{MapData()});
  for (const auto& [key, value] : pairs) {
    datum.Count(key);
    datum.Count(value);
  }
  std::get<MapData>(datum.data_) = std::make_shared<const Pairs>(std::move(pairs));
  return datum;
}

void Datum::Count(const Datum& inside) {
  constexpr std::int64_t kEnough = std::int64_t{1} << 40;
  weight_ = std::min(weight_ + inside.weight(), kEnough);
  depth_ = std::max(depth_, inside.depth_ + 1);
  holds_user_data_ = holds_user_data_ || inside.holds_user_data();
}

std::int64_t Datum::weight() const {
  return is_string() ? 1 + static_cast<std::int64_t>(string().size() / 16) : weight_;
}

Datum Datum::OfGroup(Datum grouper, List items) {
  Datum group = OfTuple({std::move(grouper), OfList(std::move(items))});
  std::get<ListData>(group.data_).group = true;
  return group;
}

Datum Datum::OfValue(const Value& value) {
  if (value.is_null()) return Datum();
  if (value.is_bool()) return Datum(value.as_bool());
  if (value.is_int()) return Datum(value.as_int());
  if (value.is_double()) return Datum(value.as_double());
  if (value.is_string()) return Datum(value.as_string());
  if (value.is_list()) {
    List items;
    items.reserve(value.as_list().size());
    for (const Value& item : value.as_list()) items.push_back(OfValue(item));
    return OfList(std::move(items));
  }
  Pairs pairs;
  pairs.reserve(value.as_map().size());
  for (const auto& [key, member] : value.as_map()) pairs.emplace_back(Datum(key), OfValue(member));
  return OfMap(std::move(pairs));
}

const Datum* Datum::Find(const Datum& key) const {
  if (!is_map()) return nullptr;
  for (const auto& [known, value] : map()) {
    if (AreEqual(known, key)) return &value;
  }
  return nullptr;
}

std::string_view TypeName(const Datum& datum) {
  if (datum.is_undefined()) return "undefined";
  if (datum.is_none()) return "None";
  if (datum.is_bool()) return "bool";
  if (datum.is_int()) return "int";
  if (datum.is_float()) return "float";
  if (datum.is_string()) return "str";
  if (datum.is_tuple()) return "tuple";
  if (datum.is_list()) return "list";
  if (datum.is_map()) return "dict";
  if (datum.is_time()) return "datetime";
  if (datum.is_span()) return "timedelta";
  if (datum.is_relative()) return "relativedelta";
  if (datum.is_outside()) return "lookup";
  if (datum.is_handle()) {
    constexpr std::array<std::string_view, 5> kNames = {"macro", "loop", "namespace", "cycler", "joiner"};
    return kNames[static_cast<std::size_t>(datum.handle().kind)];
  }
  return "function";
}

std::string FloatText(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  std::array<char, 40> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(number),
                                     std::chars_format::scientific);
  const std::string_view scientific(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  const std::size_t e = scientific.find('e');
  std::string digits;
  for (const char c : scientific.substr(0, e)) {
    if (c != '.') digits += c;
  }
  int exponent = 0;
  const std::string_view exponent_text = scientific.substr(scientific[e + 1] == '+' ? e + 2 : e + 1);
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  std::string out = std::signbit(number) ? "-" : "";
  const int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (count > 1) out += "." + digits.substr(1);
    const int size = std::abs(exponent);
    return out + (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") + std::to_string(size);
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const std::size_t point = static_cast<std::size_t>(exponent) + 1;
  if (exponent + 1 >= count) return out + digits + std::string(point - digits.size(), '0') + ".0";
  return out + digits.substr(0, point) + "." + digits.substr(point);
}

std::string TimeText(const Datum& datum, char separator) {
  std::string text = FormatTs(datum.time());
  text[10] = separator;
  if (datum.form() == TimeForm::kNaive) text.resize(text.size() - 6);  // +00:00
  if (datum.form() == TimeForm::kDate) text.resize(10);
  return text;
}

std::string ToText(const Datum& datum) {
  if (datum.is_string()) return datum.string();
  if (datum.is_time()) return TimeText(datum, ' ');
  if (datum.is_span()) return SpanText(datum.span());
  return ToRepr(datum);
}

std::string ToRepr(const Datum& datum) {
  if (datum.is_undefined()) return "Undefined";
  if (datum.is_none()) return "None";
  if (datum.is_bool()) return datum.integer() != 0 ? "True" : "False";
  if (datum.is_int()) return std::to_string(datum.integer());
  if (datum.is_float()) return FloatText(datum.number());
  if (datum.is_string()) return Quoted(datum.string());
  if (datum.is_tuple()) return "(" + Joined(datum.list()) + (datum.list().size() == 1 ? ",)" : ")");
  if (datum.is_list()) return "[" + Joined(datum.list()) + "]";
  if (datum.is_map()) {
    std::string out;
    for (const auto& [key, value] : datum.map()) {
      if (!out.empty()) out += ", ";
      out += ToRepr(key) + ": " + ToRepr(value);
    }
    return "{" + out + "}";
  }
  if (datum.is_time()) return TimeRepr(datum);
  if (datum.is_span()) return SpanRepr(datum.span());
  if (datum.is_relative()) return datum.relative().Text();
  if (datum.is_handle()) return "<" + std::string(TypeName(datum)) + ">";
  if (datum.is_outside()) return "<" + datum.outside().name + ">";
  return "<function " + datum.callable().name + ">";
}

bool IsTrue(const Datum& datum) {
  if (datum.is_undefined() || datum.is_none()) return false;
  if (datum.is_integral()) return datum.integer() != 0;
  if (datum.is_float()) return datum.number() != 0;
  if (datum.is_string()) return !datum.string().empty();
  if (datum.is_list()) return !datum.list().empty();
  if (datum.is_map()) return !datum.map().empty();
  if (datum.is_span()) return datum.span() != Duration(0);
  if (datum.is_relative()) return datum.relative().any();
  return true;
}

bool AreEqual(const Datum& a, const Datum& b) {
  if (a.is_integral() && b.is_integral()) return a.integer() == b.integer();
  if (a.is_number() && b.is_number()) return a.number() == b.number();
  if (a.is_none() && b.is_none()) return true;
  if (a.is_string() && b.is_string()) return a.string() == b.string();
  if (a.is_time() && b.is_time()) return a.form() == b.form() && a.time() == b.time();
  if (a.is_handle() && b.is_handle()) return a.handle() == b.handle();
  if (a.is_span() && b.is_span()) return a.span() == b.span();
  if (a.is_relative() && b.is_relative()) return a.relative() == b.relative();
  if (a.is_list() && b.is_list() && a.is_tuple() == b.is_tuple()) {
    return std::equal(a.list().begin(), a.list().end(), b.list().begin(), b.list().end(), AreEqual);
  }
  if (a.is_map() && b.is_map()) {
    if (a.map().size() != b.map().size()) return false;
    return std::all_of(a.map().begin(), a.map().end(), [&b](const auto& pair) {
      const Datum* other = b.Find(pair.first);
      return other != nullptr && AreEqual(pair.second, *other);
    });
  }
  return false;
}

StatusOr<std::partial_ordering> Compare(const Datum& a, const Datum& b) {
  if (a.is_integral() && b.is_integral()) return std::partial_ordering(a.integer() <=> b.integer());
  if (a.is_number() && b.is_number()) return a.number() <=> b.number();
  if (a.is_string() && b.is_string()) return std::partial_ordering(a.string() <=> b.string());
  if (a.is_time() && b.is_time() && a.form() != b.form())
    return TypeError("cannot compare a time that has a zone with one that has none");
  if (a.is_time() && b.is_time()) return std::partial_ordering(a.time() <=> b.time());
  if (a.is_span() && b.is_span()) return std::partial_ordering(a.span() <=> b.span());
  if (a.is_list() && b.is_list() && a.is_tuple() == b.is_tuple()) {
    const std::size_t common = std::min(a.list().size(), b.list().size());
    for (std::size_t i = 0; i < common; ++i) {
      if (AreEqual(a.list()[i], b.list()[i])) continue;
      return Compare(a.list()[i], b.list()[i]);
    }
    return std::partial_ordering(a.list().size() <=> b.list().size());
  }
  return TypeError("cannot compare " + std::string(TypeName(a)) + " with " + std::string(TypeName(b)));
}

StatusOr<bool> Contains(const Datum& container, const Datum& item) {
  if (container.is_string()) {
    if (!item.is_string())
      return TypeError("only a str can be in a str, not a " + std::string(TypeName(item)));
    return container.string().find(item.string()) != std::string::npos;
  }
  if (container.is_map()) return container.Find(item) != nullptr;
  if (container.is_list()) {
    return std::any_of(container.list().begin(), container.list().end(),
                       [&item](const Datum& member) { return AreEqual(member, item); });
  }
  return TypeError("nothing can be in a " + std::string(TypeName(container)));
}

StatusOr<List> Items(const Datum& datum) {
  if (datum.is_list()) return datum.list();
  List items;
  if (datum.is_map()) {
    for (const auto& [key, value] : datum.map()) items.push_back(key);
    return items;
  }
  if (datum.is_string()) {
    for (const std::string_view character : Characters(datum.string()))
      items.emplace_back(std::string(character));
    return items;
  }
  return TypeError("a " + std::string(TypeName(datum)) + " cannot be iterated over");
}

StatusOr<std::int64_t> Length(const Datum& datum) {
  if (datum.is_string()) return static_cast<std::int64_t>(Characters(datum.string()).size());
  if (datum.is_list()) return static_cast<std::int64_t>(datum.list().size());
  if (datum.is_map()) return static_cast<std::int64_t>(datum.map().size());
  return TypeError("a " + std::string(TypeName(datum)) + " has no length");
}

std::vector<std::string_view> Characters(std::string_view text) {
  std::vector<std::string_view> characters;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    length = std::min(length, text.size() - at);
    for (std::size_t i = 1; i < length; ++i) {
      if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) length = i;
    }
    characters.push_back(text.substr(at, length));
    at += length;
  }
  return characters;
}

}  // namespace millrace::jinja
