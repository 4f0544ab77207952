#include <algorithm>

#include "core/spec/kinds.h"

namespace millrace {
namespace {

void CheckCommand(const Value& with, std::vector<Problem>& problems) {
  const Value* command = with.Find("command");
  if (command == nullptr) return;
  const bool empty =
      (command->is_list() && command->as_list().empty()) ||
      (command->is_string() && command->as_string().find_first_not_of(" \t\n") == std::string::npos);
  if (empty)
    AddProblem(problems, command->position(), "'command' is empty",
               "write what to run, or use the kind 'empty'");
}

void CheckSkipCodes(const Value& with, std::vector<Problem>& problems) {
  const Value* codes = with.Find("skip_on_exit_code");
  if (codes == nullptr || codes->is_null()) return;
  const auto is_code = [](const Value& code) { return code.is_int() && code.as_int() > 0 && code.as_int() < 256; };
  const bool good = codes->is_list() ? std::all_of(codes->as_list().begin(), codes->as_list().end(), is_code)
                                     : is_code(*codes);
  if (!good)
    AddProblem(problems, codes->position(), "'skip_on_exit_code' must be exit codes from 1 to 255",
               "skip_on_exit_code: [99]");
}

void CheckShell(const Value& with, std::vector<Problem>& problems) {
  CheckCommand(with, problems);
  CheckSkipCodes(with, problems);
}

}  // namespace

const TaskKind& ShellKind() {
  static const TaskKind kind{
      .name = "shell",
      .doc =
          "Runs a command in a process group of its own. Exit status 0 is success, 99 skips the task (skip_on_exit_code). The "
          "last line "
          "of its output is the result; lines name=value that it appends to the file $MILLRACE_OUTPUT are "
          "XComs, "
          "JSON or text, and return_value=... is the result instead. \"$MILLRACE_STATE_STORE\" get KEY and set KEY VALUE "
          "ask its state store.",
      .fields =
          {
              {.name = "command",
               .type = FieldType::kStringList,
               .doc = "text for /bin/sh -c, in which rendered values are quoted references to the "
                      "environment; or a list: a "
                      "program and its arguments, without a shell",
               .required = true,
               .use = FieldUse::kShellTemplate},
              {.name = "env",
               .type = FieldType::kStringMap,
               .doc = "variables added to the environment",
               .use = FieldUse::kTemplate},
              {.name = "cwd",
               .type = FieldType::kString,
               .doc = "working folder beneath the worker's root; a private one when left out",
               .use = FieldUse::kTemplate},
              {.name = "files",
               .type = FieldType::kStringList,
               .doc = "scripts beneath the DAG folder, laid out in the attempt's folder $MILLRACE_FILES",
               .use = FieldUse::kFile},
              {.name = "skip_on_exit_code",
               .type = FieldType::kAny,
               .doc = "an exit code, or several, that skip the task; 99 when left out, none when []"},
          },
      .check = CheckShell};
  return kind;
}

}  // namespace millrace
