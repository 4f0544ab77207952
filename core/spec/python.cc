#include <cctype>

#include "core/spec/kinds.h"

namespace millrace {
namespace {

bool IsIdentifier(const std::string& name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0) return false;
  for (const char c : name) {
    // Bytes beyond ASCII may belong to letters, which Python allows.
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && static_cast<unsigned char>(c) < 0x80)
      return false;
  }
  return true;
}

void CheckPython(const Value& with, std::vector<Problem>& problems) {
  const Value* file = with.Find("file");
  if (file != nullptr && file->is_string() && !file->as_string().ends_with(".py")) {
    AddProblem(problems, file->position(), "'file' must be a .py file, not '" + file->as_string() + "'",
               "name a Python file beneath the DAG folder, such as scripts/report.py");
  }
  const Value* function = with.Find("function");
  if (function != nullptr && function->is_string() && !IsIdentifier(function->as_string())) {
    AddProblem(problems, function->position(),
               "'function' is no name of a function: '" + function->as_string() + "'",
               "name a function that the file defines at its top level");
  }
}

}  // namespace

const TaskKind& PythonKind() {
  static const TaskKind kind{
      .name = "python",
      .doc =
          "Calls a function of a Python file, in a process of its own. What it returns, as JSON, is the "
          "result. "
          "millrace.xcom_push(key, value) leaves more by name. "
          "Raise millrace.SkipException to skip, millrace.FailException to fail without another try.",
      .fields =
          {
              {.name = "file",
               .type = FieldType::kString,
               .doc = "the .py file beneath the DAG folder",
               .required = true,
               .use = FieldUse::kFile},
              {.name = "function",
               .type = FieldType::kString,
               .doc = "its name; main when left out. A parameter named context, ds, params, run_id, ... is "
                      "given the "
                      "run's"},
              {.name = "args",
               .type = FieldType::kMap,
               .doc = "arguments by name: any JSON",
               .use = FieldUse::kTemplate},
              {.name = "python",
               .type = FieldType::kString,
               .doc = "the interpreter: a path on the worker, or a name looked for in its PATH; python3 when "
                      "left out"},
              {.name = "files",
               .type = FieldType::kStringList,
               .doc = "further files beneath the DAG folder, such as modules it imports; laid out beside it",
               .use = FieldUse::kFile},
              {.name = "env",
               .type = FieldType::kStringMap,
               .doc = "variables added to the environment",
               .use = FieldUse::kTemplate},
              {.name = "cwd",
               .type = FieldType::kString,
               .doc = "working folder beneath the worker's root; a private one when left out",
               .use = FieldUse::kTemplate},
          },
      .check = CheckPython,
      .context = true};
  return kind;
}

}  // namespace millrace
