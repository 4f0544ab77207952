// Airflow's bulk changes (PATCH of a collection): create, update and delete actions with what to do about
// things that are there already, or are not. Each action is done whole or not at all. Used by the handlers of
// variables and connections.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "scheduler/api/context.h"
#include "scheduler/api/input.h"
#include "scheduler/api/route.h"

namespace millrace::api {

// A collection of named records, as bulk changes need it.
struct Collection {
  std::string what;  // "variable": for the audit log
  std::string name_field;
  std::function<StatusOr<bool>(const std::string& name)> exists;  // and who asks may see it
  // The name is that of one which belongs to a team that they are no member of.
  std::function<StatusOr<bool>(const std::string& name)> is_hidden;
  // The record of an entity that is new.
  std::function<StatusOr<Record>(const Value& entity)> create;
  // The record of one that is there, with the entity's members over what it has; `mask`: only these, if any.
  std::function<StatusOr<Record>(const Value& entity, const std::vector<std::string>& mask)> update;
  std::function<Record(const std::string& name)> remove;
};

http::Response Bulk(Context& context, const Call& call, const Collection& collection);

}  // namespace millrace::api
