#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>
#include <thread>

#include "dagctl/command_lines.h"
#include "dagctl/commands.h"
#include "dagctl/completion.h"
#include "dagctl/jobs.h"
#include "dagctl/up.h"

namespace millrace::dagctl {
namespace {

struct ClusterArguments {
  std::string dag, run, task, bundle;
  std::string shell = "bash";
  JobOptions job{.slots = std::max(1, static_cast<int>(std::thread::hardware_concurrency()))};
  ClusterOptions up{.state = "", .dags = "", .root = ".", .webui = "", .port = 8080};
};

// `jobs`, `workers`, `health`, `completion` and `up`.
class ClusterLine {
 public:
  explicit ClusterLine(CommandTree& tree) : tree_(tree) {
    AddJobs();
    AddWorkers();
  }

 private:
  void AddJobs() {
    CLI::App& jobs = tree_.Group("jobs", "mapreduce jobs: run, explain, show");
    tree_.Add(jobs, "check", "the same as dagctl health, by Airflow's name",
              [](Context& c, bool&) { return ShowHealth(c); });
    AddRun(in_.dag, in_.run,
           tree_.Add(jobs, "show", "stages, partitions, decisions",
                     [this](Context& c, bool&) { return ShowJob(c, in_.dag, in_.run, in_.task); }))
        ->add_option("task", in_.task)
        ->required();
    AddJob(jobs, "run", "runs a job from a file, without a DAG; exit status 3 when it fails", false);
    AddJob(jobs, "explain", "what a job would do: inputs, stages, fused or distributed, and why", true);
  }

  void AddJob(CLI::App& jobs, const char* name, const char* help, bool explain) {
    JobOptions& job = in_.job;
    CLI::App* command = jobs.add_subcommand(name, help);
    command->fallthrough();
    command->add_option("file", job.file, "YAML or JSON: what a mapreduce task has in `with`")->required();
    command->add_option("--input", job.inputs, "name=path, instead of the file's; may be repeated")
        ->take_all();
    command->add_option("--output", job.output, "where to publish, instead of the file's");
    command->add_option("--logical-date", job.logical_date,
                        "for {{ ds }} and the like: 2001-03-01, or RFC 3339");
    CLI::Option* local =
        command->add_flag("--local", job.local, "on a scheduler and workers that are started for it");
    command->add_option("--workers", job.workers, "of --local: how many")
        ->capture_default_str()
        ->check(CLI::Range(1, 64))
        ->needs(local);
    command->add_option("--slots", job.slots, "of --local: tasks at once, of each")
        ->capture_default_str()
        ->check(CLI::Range(1, 256))
        ->needs(local);
    tree_.Choose(*command, [this, explain] {
      in_.job.explain = explain;
      bool failed = false;
      const int status = tree_.Show([&](Output& output) {
        return RunJob(
            in_.job, output, [this] { return tree_.WhoAsks(); }, tree_.clock(), tree_.zones(), failed);
      });
      return failed ? kRunFailed : status;
    });
  }

  void AddWorkers() {
    CLI::App& workers = tree_.Group("workers", "who does the work: list");
    tree_.Add(tree_.root(), "health", "whether scheduler and store are well; exit status 1 when they are not",
              [](Context& c, bool&) { return ShowHealth(c); });
    tree_.Add(workers, "list", "who is there", [](Context& c, bool&) { return ListWorkers(c); });
    CLI::App& bundles = tree_.Group("bundles", "where DAGs come from: list, refresh");
    tree_.Add(bundles, "list", "folders and repositories, the commit of each, and what it fails with",
              [](Context& c, bool&) { return ListBundles(c); });
    tree_.Add(bundles, "refresh", "fetches a repository now", [this](Context& c, bool&) { return RefreshBundle(c, in_.bundle); })
        ->add_option("name", in_.bundle)
        ->required();
    CLI::App* up = tree_.root().add_subcommand("up", "a scheduler and workers on this machine, until Ctrl-C");
    up->alias("standalone");
    up->add_option("--dags", in_.up.dags, "the DAG folder; dags when --dag-bundles is left out, too");
    up->add_option("--dag-bundles", in_.up.dag_bundles, "a file that lists other folders and git repositories of DAGs");
    up->add_option("--root", in_.up.root, "where relative data paths lie")->capture_default_str();
    up->add_option("--webui", in_.up.webui, "folder of the built dashboard");
    up->add_option("--workers", in_.up.workers, "how many")->capture_default_str()->check(CLI::Range(0, 64));
    up->add_option("--slots", in_.up.slots, "tasks at once, of each")
        ->capture_default_str()
        ->check(CLI::Range(1, 256));
    up->add_option("--port", in_.up.port, "of the dashboard and the API; 0 for any free one")
        ->capture_default_str()
        ->check(CLI::Range(0, 65535));
    up->add_option("--max-map-length", in_.up.max_map_length,
                   "the most instances of a mapped task; 1,024 when left out")
        ->check(CLI::Range(1, 500'000));
    CLI::Option* lineage_url = up->add_option("--lineage-url", in_.up.lineage_url,
                                              "where OpenLineage events are posted, the whole address; nowhere when left out");
    up->add_option("--lineage-connection", in_.up.lineage_connection, "instead: the name of a connection that is this address")
        ->excludes(lineage_url);
    up->add_option("--lineage-namespace", in_.up.lineage_namespace, "of the jobs in them; default when left out");
    up->fallthrough();
    tree_.Choose(*tree_.root().add_subcommand("version", "which dagctl this is"), [this] {
      return tree_.Show([this](Output& output) {
        output.stream() << tree_.root().version() << '\n';
        return OkStatus();
      });
    });
    CLI::App* completion = tree_.root().add_subcommand(
        "completion", "completes commands and options in bash: source <(dagctl completion)");
    completion->add_option("shell", in_.shell)->capture_default_str()->check(CLI::IsMember({"bash"}));
    tree_.Choose(*completion, [this] {
      return tree_.Show([this](Output& output) {
        output.stream() << CompletionScript(tree_.root());
        return OkStatus();
      });
    });
    tree_.Choose(*up, [this] {
      in_.up.state = tree_.state();
      return tree_.Show([this](Output&) { return Up(in_.up, tree_.clock()); });
    });
  }

  ClusterArguments in_;
  CommandTree& tree_;
};

}  // namespace

void AddClusterCommands(CommandTree& tree) { tree.Keep(std::make_shared<ClusterLine>(tree)); }

}  // namespace millrace::dagctl
