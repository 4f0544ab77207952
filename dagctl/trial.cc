#include "dagctl/trial.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <ostream>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/model/yaml.h"
#include "dagctl/cluster.h"
#include "dagctl/commands.h"
#include "dagctl/dag_files.h"
#include "dagctl/offline.h"

namespace millrace::dagctl {
namespace {

namespace fs = std::filesystem;

constexpr Duration kProgressLook = std::chrono::milliseconds(50);
constexpr Duration kLoadTime = std::chrono::seconds(60);
constexpr std::size_t kMostInstances = 100'000;
// Later than any schedule looks; a run by hand does not ask.
constexpr const char* kNever = "2999-01-01";

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Value::Map Without(const Value::Map& map, std::initializer_list<std::string_view> names) {
  Value::Map kept;
  for (const Value::Member& member : map) {
    if (!IsOneOf(member.first, names)) kept.push_back(member);
  }
  return kept;
}

// The entry of the task, in the groups that it is in; nothing else.
Value::List Only(const Value::List& entries, const std::string& task, const std::string& prefix) {
  for (const Value& entry : entries) {
    if (!entry.is_map()) continue;
    const std::string group = Text(entry, "group");
    if (group.empty()) {
      if (prefix + Text(entry, "id") != task) continue;
      return {Value(Without(entry.as_map(), {"needs", "trigger_rule"}))};
    }
    Value::List inner = Only(ListIn(entry, "tasks"), task, prefix + group + ".");
    if (inner.empty()) continue;
    Value kept = Without(entry.as_map(), {"needs", "tasks"});
    kept.Set("tasks", Value(std::move(inner)));
    return {std::move(kept)};
  }
  return {};
}

// The DAG that is meant.
StatusOr<DagPtr> Find(const TrialOptions& options, const ZoneDatabase& zones) {
  std::error_code error;
  if (fs::is_regular_file(options.dag, error) || fs::is_regular_file(FolderOf(options.dag), error)) {
    const std::string folder = options.folder.empty() ? FolderOf(options.dag) : options.folder;
    ASSIGN_OR_RETURN(const std::vector<DagPtr> dags, LoadFiles({options.dag}, folder, zones));
    std::string known;
    for (const DagPtr& dag : dags) {
      if (dag->id == options.dag_id || (options.dag_id.empty() && dags.size() == 1)) return dag;
      known += (known.empty() ? "" : ", ") + dag->id;
    }
    return InvalidArgument(
        options.dag + " defines " + (known.empty() ? "no DAG" : known) +
        (options.dag_id.empty() ? "; say which: --dag-id" : ", but not " + options.dag_id));
  }
  const std::string folder = options.folder.empty() ? "dags" : options.folder;
  if (!fs::is_directory(folder, error))
    return NotFound(options.dag + " is no file, and there is no DAG folder " + folder + " (--dags)");
  ASSIGN_OR_RETURN(const std::vector<DagPtr> dags, LoadFiles({folder}, folder, zones));
  for (const DagPtr& dag : dags) {
    if (dag->id == options.dag) return dag;
  }
  return NotFound("no DAG " + options.dag + " in the folder " + folder);
}

std::string Seconds(const Value& task) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", Number(task, "duration"));
  return text;
}

// What came of a run, as it comes.
class Watch {
 public:
  Watch(RestClient& client, Output& output, std::string dag, std::string run, Pass pass)
      : client_(client),
        output_(output),
        dag_(std::move(dag)),
        run_(std::move(run)),
        pass_(std::move(pass)) {}

  // The run's state, when it has ended.
  StatusOr<std::string> UntilEnd() {
    while (true) {
      ASSIGN_OR_RETURN(const Value run, client_.Get(RunPath(dag_, run_)));
      ASSIGN_OR_RETURN(Value::List listed,
                       client_.All(RunPath(dag_, run_) + "/taskInstances", "task_instances", {}, kMostInstances));
      tasks_ = NamedByIndex(std::move(listed));
      for (const Value& task : tasks_) RETURN_IF_ERROR(Tell(task));
      const std::string state = Text(run, "state");
      if (state == "success" || state == "failed") return state;
      RETURN_IF_ERROR(pass_(kProgressLook));
    }
  }

  // For programs: a row a task instance, with the log of its last try.
  Status ShowRows() {
    for (Value& task : tasks_) {
      std::string log;
      if (Number(task, "try_number") > 0) {
        ASSIGN_OR_RETURN(log, LogOf(Text(task, "task_id"), static_cast<int>(Number(task, "try_number"))));
      }
      task.Set("log", log);
    }
    output_.Rows({{"task_id", "TASK"},
                  {"state", "STATE"},
                  {"try_number", "TRY"},
                  {"duration", "SECONDS"},
                  {"note", "NOTE"},
                  {"log", "LOG"}},
                 tasks_);
    return OkStatus();
  }

 private:
  // Each try when it has ended, and a task that ends without one.
  Status Tell(const Value& task) {
    if (output_.format() != Format::kTable) return OkStatus();
    const std::string name = Text(task, "task_id");
    const std::string state = Text(task, "state");
    const int tries = static_cast<int>(Number(task, "try_number"));
    const bool over = IsOneOf(state, {"success", "failed", "skipped", "upstream_failed", "removed"});
    int& told = told_[name];
    for (int next = told + 1; next <= (over || state == "up_for_retry" ? tries : tries - 1); ++next) {
      told = next;
      const bool last = over && next == tries;
      std::string head = name + "  " + (last ? state : EndOfTry(name, next));
      if (tries > 1) head += ", try " + std::to_string(next);
      if (last && state != "skipped") head += ", " + Seconds(task);
      if (last) ended_.insert(name);
      output_.Say(head + (last ? Note(task) : ""));
      ASSIGN_OR_RETURN(const std::string log, LogOf(name, next));
      std::istringstream lines(log);
      for (std::string line; std::getline(lines, line);) output_.Say("  | " + line);
    }
    if (over && ended_.insert(name).second) output_.Say(name + "  " + state + Note(task));
    output_.stream() << std::flush;
    return OkStatus();
  }

  // Of one that another followed: it failed, or was an iteration of a loop.
  std::string EndOfTry(const std::string& task, int try_number) {
    const StatusOr<Value> tried =
        client_.Get(TaskPath(dag_, run_, task) + "/tries/" + std::to_string(try_number));
    return tried.ok() && Text(*tried, "state") == "success" ? "success, an iteration of its loop"
                                                            : "failed, to be tried again";
  }

  static std::string Note(const Value& task) {
    const std::string note = Text(task, "note");
    return note.empty() ? "" : ": " + note;
  }

  StatusOr<std::string> LogOf(const std::string& task, int try_number) {
    std::ostringstream text;
    Output into(text, Format::kTable, false);
    Context context{client_, into, nullptr};
    const Status read =
        TaskLogs(context, {.dag_id = dag_, .run_id = run_, .task_id = task, .try_number = try_number});
    // What no worker ran has none.
    if (!read.ok() && read.code() != Code::kNotFound) return read;
    return text.str();
  }

  RestClient& client_;
  Output& output_;
  const std::string dag_, run_;
  const Pass pass_;
  Value::List tasks_;
  std::map<std::string, int> told_;  // of each task instance, how many tries
  std::set<std::string> ended_;
};

// Until the scheduler has loaded it.
Status AwaitDag(RestClient& client, const std::string& dag_id, const Pass& pass) {
  for (Duration waited{0};; waited += kProgressLook) {
    const Status known = client.Get(DagPath(dag_id)).status();
    if (known.ok() || known.code() != Code::kNotFound) return known;
    if (waited < kLoadTime) {
      RETURN_IF_ERROR(pass(kProgressLook));
      continue;
    }
    return DeadlineExceeded("the scheduler does not load the DAG " + dag_id);
  }
}

StatusOr<Value> Start(RestClient& client, const TrialOptions& options, const Dag& dag,
                      const ZoneDatabase& zones, WallTime now) {
  const StatusOr<Value> conf = ParseJson(options.conf);
  if (!conf.ok() || !conf->is_map()) return InvalidArgument("--conf is not a JSON object");
  WallTime date = now;
  if (!options.date.empty()) {
    ASSIGN_OR_RETURN(const Zone* zone, zones.Find(dag.schedule.timezone));
    const StatusOr<WallTime> written = ParseTime(options.date, *zone);
    if (!written.ok()) return written.status().WithContext("the date");
    date = *written;
  }
  return client.Post(DagPath(dag.id) + "/dagRuns",
                     Value::Map{{"logical_date", FormatTime(date)}, {"conf", *conf}});
}

}  // namespace

StatusOr<std::string> TrialFile(const std::string& text, const std::string& dag_id, const std::string& task) {
  const YamlText yaml = ParseYaml(text);
  const auto document = std::find_if(yaml.documents.begin(), yaml.documents.end(), [&](const Value& one) {
    return one.is_map() && Text(one, "dag_id") == dag_id;
  });
  if (document == yaml.documents.end()) return NotFound("DAG not found: " + dag_id);
  Value alone = Without(document->as_map(), {"start_date", "end_date", "catchup", "is_paused_upon_creation", "max_dag_retries"});
  alone.Set("start_date", kNever);
  if (!task.empty()) {
    Value::List only = Only(ListIn(alone, "tasks"), task, "");
    if (only.empty()) return NotFound("DAG " + dag_id + " has no task: " + task);
    alone.Set("tasks", Value(std::move(only)));
  }
  return ToJson(alone) + "\n";
}

Status TryDag(const TrialOptions& options, Output& output, const Clock& clock, const ZoneDatabase& zones,
              bool& failed) {
  ASSIGN_OR_RETURN(const DagPtr dag, Find(options, zones));
  std::vector<DagFile> files = dag->files;
  const std::string& id = dag->id;
  ASSIGN_OR_RETURN(std::string alone, TrialFile(dag->source, id, options.task));
  RETURN_IF_ERROR(DagOfText(alone, id, zones).status());  // what a task alone lacks is said here
  files.push_back({id + ".json", std::move(alone)});
  std::error_code error;
  const std::string root = fs::absolute(options.root, error).lexically_normal().string();
  const StopSignals signals;
  LocalCluster cluster(clock, signals);
  ASSIGN_OR_RETURN(const Login login, cluster.Start(root, 1, options.slots, files));
  RestClient client(login.url, login.token);
  const Pass pass = [&](Duration duration) -> Status {
    if (signals.Asked(duration)) return Cancelled("stopped");
    return cluster.children().CheckAlive();
  };
  RETURN_IF_ERROR(AwaitDag(client, id, pass));
  ASSIGN_OR_RETURN(const Value run, Start(client, options, *dag, zones, clock.now().wall));
  Watch watch(client, output, id, Text(run, "dag_run_id"), pass);
  const StatusOr<std::string> ended = watch.UntilEnd();
  if (ended.status().code() == Code::kCancelled) {
    (void)client.Patch(RunPath(id, Text(run, "dag_run_id")), Value::Map{{"state", "failed"}});
    AwaitIdle(client, pass);
  }
  ASSIGN_OR_RETURN(const std::string state, ended);
  failed = state == "failed";
  if (output.format() != Format::kTable) return watch.ShowRows();
  output.Say("\n" + id + "  " + state);
  return OkStatus();
}

}  // namespace millrace::dagctl
