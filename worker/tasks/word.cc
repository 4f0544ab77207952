#include "worker/tasks/word.h"

#include "core/model/json.h"

namespace millrace::tasks {

std::string JsonOfWord(const std::string& word) {
  const StatusOr<Value> parsed = ParseJson(word);
  const bool whole = parsed.ok() && (parsed->is_map() || parsed->is_list() || parsed->is_string() ||
                                     ToJson(*parsed) == word);
  return whole ? word : ToJson(Value(word));
}

std::string WordOfJson(const std::string& json) {
  const StatusOr<Value> parsed = ParseJson(json);
  return parsed.ok() && parsed->is_string() ? parsed->as_string() : json;
}

}  // namespace millrace::tasks
