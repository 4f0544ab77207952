// DAG versions, decoded: decoding a large DAG costs milliseconds, and versions never change, so the last few
// are kept. Shared by the readers that show DAGs; any thread.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "core/base/status.h"
#include "core/model/dag.h"
#include "scheduler/store/sqlite.h"

namespace millrace::store {

class VersionCache {
 public:
  StatusOr<DagPtr> Find(Database& database, const std::string& dag_id, std::int32_t version);

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::int32_t>, DagPtr> cache_;
  std::list<std::pair<std::string, std::int32_t>> order_;
};

}  // namespace millrace::store
