// From `aggregate` to the three functions of a shuffle: combine (rows to states, before it), merge (states to states, after
// it) and the plain GROUP BY that both together equal. Pure text; DuckDB's types are asked for by the plan. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "core/spec/mapreduce_spec.h"

namespace millrace::mapreduce {

// One aggregate call: function(arguments) tail, where the tail is a FILTER clause or nothing.
struct AggregateCall {
  std::string function;  // lower case
  std::string arguments;
  std::string tail;
};

// Nothing when the expression is more, or something else, than one call, or cannot be computed from states (DISTINCT, ORDER
// BY, a function whose states cannot be added up). `type` is the type of its result.
std::optional<AggregateCall> DecomposableCall(std::string_view expression, std::string_view type);

// "SELECT by, expressions FROM relation GROUP BY by".
std::string PlainAggregate(const AggregateSpec& spec, const std::string& relation);

struct AggregatePlan {
  std::string combine;  // empty: the rows cross the shuffle as they are
  std::string merge;
};

// States to fewer states, of the same columns: what a task does that has a part of a partition. Only when there is a combine.
// `states` are the columns that it makes.
std::string PartialMerge(const AggregateSpec& spec, const std::vector<Column>& states, const std::string& relation);

// `relation` is what combine reads, `states` what merge reads; `plain` are the columns of PlainAggregate.
AggregatePlan PlanAggregate(const AggregateSpec& spec, const std::vector<Column>& plain, const std::string& relation,
                            const std::string& states);

}  // namespace millrace::mapreduce
