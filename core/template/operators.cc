// Arithmetic by Python's rules; whole numbers that leave 64 bits are an error instead of growing.
#include <cmath>
#include <limits>

#include "core/template/builtins.h"
#include "core/template/filter_table.h"
#include "core/template/text_format.h"

namespace millrace::jinja {
namespace {

Status Unsupported(std::string_view op, const Datum& left, const Datum& right) {
  return InvalidArgument("cannot compute " + std::string(TypeName(left)) + " " + std::string(op) + " " +
                         std::string(TypeName(right)));
}

Status Overflow() { return InvalidArgument("the result does not fit 64 bits"); }

StatusOr<Datum> Integers(std::string_view op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (op == "+") {
    if (__builtin_add_overflow(a, b, &result)) return Overflow();
    return Datum(result);
  }
  if (op == "-") {
    if (__builtin_sub_overflow(a, b, &result)) return Overflow();
    return Datum(result);
  }
  if (op == "*") {
    if (__builtin_mul_overflow(a, b, &result)) return Overflow();
    return Datum(result);
  }
  if (op == "//" || op == "%") {
    if (b == 0) return InvalidArgument("division by zero");
    if (b == -1) {
      if (op == "%") return Datum(std::int64_t{0});
      if (a == std::numeric_limits<std::int64_t>::min()) return Overflow();
      return Datum(-a);
    }
    const std::int64_t quotient = a / b;
    const std::int64_t rest = a % b;
    const bool down = rest != 0 && (rest < 0) != (b < 0);
    return Datum(op == "//" ? quotient - (down ? 1 : 0) : rest + (down ? b : 0));
  }
  // ** with b >= 0
  result = 1;
  for (std::int64_t base = a; b > 0; b >>= 1) {
    if ((b & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return Overflow();
    if (b > 1 && __builtin_mul_overflow(base, base, &base)) {
      return Overflow();
    }
  }
  return Datum(result);
}

StatusOr<Datum> Floats(std::string_view op, double a, double b) {
  if (op == "+") return Datum(a + b);
  if (op == "-") return Datum(a - b);
  if (op == "*") return Datum(a * b);
  if (op == "**") {
    if (a == 0 && b < 0) return InvalidArgument("0 has no negative power");
    const double power = std::pow(a, b);
    if (std::isnan(power) && !std::isnan(a) && !std::isnan(b))
      return InvalidArgument("the power is no real number");
    return Datum(power);
  }
  if (b == 0) return InvalidArgument("division by zero");
  if (op == "/") return Datum(a / b);
  double rest = std::fmod(a, b);
  if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
  if (op == "%") return Datum(rest);
  return Datum(std::floor((a - rest) / b + 0.5));
}

StatusOr<Datum> Repeat(const Datum& sequence, std::int64_t times) {
  const std::int64_t size =
      sequence.is_string() ? static_cast<std::int64_t>(sequence.string().size()) : sequence.weight();
  if (size == 0 || times < 0) times = 0;
  RETURN_IF_ERROR(Budget::CheckSize(times));
  RETURN_IF_ERROR(Budget::CheckSize(size * times));
  if (sequence.is_string()) {
    std::string text;
    for (std::int64_t i = 0; i < times; ++i) text += sequence.string();
    return Datum(std::move(text));
  }
  List items;
  for (std::int64_t i = 0; i < times; ++i)
    items.insert(items.end(), sequence.list().begin(), sequence.list().end());
  return sequence.is_tuple() ? Datum::OfTuple(std::move(items)) : Datum::OfList(std::move(items));
}

// datetime and timedelta. Spans are bounded where they are made (a few thousand years), so these sums do not
// overflow.
StatusOr<Datum> Times(std::string_view op, const Datum& left, const Datum& right) {
  if (left.is_time() && right.is_span()) {
    if (op == "+") return Datum(left.time() + right.span(), left.form());
    if (op == "-") return Datum(left.time() - right.span(), left.form());
  }
  if (left.is_span() && right.is_time() && op == "+") return Datum(right.time() + left.span(), right.form());
  if (left.is_time() && right.is_time() && op == "-") {
    if (left.form() != right.form())
      return InvalidArgument(
          "cannot subtract a time that has no zone from one that has one, or the other way around");
    return Datum(left.time() - right.time());
  }
  if (left.is_span() && right.is_span()) {
    if (op == "+") return Datum(left.span() + right.span());
    if (op == "-") return Datum(left.span() - right.span());
  }
  if (left.is_span() && right.is_number() && (op == "/" || op == "//")) {
    if (right.number() == 0) return InvalidArgument("division by zero");
    const double micros = static_cast<double>(left.span().count()) / right.number();
    if (std::abs(micros) > static_cast<double>(kLongestSpan.count())) return Overflow();
    if (op == "/") return Datum(Duration(static_cast<std::int64_t>(std::nearbyint(micros))));
    if (right.is_integral()) return Datum(Duration(static_cast<std::int64_t>(std::floor(micros))));
  }
  if (left.is_span() && right.is_span() && right.span() != Duration(0)) {
    const auto a = left.span().count();
    const auto b = right.span().count();
    if (op == "/") return Datum(static_cast<double>(a) / static_cast<double>(b));
    if (op == "//") return Integers("//", a, b);
    if (op == "%") {
      ASSIGN_OR_RETURN(const Datum rest, Integers("%", a, b));
      return Datum(Duration(rest.integer()));
    }
  }
  if (op == "*" && ((left.is_span() && right.is_float()) || (left.is_float() && right.is_span()))) {
    const Duration span = left.is_span() ? left.span() : right.span();
    const double micros = static_cast<double>(span.count()) * (left.is_span() ? right : left).number();
    if (!(std::abs(micros) <= static_cast<double>(kLongestSpan.count()))) return Overflow();
    return Datum(Duration(static_cast<std::int64_t>(std::nearbyint(micros))));
  }
  const auto scaled = [](Duration span, std::int64_t by) -> StatusOr<Datum> {
    std::int64_t micros = 0;
    if (__builtin_mul_overflow(span.count(), by, &micros) || std::abs(micros) > kLongestSpan.count())
      return Overflow();
    return Datum(Duration(micros));
  };
  if (op == "*" && left.is_span() && right.is_integral()) return scaled(left.span(), right.integer());
  if (op == "*" && left.is_integral() && right.is_span()) return scaled(right.span(), left.integer());
  return Unsupported(op, left, right);
}

// relativedelta, with times, with itself and with whole numbers.
StatusOr<Datum> Relatives(std::string_view op, const Datum& left, const Datum& right) {
  if (left.is_relative() && right.is_relative() && (op == "+" || op == "-"))
    return Datum(left.relative().Plus(op == "+" ? right.relative() : right.relative().Times(-1)));
  if (op == "*" && left.is_relative() && right.is_integral()) return Datum(left.relative().Times(right.integer()));
  if (op == "*" && right.is_relative() && left.is_integral()) return Datum(right.relative().Times(left.integer()));
  const bool behind = left.is_time() && (op == "+" || op == "-");
  if (!behind && !(right.is_time() && op == "+")) return Unsupported(op, left, right);
  const Datum& time = behind ? left : right;
  const RelativeDelta& by = (behind ? right : left).relative();
  ASSIGN_OR_RETURN(const WallTime moved, Moved(time.time(), op == "-" ? by.Times(-1) : by));
  return Datum(moved, time.form());
}

}  // namespace

StatusOr<Datum> Binary(std::string_view op, const Datum& left, const Datum& right) {
  if (op == "~") {
    std::string text = ToText(left) + ToText(right);
    RETURN_IF_ERROR(Budget::CheckSize(static_cast<std::int64_t>(text.size())));
    return Datum(std::move(text));
  }
  if (left.is_integral() && right.is_integral() && op != "/" && !(op == "**" && right.integer() < 0)) {
    return Integers(op, left.integer(), right.integer());
  }
  if (left.is_number() && right.is_number()) return Floats(op, left.number(), right.number());
  if (op == "%" && left.is_string()) return PercentFormat(left.string(), right);
  if (op == "+" && left.is_string() && right.is_string()) {
    RETURN_IF_ERROR(
        Budget::CheckSize(static_cast<std::int64_t>(left.string().size() + right.string().size())));
    if (left.markup() || right.markup()) return Datum(EscapedMarkup(left) + EscapedMarkup(right)).AsMarkup();
    return Datum(left.string() + right.string());
  }
  if (op == "+" && left.is_list() && right.is_list() && left.is_tuple() == right.is_tuple()) {
    List items = left.list();
    items.insert(items.end(), right.list().begin(), right.list().end());
    return left.is_tuple() ? Datum::OfTuple(std::move(items)) : Datum::OfList(std::move(items));
  }
  if (op == "*" && right.is_integral() && (left.is_string() || left.is_list()))
    return Repeat(left, right.integer());
  if (op == "*" && left.is_integral() && (right.is_string() || right.is_list()))
    return Repeat(right, left.integer());
  if (left.is_relative() || right.is_relative()) return Relatives(op, left, right);
  if (left.is_time() || left.is_span() || right.is_time() || right.is_span()) {
    ASSIGN_OR_RETURN(Datum result, Times(op, left, right));
    if (result.is_time()) RETURN_IF_ERROR(CheckTime(result.time()));
    if (result.is_span() && std::chrono::abs(result.span()) > kLongestSpan) return Overflow();
    return result;
  }
  return Unsupported(op, left, right);
}

}  // namespace millrace::jinja
