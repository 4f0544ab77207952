#include "dagctl/completion.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace millrace::dagctl {
namespace {

std::string OptionsOf(const CLI::App& command) {
  std::string options;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) options += "--" + name + " ";
  }
  return options;
}

// Of the command at `path` ("/dags/list") and of those beneath it: which steps lead on, and which words may
// follow.
void AddCommand(const CLI::App& command, const std::string& path, std::string& steps, std::string& words) {
  std::string here;
  for (const CLI::App* inner : command.get_subcommands([](const CLI::App*) { return true; })) {
    std::string names = "    '" + path + "/" + inner->get_name() + "'";
    here += inner->get_name() + " ";
    for (const std::string& alias : inner->get_aliases()) {
      names += "|'" + path + "/" + alias + "'";
      here += alias + " ";
    }
    steps += names + ") at='" + path + "/" + inner->get_name() + "' ;;\n";
    AddCommand(*inner, path + "/" + inner->get_name(), steps, words);
  }
  here += OptionsOf(command);
  words += "    '" + path + "') words='" + here + "' ;;\n";
}

}  // namespace

std::string CompletionScript(const CLI::App& root) {
  std::string steps;
  std::string words;
  AddCommand(root, "", steps, words);
  return "_dagctl() {\n  local at='' words='' word\n  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \"$at/$word\" in\n" +
         steps + "    esac\n  done\n  case \"$at\" in\n" + words +
         "  esac\n  COMPREPLY=($(compgen -W \"$words " + OptionsOf(root) +
         "\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o default -F _dagctl dagctl\n";
}

}  // namespace millrace::dagctl
