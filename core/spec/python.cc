#include <cctype>
#include <string_view>

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

void CheckEnvironment(const Value& with, std::vector<Problem>& problems);

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
  CheckEnvironment(with, problems);
}

bool IsVersion(const std::string& text) {
  const std::size_t dot = text.find('.');
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return dot == std::string::npos ? digits(text)
                                  : digits(std::string_view(text).substr(0, dot)) &&
                                        digits(std::string_view(text).substr(dot + 1));
}

void CheckEnvironment(const Value& with, std::vector<Problem>& problems) {
  const Value* version = with.Find("python_version");
  if (version != nullptr && with.Find("python") != nullptr) {
    AddProblem(problems, version->key_position(), "'python' and 'python_version' both name the interpreter",
               "leave one out");
  }
  const bool wrong = version != nullptr && ((version->is_string() && !IsVersion(version->as_string())) ||
                                            (version->is_number() && !version->is_int()));
  if (wrong) {
    AddProblem(problems, version->position(), "'python_version' must be text such as \"3.11\"",
               "python_version: \"3.11\", in quotes: without them 3.10 is 3.1");
  }
  const Value* requirements = with.Find("requirements");
  if (requirements != nullptr && requirements->is_list()) {
    for (const Value& requirement : requirements->as_list()) {
      if (!requirement.is_string() || !requirement.as_string().starts_with('-')) continue;
      AddProblem(problems, requirement.position(),
                 "'" + requirement.as_string() + "' is an option of pip, no requirement",
                 "write it into 'pip_options'");
    }
  }
  if (requirements != nullptr || with.Find("requirements_file") != nullptr) return;
  for (const char* name : {"pip_options", "system_site_packages"}) {
    if (const Value* field = with.Find(name); field != nullptr)
      AddProblem(problems, field->key_position(), "'" + std::string(name) + "' goes with 'requirements'",
                 "requirements: [] is an environment with nothing in it");
  }
}

}  // namespace

const TaskKind& PythonKind() {
  static const TaskKind kind{
      .name = "python",
      .doc =
          "Calls a function of a Python file, in a process of its own. What it returns, as JSON, is the "
          "result. "
          "millrace.xcom_push(key, value) leaves more by name; context[\"task_state_store\"] keeps values for its retries. "
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
              {.name = "positional",
               .type = FieldType::kList,
               .doc = "arguments by position, before those by name: any JSON",
               .use = FieldUse::kTemplate},
              {.name = "python",
               .type = FieldType::kString,
               .doc = "the interpreter: a path on the worker, or a name looked for in its PATH; python3 when "
                      "left out"},
              {.name = "python_version",
               .type = FieldType::kString,
               .doc = "3.11, instead of 'python': the interpreter python3.11"},
              {.name = "requirements",
               .type = FieldType::kStringList,
               .doc = "what pip installs for it, such as [polars==1.9, ./wheels/ours.whl], into a virtual "
                      "environment "
                      "that the worker makes once and keeps; paths are beneath the worker's root"},
              {.name = "requirements_file",
               .type = FieldType::kString,
               .doc = "the same from a requirements.txt beneath the DAG folder",
               .use = FieldUse::kFile},
              {.name = "pip_options",
               .type = FieldType::kStringList,
               .doc = "further arguments of pip install, such as [--no-index, --find-links, wheels]"},
              {.name = "system_site_packages",
               .type = FieldType::kBoolean,
               .doc = "true: what the interpreter has installed can be imported there as well; false when "
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
