// millrace-worker: offers this machine's slots to a scheduler. `millrace-worker runner` is the same program
// as a runner, started by the agent alone; under the name millrace-state it is what shell tasks ask their state store
// with. This file puts the parts together and knows nothing else.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include "platform/clock.h"
#include "platform/failpoint/failpoint.h"
#include "platform/log.h"
#include "worker/agent/agent.h"
#include "worker/agent/block_host.h"
#include "worker/lake/staging.h"
#include "worker/runner/launcher.h"
#include "worker/shuffle/host.h"
#include "worker/sql/instance.h"
#include "worker/tasks/check.h"
#include "worker/tasks/connection_test.h"
#include "worker/tasks/empty.h"
#include "worker/tasks/extract.h"
#include "worker/tasks/http.h"
#include "worker/tasks/load.h"
#include "worker/tasks/mapreduce.h"
#include "worker/tasks/notify.h"
#include "worker/tasks/python.h"
#include "worker/tasks/runner_program.h"
#include "worker/tasks/sensors.h"
#include "worker/tasks/shell.h"
#include "worker/tasks/sql.h"
#include "worker/tasks/state_command.h"
#include "worker/tasks/state_socket.h"

extern char** environ;

namespace millrace {
namespace {

// What commands and runners find of this process's environment; the rest stays here.
std::map<std::string, std::string> BaseEnvironment() {
  std::map<std::string, std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string name(text.substr(0, text.find('=')));
    for (const char* wanted :
         {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
      if (name == wanted) kept[name] = text.substr(std::min(text.size(), name.size() + 1));
    }
  }
  return kept;
}

// What commands of users find besides.
std::map<std::string, std::string> TaskEnvironment(const tasks::Workplace& workplace) {
  std::map<std::string, std::string> environment = BaseEnvironment();
  environment[tasks::kStateVariable] = workplace.folder + "/" + tasks::kStateCommand;
  return environment;
}

tasks::Registry MakeRegistry(const tasks::Workplace& workplace, const Clock& clock) {
  return {
      {"empty", tasks::EmptyEntry()},
      {"shell", tasks::ShellEntry(TaskEnvironment(workplace))},
      {"python", tasks::PythonEntry(TaskEnvironment(workplace), workplace.folder + "/environments")},
      {"http", {[] { return std::make_unique<tasks::HttpTask>(); }}},
      {"notify", {[&] { return std::make_unique<tasks::NotifyTask>(workplace, clock); }}},
      {"connection_test", {[&] { return std::make_unique<tasks::ConnectionTest>(workplace); }}},
      {"sql", {[&] { return std::make_unique<tasks::SqlTask>(workplace); }}},
      {"extract", {[&] { return std::make_unique<tasks::ExtractTask>(workplace); }}},
      {"load", {[&] { return std::make_unique<tasks::LoadTask>(workplace); }}},
      {"check", {[&] { return std::make_unique<tasks::CheckTask>(workplace, clock); }}},
      {"sensor_file", {[] { return std::make_unique<tasks::FileSensor>(); }}},
      {"sensor_sql", {[&] { return std::make_unique<tasks::SqlSensor>(workplace); }}},
      {"sensor_shell", tasks::ShellSensorEntry(TaskEnvironment(workplace))},
      {"sensor_python", tasks::PythonEntry(TaskEnvironment(workplace), workplace.folder + "/environments")},
      {"sensor_http", {[] { return std::make_unique<tasks::HttpSensor>(); }}},
      {"mapreduce", tasks::MapReduceEntry(workplace, BaseEnvironment())},
  };
}

int RunnerMain() {
  if (!failpoint::Arm(environ).ok()) return 2;  // the agent has said why
  std::ofstream("/proc/self/oom_score_adj") << 500;  // memory is taken from a runner before its agent
  const platform::SystemClock clock;
  return tasks::RunRunner(runner::kKeptDescriptor, clock,
                          [&](const tasks::Workplace& workplace) { return MakeRegistry(workplace, clock); });
}

int StateMain(int argc, char** argv) {
  const std::string prefix = std::string(tasks::kStateSocketVariable) + "=";
  std::string socket;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::string_view(*entry).starts_with(prefix)) socket = *entry + prefix.size();
  }
  return tasks::RunStateCommand(socket, argc, argv);
}

struct Flags {
  agent::ConnectOptions connect;
  std::string name;
  std::string root;
  std::string folder;
  std::string shuffle_listen = "127.0.0.1:0";
  std::vector<std::string> labels;
  int slots = 0;
  std::uint64_t memory = 0;
  int drain_seconds = 600;
  bool no_local_shuffle = false;
  std::string failpoints;  // as armed
  bool verbose = false;
};

std::string Hostname() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::uint64_t HalfOfTheMachine() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE)) / 2;
}

// The private folder: made, locked against a second worker, and emptied of what an earlier one left.
Status TakeFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Internal("cannot make " + folder + ": " + error.message());
  const int lock =
      ::open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);  // held until the process ends
  if (lock < 0) return ErrnoStatus(errno, "open " + folder + "/lock");
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return FailedPrecondition("another worker uses " + folder + ": give this one its own --folder");
  }
  for (const char* name : {"scratch", "blocks", "spill"})
    std::filesystem::remove_all(folder + "/" + name, error);
  std::filesystem::create_directories(folder + "/blocks", error);
  if (error) return Internal("cannot make " + folder + "/blocks: " + error.message());
  if (folder.size() + std::string_view("/shuffle.sock").size() > 100) {
    return InvalidArgument("the path of --folder is too long for a socket in it: " + folder);
  }
  return OkStatus();
}

agent::AgentOptions MakeOptions(const Flags& flags, const agent::BlockHost& blocks) {
  agent::AgentOptions options;
  options.connect = flags.connect;
  options.drain_limit = std::chrono::seconds(flags.drain_seconds);
  options.drop_staging = [root = flags.root](const std::string& folder) { lake::DropStaging(root, folder); };
  WorkerOffer& offer = options.offer;
  offer.name = flags.name;
  offer.hostname = Hostname();
  offer.slots = flags.slots;
  offer.labels = flags.labels;
  offer.version = MILLRACE_VERSION;
  offer.shuffle_address = blocks.address();
  offer.shuffle_socket = flags.folder + "/shuffle.sock";
  offer.host_identity = shuffle::HostIdentity();
  offer.engine_version = sql::Instance::EngineVersion();
  offer.pid = ::getpid();
  offer.memory_bytes = static_cast<std::int64_t>(flags.memory);
  runner::PoolOptions& pool = options.pool;
  pool.arguments = {std::filesystem::read_symlink("/proc/self/exe"), "runner"};
  for (const auto& [name, value] : BaseEnvironment()) pool.environment.push_back(name + "=" + value);
  // To runners, never to what users run.
  if (!flags.failpoints.empty()) pool.environment.push_back(std::string(failpoint::kVariable) + "=" + flags.failpoints);
  pool.slots = flags.slots;
  pool.memory_bytes = static_cast<std::int64_t>(flags.memory);
  pool.short_kinds = {"empty"};
  pool.setup.set_root(flags.root);
  pool.setup.set_folder(flags.folder);
  pool.setup.set_shuffle_socket(offer.shuffle_socket);
  pool.setup.set_shuffle_address(offer.shuffle_address);
  pool.setup.set_local_shuffle(!flags.no_local_shuffle);
  pool.setup.set_host_identity(offer.host_identity);
  return options;
}

int WorkerMain(Flags flags) {
  platform::SpdlogSink log(flags.verbose ? LogLevel::kDebug : LogLevel::kInfo);
  const platform::SystemClock clock;
  const auto fail = [&](const Status& status) {
    log.Log(LogLevel::kError, "Worker cannot start: " + status.message());
    return 2;
  };
  StatusOr<std::string> failpoints = failpoint::Arm(environ);
  if (!failpoints.ok()) return fail(failpoints.status());
  flags.failpoints = *std::move(failpoints);
  if (!flags.failpoints.empty())
    log.Log(LogLevel::kWarning, "FAILPOINTS ARE ARMED: this process will harm itself (" + flags.failpoints + ")");
  std::error_code error;
  flags.root = std::filesystem::absolute(flags.root, error).lexically_normal();
  flags.folder = std::filesystem::absolute(flags.folder, error).lexically_normal();
  if (!std::filesystem::is_directory(flags.root, error))
    return fail(NotFound("--root is no folder: " + flags.root));
  if (const Status taken = TakeFolder(flags.folder); !taken.ok()) return fail(taken);
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (const Status linked = tasks::LinkStateCommand(flags.folder, program); !linked.ok()) return fail(linked);

  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT}) sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto blocks = agent::BlockHost::Start(flags.shuffle_listen, flags.folder + "/shuffle.sock",
                                        {flags.memory / 4, flags.folder + "/blocks"});
  if (!blocks.ok()) return fail(blocks.status());
  runner::Launcher launcher;
  agent::Agent agent(MakeOptions(flags, **blocks), clock, log, launcher, **blocks);
  std::thread([&] {
    while (true) {
      int number = 0;
      if (::sigwait(&signals, &number) == 0) agent.RequestDrain();
    }
  }).detach();
  const int status = agent.Run();
  // The thread that waits for signals still names the agent: let it be.
  ::fflush(nullptr);
  return status;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "runner") return millrace::RunnerMain();
  const std::string_view name = argc > 0 ? argv[0] : "";
  if (name.substr(name.rfind('/') + 1) == millrace::tasks::kStateCommand)
    return millrace::StateMain(argc, argv);
  millrace::Flags flags;
  flags.name = millrace::Hostname();
  flags.slots = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  flags.memory = millrace::HalfOfTheMachine();
  CLI::App app("Runs tasks for a Millrace scheduler.", "millrace-worker");
  app.add_option("--scheduler", flags.connect.scheduler, "the scheduler's gRPC address, host:port")
      ->required();
  app.add_option("--token-file", flags.connect.token_file, "a copy of the scheduler's worker.token")
      ->required();
  app.add_option("--name", flags.name, "unique on this machine (default: its host name)");
  app.add_option("--slots", flags.slots, "tasks at once (default: processors)")->check(CLI::Range(1, 1024));
  app.add_option("--root", flags.root, "relative data paths lie beneath it")->required();
  app.add_option("--folder", flags.folder, "private to this worker: scratch, spill, shuffle")->required();
  app.add_option("--memory", flags.memory,
                 "for all tasks together, such as 4GB (default: half of the machine)")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--label", flags.labels, "what this worker has, may be repeated");
  app.add_option("--shuffle-listen", flags.shuffle_listen, "host:port for fetches from other hosts");
  app.add_option("--drain-seconds", flags.drain_seconds, "how long SIGTERM waits for running tasks");
  app.add_flag("--no-local-shuffle", flags.no_local_shuffle, "fetch by gRPC also on the same host");
  app.add_flag("--verbose", flags.verbose, "log more");
  CLI11_PARSE(app, argc, argv);
  return millrace::WorkerMain(std::move(flags));
}
