#include "scheduler/api/context.h"

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

StatusOr<Located> Context::Locate(std::string_view dag_id, std::string_view run_id,
                                  std::string_view task_id) {
  Located located;
  ASSIGN_OR_RETURN(located.run, readers.runs.GetRun(std::string(dag_id), std::string(run_id)));
  ASSIGN_OR_RETURN(located.dag, readers.dags.GetVersion(located.run.dag_id, located.run.version));
  located.version = Version(located.run.dag_id, located.run.version);
  const std::int32_t index = located.dag->FindTask(task_id);
  if (index < 0) return NotFound("Task not found in " + located.run.dag_id + ": " + std::string(task_id));
  located.key = {located.run.key, index};
  return located;
}

StatusOr<Located> Context::LocateInstance(std::string_view dag_id, std::string_view run_id,
                                          std::string_view task_id, std::int32_t map_index) {
  ASSIGN_OR_RETURN(Located located, Locate(dag_id, run_id, task_id));
  if (!located.dag->tasks[static_cast<std::size_t>(located.key.index)].mapped()) {
    if (map_index >= 0) return NotFound("Task " + std::string(task_id) + " is not mapped");
    return located;
  }
  store::TaskInstanceFilter filter;
  filter.runs = {located.run.key};
  filter.task = located.key.index;
  filter.page.limit = kMaxMapped;
  ASSIGN_OR_RETURN(const auto instances, readers.task_instances.ListTaskInstances(filter));
  for (const TaskInstance& instance : instances.rows) {
    if (instance.map_index != map_index || instance.state == TaskState::kRemoved) continue;
    located.key = instance.key;
    return located;
  }
  return NotFound(map_index < 0 ? "Task instance is mapped, add the map_index value to the URL"
                                : "Task " + std::string(task_id) + " has no instance with map index " +
                                      std::to_string(map_index));
}

}  // namespace millrace::api
