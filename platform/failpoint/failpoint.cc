#include "platform/failpoint/failpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <map>
#include <string_view>
#include <vector>

namespace millrace::failpoint {

std::atomic<bool> armed = false;

namespace {

// Every name in the source, in the order in which a task meets them.
constexpr std::array kNames = {
    // The scheduler.
    "store.after_term", "store.before_write", "store.before_commit", "store.after_commit",
    "store.before_checkpoint", "store.after_checkpoint", "gateway.before_welcome", "gateway.after_welcome",
    "gateway.before_assign", "gateway.after_assign", "gateway.report_received", "gateway.before_ack",
    "gateway.after_ack", "gateway.before_job_ended", "gateway.after_job_ended", "gateway.before_log",
    "gateway.after_log",
    // The worker's agent.
    "agent.assigned", "agent.before_keep", "agent.after_keep", "agent.before_report", "agent.after_report",
    "agent.acknowledged",
    // A runner.
    "task.before_start", "task.before_report", "task.after_report", "plan.made", "map.rows", "map.written",
    "map.handed_over", "reduce.fetched", "reduce.merged", "reduce.staged", "lake.before_seal",
    "lake.after_seal", "lake.before_fence", "lake.after_fence", "lake.linked", "lake.before_manifest",
    "lake.after_manifest", "lake.before_rename", "lake.after_rename", "lake.after_exchange", "lake.published",
    "publish.dropped", "load.before_commit", "load.after_commit", "load.checkpointed"};

enum class Action { kCount, kKill, kKillParent, kStop };

struct Planned {
  Action action = Action::kCount;
  std::int64_t at = 0;  // the hit, of all processes that share the folder
};

struct Plan {
  std::string folder;
  bool count_all = false;
  std::map<std::string, std::vector<Planned>, std::less<>> points;
};

// Written by Arm, before there are threads; then read. Never freed: a detached thread may hit on while the
// process ends.
Plan& ThePlan() {
  static Plan* const plan = new Plan();
  return *plan;
}

Status Wrong(std::string_view entry, std::string_view why) {
  return InvalidArgument(std::string(kVariable) + ": " + std::string(entry) + ": " + std::string(why));
}

StatusOr<Planned> ParseAction(std::string_view entry, std::string_view text) {
  Planned planned{.at = 1};
  const std::size_t at = text.find('@');
  if (at != std::string_view::npos) {
    const std::string_view number = text.substr(at + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), planned.at);
    if (error != std::errc() || end != number.data() + number.size() || planned.at < 1)
      return Wrong(entry, "no number of a hit");
    text = text.substr(0, at);
  }
  const std::map<std::string_view, Action> actions = {{"count", Action::kCount},
                                                      {"kill", Action::kKill},
                                                      {"kill-parent", Action::kKillParent},
                                                      {"stop", Action::kStop}};
  const auto found = actions.find(text);
  if (found == actions.end())
    return Wrong(entry, "no action (count, kill, kill-parent, stop; @N for the N-th hit)");
  planned.action = found->second;
  return planned;
}

Status ParseEntry(std::string_view entry, Plan& plan) {
  const std::size_t equals = entry.find('=');
  const std::string_view name = entry.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : entry.substr(equals + 1);
  if (name == "folder") {
    plan.folder = value;
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const Planned planned, ParseAction(entry, value));
  if (name == "*") {
    if (planned.action != Action::kCount) return Wrong(entry, "all points together can only be counted");
    plan.count_all = true;
    return OkStatus();
  }
  if (std::find(kNames.begin(), kNames.end(), name) == kNames.end())
    return Wrong(entry, "no failpoint has this name");
  plan.points[std::string(name)].push_back(planned);
  return OkStatus();
}

StatusOr<Plan> Parse(std::string_view text) {
  Plan plan;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    RETURN_IF_ERROR(ParseEntry(entry, plan));
  }
  struct stat facts {};
  if (plan.folder.empty() || ::stat(plan.folder.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) {
    return Wrong("folder=" + plan.folder, "must name a folder that is there: what fired is written into it");
  }
  return plan;
}

// A byte a hit. The offset after an append is this hit's number among all processes that share the folder,
// also those that are dead.
std::int64_t CountHit(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return 0;
  const bool written = ::write(file, ".", 1) == 1;
  const auto number = written ? static_cast<std::int64_t>(::lseek(file, 0, SEEK_CUR)) : 0;
  ::close(file);
  return number;
}

// Before the act: nobody can write afterwards.
void Record(const Plan& plan, const char* name, std::int64_t number) {
  const std::string line =
      std::string(name) + " " + std::to_string(number) + " " + std::to_string(::getpid()) + "\n";
  const int file = ::open((plan.folder + "/fired").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t written =
      ::write(file, line.data(), line.size());  // a missing line fails the test that waits for it
  ::close(file);
}

void Act(Action action) {
  if (action == Action::kStop) {
    ::raise(SIGSTOP);  // this thread takes it, so it goes no further
    return;
  }
  if (action == Action::kKillParent) ::kill(::getppid(), SIGKILL);
  ::kill(::getpid(), SIGKILL);
}

}  // namespace

StatusOr<std::string> Arm(char** environment) {
  const std::string prefix = std::string(kVariable) + "=";
  for (char** entry = environment; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with(prefix)) continue;
    ASSIGN_OR_RETURN(ThePlan(), Parse(text.substr(prefix.size())));
    armed.store(true, std::memory_order_relaxed);
    return std::string(text.substr(prefix.size()));
  }
  return std::string();
}

void Hit(const char* name) {
  const Plan& plan = ThePlan();
  const auto found = plan.points.find(name);
  if (found == plan.points.end() && !plan.count_all) return;
  const std::int64_t number = CountHit(plan.folder + "/" + name);
  if (found == plan.points.end()) return;
  for (const Planned& planned : found->second) {
    if (planned.action == Action::kCount || planned.at != number) continue;
    Record(plan, name, number);
    Act(planned.action);
  }
}

}  // namespace millrace::failpoint
