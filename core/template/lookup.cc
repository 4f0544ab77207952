#include "core/template/lookup.h"

#include <algorithm>
#include <utility>

namespace millrace {

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

void TemplateAnswers::SetNone(const TemplateNeed& need) { known_.insert_or_assign(need, std::nullopt); }

StatusOr<Value> TemplateAnswers::Find(const TemplateNeed& need) {
  const auto found = known_.find(need);
  if (found == known_.end()) {
    if (std::find(missing_.begin(), missing_.end(), need) == missing_.end()) missing_.push_back(need);
    return Unavailable("not known yet: " + ToString(need));
  }
  if (!found->second) return NotFound("there is no such thing: " + ToString(need));
  return *found->second;
}

}  // namespace millrace
