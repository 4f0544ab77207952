#include "worker/mapreduce/aggregate.h"

#include <map>
#include <set>
#include <utility>

#include "worker/mapreduce/site.h"
#include "worker/mapreduce/stage_sql.h"
#include "worker/sql/aggregate_calls.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteName;

constexpr std::string_view kAverage = "avg";

// How states of each function are put together; an average is a sum and a count.
const std::map<std::string, std::string, std::less<>> kMerges = {
    {"sum", "sum"},           {"count", "sum"},         {"count_star", "sum"},  {"min", "min"},         {"max", "max"},
    {"avg", "avg"},           {"mean", "avg"},          {"bool_and", "bool_and"}, {"bool_or", "bool_or"}, {"bit_and", "bit_and"},
    {"bit_or", "bit_or"},     {"bit_xor", "bit_xor"},   {"count_if", "sum"},    {"countif", "sum"},     {"any_value", "any_value"},
};

std::set<std::string, std::less<>> Functions() {
  std::set<std::string, std::less<>> names;
  for (const auto& [name, how] : kMerges) names.insert(name);
  return names;
}

std::string ByList(const std::vector<std::string>& by) {
  std::string list;
  for (const std::string& column : by) list += (list.empty() ? "" : ", ") + QuoteName(column);
  return list;
}

std::string Select(const AggregateSpec& spec, std::string list, const std::string& relation, bool grouped = true) {
  std::string by = ByList(spec.by);
  list = by + (by.empty() || list.empty() ? "" : ", ") + list;
  return "SELECT " + list + " FROM " + relation + (grouped && !by.empty() ? " GROUP BY " + by : "");
}

void Append(std::string& list, const std::string& item, const std::string& name) {
  list += (list.empty() ? "" : ", ") + item + " AS " + QuoteName(name);
}

// A column of states.
struct State {
  std::string name;
  std::string call;   // that makes it of rows
  std::string merge;  // the function that makes one of several
};

// A call of an expression, from its states.
struct Final {
  std::string name;
  bool average = false;
};

// What is known of a whole `aggregate` before types are.
struct Parts {
  std::vector<State> states;
  std::vector<Final> finals;
  std::string rest;   // of all expressions, over the finals
  bool more = false;  // some expression is more than one call
};

StatusOr<Parts> PartsOf(sql::Connection& connection, const AggregateSpec& spec) {
  static const std::set<std::string, std::less<>> kFunctions = Functions();
  Parts parts;
  for (const auto& [column, expression] : spec.select) {
    ASSIGN_OR_RETURN(const sql::TakenApart apart, TakeApart(connection, expression, column, kFunctions));
    Append(parts.rest, apart.rest.empty() ? QuoteName(column) : apart.rest, column);
    parts.more = parts.more || !apart.rest.empty();
    for (std::size_t i = 0; i < apart.calls.size(); ++i) {
      const sql::AggregateCall& call = apart.calls[i];
      const std::string name = apart.rest.empty() ? column : column + "." + std::to_string(i + 1);
      const std::string& how = kMerges.find(call.function)->second;
      parts.finals.push_back({name, how == kAverage});
      if (how == kAverage) {
        parts.states.push_back({name + ".sum", "sum" + call.arguments, "sum"});
        parts.states.push_back({name + ".count", "count" + call.arguments, "sum"});
      } else {
        parts.states.push_back({name, call.text, how});
      }
    }
  }
  return parts;
}

// Two columns of one name would be taken for each other.
Status CheckNames(const AggregateSpec& spec, const Parts& parts) {
  std::set<std::string> names(spec.by.begin(), spec.by.end());
  for (const State& state : parts.states) {
    if (!names.insert(state.name).second) return FailedPrecondition("two columns are called " + state.name);
  }
  return OkStatus();
}

StatusOr<AggregatePlan> Derive(sql::Connection& connection, const AggregateSpec& spec, const std::string& relation,
                               const std::string& view) {
  const std::string states = QuoteName(view);
  ASSIGN_OR_RETURN(const Parts parts, PartsOf(connection, spec));
  RETURN_IF_ERROR(CheckNames(spec, parts));
  AggregatePlan plan;
  std::string combine;
  for (const State& state : parts.states) Append(combine, state.call, state.name);
  plan.combine = Select(spec, combine, relation);
  RETURN_IF_ERROR(CreateView(connection, view, plan.combine));
  ASSIGN_OR_RETURN(const std::vector<Column> columns, connection.Describe(plan.combine));

  std::map<std::string, std::string, std::less<>> merged;  // by state
  std::string partial;
  for (std::size_t i = 0; i < parts.states.size(); ++i) {
    const State& state = parts.states[i];
    // Sums are wider than what they are sums of.
    merged[state.name] = "CAST(" + state.merge + "(" + QuoteName(state.name) + ") AS " + columns[spec.by.size() + i].type + ")";
    Append(partial, merged[state.name], state.name);
  }
  plan.partial = Select(spec, partial, states);

  std::string finals;
  for (const Final& final : parts.finals) {
    // Of dates and intervals an average is no quotient of numbers, and this does not bind.
    Append(finals,
           final.average ? "CAST(" + merged[final.name + ".sum"] + " AS DOUBLE) / " + merged[final.name + ".count"] : merged[final.name],
           final.name);
  }
  plan.merge = Select(spec, finals, states);
  if (!parts.more) return plan;
  plan.merge = Select(spec, parts.rest, "(" + plan.merge + ")", false);
  // What is left of the expressions must look at one group at a time.
  ASSIGN_OR_RETURN(const sql::SelectFacts facts, connection.CheckSelect(Select(spec, parts.rest, states, false)));
  ASSIGN_OR_RETURN(const std::string together, NeedsRowsTogether(connection, facts.text, facts.functions));
  if (!together.empty()) return FailedPrecondition(together);
  return plan;
}

}  // namespace

std::string PlainAggregate(const AggregateSpec& spec, const std::string& relation) {
  std::string list;
  for (const auto& [column, expression] : spec.select) Append(list, expression, column);
  return Select(spec, list, relation);
}

AggregatePlan PlanAggregate(sql::Connection& connection, const AggregateSpec& spec, const std::vector<Column>& plain,
                            const std::string& relation, const std::string& states) {
  if (StatusOr<AggregatePlan> plan = Derive(connection, spec, relation, states); plan.ok()) {
    const StatusOr<std::vector<Column>> columns = connection.Describe(plan->merge);
    if (columns.ok() && *columns == plain) return *std::move(plan);
  }
  return {.combine = "", .partial = "", .merge = PlainAggregate(spec, QuoteName(states))};
}

}  // namespace millrace::mapreduce
