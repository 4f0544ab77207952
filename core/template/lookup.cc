#include "core/template/lookup.h"

#include <algorithm>
#include <utility>

#include "core/calendar/format.h"

namespace millrace {

TemplateNeed NeedOf(const LookupRef& ref) {
  using Kind = TemplateNeed::Kind;
  const Kind kind = ref.kind == LookupRef::Kind::kVariable     ? Kind::kVariable
                    : ref.kind == LookupRef::Kind::kConnection ? Kind::kConnection
                                                               : Kind::kPreviousSuccess;
  return {kind, ref.name, "", std::nullopt};
}

std::optional<LookupRef> RefOf(const TemplateNeed& need) {
  switch (need.kind) {
    case TemplateNeed::Kind::kVariable:
      return LookupRef{LookupRef::Kind::kVariable, need.name};
    case TemplateNeed::Kind::kConnection:
      return LookupRef{LookupRef::Kind::kConnection, need.name};
    case TemplateNeed::Kind::kPreviousSuccess:
      return LookupRef{LookupRef::Kind::kPreviousSuccess, ""};
    case TemplateNeed::Kind::kXCom:
      break;
  }
  return std::nullopt;
}

Value PreviousSuccessOf(const Run& run) {
  const auto text = [](const std::optional<WallTime>& time) { return time ? Value(FormatTs(*time)) : Value(); };
  return Value::Map{{"data_interval_start", text(run.interval_start)},
                    {"data_interval_end", text(run.interval_end)},
                    {"start_date", text(run.started_at)},
                    {"end_date", text(run.ended_at)}};
}

std::string ToString(const TemplateNeed& need) {
  switch (need.kind) {
    case TemplateNeed::Kind::kXCom:
      return "the XCom '" + need.key + "' of task '" + need.name + "'" +
             (need.map_index ? ", map index " + std::to_string(*need.map_index) : "");
    case TemplateNeed::Kind::kVariable:
      return "the variable '" + need.name + "'";
    case TemplateNeed::Kind::kConnection:
      return "the connection '" + need.name + "'";
    case TemplateNeed::Kind::kPreviousSuccess:
      break;
  }
  return "the last successful run before this one";
}

void TemplateAnswers::Set(const TemplateNeed& need, const Value& answer) {
  known_.insert_or_assign(need, answer);
}

void TemplateAnswers::SetNone(const TemplateNeed& need) {
  SetError(need, NotFound("there is no such thing: " + ToString(need)));
}

void TemplateAnswers::SetError(const TemplateNeed& need, Status error) {
  known_.insert_or_assign(need, std::move(error));
}

StatusOr<Value> TemplateAnswers::Find(const TemplateNeed& need) {
  const auto found = known_.find(need);
  if (found == known_.end()) {
    if (std::find(missing_.begin(), missing_.end(), need) == missing_.end()) missing_.push_back(need);
    return Unavailable("not known yet: " + ToString(need));
  }
  return found->second;
}

}  // namespace millrace
