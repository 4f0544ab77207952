#include "core/spec/docs_page.h"

#include <string_view>
#include <vector>

#include "core/spec/dag_fields.h"
#include "core/spec/notifiers.h"
#include "core/spec/task_kind.h"

namespace millrace {
namespace {

std::string TypeWord(const FieldSpec& field) {
  switch (field.type) {
    case FieldType::kAny:
      return "any";
    case FieldType::kString:
      return "text";
    case FieldType::kInteger:
      return "integer";
    case FieldType::kNumber:
      return "number";
    case FieldType::kBoolean:
      return "true, false";
    case FieldType::kDuration:
      return "duration";
    case FieldType::kTime:
      return "time";
    case FieldType::kChoice: {
      std::string words;
      for (const std::string& choice : field.choices) words += (words.empty() ? "" : ", ") + choice;
      return words;
    }
    case FieldType::kStringList:
      return "text or a list";
    case FieldType::kStringMap:
      return "name -> text";
    case FieldType::kMap:
      return "map";
    case FieldType::kMapOfMaps:
      return "name -> map";
    case FieldType::kListOfMaps:
      return "list of maps";
    case FieldType::kList:
      return "list";
  }
  return "any";
}

std::string_view UseWord(FieldUse use) {
  switch (use) {
    case FieldUse::kPlain:
      return "";
    case FieldUse::kTemplate:
      return "template";
    case FieldUse::kShellTemplate:
      return "template for a shell";
    case FieldUse::kConnection:
      return "connection";
    case FieldUse::kFile:
      return "file of the DAG folder";
  }
  return "";
}

// A '|' would end the cell.
std::string Cell(std::string_view text) {
  std::string cell;
  for (const char c : text) cell += c == '|' ? std::string("\\|") : std::string(1, c);
  return cell;
}

void AddTable(std::string& page, const std::vector<FieldSpec>& fields) {
  if (fields.empty()) {
    page += "It takes no fields.\n\n";
    return;
  }
  page += "| field | is | |\n|---|---|---|\n";
  for (const FieldSpec& field : fields) {
    std::string doc = field.doc;
    const std::string_view use = UseWord(field.use);
    if (!use.empty()) doc += (doc.empty() ? "" : "; ") + std::string(use);
    if (field.required) doc += (doc.empty() ? "" : "; ") + std::string("**needed**");
    page += "| `" + field.name + "` | " + Cell(TypeWord(field)) + " | " + Cell(doc) + " |\n";
  }
  page += "\n";
}

void AddMembers(std::string& page, const std::string& what, const std::vector<FieldSpec>& fields) {
  for (const FieldSpec& field : fields) {
    if (field.members.empty()) continue;
    page += "`" + what + field.name + "`" + (field.type == FieldType::kMap ? "" : ", each") + ":\n\n";
    AddTable(page, field.members);
    AddMembers(page, what + field.name + ".", field.members);
  }
}

}  // namespace

std::string FieldsPage() {
  std::string page =
      "# What a DAG file may say\n\n"
      "Written by `dagctl dags fields`, from the tables that validate DAG files; `dagctl dags schema` prints "
      "the same "
      "as a JSON Schema for\neditors. What it means: [authoring](authoring.md), [schedules](schedules.md), "
      "[templates](templates.md).\n\n"
      "Durations are written 90s, 5m, 1h30m or PT5M.\n\n";
  page += "## A DAG\n\n";
  AddTable(page, DagFields());
  page += "## A task\n\nAn item of `tasks`.\n\n";
  AddTable(page, TaskFields());
  AddMembers(page, "", TaskFields());
  page += "## A group of tasks\n\nAn item of `tasks` that has `group`.\n\n";
  AddTable(page, GroupFields());
  page +=
      "## A param\n\nA member of `params` that is written as a map with `type` or `default`: JSON "
      "Schema.\n\n";
  AddTable(page, ParamFields());
  page +=
      "## A callback\n\nOf `on_failure_callback`, its siblings and a deadline's `callback`, one or a list: "
      "the fields of "
      "the kind\n[notify](#notify) (`{notify: webhook, connection: alerts}`), or:\n\n";
  AddTable(page, CallbackFields());
  page += "# Task kinds\n\nWhat `with` takes, by the word behind `uses`.\n\n";
  for (const TaskKind* kind : TaskKinds()) {
    page += "## " + kind->name + "\n\n" + kind->doc + "\n\n";
    AddTable(page, kind->fields);
    AddMembers(page, "", kind->fields);
  }
  while (page.ends_with("\n\n")) page.pop_back();
  return page;
}

}  // namespace millrace
