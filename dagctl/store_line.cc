#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "dagctl/command_lines.h"
#include "dagctl/commands.h"
#include "dagctl/credential_line.h"
#include "dagctl/exchange.h"
#include "dagctl/operations.h"
#include "dagctl/users.h"

namespace millrace::dagctl {
namespace {

struct StoreArguments {
  NotificationOptions notifications;
  std::int64_t notification = 0;
  PoolOptions pool;
  ImportOptions pools, connections;
  std::string file;
  AuditOptions audit;
  VariableOptions variable;
  ConnectionOptions connection;
  CleanOptions clean;
  std::string backup;
  UserOptions user;
  std::string team;
};

// What the scheduler keeps besides runs: `pools`, `audit`, `variables`, `connections`, `notifications`, `users`,
// `teams` and `db`.
class StoreLine {
 public:
  explicit StoreLine(CommandTree& tree) : tree_(tree) {
    AddPools();
    AddAudit();
    AddCredentials();
    AddNotifications();
    AddStore();
    AddUsers();
    AddTeams();
  }

 private:
  void AddPools() {
    CLI::App& pools = tree_.Group("pools", "named limits across DAGs: list, get, set, delete, import, export");
    tree_.Add(pools, "list", "all, with what is taken of them",
              [](Context& c, bool&) { return ListPools(c); });
    tree_.Add(pools, "get", "one", [this](Context& c, bool&) { return ShowPool(c, in_.pool.name); })
        ->add_option("name", in_.pool.name)
        ->required();
    CLI::App* set = tree_.Add(pools, "set", "makes or changes one",
                              [this](Context& c, bool&) { return SetPool(c, in_.pool); });
    set->add_option("name", in_.pool.name)->required();
    set->add_option("slots", in_.pool.slots, "-1 for no limit")->required()->check(CLI::Range(-1, 1'000'000));
    set->add_option("description", in_.pool.description);
    set->add_flag("--include-deferred", in_.pool.include_deferred, "deferred tasks count as well");
    set->add_option("--team", in_.pool.team, "whose DAGs alone may use it; \"\" for everybody's");
    tree_
        .Add(pools, "delete", "its tasks wait until there is one of that name again",
             [this](Context& c, bool&) { return DeletePool(c, in_.pool.name); })
        ->add_option("name", in_.pool.name)
        ->required();
    AddFiles(pools, in_.pools, "an object with its slots, as Airflow writes it", ImportPools, ExportPools);
  }

  // `import` and `export` of a group.
  void AddFiles(CLI::App& group, ImportOptions& in, const std::string& what,
                Status (*import)(Context&, const ImportOptions&, std::istream&),
                Status (*to)(Context&, const std::string&)) {
    CLI::App* from = tree_.Add(group, "import", "those of a JSON or YAML file",
                               [&in, import](Context& c, bool&) { return import(c, in, std::cin); });
    from->add_option("file", in.file, "an object of names, each " + what + "; - for standard input")
        ->required();
    from->add_option("-a,--action-on-existing-key", in.on_existence, "overwrite, fail or skip")
        ->capture_default_str()
        ->check(CLI::IsMember({"overwrite", "fail", "skip"}));
    tree_
        .Add(group, "export", "into a JSON file; what is secret is never shown, and left out",
             [this, to](Context& c, bool&) { return to(c, in_.file); })
        ->add_option("file", in_.file, "- for standard output")
        ->required();
  }

  void AddAudit() {
    CLI::App* list = tree_.Add(
        tree_.Group("audit", "who did what: list"), "list", "what users and the scheduler did, newest first",
        [this](Context& c, bool&) { return ListAudit(c, in_.audit, tree_.clock().now().wall); });
    list->add_option("dag", in_.audit.dag_id, "to this DAG, its runs and tasks; everything when left out");
    list->add_option("--user", in_.audit.user);
    list->add_option("--action", in_.audit.action, "trigger, pause, login, ...");
    list->add_option("--after", in_.audit.after, "2h (ago), 2001-03-01, or RFC 3339");
    list->add_option("--limit", in_.audit.limit)->capture_default_str();
  }

  void AddCredentials() {
    CLI::App& connections =
        tree_.Group("connections", "named credentials: list, get, add, test, delete, import, export");
    AddFiles(connections, in_.connections, "a URI or an object of its parts", ImportConnections,
             ExportConnections);
    AddCredentialCommands(tree_.Group("variables", "named values: list, get, set, delete, import, export"),
                          connections, in_.variable, in_.connection,
                          [this](CLI::App& group, const char* name, const char* help, CommandTree::Ask ask) {
                            return tree_.Add(group, name, help, std::move(ask));
                          });
  }

  void AddNotifications() {
    CLI::App& group = tree_.Group("notifications", "what callbacks told: list, show, retry");
    NotificationOptions& in = in_.notifications;
    CLI::App* list = tree_.Add(group, "list", "newest first",
                               [&in](Context& c, bool&) { return ListNotifications(c, in); });
    list->add_option("dag", in.dag_id, "of this DAG; all when left out");
    list->add_option("--run", in.run_id, "of this run of it");
    list->add_option("--state", in.state, "pending, running, delivered, failed or suppressed");
    list->add_option("--limit", in.limit)->check(CLI::Range(1, 10'000))->capture_default_str();
    const auto one = [this](CLI::App* command) { command->add_option("id", in_.notification)->required(); };
    one(tree_.Add(group, "show", "one, its message (-o json) and its log",
                  [this](Context& c, bool&) { return ShowNotification(c, in_.notification); }));
    one(tree_.Add(group, "retry", "delivers one again that was given up",
                  [this](Context& c, bool&) { return RetryNotification(c, in_.notification); }));
  }

  void AddStore() {
    CLI::App& db = tree_.Group("db", "what the scheduler keeps: check, clean, backup, restore");
    CLI::App* clean =
        tree_.Add(db, "clean", "deletes runs that ended long ago, with their logs and values",
                  [this](Context& c, bool&) { return CleanStore(c, in_.clean, tree_.clock().now().wall); });
    clean
        ->add_option("--before,--clean-before-timestamp", in_.clean.before,
                     "30d (ago), 2001-03-01, or RFC 3339")
        ->required();
    clean->add_option("--dag", in_.clean.dag_ids, "only of these DAGs");
    clean->add_flag("--dry-run", in_.clean.dry_run, "only says how many");
    AddYes(clean);
    tree_.Add(db, "check", "the same as dagctl health, by Airflow's name",
              [](Context& c, bool&) { return ShowHealth(c); });
    tree_
        .Add(db, "backup", "copies database and logs while the scheduler runs, to STATE/backups/NAME",
             [this](Context& c, bool&) { return BackUp(c, in_.backup); })
        ->add_option("--name", in_.backup, "made from the time when left out");
    CLI::App* restore = db.add_subcommand(
        "restore", "makes the state folder (--state) of a backup's; the scheduler must not run");
    restore->fallthrough();
    restore->add_option("backup", in_.backup, "the backup's folder")->required();
    tree_.Choose(*restore, [this] {
      return tree_.Show([this](Output& output) {
        return Restore(output, in_.backup, tree_.state(), tree_.clock().now().wall);
      });
    });
  }

  void AddUsers() {
    CLI::App& users = tree_.Group("users", "who may log in, and as what: list, create, set, delete");
    tree_.Add(users, "list", "all, by name", [](Context& c, bool&) { return ListUsers(c); });
    UserOptions& in = in_.user;
    const auto named = [&in](CLI::App* command) {
      command->add_option("name,-u,--username", in.name)->required();
      return command;
    };
    const auto wanted = [&in](CLI::App* command) {
      command->add_option("-p,--password", in.password, "others see it in the process list: better a file");
      command->add_option("--password-file", in.password_file, "a file whose first line it is");
      command->add_option("--team", in.teams, "that it is in; several by commas, all of them each time")
          ->delimiter(',')
          ->allow_extra_args(false);
      command->add_flag("--no-teams", in.no_teams, "it is in none");
      return command->add_option("-r,--role", in.role, "viewer, user, op or admin, each with all of the one before");
    };
    wanted(named(tree_.Add(users, "create", "makes one; without a password one is made up and shown",
                           [&in](Context& c, bool&) { return CreateUser(c, in); })))
        ->required();
    wanted(named(tree_.Add(users, "set", "gives one another role, password or other teams",
                           [&in](Context& c, bool&) { return ChangeUser(c, in); })));
    named(tree_.Add(users, "delete", "its tokens are worthless from now on",
                    [&in](Context& c, bool&) { return DeleteUser(c, in.name); }));
  }

  void AddTeams() {
    CLI::App& teams =
        tree_.Group("teams", "whose DAGs, pools, variables and connections are whose: list, create, delete");
    tree_.Add(teams, "list", "all, by name", [](Context& c, bool&) { return ListTeams(c); });
    const auto named = [this](CLI::App* command) {
      command->add_option("name", in_.team, "3 to 50 letters, digits, - and _")->required();
      return command;
    };
    named(tree_.Add(teams, "create", "makes one", [this](Context& c, bool&) { return CreateTeam(c, in_.team); }));
    AddYes(named(tree_.Add(teams, "delete", "one that nothing belongs to any more",
                           [this](Context& c, bool&) { return DeleteTeam(c, in_.team); })));
  }

  StoreArguments in_;
  CommandTree& tree_;
};

}  // namespace

void AddStoreCommands(CommandTree& tree) { tree.Keep(std::make_shared<StoreLine>(tree)); }

}  // namespace millrace::dagctl
