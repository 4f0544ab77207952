// What people do in a world, and when.
#include <algorithm>
#include <iterator>
#include <utility>

#include "tests/sim/dags.h"
#include "tests/sim/world.h"

namespace millrace::sim {

void World::ScheduleUsers() {
  const int count = 20 + random_.Below(20);
  for (int i = 0; i < count; ++i) {
    timeline_.After(random_.Between(Duration(0), kFaultyTime), [this] { CommandOfUser(); });
  }
}

void World::CommandOfUser() {
  const Dag& dag = *dags_[static_cast<std::size_t>(random_.Below(static_cast<int>(dags_.size())))];
  const std::string run = "r" + std::to_string(1 + random_.Below(next_run_));
  if (!faults_.users || random_.Chance(50)) {
    TriggerRun trigger;
    trigger.dag_id = dag.id;
    trigger.run_id = random_.Chance(10) ? run : "r" + std::to_string(next_run_++);
    Submit(trigger);
    return;
  }
  const std::string& task =
      dag.tasks[static_cast<std::size_t>(random_.Below(static_cast<int>(dag.tasks.size())))].id;
  // Whatever comes of it, attempts of that run may be stopping while others start.
  if (const millrace::Run* found = rows_.FindRun(dag.id, run); found != nullptr)
    invariants_.Touched(found->key);
  switch (random_.Below(17)) {
    case 0:
      Submit(CancelRun{dag.id, run, "ana"});
      break;
    case 1:
      Submit(ClearTasks{.dag_id = dag.id,
                        .run_id = run,
                        .task_ids = {task},
                        .only_failed = random_.Chance(50),
                        .user = "ana",
                        .refresh_cache = random_.Chance(20)});
      break;
    case 2:
      Submit(
          MarkTask{dag.id, run, task, random_.Chance(50) ? TaskState::kSuccess : TaskState::kFailed, "ana"});
      break;
    case 3:
      Submit(SetPaused{dag.id, true, "ana"});
      break;
    case 4:
      Submit(MarkRun{dag.id, run, random_.Chance(50) ? RunState::kSuccess : RunState::kFailed, "ana"});
      break;
    case 5:
      Submit(DeleteRun{dag.id, run, "ana"});
      break;
    case 6:
      Submit(BackfillOfUser());
      break;
    case 7:
      Submit(ChangeBackfill{1 + random_.Below(4), static_cast<BackfillAction>(random_.Below(3)), "ana"});
      break;
    case 8:
    case 9:
      AnswerOfUser();
      break;
    case 10:
      ChangeDag();
      break;
    case 11:
    case 12:
      FollowVersion();
      break;
    case 13:
    case 14:
      Submit(SetTaskPaused{dag.id, GroupOrTask(dag, task), true, "ana"});
      break;
    case 15:
      Submit(SetTaskPaused{dag.id, GroupOrTask(dag, task), false, "ana"});
      break;
    default:
      Submit(SetPaused{dag.id, false, "ana"});
      break;
  }
}

std::string World::GroupOrTask(const Dag& dag, const std::string& task) {
  return dag.groups.empty() || random_.Chance(70) ? task : dag.groups[0].id;
}

void World::ChangeDag() {
  for (DagPtr& dag : dags_) {
    if (dag->id != "changes") continue;
    dag = Changed(random_.Below(kVersions));
    if (scheduler_ != nullptr) (void)scheduler_->inbox.Put(DagLoaded{dag});
  }
  Wake(Duration(0));
}

// A run gets what its DAG has become.
void World::FollowVersion() {
  std::vector<const millrace::Run*> runs;
  for (const auto& [key, run] : rows_.runs) {
    if (run.dag_id == "changes") runs.push_back(&run);
  }
  if (runs.empty()) return;
  const millrace::Run& run = *runs[static_cast<std::size_t>(random_.Below(static_cast<int>(runs.size())))];
  invariants_.Touched(run.key);
  ClearTasks clear{.dag_id = run.dag_id, .run_id = run.run_id, .user = "ana"};
  clear.only_new = random_.Chance(70);
  clear.latest_version = !clear.only_new;
  Submit(std::move(clear));
}

// To any question, also one that was answered, or is no longer asked.
void World::AnswerOfUser() {
  if (rows_.approvals.empty()) return;
  auto any = rows_.approvals.begin();
  std::advance(any, random_.Below(static_cast<int>(rows_.approvals.size())));
  const TaskInstance& instance = rows_.instances.at(any->first.first);
  const millrace::Run& run = rows_.runs.at(instance.key.run);
  const DagPtr dag = rows_.DagOf(run);
  AnswerApproval answer;
  answer.dag_id = run.dag_id;
  answer.run_id = run.run_id;
  answer.task_id = dag->tasks[static_cast<std::size_t>(instance.task())].id;
  answer.chosen_options = {random_.Chance(60) ? "Approve" : "Reject"};
  answer.user = "ana";
  Submit(std::move(answer));
}

// Of the only DAG that has dates; its runs are run again whatever state they are in.
CreateBackfill World::BackfillOfUser() {
  CreateBackfill create;
  create.backfill.dag_id = "minutely";
  create.backfill.from = WallFromMicros(983'404'800'000'000) - std::chrono::minutes(6);
  create.backfill.to = create.backfill.from + std::chrono::minutes(random_.Below(9));
  create.backfill.reprocess = static_cast<Reprocess>(random_.Below(3));
  create.backfill.run_backwards = random_.Chance(30);
  create.backfill.max_active_runs = 1 + random_.Below(3);
  return create;
}

}  // namespace millrace::sim
