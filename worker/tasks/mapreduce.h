// The kind `mapreduce`: one attempt of a job (plan, stage task, fused, publish), as the assignment's stage says. The work is
// worker/mapreduce's; here is what it needs of the runner (folders, a share of the memory, blocks out, blocks in) and how its
// ends are told.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "worker/mapreduce/cancellation.h"
#include "worker/mapreduce/site.h"
#include "worker/mapreduce/stage_task.h"
#include "worker/tasks/registry.h"

namespace millrace::tasks {

class MapReduceTask final : public TaskKind {
 public:
  // `environment` is what every command finds, as for shell tasks. Both outlive the task.
  MapReduceTask(const Workplace& workplace, const std::map<std::string, std::string>& environment)
      : workplace_(workplace), environment_(environment) {}
  TaskEnd Run(TaskContext& context) override;
  // Interrupts until the attempt has ended, as DuckDB may miss one interrupt.
  void Cancel() override;

 private:
  TaskEnd Dispatch(TaskContext& context);
  StatusOr<mapreduce::Site> MakeSite(TaskContext& context);
  TaskEnd Plan(TaskContext& context, const mapreduce::Site& site);
  TaskEnd RunStage(TaskContext& context, const mapreduce::Site& site, const StageTaskWork& work);
  TaskEnd HandOver(TaskContext& context, const mapreduce::Site& site, const StageTaskWork& work, mapreduce::StageTaskOutput output);

  const Workplace& workplace_;
  const std::map<std::string, std::string>& environment_;
  mapreduce::Cancellation cancellation_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread canceller_;  // guarded by mutex_
};

TaskEntry MapReduceEntry(const Workplace& workplace, std::map<std::string, std::string> environment);

}  // namespace millrace::tasks
