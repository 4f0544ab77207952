#include "dagctl/cluster.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "core/model/value.h"

namespace millrace::dagctl {
namespace {

namespace fs = std::filesystem;

constexpr Duration kStartTime = std::chrono::seconds(60);
constexpr Duration kStartLook = std::chrono::milliseconds(5);
constexpr Duration kIdleTime = std::chrono::seconds(10);
constexpr Duration kIdleLook = std::chrono::milliseconds(20);

// Asks until it is true. `what` did not happen, otherwise.
Status Await(const Clock& clock, const StopSignals& signals, Children& children, const std::string& what,
             const std::function<bool()>& happened) {
  const BootTime until = clock.now().boot + kStartTime;
  while (clock.now().boot < until) {
    RETURN_IF_ERROR(children.CheckAlive());
    if (happened()) return OkStatus();
    if (signals.Asked(kStartLook)) return Cancelled("stopped while starting");
  }
  return DeadlineExceeded(what);
}

std::size_t Joined(RestClient& client) {
  const StatusOr<Value> answer = client.Get("/millrace/v1/workers");
  const Value* list = answer.ok() ? answer->Find("workers") : nullptr;
  if (list == nullptr || !list->is_list()) return 0;
  return static_cast<std::size_t>(
      std::count_if(list->as_list().begin(), list->as_list().end(), [](const Value& worker) {
        const Value* state = worker.Find("state");
        return state != nullptr && *state == Value("online");
      }));
}

// Each worker takes half of the machine when it is not told: all of them together do.
std::string MemoryOfEach(int workers) {
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  return std::to_string(pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE)) / 2 /
                        static_cast<std::uint64_t>(workers));
}

}  // namespace

StatusOr<Login> StartCluster(const ClusterOptions& options, const Clock& clock, const StopSignals& signals,
                             Children& children) {
  ASSIGN_OR_RETURN(const std::string scheduler, Beside("millrace-scheduler"));
  ASSIGN_OR_RETURN(const std::string worker, Beside("millrace-worker"));
  std::error_code error;
  fs::create_directories(options.state, error);
  fs::permissions(options.state, fs::perms::owner_all, error);
  if (error) return ErrnoStatus(error.value(), "make the state folder " + options.state);
  const std::string state = fs::absolute(options.state).string();
  fs::remove(state + "/endpoints.json", error);

  std::vector<std::string> arguments = {"--state",  state,
                                        "--listen", "127.0.0.1:" + std::to_string(options.port),
                                        "--grpc",   "127.0.0.1:0"};
  const std::string dags = options.dags.empty() && options.dag_bundles.empty() ? "dags" : options.dags;
  if (!dags.empty()) arguments.insert(arguments.end(), {"--dags", fs::absolute(dags).string()});
  if (!options.dag_bundles.empty())
    arguments.insert(arguments.end(), {"--dag-bundles", fs::absolute(options.dag_bundles).string()});
  if (options.max_map_length > 0)
    arguments.insert(arguments.end(), {"--max-map-length", std::to_string(options.max_map_length)});
  for (const auto& [flag, value] : {std::pair("--lineage-url", options.lineage_url),
                                    std::pair("--lineage-connection", options.lineage_connection),
                                    std::pair("--lineage-namespace", options.lineage_namespace)}) {
    if (!value.empty()) arguments.insert(arguments.end(), {flag, value});
  }
  if (!options.webui.empty())
    arguments.insert(arguments.end(), {"--webui", fs::absolute(options.webui).string()});
  RETURN_IF_ERROR(
      children.Start("millrace-scheduler", scheduler, std::move(arguments), state + "/scheduler.log"));
  // Written when all of its ports are open.
  RETURN_IF_ERROR(Await(clock, signals, children, "the scheduler does not serve",
                        [&] { return HttpAddress(state).ok(); }));
  ASSIGN_OR_RETURN(const std::string grpc, GrpcAddress(state));
  for (int i = 1; i <= options.workers; ++i) {
    const std::string name = "w" + std::to_string(i);
    RETURN_IF_ERROR(children.Start(
        "millrace-worker " + name, worker,
        {"--scheduler", grpc, "--token-file", state + "/worker.token", "--name", name, "--slots",
         std::to_string(options.slots), "--memory", MemoryOfEach(options.workers), "--root",
         fs::absolute(options.root).string(), "--folder", state + "/workers/" + name},
        state + "/" + name + ".log"));
  }
  return FindLogin({}, state);
}

Status AwaitWorkers(const Login& login, int workers, const Clock& clock, const StopSignals& signals,
                    Children& children) {
  RestClient client(login.url, login.token);
  return Await(clock, signals, children, "the workers do not join",
               [&] { return Joined(client) >= static_cast<std::size_t>(workers); });
}

void AwaitIdle(RestClient& client, const Pass& pass) {
  for (Duration waited{0}; waited < kIdleTime; waited += kIdleLook) {
    const StatusOr<Value> answer = client.Get("/millrace/v1/workers");
    const Value* workers = answer.ok() ? answer->Find("workers") : nullptr;
    if (workers == nullptr || !workers->is_list()) return;
    const bool idle = std::all_of(workers->as_list().begin(), workers->as_list().end(), [](const Value& one) {
      const Value* attempts = one.Find("attempts");
      return attempts == nullptr || *attempts == Value(0);
    });
    if (idle || !pass(kIdleLook).ok()) return;
  }
}

StatusOr<Login> LocalCluster::Start(const std::string& root, int workers, int slots,
                                    const std::vector<DagFile>& dags) {
  std::error_code error;
  std::string folder = (fs::temp_directory_path(error) / "millrace-XXXXXX").string();
  if (error || ::mkdtemp(folder.data()) == nullptr)
    return ErrnoStatus(error ? error.value() : errno, "make a temporary folder");
  folder_ = folder;
  root_ = root;
  fs::create_directory(folder_ + "/dags", error);
  if (error) return ErrnoStatus(error.value(), "make " + folder_ + "/dags");
  for (const DagFile& file : dags) {
    const fs::path path = fs::path(folder_ + "/dags") / file.path;
    fs::create_directories(path.parent_path(), error);
    std::ofstream stream(path, std::ios::binary);
    stream << file.content;
    stream.close();
    if (!stream) return Internal("cannot be written: " + path.string());
  }
  ASSIGN_OR_RETURN(Login login, StartCluster({.state = folder_ + "/state",
                                              .dags = folder_ + "/dags",
                                              .root = root,
                                              .workers = workers,
                                              .slots = slots},
                                             clock_, signals_, children_));
  RETURN_IF_ERROR(AwaitWorkers(login, workers, clock_, signals_, children_));
  return login;
}

LocalCluster::~LocalCluster() {
  children_.StopAll();
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
  // Workers stage their outputs there; another scheduler's may, too: then it is not empty and stays.
  if (!root_.empty() && fs::remove(root_ + "/.millrace/staging", ignored))
    fs::remove(root_ + "/.millrace", ignored);
}

}  // namespace millrace::dagctl
