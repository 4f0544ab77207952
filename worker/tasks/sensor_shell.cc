#include <memory>
#include <utility>

#include "core/model/json.h"
#include "worker/tasks/sensors.h"
#include "worker/tasks/shell.h"

namespace millrace::tasks {
namespace {

// A run of the command, judged as a look.
class ShellSensor final : public TaskKind {
 public:
  explicit ShellSensor(std::unique_ptr<TaskKind> shell) : shell_(std::move(shell)) {}

  TaskEnd Run(TaskContext& context) override {
    TaskEnd end = shell_->Run(context);
    if (end.outcome != Outcome::kFailed || !end.exit_code) return end;
    const StatusOr<Value> with = ParseJson(context.assignment().with);
    const Value* retry = with.ok() ? with->Find("retry_exit_code") : nullptr;
    if (retry == nullptr || !retry->is_int() || retry->as_int() == *end.exit_code)
      end.outcome = Outcome::kNotYet;
    return end;
  }

  void Cancel() override { shell_->Cancel(); }

 private:
  const std::unique_ptr<TaskKind> shell_;
};

}  // namespace

TaskEntry ShellSensorEntry(std::map<std::string, std::string> environment) {
  return {
      [shell = ShellEntry(std::move(environment))] { return std::make_unique<ShellSensor>(shell.make()); }};
}

}  // namespace millrace::tasks
