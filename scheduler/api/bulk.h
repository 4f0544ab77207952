// Airflow's bulk requests: a list of actions (create, update, delete), each with its entities, and an answer
// that tells for each kind of action what came of which. Within one handler call.
//
// As there, an action whose entities are not all as it says (there already, or not there) changes nothing
// unless it says skip or overwrite; the others are done all the same.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/value.h"
#include "scheduler/api/input.h"

namespace millrace::api {

enum class BulkKind : std::uint8_t { kCreate, kUpdate, kDelete };

struct BulkAction {
  BulkKind kind = BulkKind::kUpdate;
  Value::List entities;
  std::string on_existence = "fail";      // fail, skip, overwrite
  std::string on_non_existence = "fail";  // fail, skip
  std::vector<std::string> update_mask;

  bool Masked(std::string_view field) const;  // whether an update takes this field
};

// At most a thousand entities in all.
std::vector<BulkAction> ReadBulk(BodyInput& body);

class BulkAnswer {
 public:
  void Succeeded(BulkKind kind, const std::string& key) { results_[kind].first.emplace_back(key); }
  void Failed(BulkKind kind, const Status& status);
  void Failed(BulkKind kind, const std::string& message, int status);
  // Those that were not asked for are null.
  Value Wire() const;

 private:
  std::map<BulkKind, std::pair<Value::List, Value::List>> results_;
};

}  // namespace millrace::api
