#include "worker/tasks/empty.h"

namespace millrace::tasks {
namespace {

class Empty final : public TaskKind {
 public:
  TaskEnd Run(TaskContext&) override { return {}; }
  void Cancel() override {}
};

}  // namespace

TaskEntry EmptyEntry() {
  return {[] { return std::make_unique<Empty>(); }, true};
}

}  // namespace millrace::tasks
