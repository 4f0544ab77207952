// The task kind `notify`: a mail, a webhook or a Slack message, of a task or of a callback. Lives in a
// runner.
#pragma once

#include <atomic>

#include "core/base/clock.h"
#include "core/model/value.h"
#include "worker/tasks/registry.h"
#include "worker/tasks/task.h"

namespace millrace::tasks {

class NotifyTask final : public TaskKind {
 public:
  NotifyTask(const Workplace& workplace, const Clock& clock) : workplace_(workplace), clock_(clock) {}
  TaskEnd Run(TaskContext& context) override;
  void Cancel() override { cancelled_ = true; }

 private:
  StatusOr<TaskEnd> SendMail(TaskContext& context, const Value& with);
  StatusOr<TaskEnd> SendWebhook(TaskContext& context, const Value& with);
  StatusOr<TaskEnd> SendSlack(TaskContext& context, const Value& with);
  // The same for every try, another for every other message.
  std::string KeyOf(const TaskContext& context) const;

  const Workplace& workplace_;
  const Clock& clock_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace millrace::tasks
