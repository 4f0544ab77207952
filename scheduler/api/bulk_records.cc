#include "scheduler/api/bulk_records.h"

#include <optional>
#include <utility>

#include "scheduler/api/answer.h"
#include "scheduler/api/bulk.h"

namespace millrace::api {
namespace {

// Of an entity, or of a name alone, as deletes have it.
std::string NameOf(const Value& entity, const Collection& collection) {
  const Value* name = entity.is_string() ? &entity : entity.Find(collection.name_field);
  return name != nullptr && name->is_string() ? name->as_string() : "";
}

// The record that the action makes of an entity; none when it is to be skipped.
StatusOr<std::optional<Record>> RecordOf(const Collection& collection, const BulkAction& action,
                                         const Value& entity, const std::string& name) {
  if (name.empty()) return InvalidArgument("an entity without " + collection.name_field);
  ASSIGN_OR_RETURN(const bool exists, collection.exists(name));
  std::optional<Record> record;
  if (action.kind == BulkKind::kCreate) {
    // Nothing is laid over what they do not see.
    ASSIGN_OR_RETURN(const bool is_hidden, collection.is_hidden(name));
    if (is_hidden) return AlreadyExists("The " + collection.what + " `" + name + "` exists already");
    if (exists && action.on_existence == "skip") return record;
    if (exists && action.on_existence != "overwrite")
      return AlreadyExists("The " + collection.what + " `" + name + "` exists already");
    ASSIGN_OR_RETURN(record, collection.create(entity));
    return record;
  }
  if (!exists && action.on_non_existence == "skip") return record;
  if (!exists) return NotFound("The " + collection.what + " `" + name + "` was not found");
  if (action.kind == BulkKind::kDelete) {
    record = collection.remove(name);
  } else {
    ASSIGN_OR_RETURN(record, collection.update(entity, action.update_mask));
  }
  return record;
}

std::string_view WordOf(BulkKind kind) {
  return kind == BulkKind::kCreate ? "create" : kind == BulkKind::kUpdate ? "update" : "delete";
}

// Whole or not at all.
StatusOr<std::vector<std::string>> Do(Context& context, const Collection& collection,
                                      const BulkAction& action) {
  std::vector<std::string> names;
  WriteRecords write;
  for (const Value& entity : action.entities) {
    const std::string name = NameOf(entity, collection);
    ASSIGN_OR_RETURN(std::optional<Record> record, RecordOf(collection, action, entity, name));
    if (!record) continue;
    names.push_back(name);
    write.records.push_back(std::move(*record));
  }
  if (!names.empty()) RETURN_IF_ERROR(context.Run(std::move(write)).status());
  return names;
}

}  // namespace

http::Response Bulk(Context& context, const Call& call, const Collection& collection) {
  BodyInput body(call.request);
  const std::vector<BulkAction> actions = ReadBulk(body);
  if (auto problems = body.Problems()) return *problems;
  BulkAnswer answer;
  for (const BulkAction& action : actions) {
    const StatusOr<std::vector<std::string>> names = Do(context, collection, action);
    if (!names.ok()) {
      answer.Failed(action.kind, names.status());
      continue;
    }
    for (const std::string& name : *names) {
      answer.Succeeded(action.kind, name);
      context.Audit(call.who.user, std::string(WordOf(action.kind)) + "_" + collection.what, name);
    }
  }
  return JsonAnswer(answer.Wire());
}

}  // namespace millrace::api
