#include "scheduler/api/bulk_records.h"

#include <optional>
#include <utility>

#include "scheduler/api/answer.h"

namespace millrace::api {
namespace {

constexpr std::size_t kMostEntities = 1000;

struct Done {
  Value::List success;
  std::vector<Record> records;
};

std::string TextOf(const Value& action, std::string_view member, std::string_view otherwise) {
  const Value* value = action.Find(member);
  return value != nullptr && value->is_string() ? value->as_string() : std::string(otherwise);
}

// Of an entity, or of a name alone, as deletes have it.
std::string NameOf(const Value& entity, const Collection& collection) {
  return entity.is_string() ? entity.as_string() : TextOf(entity, collection.name_field, "");
}

Status One(const Collection& collection, const Value& action, const std::string& kind, const Value& entity,
           const std::vector<std::string>& mask, Done& done) {
  const std::string name = NameOf(entity, collection);
  if (name.empty()) return InvalidArgument("an entity without " + collection.name_field);
  ASSIGN_OR_RETURN(const bool exists, collection.exists(name));
  std::optional<Record> record;
  if (kind == "create") {
    const std::string on_existence = TextOf(action, "action_on_existence", "fail");
    if (exists && on_existence == "skip") return OkStatus();
    if (exists && on_existence != "overwrite")
      return AlreadyExists("The " + collection.what + " `" + name + "` exists already");
    ASSIGN_OR_RETURN(record, collection.create(entity));
  } else {
    if (!exists && TextOf(action, "action_on_non_existence", "fail") == "skip") return OkStatus();
    if (!exists) return NotFound("The " + collection.what + " `" + name + "` was not found");
    if (kind == "delete") {
      record = collection.remove(name);
    } else {
      ASSIGN_OR_RETURN(record, collection.update(entity, mask));
    }
  }
  done.records.push_back(std::move(*record));
  done.success.emplace_back(name);
  return OkStatus();
}

Value Do(Context& context, const Call& call, const Collection& collection, const std::string& kind,
         const Value& action) {
  Done done;
  Status status;
  std::vector<std::string> mask;
  const Value* entities = action.Find("entities");
  const Value* fields = action.Find("update_mask");
  for (const Value& field : fields != nullptr && fields->is_list() ? fields->as_list() : Value::List()) {
    if (field.is_string()) mask.push_back(field.as_string());
  }
  if (entities == nullptr || !entities->is_list()) {
    status = InvalidArgument("'entities' should be a list");
  } else if (entities->as_list().size() > kMostEntities) {
    status = InvalidArgument("at most 1,000 entities an action");
  } else {
    for (const Value& entity : entities->as_list()) {
      status = One(collection, action, kind, entity, mask, done);
      if (!status.ok()) break;
    }
  }
  if (status.ok() && !done.records.empty()) status = context.Run(WriteRecords{done.records}).status();
  Value::List errors;
  if (!status.ok()) {
    errors.emplace_back(
        Value::Map{{"error", status.message()}, {"status_code", std::int64_t{ErrorAnswer(status).status}}});
    done.success.clear();
  }
  for (const Value& name : done.success)
    context.Audit(call.who.user, kind + "_" + collection.what, name.as_string());
  return Value::Map{{"success", std::move(done.success)}, {"errors", std::move(errors)}};
}

}  // namespace

http::Response Bulk(Context& context, const Call& call, const Collection& collection) {
  BodyInput body(call.request);
  const Value actions = body.Any("actions");
  if (!actions.is_list())
    body.issues().Add("body", "actions", "list_type", "Input should be a valid list of actions");
  for (const Value& action : actions.is_list() ? actions.as_list() : Value::List()) {
    const std::string kind = TextOf(action, "action", "");
    if (kind != "create" && kind != "update" && kind != "delete")
      body.issues().Add("body", "actions", "value_error", "An action is create, update or delete", kind);
  }
  if (auto problems = body.Problems()) return *problems;
  Value answer = Value::Map{{"create", Value()}, {"update", Value()}, {"delete", Value()}};
  for (const Value& action : actions.as_list()) {
    const std::string kind = TextOf(action, "action", "");
    Value done = Do(context, call, collection, kind, action);
    const Value* before = answer.Find(kind);
    if (before->is_map()) {
      for (const char* part : {"success", "errors"}) {
        Value::List all = before->Find(part)->as_list();
        for (const Value& more : done.Find(part)->as_list()) all.push_back(more);
        done.Set(part, Value(std::move(all)));
      }
    }
    answer.Set(kind, std::move(done));
  }
  return JsonAnswer(answer);
}

}  // namespace millrace::api
