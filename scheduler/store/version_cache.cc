#include "scheduler/store/version_cache.h"

#include <memory>

#include "core/model/codec.h"
#include "scheduler/store/listing.h"

namespace millrace::store {
namespace {

constexpr std::size_t kCachedVersions = 256;

}  // namespace

StatusOr<DagPtr> VersionCache::Find(Database& database, const std::string& dag_id, std::int32_t version) {
  const auto key = std::make_pair(dag_id, version);
  {
    std::lock_guard lock(mutex_);
    const auto found = cache_.find(key);
    if (found != cache_.end()) return found->second;
  }
  Query query("SELECT body FROM dag_version");
  query.Where("dag_id = ?").Add(dag_id).Where("version = ?").Add(version);
  ASSIGN_OR_RETURN(
      const std::string body,
      One<std::string>(database, query, "DAG version not found: " + dag_id + " " + std::to_string(version),
                       [](const Statement& row) { return row.Text(0); }));
  ASSIGN_OR_RETURN(Dag dag, DecodeDag(body));
  auto shared = std::make_shared<const Dag>(std::move(dag));
  std::lock_guard lock(mutex_);
  if (cache_.emplace(key, shared).second) order_.push_back(key);
  if (order_.size() > kCachedVersions) {
    cache_.erase(order_.front());
    order_.pop_front();
  }
  return DagPtr(shared);
}

}  // namespace millrace::store
