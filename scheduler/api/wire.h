// Rows as Airflow's API v2 shows them. Every field that its official client requires is there, with the type
// it insists on; what this scheduler has no word for is null. Pure; any thread.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/model/batch.h"
#include "core/model/value.h"
#include "scheduler/api/dag_teams.h"
#include "scheduler/store/reader.h"

namespace millrace::api {

Value WireTime(const std::optional<WallTime>& time);
// "" becomes null.
Value TextOrNull(const std::string& text);
// A stable positive number for a file of a bundle: Airflow's import error id.
std::int64_t ImportErrorId(const ImportError& error);

Value WireDagVersion(const DagVersionRow& version);
// Besides the DAGs: which files have import errors, and which DAGs are favorites of who asks.
struct AroundDags {
  std::set<std::string> files_in_trouble;  // see BundleFile
  std::set<std::string> favorites;
};
Value::Map WireDag(const store::DagEntry& entry, const AroundDags& around);
Value WireDagDetails(const store::DagEntry& entry, const AroundDags& around,
                     const std::optional<DagVersionRow>& newest);
// `row`: whether it is paused.
Value WireTask(const Dag& dag, const Task& task, const DagRow& row);
// Of a run that a task of another DAG made: `scope` says whether that one is told.
Value WireRun(const Run& run, const std::optional<DagVersionRow>& version, const Scope& scope);
Value::Map WireTaskInstance(const TaskInstance& instance, const Run& run, const Dag& dag,
                            const std::optional<DagVersionRow>& version);
// An ended attempt, in the shape of a task instance.
Value WireAttempt(const Attempt& attempt, const TaskInstance& instance, const Run& run, const Dag& dag,
                  const std::optional<DagVersionRow>& version);
Value WireImportError(const ImportError& error);

// {name: rows, total_entries: n}; a total that is a lower bound carries total_entries_limit.
template <typename Row>
Value WireList(const char* name, Value::List rows, const store::Listing<Row>& listing) {
  Value::Map body = {{name, std::move(rows)}, {"total_entries", listing.total}};
  if (!listing.total_is_exact) body.emplace_back("total_entries_limit", listing.total);
  return body;
}
Value WireWholeList(const char* name, Value::List rows);

}  // namespace millrace::api
