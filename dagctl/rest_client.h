// The scheduler's REST API as dagctl speaks it: the same as any other client's, no private door. One thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/model/value.h"

namespace millrace::dagctl {

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

class RestClient {
 public:
  // `url` like http://127.0.0.1:8080, `token` a bearer token.
  RestClient(std::string url, std::string token);
  ~RestClient();
  RestClient(const RestClient&) = delete;
  RestClient& operator=(const RestClient&) = delete;

  // UNAVAILABLE when the scheduler cannot be reached, otherwise the code that fits the HTTP status, with the answer's `detail`.
  StatusOr<Value> Get(const std::string& path, const QueryParameters& query = {});
  StatusOr<Value> Post(const std::string& path, const Value& body);
  StatusOr<Value> Patch(const std::string& path, const Value& body);
  StatusOr<Value> Put(const std::string& path, const Value& body = Value(Value::Map()), const QueryParameters& query = {});
  StatusOr<Value> Delete(const std::string& path, const QueryParameters& query = {});

  // All rows of a list, page by page: `member` is the list's name in the answer. At most `most` rows.
  StatusOr<Value::List> All(const std::string& path, const std::string& member, QueryParameters query, std::size_t most);

 private:
  StatusOr<Value> Send(const std::string& method, const std::string& path, const QueryParameters& query, const std::string& body);
  struct Handle;
  std::unique_ptr<Handle> handle_;
  std::string url_;
  std::string token_;
};

// One segment of a path, percent-encoded: run ids hold '+' and ':'.
std::string Segment(std::string_view text);
// "/api/v2/dags/etl/dagRuns/manual__1"
std::string DagPath(std::string_view dag_id);
std::string RunPath(std::string_view dag_id, std::string_view run_id);
// "load[3]" is an instance of a mapped task.
struct TaskName {
  std::string id;
  std::string map_index;
};
TaskName ParseTaskName(std::string_view text);
std::string TaskPath(std::string_view dag_id, std::string_view run_id, std::string_view task_id);

}  // namespace millrace::dagctl
