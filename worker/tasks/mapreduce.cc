#include "worker/tasks/mapreduce.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "core/model/json.h"
#include "core/spec/mapreduce_spec.h"
#include "platform/failpoint/failpoint.h"
#include "worker/mapreduce/plan.h"
#include "worker/mapreduce/publish_task.h"
#include "worker/mapreduce/stage_task.h"
#include "worker/shuffle/fetcher.h"
#include "worker/shuffle/grpc.h"
#include "worker/shuffle/local.h"
#include "worker/tasks/files.h"
#include "worker/tasks/process.h"

namespace millrace::tasks {
namespace {

constexpr std::chrono::milliseconds kCancelAgain{20};

Outcome OutcomeOf(Code code) {
  switch (code) {
    case Code::kCancelled: return Outcome::kKilled;
    case Code::kInvalidArgument:
    case Code::kUnimplemented: return Outcome::kFailFinal;
    default: return Outcome::kFailed;
  }
}

// DuckDB's own words, or ours; a disk that is full has the same code.
bool OutOfMemory(const Status& status) {
  return status.code() == Code::kResourceExhausted && (status.message().find("Out of Memory") != std::string::npos ||
                                                       status.message().find("Out of memory") != std::string::npos);
}

TaskEnd Failed(TaskContext& context, const Status& status) {
  context.Log(status.message() + "\n");
  return {.outcome = OutcomeOf(status.code()),
          .message = mapreduce::OneLine(status.message()),
          .error_class = OutOfMemory(status) ? kOutOfMemory : ""};
}

template <typename Result>
TaskEnd EndWith(TaskContext& context, StatusOr<Result> result) {
  if (!result.ok()) return Failed(context, result.status());
  return {.stage = *std::move(result)};
}

// Commands find what shell tasks find; their own sort agrees with the order of keys.
std::vector<std::string> EnvironmentOf(const TaskContext& context, std::map<std::string, std::string> environment,
                                       const std::string& files) {
  const Assignment& assignment = context.assignment();
  environment.insert({{"PATH", kProgramPath}, {"HOME", "/"}});
  environment["LC_ALL"] = "C";
  environment["TMPDIR"] = context.scratch();
  environment["MILLRACE_ROOT"] = context.root();
  environment["MILLRACE_FILES"] = files;
  environment["MILLRACE_FENCE"] = ToString(assignment.fence);
  for (const auto& [name, value] : assignment.environment) environment[name] = value;
  std::vector<std::string> list;
  for (const auto& [name, value] : environment) list.push_back(name + "=" + value);
  return list;
}

}  // namespace

TaskEnd MapReduceTask::Run(TaskContext& context) {
  TaskEnd end = Dispatch(context);
  const std::lock_guard lock(mutex_);
  canceller_ = {};
  return end;
}

void MapReduceTask::Cancel() {
  const std::lock_guard lock(mutex_);
  if (canceller_.joinable()) return;
  canceller_ = std::jthread([this](const std::stop_token& stop) {
    std::mutex own;
    std::unique_lock waiting(own);
    while (!stop.stop_requested()) {
      cancellation_.Cancel();
      wake_.wait_for(waiting, stop, kCancelAgain, [] { return false; });
    }
  });
}

StatusOr<mapreduce::Site> MapReduceTask::MakeSite(TaskContext& context) {
  const Assignment& assignment = context.assignment();
  ASSIGN_OR_RETURN(const Value with, ParseJson(assignment.with));
  mapreduce::Site site;
  ASSIGN_OR_RETURN(site.spec, ParseRenderedMapReduce(with));
  site.root = context.root();
  site.scratch = context.scratch();
  site.job_scratch = assignment.stage->folder.empty() ? site.scratch : std::filesystem::path(site.scratch).parent_path().string();
  site.instances = workplace_.instances;
  site.threads = std::max(1, assignment.slots);
  // Attempts of a job share its runner, and the runner's memory by their slots.
  const std::int64_t runner_threads = std::max(workplace_.threads, site.threads);
  site.memory_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(workplace_.memory_bytes, 0) / runner_threads * site.threads);
  site.fence = assignment.fence;
  site.job = assignment.stage->job;
  site.job_folder = assignment.stage->folder;
  site.log = [&context](std::string_view text) { context.Log(text); };
  site.cancellation = &cancellation_;
  if (HasNativeCode(site.spec)) {
    site.command_folder = site.scratch + "/files";
    std::error_code error;
    std::filesystem::create_directories(site.command_folder, error);
    if (error) return ErrnoStatus(error.value(), "make " + site.command_folder);
    RETURN_IF_ERROR(LayOutFiles(context, site.command_folder));
    site.environment = EnvironmentOf(context, environment_, site.command_folder);
  }
  return site;
}

TaskEnd MapReduceTask::Dispatch(TaskContext& context) {
  const Assignment& assignment = context.assignment();
  if (assignment.stage == nullptr) return Failed(context, Internal("a mapreduce attempt without a stage"));
  const StatusOr<mapreduce::Site> site = MakeSite(context);
  if (!site.ok()) return Failed(context, site.status());
  const auto& work = assignment.stage->work;
  if (const auto* task = std::get_if<StageTaskWork>(&work)) return RunStage(context, *site, *task);
  if (const auto* fused = std::get_if<FusedWork>(&work)) return EndWith(context, mapreduce::RunFusedTask(*site, *fused));
  if (const auto* publish = std::get_if<PublishWork>(&work)) {
    return EndWith(context, mapreduce::RunPublishTask(*site, *publish, {workplace_.scheduler, assignment.dag_id, assignment.run_id, assignment.task_id}));
  }
  return Plan(context, *site);
}

TaskEnd MapReduceTask::Plan(TaskContext& context, const mapreduce::Site& site) {
  StatusOr<JobPlan> plan = mapreduce::MakePlan(site);
  if (!plan.ok()) return Failed(context, plan.status());
  Failpoint("plan.made");
  for (const InputFacts& input : plan->inputs) {
    site.Log("input " + input.name + ": " + std::to_string(input.paths.size()) + " " + input.format + " files, " +
             std::to_string(input.bytes) + " bytes, " + (input.broadcast ? "broadcast" : "split") +
             (input.reader_reason.empty() ? "" : ", read by DuckDB's reader: " + input.reader_reason));
  }
  return {.stage = PlanResult{.plan = *std::move(plan), .decisions = {}}};
}

TaskEnd MapReduceTask::RunStage(TaskContext& context, const mapreduce::Site& site, const StageTaskWork& work) {
  shuffle::LocalFetcher local(workplace_.shuffle_secret);
  shuffle::GrpcFetcher remote(workplace_.shuffle_secret);
  shuffle::HostFetcher fetcher(workplace_.host_identity, workplace_.local_shuffle ? &local : nullptr, remote);
  StatusOr<mapreduce::StageTaskOutput> output = mapreduce::RunStageTask(site, work, fetcher);
  if (!output.ok()) return Failed(context, output.status());
  const auto local_bytes = static_cast<std::int64_t>(fetcher.local_bytes());
  const auto fetched_bytes = static_cast<std::int64_t>(fetcher.fetched_bytes());
  if (auto* map = std::get_if<MapResult>(&output->result)) {
    map->local_bytes = local_bytes;
    map->fetched_bytes = fetched_bytes;
    return HandOver(context, site, work, *std::move(output));
  }
  auto& reduced = std::get<ReduceResult>(output->result);
  reduced.local_bytes = local_bytes;
  reduced.fetched_bytes = fetched_bytes;
  if (reduced.lost_maps.empty()) return {.stage = std::move(reduced)};
  TaskEnd end{.outcome = Outcome::kFailed, .message = "map outputs are lost:"};
  for (const LostOutput& lost : reduced.lost_maps) end.message += " " + std::to_string(lost.stage) + "/" + std::to_string(lost.map_index);
  context.Log(end.message + "\n");
  end.stage = std::move(reduced);
  return end;
}

TaskEnd MapReduceTask::HandOver(TaskContext& context, const mapreduce::Site& site, const StageTaskWork& work,
                                mapreduce::StageTaskOutput output) {
  Failpoint("map.written");
  // The agent keeps the blocks before anybody hears that they are there.
  const Status sent = workplace_.blocks->Send(site.job, work.stage, work.index, site.fence,
                                              static_cast<std::int64_t>(output.blocks->bytes), output.blocks->file.get());
  if (!sent.ok()) return Failed(context, sent);
  Failpoint("map.handed_over");
  MapOutput& blocks = std::get<MapResult>(output.result).output;
  blocks.shuffle_address = workplace_.shuffle_address;
  blocks.shuffle_socket = workplace_.shuffle_socket;
  blocks.host_identity = workplace_.host_identity;
  return {.stage = std::move(output.result)};
}

TaskEntry MapReduceEntry(const Workplace& workplace, std::map<std::string, std::string> environment) {
  return {[&workplace, environment = std::move(environment)] { return std::make_unique<MapReduceTask>(workplace, environment); }};
}

}  // namespace millrace::tasks
