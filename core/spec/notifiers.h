// What callbacks of DAG files are: on_failure_callback and its siblings, `callback` of a deadline, `email`.
// Each becomes a task kind with its fields, in Airflow's words or ours. Called by dagbag and task_kind.cc.
// Pure; any thread.
//
// Deliberately not here: rendering (the engine), sending (worker/tasks/notify.cc).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/notification.h"
#include "core/spec/field.h"

namespace millrace {

// The fields of tasks and default_args: one a cause, and Airflow's email.
std::vector<FieldSpec> TaskCallbackFields();
// The fields of a callback that is written {uses, with}.
const std::vector<FieldSpec>& CallbackFields();
// What an editor is told of such a field.
Value CallbackSchema();

// "on_failure_callback" of kFailure; of kDeadline "callback".
std::string FieldOf(CallbackCause cause);

// One callback as written: {notify: smtp, to: ...}, {uses: shell, with: {...}, timeout: 10s}, or a notifier
// of Airflow's, {uses: airflow.providers.smtp.notifications.smtp.SmtpNotifier, with: {...}}, also {path,
// kwargs}. What does not fit goes to `problems`, whose messages begin with `what`. `of_task`: there is a task
// instance.
std::optional<Callback> ReadCallback(CallbackCause on, const Value& written, bool of_task,
                                     const std::string& what, std::vector<Problem>& problems);

// Airflow's `email`, a list or "a@example.com, b@example.com", as a callback.
Value MailTo(const Value& addresses);

// Fields of Airflow's notifiers and of its operators that send messages as those of the kind notify; nullopt
// when `path` is none of them. An operator path is one of task_kind.cc's as well.
std::optional<Value> NativeNotifier(std::string_view path, const Value& with);

// The field of that name, or nullptr.
const FieldSpec* FindField(const std::vector<FieldSpec>& fields, std::string_view name);

}  // namespace millrace
