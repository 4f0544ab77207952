// From `aggregate` to the functions of a shuffle: combine (rows to states, before it), partial (states to fewer states) and merge
// (states to the result, after it), which together equal the plain GROUP BY. The plan attempt calls it, on its thread.
#pragma once

#include <string>
#include <vector>

#include "core/model/job.h"
#include "core/spec/mapreduce_spec.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {

// "SELECT by, expressions FROM relation GROUP BY by".
std::string PlainAggregate(const AggregateSpec& spec, const std::string& relation);

struct AggregatePlan {
  std::string combine;  // empty: the rows cross the shuffle as they are
  std::string partial;  // reads and makes states; empty without a combine
  std::string merge;
};

// `relation` is SQL that combine reads; `states` names the view that partial and merge read, which is made to bind them. `plain` are
// the columns of PlainAggregate. An expression may do anything with calls of sum, count, avg, min, max, ...: round(sum(x) / count(*), 2).
// One with a call whose states cannot be put together (DISTINCT, ORDER BY, median, ...) leaves the whole without a combine.
AggregatePlan PlanAggregate(sql::Connection& connection, const AggregateSpec& spec, const std::vector<Column>& plain,
                            const std::string& relation, const std::string& states);

}  // namespace millrace::mapreduce
