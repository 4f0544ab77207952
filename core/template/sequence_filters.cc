// The filters that walk lists and maps. Jinja makes generators of some; here they are lists.
#include <algorithm>
#include <optional>

#include "core/template/filter_table.h"
#include "core/template/text_ops.h"

namespace millrace::jinja {
namespace {

using Args = const Arguments&;

// "a.b.0" of an item: what `attribute=` names. An int is an index.
StatusOr<Datum> Path(const Datum& item, const Datum& attribute) {
  if (!attribute.is_string()) {
    Datum found = Item(item, attribute);
    if (found.is_undefined()) return InvalidArgument(found.undefined().message);
    return found;
  }
  Datum value = item;
  std::string_view rest = attribute.string();
  while (true) {
    const std::string part(rest.substr(0, rest.find('.')));
    const bool index = !part.empty() && std::all_of(part.begin(), part.end(), IsDigit) && part.size() < 10;
    Datum next =
        index ? Item(value, Datum(static_cast<std::int64_t>(std::stoi(part)))) : Item(value, Datum(part));
    if (next.is_undefined() && !index) next = Attribute(value, part);
    if (next.is_undefined()) return next;
    value = std::move(next);
    if (rest.size() == part.size()) return value;
    rest.remove_prefix(part.size() + 1);
  }
}

StatusOr<Datum> DefinedPath(const Datum& item, const Datum& attribute) {
  ASSIGN_OR_RETURN(Datum found, Path(item, attribute));
  if (found.is_undefined()) return InvalidArgument(found.undefined().message);
  return found;
}

Datum CaseFolded(const Datum& value, bool case_sensitive) {
  return value.is_string() && !case_sensitive ? Datum(Lower(value.string())) : value;
}

// Each item's sort key: the attribute, or the item itself; letters alike unless case_sensitive.
StatusOr<List> Keys(const List& items, const Datum* attribute, bool case_sensitive,
                    const Datum* fallback = nullptr) {
  List keys;
  for (const Datum& item : items) {
    Datum key = item;
    if (attribute != nullptr && attribute->is_string() &&
        attribute->string().find(',') != std::string::npos) {
      List parts;  // "a,b": by a, then by b
      for (std::string_view rest = attribute->string(); !rest.empty();) {
        const std::string_view part = rest.substr(0, rest.find(','));
        ASSIGN_OR_RETURN(const Datum found, DefinedPath(item, Datum(std::string(part))));
        parts.push_back(CaseFolded(found, case_sensitive));
        rest.remove_prefix(std::min(part.size() + 1, rest.size()));
      }
      keys.push_back(Datum::OfList(std::move(parts)));
      continue;
    }
    if (attribute != nullptr && !attribute->is_none()) {
      ASSIGN_OR_RETURN(key, Path(item, *attribute));
      if (key.is_undefined() && fallback != nullptr) key = *fallback;
      if (key.is_undefined()) return InvalidArgument(key.undefined().message);
    }
    keys.push_back(CaseFolded(key, case_sensitive));
  }
  return keys;
}

// The order in which a stable sort by keys puts the items.
StatusOr<std::vector<std::size_t>> SortedOrder(const List& keys, bool reverse) {
  for (std::size_t i = 1; i < keys.size(); ++i) RETURN_IF_ERROR(Compare(keys[0], keys[i]).status());
  std::vector<std::size_t> order(keys.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  bool failed = false;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto compared = reverse ? Compare(keys[b], keys[a]) : Compare(keys[a], keys[b]);
    if (!compared.ok()) failed = true;
    return compared.ok() && *compared == std::partial_ordering::less;
  });
  if (failed) return InvalidArgument("the items cannot be compared with each other");
  return order;
}

StatusOr<Datum> First(const Datum& value, Args, Budget&) {
  ASSIGN_OR_RETURN(const List items, Items(value));
  if (items.empty()) return Datum(Undefined{"nothing is first: the sequence is empty"});
  return items.front();
}

StatusOr<Datum> Last(const Datum& value, Args, Budget&) {
  ASSIGN_OR_RETURN(const List items, Items(value));
  if (items.empty()) return Datum(Undefined{"nothing is last: the sequence is empty"});
  return items.back();
}

StatusOr<Datum> RandomItem(const Datum& value, Args, Budget& budget) {
  ASSIGN_OR_RETURN(const List items, Items(value));
  if (items.empty()) return Datum(Undefined{"there is no random item: the sequence is empty"});
  return items[static_cast<std::size_t>(budget.Draw() % items.size())];
}

StatusOr<Datum> LengthFilter(const Datum& value, Args, Budget&) {
  ASSIGN_OR_RETURN(const std::int64_t length, Length(value));
  return Datum(length);
}

StatusOr<Datum> ListFilter(const Datum& value, Args, Budget&) {
  ASSIGN_OR_RETURN(List items, Items(value));
  return Datum::OfList(std::move(items));
}

StatusOr<Datum> ItemsFilter(const Datum& value, Args, Budget&) {
  if (!value.is_map()) return InvalidArgument("needs a dict, not a " + std::string(TypeName(value)));
  List items;
  for (const auto& [key, member] : value.map()) items.push_back(Datum::OfTuple({key, member}));
  return Datum::OfList(std::move(items));
}

StatusOr<Datum> Join(const Datum& value, Args args, Budget&) {
  ASSIGN_OR_RETURN(List items, Items(value));
  if (const Datum* attribute = args.Find(1, "attribute"); attribute != nullptr && !attribute->is_none()) {
    for (Datum& item : items) {
      ASSIGN_OR_RETURN(item, DefinedPath(item, *attribute));
    }
  }
  const Datum nothing{std::string()};
  ASSIGN_OR_RETURN(std::string text, Joined(items, ToText(args.Or(0, "d", nothing))));
  return Datum(std::move(text));
}

StatusOr<Datum> Reverse(const Datum& value, Args, Budget&) {
  ASSIGN_OR_RETURN(List items, Items(value));
  std::reverse(items.begin(), items.end());
  if (!value.is_string()) return Datum::OfList(std::move(items));
  ASSIGN_OR_RETURN(std::string text, Joined(items, ""));
  return Datum(std::move(text));
}

StatusOr<Datum> Sort(const Datum& value, Args args, Budget& budget) {
  ASSIGN_OR_RETURN(const List items, Items(value));
  RETURN_IF_ERROR(budget.Spend(static_cast<std::int64_t>(items.size()) * 20));
  const bool reverse = args.Flag(0, "reverse", false);
  ASSIGN_OR_RETURN(const List keys,
                   Keys(items, args.Find(2, "attribute"), args.Flag(1, "case_sensitive", false)));
  ASSIGN_OR_RETURN(const auto order, SortedOrder(keys, reverse));
  List sorted;
  for (const std::size_t i : order) sorted.push_back(items[i]);
  return Datum::OfList(std::move(sorted));
}

StatusOr<Datum> DictSort(const Datum& value, Args args, Budget& budget) {
  ASSIGN_OR_RETURN(const std::string by, args.Text(1, "by", "key"));
  if (by != "key" && by != "value") return InvalidArgument("by must be key or value");
  ASSIGN_OR_RETURN(const Datum pairs, ItemsFilter(value, args, budget));
  RETURN_IF_ERROR(budget.Spend(static_cast<std::int64_t>(pairs.list().size()) * 20));
  const Datum index(std::int64_t{by == "key" ? 0 : 1});
  ASSIGN_OR_RETURN(const List keys, Keys(pairs.list(), &index, args.Flag(0, "case_sensitive", false)));
  ASSIGN_OR_RETURN(const auto order, SortedOrder(keys, args.Flag(2, "reverse", false)));
  List sorted;
  for (const std::size_t i : order) sorted.push_back(pairs.list()[i]);
  return Datum::OfList(std::move(sorted));
}

template <bool kGreatest>
StatusOr<Datum> Extreme(const Datum& value, Args args, Budget&) {
  ASSIGN_OR_RETURN(const List items, Items(value));
  if (items.empty()) return Datum(Undefined{"the sequence is empty"});
  ASSIGN_OR_RETURN(const List keys,
                   Keys(items, args.Find(1, "attribute"), args.Flag(0, "case_sensitive", false)));
  std::size_t best = 0;
  for (std::size_t i = 1; i < keys.size(); ++i) {
    ASSIGN_OR_RETURN(const std::partial_ordering order, Compare(keys[i], keys[best]));
    if (order == (kGreatest ? std::partial_ordering::greater : std::partial_ordering::less)) best = i;
  }
  return items[best];
}

StatusOr<Datum> Sum(const Datum& value, Args args, Budget&) {
  ASSIGN_OR_RETURN(const List items, Items(value));
  const Datum zero(std::int64_t{0});
  const Datum* attribute = args.Find(0, "attribute");
  Datum sum = args.Or(1, "start", zero);
  for (const Datum& item : items) {
    Datum term = item;
    if (attribute != nullptr && !attribute->is_none()) {
      ASSIGN_OR_RETURN(term, DefinedPath(item, *attribute));
    }
    ASSIGN_OR_RETURN(sum, Binary("+", sum, term));
  }
  return sum;
}

StatusOr<Datum> Unique(const Datum& value, Args args, Budget& budget) {
  ASSIGN_OR_RETURN(const List items, Items(value));
  ASSIGN_OR_RETURN(const List keys,
                   Keys(items, args.Find(1, "attribute"), args.Flag(0, "case_sensitive", false)));
  List seen;
  List kept;
  for (std::size_t i = 0; i < items.size(); ++i) {
    RETURN_IF_ERROR(budget.Spend(static_cast<std::int64_t>(seen.size())));
    if (std::any_of(seen.begin(), seen.end(), [&](const Datum& key) { return AreEqual(key, keys[i]); }))
      continue;
    seen.push_back(keys[i]);
    kept.push_back(items[i]);
  }
  return Datum::OfList(std::move(kept));
}

StatusOr<Datum> GroupBy(const Datum& value, Args args, Budget& budget) {
  const Datum* attribute = args.Find(0, "attribute");
  if (attribute == nullptr) return InvalidArgument("needs an attribute");
  ASSIGN_OR_RETURN(const List items, Items(value));
  RETURN_IF_ERROR(budget.Spend(static_cast<std::int64_t>(items.size()) * 20));
  const Datum* fallback = args.Find(1, "default");
  ASSIGN_OR_RETURN(const List keys, Keys(items, attribute, args.Flag(2, "case_sensitive", false), fallback));
  ASSIGN_OR_RETURN(const auto order, SortedOrder(keys, false));
  List groups;
  for (std::size_t from = 0; from < order.size();) {
    List members;
    std::size_t to = from;
    for (; to < order.size() && AreEqual(keys[order[to]], keys[order[from]]); ++to)
      members.push_back(items[order[to]]);
    ASSIGN_OR_RETURN(Datum name, Path(items[order[from]], *attribute));
    if (name.is_undefined()) name = *fallback;  // it has one, or there were no keys
    groups.push_back(Datum::OfGroup(std::move(name), std::move(members)));
    from = to;
  }
  return Datum::OfList(std::move(groups));
}

StatusOr<Datum> Batch(const Datum& value, Args args, Budget&) {
  ASSIGN_OR_RETURN(const List items, Items(value));
  ASSIGN_OR_RETURN(const std::int64_t size, args.Integer(0, "linecount", 0));
  const Datum* fill = args.Find(1, "fill_with");
  if (size < 1 || size > 10'000) return InvalidArgument("the size must lie between 1 and 10000");
  List rows;
  for (std::size_t from = 0; from < items.size(); from += static_cast<std::size_t>(size)) {
    const std::size_t to = std::min(items.size(), from + static_cast<std::size_t>(size));
    List row(items.begin() + static_cast<std::ptrdiff_t>(from),
             items.begin() + static_cast<std::ptrdiff_t>(to));
    if (fill != nullptr && !fill->is_none()) row.resize(static_cast<std::size_t>(size), *fill);
    rows.push_back(Datum::OfList(std::move(row)));
  }
  return Datum::OfList(std::move(rows));
}

StatusOr<Datum> Slice(const Datum& value, Args args, Budget&) {
  ASSIGN_OR_RETURN(const List items, Items(value));
  ASSIGN_OR_RETURN(const std::int64_t slices, args.Integer(0, "slices", 0));
  const Datum* fill = args.Find(1, "fill_with");
  if (slices < 1 || slices > 10'000)
    return InvalidArgument("the number of slices must lie between 1 and 10000");
  const std::size_t count = static_cast<std::size_t>(slices);
  const std::size_t each = items.size() / count;
  const std::size_t longer = items.size() % count;
  List rows;
  std::size_t from = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t to = from + each + (i < longer ? 1 : 0);
    List row(items.begin() + static_cast<std::ptrdiff_t>(from),
             items.begin() + static_cast<std::ptrdiff_t>(to));
    if (fill != nullptr && !fill->is_none() && i >= longer) row.push_back(*fill);
    rows.push_back(Datum::OfList(std::move(row)));
    from = to;
  }
  return Datum::OfList(std::move(rows));
}

// The arguments from the n-th on.
Arguments Rest(Args args, std::size_t from) {
  Arguments rest;
  for (std::size_t i = from; i < args.positional.size(); ++i) rest.positional.push_back(args.positional[i]);
  rest.named = args.named;
  return rest;
}

// What Jinja calls false has no items for these.
StatusOr<List> ItemsOrNone(const Datum& value) { return IsTrue(value) ? Items(value) : List(); }

StatusOr<Datum> Map(const Datum& value, Args args, Budget& budget) {
  ASSIGN_OR_RETURN(const List items, ItemsOrNone(value));
  List mapped;
  const Datum* attribute = args.Find(args.positional.size(), "attribute");
  const Datum* fallback = args.Find(args.positional.size(), "default");
  if (attribute == nullptr && (args.positional.empty() || !args.positional[0].is_string() ||
                               !IsFilter(args.positional[0].string()))) {
    return InvalidArgument("needs the name of a filter, or attribute='...'");
  }
  for (const Datum& item : items) {
    Datum result;
    if (attribute != nullptr) {
      ASSIGN_OR_RETURN(result, Path(item, *attribute));
      if (result.is_undefined() && fallback != nullptr) result = *fallback;
      if (result.is_undefined()) return InvalidArgument(result.undefined().message);
    } else {
      ASSIGN_OR_RETURN(result, ApplyFilter(args.positional[0].string(), item, Rest(args, 1), budget));
    }
    mapped.push_back(std::move(result));
  }
  return Datum::OfList(std::move(mapped));
}

template <bool kByAttribute, bool kKeep>
StatusOr<Datum> Select(const Datum& value, Args args, Budget& budget) {
  ASSIGN_OR_RETURN(const List items, ItemsOrNone(value));
  constexpr std::size_t kTestAt = kByAttribute ? 1 : 0;
  if (kByAttribute && args.positional.empty()) return InvalidArgument("needs the name of an attribute");
  const bool has_test = args.positional.size() > kTestAt;
  if (has_test && (!args.positional[kTestAt].is_string() || !IsTest(args.positional[kTestAt].string()))) {
    return InvalidArgument("'" + ToText(args.positional[kTestAt]) + "' is no test");
  }
  List kept;
  for (const Datum& item : items) {
    Datum subject = item;
    if (kByAttribute) {
      ASSIGN_OR_RETURN(subject, Path(item, args.positional[0]));
    }
    if (!has_test && subject.is_undefined()) return InvalidArgument(subject.undefined().message);
    bool passes = IsTrue(subject);
    if (has_test) {
      ASSIGN_OR_RETURN(
          passes, ApplyTest(args.positional[kTestAt].string(), subject, Rest(args, kTestAt + 1), budget));
    }
    if (passes == kKeep) kept.push_back(item);
  }
  return Datum::OfList(std::move(kept));
}

StatusOr<Datum> Attr(const Datum& value, Args args, Budget&) {
  ASSIGN_OR_RETURN(const std::string name, args.Text(0, "name", ""));
  const bool is_member =
      value.is_map() && value.Find(Datum(name)) != nullptr;  // attributes only, not members
  Datum found = Attribute(value, name);
  if (is_member && !found.is_callable()) return Datum(Undefined{"a dict has no attribute '" + name + "'"});
  return found;
}

}  // namespace

const std::vector<FilterRow>& SequenceFilters() {
  static const std::vector<FilterRow> kTable = {
      {"attr", Attr},
      {"batch", Batch},
      {"count", LengthFilter},
      {"dictsort", DictSort},
      {"first", First},
      {"groupby", GroupBy},
      {"items", ItemsFilter},
      {"join", Join},
      {"last", Last},
      {"length", LengthFilter},
      {"list", ListFilter},
      {"map", Map},
      {"max", Extreme<true>},
      {"min", Extreme<false>},
      {"random", RandomItem},
      {"reject", Select<false, false>},
      {"rejectattr", Select<true, false>},
      {"reverse", Reverse},
      {"select", Select<false, true>},
      {"selectattr", Select<true, true>},
      {"slice", Slice},
      {"sort", Sort},
      {"sum", Sum},
      {"unique", Unique},
  };
  return kTable;
}

namespace {

const FilterRow* FindFilter(std::string_view name) {
  for (const auto* table : {&ValueFilters(), &SequenceFilters(), &HtmlFilters(), &LayoutFilters(), &LinkFilters()}) {
    for (const FilterRow& row : *table) {
      if (row.name == name) return &row;
    }
  }
  return nullptr;
}

}  // namespace

bool IsFilter(std::string_view name) { return FindFilter(name) != nullptr; }

std::vector<std::string> FilterNames() {
  std::vector<std::string> names;
  for (const auto* table : {&ValueFilters(), &SequenceFilters(), &HtmlFilters(), &LayoutFilters(), &LinkFilters()}) {
    for (const FilterRow& row : *table) names.emplace_back(row.name);
  }
  return names;
}

StatusOr<Datum> ApplyFilter(std::string_view name, const Datum& value, const Arguments& arguments,
                            Budget& budget) {
  RETURN_IF_ERROR(budget.Spend(value.weight() + arguments.weight()));
  const FilterRow* filter = FindFilter(name);
  if (filter == nullptr) return InvalidArgument("no filter named '" + std::string(name) + "'");
  StatusOr<Datum> result = filter->apply(value, arguments, budget);
  return result.ok() ? result : result.status().WithContext("filter " + std::string(name));
}

}  // namespace millrace::jinja
