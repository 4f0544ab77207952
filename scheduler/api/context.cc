#include "scheduler/api/context.h"

#include <algorithm>

#include "core/model/run_dag.h"

namespace millrace::api {
namespace {

constexpr int kMaxMapped = 100'000;  // instances of a mapped task that are looked through
constexpr std::size_t kKeptVersions = 1024;

// Waits for a callback that may come after the waiter has left, so the promise is shared.
template <typename Result>
StatusOr<Result> Await(Duration patience, const std::function<Status(std::function<void(Result)>)>& send) {
  auto promise = std::make_shared<std::promise<Result>>();
  std::future<Result> answer = promise->get_future();
  RETURN_IF_ERROR(send([promise](Result result) { promise->set_value(std::move(result)); }));
  if (answer.wait_for(patience) != std::future_status::ready) {
    return Unavailable("The scheduler did not answer in time; what was asked for may still come true");
  }
  return answer.get();
}

}  // namespace

CommandReply Context::Run(Command command) {
  if (!commands_.try_acquire()) return ResourceExhausted("Too many commands at once; try again");
  auto reply = Await<CommandReply>(patience_, [&](std::function<void(CommandReply)> done) {
    return inbox_.Submit(std::move(command), std::move(done));
  });
  commands_.release();
  if (!reply.ok()) return reply.status();
  return std::move(*reply);
}

void Context::Audit(const std::string& user, const std::string& action, const std::string& object) {
  // A full inbox loses the line, never the answer: the command itself is in the journal.
  const Status sent = inbox_.Submit(WriteRecords{{AuditRecord{clock.now().wall, user, action, object, "{}"}}},
                                    [](const CommandReply&) {});
  static_cast<void>(sent);
}

StatusOr<Answer> Context::Ask(Question question) {
  if (!questions_.try_acquire()) return ResourceExhausted("Too many questions at once; try again");
  auto answer = Await<Answer>(patience_, [&](std::function<void(Answer)> done) {
    return inbox_.Ask(std::move(question), std::move(done));
  });
  questions_.release();
  return answer;
}

std::optional<DagVersionRow> Context::Version(const std::string& dag_id, std::int32_t version) {
  const auto key = std::make_pair(dag_id, version);
  {
    const std::lock_guard lock(mutex_);
    const auto found = versions_.find(key);
    if (found != versions_.end()) return found->second;
  }
  auto rows = readers.dags.ListVersions(dag_id);
  if (!rows.ok()) return std::nullopt;
  std::optional<DagVersionRow> wanted;
  const std::lock_guard lock(mutex_);
  if (versions_.size() > kKeptVersions) versions_.clear();
  for (DagVersionRow& row : *rows) {
    if (row.version == version) wanted = row;
    versions_.insert_or_assign({row.dag_id, row.version}, std::move(row));
  }
  return wanted;
}

StatusOr<DagPtr> Context::DagOf(const millrace::Run& run) {
  ASSIGN_OR_RETURN(DagPtr version, readers.dags.GetVersion(run.dag_id, run.version));
  return DagOfRun(run, std::move(version));
}

StatusOr<Located> Context::Locate(std::string_view dag_id, std::string_view run_id,
                                  std::string_view task_id) {
  Located located;
  ASSIGN_OR_RETURN(located.run, readers.runs.GetRun(std::string(dag_id), std::string(run_id)));
  ASSIGN_OR_RETURN(located.dag, DagOf(located.run));
  located.version = Version(located.run.dag_id, located.run.version);
  located.place = located.dag->FindTask(task_id);
  if (located.place < 0)
    return NotFound("Task not found in " + located.run.dag_id + ": " + std::string(task_id));
  located.key = {located.run.key, located.place};
  if (!located.run.former_tasks) return located;
  // It need not stand where its task does.
  ASSIGN_OR_RETURN(const std::vector<TaskInstance> instances, InstancesOf(located));
  const auto first = std::find_if(instances.begin(), instances.end(),
                                  [](const TaskInstance& row) { return row.map_index <= 0; });
  if (first != instances.end()) located.key = first->key;
  return located;
}

// Those that were removed count only where nothing else is left.
StatusOr<std::vector<TaskInstance>> Context::InstancesOf(const Located& at) {
  store::TaskInstanceFilter filter;
  filter.runs = {at.run.key};
  filter.task = at.place;
  filter.page.limit = kMaxMapped;
  ASSIGN_OR_RETURN(auto listing, readers.task_instances.ListTaskInstances(filter));
  if (at.place < OwnTasks(at.run, *at.dag))
    std::erase_if(listing.rows, [](const TaskInstance& row) { return row.state == TaskState::kRemoved; });
  return std::move(listing.rows);
}

StatusOr<Located> Context::LocateInstance(std::string_view dag_id, std::string_view run_id,
                                          std::string_view task_id, std::int32_t map_index) {
  ASSIGN_OR_RETURN(Located located, Locate(dag_id, run_id, task_id));
  const bool mapped = located.dag->tasks[static_cast<std::size_t>(located.place)].mapped();
  if (!mapped && !located.run.former_tasks) {
    if (map_index >= 0) return NotFound("Task " + std::string(task_id) + " is not mapped");
    return located;
  }
  ASSIGN_OR_RETURN(const std::vector<TaskInstance> instances, InstancesOf(located));
  for (const TaskInstance& instance : instances) {
    if (instance.map_index != map_index) continue;
    located.key = instance.key;
    return located;
  }
  if (!mapped && map_index >= 0) return NotFound("Task " + std::string(task_id) + " is not mapped");
  return NotFound(map_index < 0 ? "Task instance is mapped, add the map_index value to the URL"
                                : "Task " + std::string(task_id) + " has no instance with map index " +
                                      std::to_string(map_index));
}

}  // namespace millrace::api
