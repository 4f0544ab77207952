#include "worker/mapreduce/aggregate.h"

#include <cctype>
#include <map>

#include "worker/mapreduce/bind.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteName;

// How states of each function are put together.
const std::map<std::string, std::string, std::less<>> kMerges = {
    {"sum", "sum"},           {"count", "sum"},       {"min", "min"},         {"max", "max"},          {"avg", "avg"},
    {"mean", "avg"},          {"bool_and", "bool_and"}, {"bool_or", "bool_or"}, {"bit_and", "bit_and"}, {"bit_or", "bit_or"},
    {"bit_xor", "bit_xor"},   {"count_if", "sum"},    {"countif", "sum"},
};

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

// Past the parenthesis that closes the one at `open`; npos when there is none. Quotes are skipped; `comma` is set when one
// stands directly inside.
std::size_t AfterClosing(std::string_view text, std::size_t open, bool& comma) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\'' || c == '"') {
      i = text.find(c, i + 1);
      if (i == std::string_view::npos) return i;
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if (c == ')' || c == ']' || c == '}') {
      if (--depth == 0) return i + 1;
    } else if (c == ',' && depth == 1) {
      comma = true;
    }
  }
  return std::string_view::npos;
}

bool OnlyFilter(std::string_view tail) {
  if (tail.empty()) return true;
  const std::size_t open = tail.find('(');
  const std::vector<std::string> words = BareWords(tail.substr(0, open));
  bool ignored = false;
  return open != std::string_view::npos && words.size() == 1 && words[0] == "filter" &&
         AfterClosing(tail, open, ignored) == tail.size();
}

std::string ByList(const std::vector<std::string>& by) {
  std::string list;
  for (const std::string& column : by) list += (list.empty() ? "" : ", ") + QuoteName(column);
  return list;
}

std::string GroupBy(const std::vector<std::string>& by) { return by.empty() ? "" : " GROUP BY " + ByList(by); }

// In lower case; of a call that DecomposableCall has found to be one.
std::string NameOfCall(std::string_view expression) {
  const std::string_view text = Trim(expression);
  const std::vector<std::string> name = BareWords(text.substr(0, text.find('(')));
  return name.empty() ? "" : name.front();
}

std::string StateName(const std::string& column, const char* part) { return QuoteName(column + "." + part); }

void Append(std::string& list, const std::string& item) { list += (list.empty() ? "" : ", ") + item; }

}  // namespace

std::optional<AggregateCall> DecomposableCall(std::string_view expression, std::string_view type) {
  const std::string_view text = Trim(expression);
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || text.find("--") != std::string_view::npos) return std::nullopt;
  const std::vector<std::string> name = BareWords(text.substr(0, open));
  if (name.size() != 1 || name[0].size() != Trim(text.substr(0, open)).size() || !kMerges.contains(name[0])) return std::nullopt;
  bool comma = false;
  const std::size_t after = AfterClosing(text, open, comma);
  if (after == std::string_view::npos || comma) return std::nullopt;
  AggregateCall call{name[0], std::string(Trim(text.substr(open + 1, after - open - 2))), std::string(Trim(text.substr(after)))};
  if (!OnlyFilter(call.tail)) return std::nullopt;
  const std::vector<std::string> words = BareWords(call.arguments);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "distinct" || (words[i] == "order" && i + 1 < words.size() && words[i + 1] == "by")) return std::nullopt;
  }
  // Of dates and intervals an average is no quotient of numbers.
  if (kMerges.find(call.function)->second == "avg" && type != "DOUBLE") return std::nullopt;
  return call;
}

std::string PlainAggregate(const AggregateSpec& spec, const std::string& relation) {
  std::string list = ByList(spec.by);
  for (const auto& [column, expression] : spec.select) Append(list, expression + " AS " + QuoteName(column));
  return "SELECT " + list + " FROM " + relation + GroupBy(spec.by);
}

AggregatePlan PlanAggregate(const AggregateSpec& spec, const std::vector<Column>& plain, const std::string& relation,
                            const std::string& states) {
  std::string combine = ByList(spec.by);
  std::string merge = combine;
  for (std::size_t i = 0; i < spec.select.size(); ++i) {
    const auto& [column, expression] = spec.select[i];
    const std::string& type = plain[spec.by.size() + i].type;
    const std::optional<AggregateCall> call = DecomposableCall(expression, type);
    if (!call) return {.combine = "", .merge = PlainAggregate(spec, states)};
    const std::string& how = kMerges.find(call->function)->second;
    const std::string name = QuoteName(column);
    if (how == "avg") {
      const std::string sum = StateName(column, "sum");
      const std::string count = StateName(column, "count");
      Append(combine, "sum(" + call->arguments + ") " + call->tail + " AS " + sum);
      Append(combine, "count(" + call->arguments + ") " + call->tail + " AS " + count);
      Append(merge, "CAST(sum(" + sum + ") AS DOUBLE) / sum(" + count + ") AS " + name);
    } else {
      Append(combine, expression + " AS " + name);
      Append(merge, "CAST(" + how + "(" + name + ") AS " + type + ") AS " + name);
    }
  }
  return {.combine = "SELECT " + combine + " FROM " + relation + GroupBy(spec.by),
          .merge = "SELECT " + merge + " FROM " + states + GroupBy(spec.by)};
}

std::string PartialMerge(const AggregateSpec& spec, const std::vector<Column>& states, const std::string& relation) {
  std::string list = ByList(spec.by);
  // In the order of combine: an average has two states, all others have one.
  std::size_t state = spec.by.size();
  const auto add = [&](const std::string& how) {
    const std::string name = QuoteName(states[state].name);
    Append(list, "CAST(" + how + "(" + name + ") AS " + states[state].type + ") AS " + name);
    ++state;
  };
  for (const auto& [column, expression] : spec.select) {
    const std::string& how = kMerges.find(NameOfCall(expression))->second;
    add(how == "avg" ? "sum" : how);
    if (how == "avg") add("sum");
  }
  return "SELECT " + list + " FROM " + relation + GroupBy(spec.by);
}

}  // namespace millrace::mapreduce
