// Functions that every template knows, and how members and methods of values are found and called.
#include <algorithm>

#include "core/template/method_table.h"
#include "core/template/refused.h"

namespace millrace::jinja {
namespace {

using Args = const Arguments&;
constexpr std::int64_t kLongestRange = 100'000;

StatusOr<Datum> Range(Args args, Budget&) {
  for (const Datum& argument : args.positional) {
    if (!argument.is_integral())
      return InvalidArgument("needs ints, not a " + std::string(TypeName(argument)));
  }
  const std::size_t count = args.positional.size();
  if (count < 1 || count > 3) return InvalidArgument("takes one to three ints");
  const std::int64_t start = count == 1 ? 0 : args.positional[0].integer();
  const std::int64_t stop = args.positional[count == 1 ? 0 : 1].integer();
  const std::int64_t step = count == 3 ? args.positional[2].integer() : 1;
  if (step == 0) return InvalidArgument("the step must not be 0");
  List items;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<std::int64_t>(items.size()) >= kLongestRange) {
      return ResourceExhausted("is longer than " + std::to_string(kLongestRange));
    }
    items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return Datum::OfList(std::move(items));
}

StatusOr<Datum> Dict(Args args, Budget&) {
  Pairs pairs;
  if (args.positional.size() > 1)
    return InvalidArgument("takes one dict or list of pairs, and named arguments");
  if (!args.positional.empty() && args.positional[0].is_map()) {
    pairs = args.positional[0].map();
  } else if (!args.positional.empty()) {
    ASSIGN_OR_RETURN(const List items, Items(args.positional[0]));
    for (const Datum& item : items) {
      if (!item.is_list() || item.list().size() != 2) return InvalidArgument("needs pairs");
      SetMember(pairs, item.list()[0], item.list()[1]);
    }
  }
  for (const auto& [name, value] : args.named) SetMember(pairs, Datum(name), value);
  return Datum::OfMap(std::move(pairs));
}

const std::vector<FunctionRow>& PlainFunctions() {
  static const std::vector<FunctionRow> kTable = {{"dict", Dict}, {"range", Range}};
  return kTable;
}

const FunctionRow* FindFunction(std::string_view name) {
  for (const auto* table : {&PlainFunctions(), &MacroFunctions()}) {
    for (const FunctionRow& row : *table) {
      if (row.name == name) return &row;
    }
  }
  return nullptr;
}

// A function, or a map of those whose names go on: "macros", "macros.json".
Datum FunctionsBelow(const std::string& path) {
  Pairs members;
  for (const FunctionRow& row : MacroFunctions()) {
    if (!row.name.starts_with(path + ".")) continue;
    const std::string_view rest = row.name.substr(path.size() + 1);
    const std::string name(rest.substr(0, rest.find('.')));
    const std::string whole = path + "." + name;
    const Datum key{std::string(name)};
    if (!members.empty() && AreEqual(members.back().first, key)) continue;  // the table is in order
    members.emplace_back(
        key, FindFunction(whole) != nullptr ? Datum(Callable{whole, nullptr}) : FunctionsBelow(whole));
  }
  return Datum::OfMap(std::move(members));
}

// --- methods of dict and list ---

StatusOr<Datum> Get(const Datum& map, Args args) {
  const Datum* key = args.Find(0, "key");
  if (key == nullptr) return InvalidArgument("get needs a key");
  const Datum* found = map.Find(*key);
  const Datum none;
  return found == nullptr ? args.Or(1, "default", none) : *found;
}

template <bool kKeys, bool kValues>
StatusOr<Datum> Members(const Datum& map, Args) {
  List items;
  for (const auto& [key, value] : map.map()) {
    items.push_back(kKeys && kValues ? Datum::OfTuple({key, value}) : kKeys ? key : value);
  }
  return Datum::OfList(std::move(items));
}

StatusOr<Datum> CountItem(const Datum& list, Args args) {
  if (args.positional.size() != 1) return InvalidArgument("count needs one argument");
  const auto matches = [&](const Datum& item) { return AreEqual(item, args.positional[0]); };
  return Datum(std::int64_t{std::count_if(list.list().begin(), list.list().end(), matches)});
}

StatusOr<Datum> IndexOf(const Datum& list, Args args) {
  for (std::size_t i = 0; args.positional.size() == 1 && i < list.list().size(); ++i) {
    if (AreEqual(list.list()[i], args.positional[0])) return Datum(static_cast<std::int64_t>(i));
  }
  return InvalidArgument("index: the list does not have it");
}

const std::vector<MethodRow>& MapMethods() {
  static const std::vector<MethodRow> kTable = {{"get", Get},
                                                {"items", Members<true, true>},
                                                {"keys", Members<true, false>},
                                                {"values", Members<false, true>}};
  return kTable;
}

const std::vector<MethodRow>& ListMethods() {
  static const std::vector<MethodRow> kTable = {{"count", CountItem}, {"index", IndexOf}};
  return kTable;
}

const std::vector<MethodRow>* MethodsOf(const Datum& value) {
  if (value.is_string()) return &TextMethods();
  if (value.is_time() || value.is_span()) return &TimeMethods();
  if (value.is_map()) return &MapMethods();
  if (value.is_list()) return &ListMethods();
  return nullptr;
}

const MethodRow* FindMethod(const std::vector<MethodRow>* methods, std::string_view name) {
  if (methods == nullptr) return nullptr;
  const auto found = std::find_if(methods->begin(), methods->end(),
                                  [name](const MethodRow& row) { return row.name == name; });
  return found == methods->end() ? nullptr : &*found;
}

}  // namespace

Datum Global(std::string_view name) {
  if (name == "macros") return FunctionsBelow("macros");
  if (IsState(name)) return Datum(Callable{std::string(name), nullptr});
  if (FindFunction(name) != nullptr) return Datum(Callable{std::string(name), nullptr});
  return Datum(Undefined{});
}

std::vector<std::string> GlobalNames() {
  return {"cycler", "dict", "joiner", "macros", "namespace", "range"};
}

std::vector<std::string> AttributeNames(const Datum& value) {
  std::vector<std::string> names;
  if (value.is_map()) {
    for (const auto& [key, member] : value.map()) names.push_back(ToText(key));
  }
  if (value.is_time() || value.is_span()) names = TimeFieldNames(value);
  if (value.is_callable() && !value.callable().receiver) {
    const Datum below = FunctionsBelow(value.callable().name);
    for (const auto& [key, member] : below.map()) names.push_back(key.string());
  }
  if (const auto* methods = MethodsOf(value)) {
    for (const MethodRow& row : *methods) names.emplace_back(row.name);
  }
  return names;
}

Datum Attribute(const Datum& value, std::string_view name) {
  if (FindMethod(MethodsOf(value), name) != nullptr) {
    Datum method(Callable{std::string(name), std::make_shared<const Datum>(value)});
    if (value.holds_user_data()) method.set_from_user();
    return method;
  }
  if (value.is_map()) {
    if (const Datum* member = value.Find(Datum(std::string(name)))) return *member;
  }
  if (value.is_callable() && !value.callable().receiver) {  // macros.datetime.strptime
    const std::string whole = value.callable().name + "." + std::string(name);
    if (FindFunction(whole) != nullptr) return Datum(Callable{whole, nullptr});
    return Datum(Undefined{"'" + value.callable().name + "' has no '" + std::string(name) + "'" +
                           WhyUndefined(whole)});
  }
  if (value.is_group() && (name == "grouper" || name == "list")) return value.list()[name == "list" ? 1 : 0];
  if (value.is_relative()) {
    Datum field = RelativeField(value.relative(), name);
    if (!field.is_undefined()) return field;
  }
  if (value.is_time() || value.is_span()) {
    Datum field = TimeField(value, name);
    if (!field.is_undefined()) return field;
  }
  return Datum(Undefined{"a " + std::string(TypeName(value)) + " has no '" + std::string(name) + "'"});
}

Datum Item(const Datum& value, const Datum& key) {
  if (value.is_map()) {
    if (const Datum* member = value.Find(key)) return *member;
    return Datum(Undefined{"the dict has no key " + ToRepr(key)});
  }
  if ((value.is_list() || value.is_string()) && key.is_integral()) {
    const std::vector<std::string_view> characters =
        value.is_string() ? Characters(value.string()) : std::vector<std::string_view>();
    const auto size = static_cast<std::int64_t>(value.is_string() ? characters.size() : value.list().size());
    const std::int64_t index = key.integer() < 0 ? key.integer() + size : key.integer();
    if (index >= 0 && index < size) {
      const auto at = static_cast<std::size_t>(index);
      return value.is_string() ? Datum(std::string(characters[at])) : value.list()[at];
    }
    return Datum(Undefined{"there is no item " + ToRepr(key) + ": the " + std::string(TypeName(value)) +
                           " has " + std::to_string(size)});
  }
  if (key.is_string()) return Attribute(value, key.string());
  return Datum(Undefined{"a " + std::string(TypeName(value)) + " has no item " + ToRepr(key)});
}

StatusOr<Datum> Call(const Datum& callee, const Arguments& arguments, Budget& budget) {
  if (!callee.is_callable())
    return InvalidArgument("a " + std::string(TypeName(callee)) + " cannot be called");
  const Callable& function = callee.callable();
  RETURN_IF_ERROR(budget.Spend(arguments.weight() + (function.receiver ? function.receiver->weight() : 0)));
  StatusOr<Datum> result = InvalidArgument("there is no such function");
  if (function.receiver) {
    if (const MethodRow* method = FindMethod(MethodsOf(*function.receiver), function.name))
      result = method->call(*function.receiver, arguments);
  } else {
    if (const FunctionRow* found = FindFunction(function.name)) result = found->call(arguments, budget);
  }
  if (!result.ok()) return result.status().WithContext(function.name);
  RETURN_IF_ERROR(budget.Spend(result->weight()));
  return result;
}

}  // namespace millrace::jinja
