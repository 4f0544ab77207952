// Renders what real Jinja rendered (oracle.py), and expects the same text, or an error where Jinja raises.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "core/template/template.h"
#include "tests/unit/core/template/sample.h"

namespace millrace {
namespace {

TEST(TableTest, TemplatesRenderAsJinjaRendersThem) {
  const TemplateContext context = MakeRunContext(SampleFacts());
  std::ifstream file(MILLRACE_TABLE);
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const StatusOr<Value> row = ParseJson(line);
    ASSERT_TRUE(row.ok()) << row.status().message();
    const std::string& text = row->as_list().at(0).as_string();
    const Value& expected = row->as_list().at(1);
    const StatusOr<std::string> rendered = RenderText(text, context);
    if (expected.is_null()) {
      EXPECT_FALSE(rendered.ok()) << text << "\nrendered: " << *rendered;
    } else {
      ASSERT_TRUE(rendered.ok()) << text << "\n" << rendered.status().message();
      EXPECT_EQ(*rendered, expected.as_string()) << text;
    }
  }
  EXPECT_GE(lines, 165);
}

}  // namespace
}  // namespace millrace
