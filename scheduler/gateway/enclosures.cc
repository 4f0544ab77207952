#include "scheduler/gateway/enclosures.h"

#include <algorithm>

#include "core/model/connection.h"

namespace millrace::gateway {
namespace {

constexpr std::size_t kRecent = 64;

}  // namespace

convert::Enclosed StoredEnclosures::For(const Assignment& assignment) {
  convert::Enclosed enclosed;
  for (const std::string& name : assignment.connections) {
    StatusOr<std::string> value = connections_.GetFor(assignment.team, name);
    if (!value.ok()) {
      if (value.status().code() == Code::kPermissionDenied)
        enclosed.withheld.emplace_back(name, value.status().message());
      else if (value.status().code() != Code::kNotFound)
        log_.Log(LogLevel::kError, "Connection cannot be handed out (error=" + value.status().ToString() + ")");
      continue;
    }
    if (const StatusOr<millrace::Connection> parsed = ParseConnection(name, *value); parsed.ok()) {
      for (std::string& secret : SecretsOfConnection(ConnectionValue(*parsed)))
        enclosed.secrets.push_back(std::move(secret));
    }
    enclosed.connections.emplace_back(name, std::move(*value));
  }
  if (assignment.files.empty()) return enclosed;
  const DagPtr dag = Version(assignment.dag_id, assignment.dag_hash);
  if (dag == nullptr) return enclosed;
  for (const DagFile& file : dag->files) {
    if (std::find(assignment.files.begin(), assignment.files.end(), file.path) != assignment.files.end()) {
      enclosed.files.push_back(file);
    }
  }
  return enclosed;
}

DagPtr StoredEnclosures::Version(const std::string& dag_id, const std::string& hash) {
  const auto is_it = [&](const DagPtr& dag) { return dag->id == dag_id && dag->hash == hash; };
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(recent_.begin(), recent_.end(), is_it);
    if (found != recent_.end()) {
      recent_.splice(recent_.begin(), recent_, found);
      return recent_.front();
    }
  }
  const StatusOr<std::vector<DagVersionRow>> versions = dags_.ListVersions(dag_id);
  if (!versions.ok()) {
    log_.Log(LogLevel::kError,
             "DAG version cannot be read (dag=" + dag_id + ", error=" + versions.status().ToString() + ")");
    return nullptr;
  }
  for (const DagVersionRow& version : *versions) {
    if (version.dag == nullptr || !is_it(version.dag)) continue;
    const std::lock_guard lock(mutex_);
    recent_.push_front(version.dag);
    if (recent_.size() > kRecent) recent_.pop_back();
    return version.dag;
  }
  log_.Log(LogLevel::kError, "DAG version is not in the store (dag=" + dag_id + ", hash=" + hash + ")");
  return nullptr;
}

}  // namespace millrace::gateway
