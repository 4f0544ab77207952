// The part of DagReader that reads who is told what.
#include <array>
#include <utility>

#include "core/model/json.h"
#include "core/spec/notifiers.h"
#include "scheduler/dagbag/dag_reader.h"
#include "scheduler/dagbag/fields.h"
#include "scheduler/dagbag/marked_values.h"

namespace millrace::dagbag {
namespace {

constexpr std::array kOfTasks = {CallbackCause::kSuccess, CallbackCause::kFailure, CallbackCause::kRetry,
                                 CallbackCause::kSkipped, CallbackCause::kExecute};
constexpr std::size_t kMostCallbacks = 20;  // of one field

}  // namespace

std::vector<std::int32_t> DagReader::ReadCallbacks(CallbackCause on, const Value& written, bool of_task,
                                                   const std::string& what) {
  if (written.is_null()) return {};
  const auto [place, is_new] =
      callbacks_.try_emplace(std::string(ToString(on)) + (of_task ? " " : "") + ToJson(written));
  if (!is_new) return place->second;
  const Value::List items = written.is_list() ? written.as_list() : Value::List{written};
  if (items.size() > kMostCallbacks) {
    Add(written.position(), what + ": at most " + std::to_string(kMostCallbacks) + " callbacks");
    return {};
  }
  for (const Value& item : items) {
    const Value plain = item.is_map() ? WithoutMarks(item, only_marked_) : item;
    std::optional<Callback> callback = ReadCallback(on, plain, of_task, what, problems_);
    if (!callback) continue;
    place->second.push_back(static_cast<std::int32_t>(dag_->callbacks.size()));
    dag_->callbacks.push_back(*std::move(callback));
  }
  return place->second;
}

void DagReader::ReadTaskCallbacks(Task& task, const Value& value, const Scope& scope) {
  const auto add = [&](CallbackCause on, const Value& written, const std::string& field) {
    const std::vector<std::int32_t> read =
        ReadCallbacks(on, written, true, "task '" + task.id + "', " + field);
    task.callbacks.insert(task.callbacks.end(), read.begin(), read.end());
  };
  for (const CallbackCause on : kOfTasks) {
    if (const Value* written = Policy(value, FieldOf(on), scope)) add(on, *written, FieldOf(on));
  }
  const Value* email = Policy(value, "email", scope);
  if (email == nullptr) return;
  const Value mail = MailTo(*email);
  const auto wanted = [&](std::string_view field) {
    const Value* says = Policy(value, field, scope);
    return says == nullptr || IsTrue(says);
  };
  if (mail.Find("to")->as_list().empty()) return;
  if (wanted("email_on_failure")) add(CallbackCause::kFailure, mail, "email");
  if (wanted("email_on_retry")) add(CallbackCause::kRetry, mail, "email");
}

void DagReader::ReadRunCallbacks() {
  for (const CallbackCause on : {CallbackCause::kSuccess, CallbackCause::kFailure}) {
    const Value* written = document_->Find(FieldOf(on));
    if (written == nullptr) continue;
    const std::vector<std::int32_t> read = ReadCallbacks(on, *written, false, FieldOf(on));
    dag_->run_callbacks.insert(dag_->run_callbacks.end(), read.begin(), read.end());
  }
  for (Deadline& deadline : dag_->deadlines)
    deadline.callbacks =
        ReadCallbacks(CallbackCause::kDeadline, deadline.callback, false, "deadline: callback");
}

}  // namespace millrace::dagbag
