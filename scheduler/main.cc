// millrace-scheduler: puts the parts together, serves until SIGTERM, and knows nothing else.
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <sstream>
#include <thread>

#include "core/model/json.h"
#include "core/model/problem_line.h"
#include "platform/clock.h"
#include "platform/failpoint/failpoint.h"
#include "platform/log.h"
#include "platform/zones.h"
#include "scheduler/api/api_server.h"
#include "scheduler/auth/accounts.h"
#include "scheduler/auth/secrets.h"
#include "scheduler/auth/vault.h"
#include "scheduler/bounded_inbox.h"
#include "scheduler/bundles/bundle_config.h"
#include "scheduler/bundles/bundle_set.h"
#include "scheduler/dagbag/dag_bag.h"
#include "scheduler/dagbag/job_file.h"
#include "scheduler/engine/preview.h"
#include "scheduler/gateway/gateway.h"
#include "scheduler/loop.h"
#include "scheduler/store/backup.h"
#include "scheduler/store/log_segments.h"
#include "scheduler/store/sqlite_readers.h"
#include "scheduler/store/sqlite_store.h"

extern char** environ;

namespace millrace {
namespace {

struct Flags {
  std::string state;
  std::string dags;
  std::string dag_bundles;
  std::string webui;
  std::string listen = "127.0.0.1:7420";
  std::string grpc = "127.0.0.1:7421";
  std::string base_url;
  std::int64_t heartbeat_millis = 3000;
  std::int64_t lease_millis = 30000;
  std::int64_t max_map_length = engine::EngineOptions().max_map_length;
  engine::LineageOptions lineage;
  bool verbose = false;
  bool no_connection_tests = false;
  bool standby = false;
};

struct Address {
  std::string host;
  int port = 0;
};

StatusOr<Address> ParseAddress(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  int port = -1;
  if (colon != std::string::npos) {
    const char* end = text.data() + text.size();
    if (std::from_chars(text.data() + colon + 1, end, port).ptr != end) port = -1;
  }
  if (port < 0 || port > 65535) return InvalidArgument("not an address host:port: " + text);
  return Address{text.substr(0, colon), port};
}

// Workers keep it over restarts, so it must not change with them.
StatusOr<std::string> ShuffleSecret(const std::string& state) {
  const std::string path = state + "/shuffle.secret";
  StatusOr<std::string> kept = auth::ReadSecretFile(path);
  if (kept.ok() || kept.status().code() != Code::kNotFound) return kept;
  const std::string secret = auth::NewToken();
  RETURN_IF_ERROR(auth::WriteSecretFile(path, secret));
  return secret;
}

// What dagbag finds goes into the inbox; a refusal makes it tell again.
class InboxDagSink final : public dagbag::DagSink {
 public:
  explicit InboxDagSink(Inbox& inbox) : inbox_(inbox) {}
  Status Loaded(DagPtr dag) override { return inbox_.Put(DagLoaded{std::move(dag)}); }
  Status Gone(const std::string& dag_id) override { return inbox_.Put(DagGone{dag_id}); }
  Status ImportErrors(const ImportError& error) override {
    return inbox_.Submit(WriteRecords{{ImportErrorRecord{error}}}, [](const CommandReply&) {});
  }

 private:
  Inbox& inbox_;
};

// Of --dags and --dag-bundles; every problem of the file is told.
StatusOr<std::vector<bundles::BundleConfig>> ReadBundles(const Flags& flags, LogSink& log) {
  if (flags.dag_bundles.empty()) return std::vector<bundles::BundleConfig>{{.name = std::string(kDagsFolder), .path = flags.dags}};
  std::ifstream file(flags.dag_bundles, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.is_open() || file.bad()) return ErrnoStatus(errno, "read --dag-bundles " + flags.dag_bundles);
  const std::string folder = std::filesystem::absolute(flags.dag_bundles).parent_path().string();
  bundles::BundleConfigs read = bundles::ReadBundleConfigs(flags.dag_bundles, text.str(), folder, flags.dags);
  for (const Problem& problem : read.problems) log.Log(LogLevel::kError, ToLine(problem));
  if (read.problems.empty()) return std::move(read.bundles);
  return InvalidArgument(flags.dag_bundles + " has " + std::to_string(read.problems.size()) +
                         (read.problems.size() == 1 ? " problem" : " problems") + ", told above");
}

// A bundle may name a team before somebody has made it, which takes a scheduler that runs.
void WarnOfTeams(const std::vector<bundles::BundleConfig>& configs, auth::Accounts& accounts, LogSink& log) {
  for (const bundles::BundleConfig& config : configs) {
    const Status known = accounts.CheckTeam(config.team);
    if (!known.ok()) log.Log(LogLevel::kWarning, "Bundle " + config.name + ": " + known.message());
  }
}

// Whole or not at all: who starts us waits for it to appear.
Status WriteEndpoints(const std::string& state, const std::string& http, const std::string& grpc) {
  Value endpoints;
  endpoints.Set("http", http);
  endpoints.Set("grpc", grpc);
  endpoints.Set("pid", static_cast<std::int64_t>(::getpid()));
  const std::string path = state + "/endpoints.json";
  std::ofstream file(path + ".new");
  file << ToJson(endpoints) << "\n";
  file.close();
  if (!file || std::rename((path + ".new").c_str(), path.c_str()) != 0)
    return ErrnoStatus(errno, "write " + path);
  return OkStatus();
}

// With --standby as soon as no other scheduler uses the folder: the lock is the kernel's, and goes with the process that has
// it. CANCELLED when a signal asks to stop before.
StatusOr<std::unique_ptr<store::Store>> OpenStore(const Flags& flags, const sigset_t& signals, LogSink& log) {
  constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 100'000'000};
  for (bool told = false;; told = true) {
    StatusOr<std::unique_ptr<store::Store>> store = store::OpenSqliteStore(flags.state, log);
    if (store.ok() || !flags.standby || store.status().code() != Code::kUnavailable) return store;
    if (!told) log.Log(LogLevel::kInfo, "Standby: takes over when the scheduler that uses the state folder ends (state=" + flags.state + ")");
    if (::sigtimedwait(&signals, nullptr, &kPause) > 0) return Cancelled("stopped while it stood by");
  }
}

Status Serve(const Flags& flags, const sigset_t& signals, LogSink& log) {
  const platform::SystemClock clock;
  const platform::TzdbZones zones;
  ASSIGN_OR_RETURN(const Address http, ParseAddress(flags.listen));
  ASSIGN_OR_RETURN(const Address grpc, ParseAddress(flags.grpc));
  ASSIGN_OR_RETURN(const std::vector<bundles::BundleConfig> configs, ReadBundles(flags, log));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(flags, signals, log));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::SqliteReaders> readers,
                   store::SqliteReaders::Open(flags.state, clock));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::LogSegments> logs,
                   store::LogSegments::Open(flags.state + "/logs"));
  ASSIGN_OR_RETURN(const std::string shuffle_secret, ShuffleSecret(flags.state));
  std::error_code ignored;
  std::filesystem::remove(flags.state + "/endpoints.json", ignored);  // of an earlier start

  store::FolderBackups backups(flags.state);

  const Duration heartbeat = std::chrono::milliseconds(flags.heartbeat_millis);
  const Duration lease = std::chrono::milliseconds(flags.lease_millis);
  BoundedInbox inbox(clock);
  auth::Accounts accounts({.state_folder = flags.state}, readers->accounts(), inbox, clock);
  ASSIGN_OR_RETURN(auth::Keyring keyring, auth::Keyring::Open(flags.state, environ));
  auth::Vault vault(std::move(keyring), environ, readers->variables(), readers->connections());
  auth::ShownValues shown(vault);
  const api::RenderFields render = [](const Run& run, const Dag& dag, const TaskInstance& instance,
                                      TemplateLookup& lookup) {
    return engine::RenderedFields(run, dag, instance, &lookup);
  };
  const bundles::FindConnection find_connection = [&](const std::string& id) {
    // Named by the scheduler's own configuration, it may be any team's.
    const StatusOr<ConnectionRecord> kept = readers->connections().GetConnection(id);
    return vault.FindFor(kept.ok() ? kept->team : "", {.kind = TemplateNeed::Kind::kConnection, .name = id, .key = {}, .map_index = {}});
  };
  bundles::BundleSet bundles(configs, flags.state + "/bundles", find_connection, environ, clock, log);
  const std::string base_url = flags.base_url.empty() ? "http://" + flags.listen : flags.base_url;
  const api::JobLoader load_job = [&](const JobFile& job) { return dagbag::LoadJobFile(job, zones); };
  api::ApiServer api(
      {.server = {.address = http.host, .port = http.port}, .dashboard = flags.webui, .render = render, .load_job = load_job,
       .credentials = api::Credentials{vault, readers->variables(), readers->connections(), shown,
                                          !flags.no_connection_tests},
       .views = {&readers->run_counts(), &zones, base_url, &readers->activity(), &bundles, &readers->dependencies()}},
      {readers->dags(), readers->runs(), readers->task_instances(), readers->xcoms(), readers->datasets(),
       readers->jobs(), readers->journal(), *logs, readers->backfills(), readers->approvals(),
       readers->audit(), readers->notifications(), readers->states()},
      {*logs, backups}, inbox, accounts, clock, log);
  gateway::Gateway gateway({.address = grpc.host,
                            .port = grpc.port,
                            .heartbeat = heartbeat,
                            .lease = lease,
                            .shuffle_secret = shuffle_secret},
                           {clock, log, inbox, accounts, vault, readers->dags(), *logs});
  InboxDagSink dag_sink(inbox);
  dagbag::EarlierStart earlier{.memory = flags.state + "/parsed"};
  ASSIGN_OR_RETURN(earlier.stored, readers->CurrentHashes());
  ASSIGN_OR_RETURN(earlier.errors, readers->dags().ListImportErrors());
  dagbag::DagBag dags(bundles.bundles(), dag_sink, zones, clock, log, std::chrono::seconds(5), std::move(earlier));
  Loop loop({clock, zones, log, inbox, *store, readers->loader(), gateway, api, &vault},
            {.heartbeat = heartbeat,
             .lease = lease,
             .max_map_length = flags.max_map_length,
             .base_url = base_url,
             .lineage = flags.lineage});
  RETURN_IF_ERROR(loop.Start());
  std::thread loop_thread([&] { loop.Run(); });

  const auto open = [&]() -> Status {
    ASSIGN_OR_RETURN(const auth::FirstStart first, accounts.Prepare());
    if (!first.admin_password.empty()) {
      log.Log(LogLevel::kInfo, "First start: the password of admin is in " + flags.state + "/admin.password");
    }
    WarnOfTeams(configs, accounts, log);
    bundles.Start();
    RETURN_IF_ERROR(dags.Start());
    RETURN_IF_ERROR(gateway.Start());
    RETURN_IF_ERROR(api.Start());
    const std::string http_place = "http://" + http.host + ":" + std::to_string(api.port());
    const std::string grpc_place = grpc.host + ":" + std::to_string(gateway.port());
    RETURN_IF_ERROR(WriteEndpoints(flags.state, http_place, grpc_place));
    log.Log(LogLevel::kInfo,
            "Scheduler serves (http=" + http_place + ", grpc=" + grpc_place + ", state=" + flags.state + ")");
    return OkStatus();
  };
  const Status opened = open();
  if (opened.ok()) {
    // What the store and the DAG files took while they were read, at once and when the first commits are over.
    ::malloc_trim(0);
    const timespec settled{.tv_sec = 10, .tv_nsec = 0};
    if (::sigtimedwait(&signals, nullptr, &settled) < 0) {
      ::malloc_trim(0);
      int number = 0;
      while (::sigwait(&signals, &number) != 0) continue;
    }
    log.Log(LogLevel::kInfo, "Scheduler stops");
  }
  std::filesystem::remove(flags.state + "/endpoints.json", ignored);
  dags.Stop();
  bundles.Stop();
  api.Stop();
  gateway.Stop();
  inbox.Stop();
  loop_thread.join();
  return opened;
}

CLI::Validator WebAddress() {
  const auto check = [](const std::string& text) {
    const bool good = text.starts_with("http://") || text.starts_with("https://");
    return good ? std::string() : "must begin with http:// or https://: " + text;
  };
  return {check, "URL", "web address"};
}

int SchedulerMain(const Flags& flags) {
  platform::SpdlogSink log(flags.verbose ? LogLevel::kDebug : LogLevel::kInfo);
  const StatusOr<std::string> failpoints = failpoint::Arm(environ);
  if (!failpoints.ok()) {
    log.Log(LogLevel::kError, "Scheduler cannot serve: " + failpoints.status().message());
    return 2;
  }
  if (!failpoints->empty()) log.Log(LogLevel::kWarning, "FAILPOINTS ARE ARMED: this process will harm itself (" + *failpoints + ")");
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT}) sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const Status status = Serve(flags, signals, log);
  if (status.ok() || status.code() == Code::kCancelled) return 0;
  log.Log(LogLevel::kError, "Scheduler cannot serve: " + status.ToString());
  return 2;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  millrace::Flags flags;
  CLI::App app("Schedules DAGs and hands their tasks to workers.", "millrace-scheduler");
  app.add_option("--state", flags.state, "the folder of everything that survives")->required();
  app.add_option("--dags", flags.dags, "the folder of the DAG files: the bundle dags-folder");
  app.add_option("--dag-bundles", flags.dag_bundles,
                 "a file, YAML or JSON, that lists DAG bundles: other folders, and git repositories; --dags or this must be given");
  app.parse_complete_callback([&flags] {
    if (flags.dags.empty() && flags.dag_bundles.empty()) throw CLI::RequiredError("--dags or --dag-bundles");
  });
  app.add_option("--listen", flags.listen,
                 "host:port for the API and the dashboard; port 0 for any, see STATE/endpoints.json");
  app.add_option("--webui", flags.webui, "the folder of the built dashboard");
  app.add_option("--base-url", flags.base_url,
                 "where people find the dashboard, for links in notifications; http:// and --listen when left out");
  app.add_option("--grpc", flags.grpc, "host:port for workers; port 0 for any, see STATE/endpoints.json");
  app.add_option("--heartbeat-ms", flags.heartbeat_millis, "how often workers are heard of")
      ->check(CLI::Range(10, 60'000));
  app.add_option("--lease-ms", flags.lease_millis, "how long a silent worker keeps its tasks")
      ->check(CLI::Range(100, 3'600'000));
  app.add_option("--max-map-length", flags.max_map_length,
                 "the most instances that a mapped task, or each task of a mapped group, may have")
      ->capture_default_str()
      ->check(CLI::Range(1, 500'000));
  CLI::Option* lineage_url =
      app.add_option("--lineage-url", flags.lineage.url,
                     "where workers post OpenLineage events, the whole address (http://127.0.0.1:5000/api/v1/lineage); off when "
                     "left out")
          ->check(millrace::WebAddress());
  app.add_option("--lineage-connection", flags.lineage.connection,
                 "instead of --lineage-url: the name of a connection whose URI is that address, with its credentials")
      ->excludes(lineage_url);
  app.add_option("--lineage-namespace", flags.lineage.name_space, "of the jobs in OpenLineage events")
      ->capture_default_str()
      ->check([](const std::string& text) { return std::string(text.empty() ? "must not be empty" : ""); });
  app.add_flag("--no-connection-tests", flags.no_connection_tests,
               "refuse to have workers try whether a connection works");
  app.add_flag("--standby", flags.standby, "while another scheduler uses the state folder, wait, and take over when that one ends");
  app.add_flag("--verbose", flags.verbose, "log more");
  CLI11_PARSE(app, argc, argv);
  return millrace::SchedulerMain(flags);
}
