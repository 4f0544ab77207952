#include "core/spec/docs_page.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/spec/task_kind.h"

namespace millrace {
namespace {

TEST(FieldsPage, TheDocsHoldWhatTheTablesSay) {
  std::ifstream file(MILLRACE_DOCS_FOLDER "/task_kinds.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), FieldsPage()) << "write it anew: dagctl dags fields > docs/task_kinds.md";
}

TEST(FieldsPage, NamesEveryFieldOfEveryKind) {
  const std::string page = FieldsPage();
  for (const TaskKind* kind : TaskKinds()) {
    EXPECT_NE(page.find("## " + kind->name + "\n"), std::string::npos) << kind->name;
    for (const FieldSpec& field : kind->fields)
      EXPECT_NE(page.find("| `" + field.name + "` |"), std::string::npos) << kind->name << "." << field.name;
  }
}

}  // namespace
}  // namespace millrace
