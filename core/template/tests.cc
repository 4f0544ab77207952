// What may follow `is`.
#include <algorithm>

#include "core/template/builtins.h"
#include "core/template/text_ops.h"

namespace millrace::jinja {
namespace {

using Args = const Arguments&;

struct TestRow {
  std::string_view name;
  StatusOr<bool> (*apply)(const Datum& value, const Arguments& arguments);
};

StatusOr<const Datum*> Other(Args args) {
  if (args.positional.size() != 1) return InvalidArgument("needs one argument");
  return &args.positional[0];
}

template <std::partial_ordering (*kTurn)(std::partial_ordering), bool kOrEqual>
StatusOr<bool> Ordered(const Datum& value, Args args) {
  ASSIGN_OR_RETURN(const Datum* other, Other(args));
  ASSIGN_OR_RETURN(const std::partial_ordering order, Compare(value, *other));
  return kTurn(order) == std::partial_ordering::less ||
         (kOrEqual && order == std::partial_ordering::equivalent);
}

std::partial_ordering AsIs(std::partial_ordering order) { return order; }
std::partial_ordering Turned(std::partial_ordering order) { return 0 <=> order; }

StatusOr<bool> Equal(const Datum& value, Args args) {
  ASSIGN_OR_RETURN(const Datum* other, Other(args));
  return AreEqual(value, *other);
}

StatusOr<bool> Unequal(const Datum& value, Args args) {
  ASSIGN_OR_RETURN(const bool equal, Equal(value, args));
  return !equal;
}

StatusOr<bool> In(const Datum& value, Args args) {
  ASSIGN_OR_RETURN(const Datum* other, Other(args));
  return Contains(*other, value);
}

StatusOr<bool> DivisibleBy(const Datum& value, Args args) {
  ASSIGN_OR_RETURN(const Datum* other, Other(args));
  ASSIGN_OR_RETURN(const Datum rest, Binary("%", value, *other));
  return !IsTrue(rest);
}

StatusOr<bool> RestOfTwo(const Datum& value, std::int64_t rest) {
  if (!value.is_number()) return InvalidArgument("needs a number, not a " + std::string(TypeName(value)));
  ASSIGN_OR_RETURN(const Datum found, Binary("%", value, Datum(std::int64_t{2})));
  return AreEqual(found, Datum(rest));
}

StatusOr<bool> Odd(const Datum& value, Args) { return RestOfTwo(value, 1); }

StatusOr<bool> Even(const Datum& value, Args) { return RestOfTwo(value, 0); }

StatusOr<bool> Defined(const Datum& value, Args) { return !value.is_undefined(); }
StatusOr<bool> IsUndefined(const Datum& value, Args) { return value.is_undefined(); }
StatusOr<bool> IsNone(const Datum& value, Args) { return value.is_none(); }
StatusOr<bool> IsBoolean(const Datum& value, Args) { return value.is_bool(); }
StatusOr<bool> IsTrueTest(const Datum& value, Args) { return value.is_bool() && value.integer() == 1; }
StatusOr<bool> IsFalseTest(const Datum& value, Args) { return value.is_bool() && value.integer() == 0; }
StatusOr<bool> IsInteger(const Datum& value, Args) { return value.is_int(); }
StatusOr<bool> IsFloat(const Datum& value, Args) { return value.is_float(); }
StatusOr<bool> IsNumber(const Datum& value, Args) { return value.is_number(); }
StatusOr<bool> IsString(const Datum& value, Args) { return value.is_string(); }
StatusOr<bool> IsMapping(const Datum& value, Args) { return value.is_map(); }
StatusOr<bool> IsSequence(const Datum& value, Args) {
  return value.is_list() || value.is_map() || value.is_string();
}
// Identity, as far as values have one: the same type and the same value.
StatusOr<bool> SameAs(const Datum& value, Args args) {
  ASSIGN_OR_RETURN(const Datum* other, Other(args));
  return TypeName(value) == TypeName(*other) && AreEqual(value, *other);
}
StatusOr<bool> IsEscaped(const Datum& value, Args) { return value.markup(); }
StatusOr<bool> IsFilterName(const Datum& value, Args) {
  return value.is_string() && IsFilter(value.string());
}
StatusOr<bool> IsTestName(const Datum& value, Args) { return value.is_string() && IsTest(value.string()); }
StatusOr<bool> IsCallable(const Datum& value, Args) {
  return value.is_callable() || (value.is_handle() && value.handle().kind != Handle::Kind::kNamespace &&
                                 value.handle().kind != Handle::Kind::kCycler);
}
StatusOr<bool> IsLowerTest(const Datum& value, Args) { return HasCase(ToText(value), Lower); }
StatusOr<bool> IsUpperTest(const Datum& value, Args) { return HasCase(ToText(value), Upper); }

constexpr TestRow kTests[] = {
    {"boolean", IsBoolean},
    {"callable", IsCallable},
    {"defined", Defined},
    {"divisibleby", DivisibleBy},
    {"eq", Equal},
    {"equalto", Equal},
    {"escaped", IsEscaped},
    {"even", Even},
    {"false", IsFalseTest},
    {"filter", IsFilterName},
    {"float", IsFloat},
    {"ge", Ordered<Turned, true>},
    {"greaterthan", Ordered<Turned, false>},
    {"gt", Ordered<Turned, false>},
    {"in", In},
    {"integer", IsInteger},
    {"iterable", IsSequence},
    {"le", Ordered<AsIs, true>},
    {"lessthan", Ordered<AsIs, false>},
    {"lower", IsLowerTest},
    {"lt", Ordered<AsIs, false>},
    {"mapping", IsMapping},
    {"ne", Unequal},
    {"none", IsNone},
    {"number", IsNumber},
    {"odd", Odd},
    {"sameas", SameAs},
    {"sequence", IsSequence},
    {"string", IsString},
    {"test", IsTestName},
    {"true", IsTrueTest},
    {"undefined", IsUndefined},
    {"upper", IsUpperTest},
    // As names for select() and reject().
    {"==", Equal},
    {"!=", Unequal},
    {"<", Ordered<AsIs, false>},
    {"<=", Ordered<AsIs, true>},
    {">", Ordered<Turned, false>},
    {">=", Ordered<Turned, true>},
};

const TestRow* FindTest(std::string_view name) {
  for (const TestRow& row : kTests) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace

bool IsTest(std::string_view name) { return FindTest(name) != nullptr; }

std::vector<std::string> TestNames() {
  std::vector<std::string> names;
  for (const TestRow& row : kTests) names.emplace_back(row.name);
  return names;
}

StatusOr<bool> ApplyTest(std::string_view name, const Datum& value, const Arguments& arguments,
                         Budget& budget) {
  RETURN_IF_ERROR(budget.Spend(value.weight() + arguments.weight()));
  const TestRow* test = FindTest(name);
  if (test == nullptr) return InvalidArgument("no test named '" + std::string(name) + "'");
  if (value.is_undefined() && name != "defined" && name != "undefined")
    return InvalidArgument(value.undefined().message);
  StatusOr<bool> result = test->apply(value, arguments);
  return result.ok() ? result : result.status().WithContext("test " + std::string(name));
}

}  // namespace millrace::jinja
