#include "dagctl/credential_line.h"

#include <CLI/CLI.hpp>
#include <iostream>

namespace millrace::dagctl {
namespace {

void AddVariables(CLI::App& variables, VariableOptions& v, const AddAsking& add) {
  add(variables, "list", "all, or those whose keys match", [&v](Context& c, bool&) {
    return ListVariables(c, v.pattern);
  })->add_option("pattern", v.pattern, "% for any text");
  CLI::App* get = add(variables, "get", "its value", [&v](Context& c, bool&) { return GetVariable(c, v); });
  get->add_option("key", v.key)->required();
  get->add_option("-d,--default", v.otherwise, "when there is none");
  CLI::App* set = add(variables, "set", "makes or changes one",
                      [&v](Context& c, bool&) { return SetVariable(c, v, std::cin); });
  set->add_option("key", v.key)->required();
  set->add_option("value", v.value, "- for what comes on standard input")->required();
  set->add_option("--description", v.description);
  set->add_option("--team", v.team, "whose DAGs alone may use it; \"\" for everybody's");
  add(variables, "delete", "", [&v](Context& c, bool&) { return DeleteVariable(c, v.key); })
      ->add_option("key", v.key)
      ->required();
  CLI::App* import = add(variables, "import", "those of a JSON file",
                         [&v](Context& c, bool&) { return ImportVariables(c, v, std::cin); });
  import->add_option("file", v.file, "- for standard input")->required();
  import->add_option("-a,--action-on-existing-key", v.on_existence, "overwrite, fail or skip")
      ->check(CLI::IsMember({"overwrite", "fail", "skip"}));
  add(variables, "export", "into a JSON file, without those that are secret",
      [&v](Context& c, bool&) { return ExportVariables(c, v.file); })
      ->add_option("file", v.file, "- for standard output")
      ->required();
}

void AddConnections(CLI::App& connections, ConnectionOptions& o, const AddAsking& add) {
  add(connections, "list", "all, without their secrets", [&o](Context& c, bool&) {
    return ListConnections(c, o.pattern);
  })->add_option("pattern", o.pattern, "% for any text");
  add(connections, "get", "one, without its secrets",
      [&o](Context& c, bool&) { return GetConnection(c, o.id); })
      ->add_option("id", o.id)
      ->required();
  CLI::App* one = add(connections, "add", "makes one, from a URI or its parts",
                      [&o](Context& c, bool&) { return AddConnection(c, o, std::cin); });
  one->add_option("id", o.id)->required();
  one->add_option(
      "--uri,--conn-uri,--conn-json", o.uri,
      "postgresql://user:password@host:5432/base, or JSON; - for standard input, which others on this "
      "machine cannot see");
  one->add_option("--conn-type", o.type);
  one->add_option("--conn-description", o.description);
  one->add_option("--conn-host", o.host);
  one->add_option("--conn-login", o.login);
  one->add_option("--conn-password", o.password);
  one->add_option("--conn-schema", o.schema);
  one->add_option("--conn-port", o.port)->check(CLI::Range(1, 65535));
  one->add_option("--conn-extra", o.extra, "a JSON object");
  one->add_option("--team", o.team, "whose DAGs alone may use it; \"\" for everybody's");
  one->add_flag("--overwrite", o.overwrite, "changes the one that is there");
  add(connections, "test", "has a worker try whether it works", [&o](Context& c, bool&) {
    return TestConnection(c, o.id);
  })->add_option("id", o.id)
      ->required();
  add(connections, "delete", "", [&o](Context& c, bool&) { return DeleteConnection(c, o.id); })
      ->add_option("id", o.id)
      ->required();
}

}  // namespace

void AddCredentialCommands(CLI::App& variables, CLI::App& connections, VariableOptions& variable,
                           ConnectionOptions& connection, const AddAsking& add) {
  AddVariables(variables, variable, add);
  AddConnections(connections, connection, add);
}

}  // namespace millrace::dagctl
