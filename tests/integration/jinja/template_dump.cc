// Renders templates for jinja_test.py: each line of the input is a JSON string, each of the output [text,
// null], or [null, what is wrong].
#include <iostream>
#include <string>

#include "core/model/connection.h"
#include "core/template/lookup.h"
#include "core/template/template.h"
#include "tests/unit/core/template/sample.h"

namespace {

// What jinja_values.py has as LOOKED_UP.
millrace::TemplateAnswers LookedUp() {
  using millrace::TemplateNeed;
  using millrace::Value;
  millrace::TemplateAnswers answers;
  const auto variable = [&](const char* name, const char* text) {
    answers.Set({TemplateNeed::Kind::kVariable, name, "", std::nullopt}, Value(text));
  };
  variable("bucket", "raw & co");
  variable("limits", R"({"rows": 3, "names": ["a", "b"], "ratio": 0.5})");
  variable("number", "42");
  answers.SetNone({TemplateNeed::Kind::kVariable, "nothing", "", std::nullopt});
  answers.SetNone({TemplateNeed::Kind::kConnection, "nothing", "", std::nullopt});
  answers.Set({TemplateNeed::Kind::kConnection, "lake", "", std::nullopt},
              ConnectionValue(*millrace::ParseConnection(
                  "lake", R"({"conn_type": "s3", "host": "lake.example", "login": "ana", "password": "pa ss", "schema": "base",
                              "port": 8443, "extra": "{\"region\": \"eu\", \"depth\": {\"n\": 1}}"})")));
  answers.Set({TemplateNeed::Kind::kPreviousSuccess, "", "", std::nullopt},
              Value(Value::Map{{"data_interval_start", "2001-02-27T02:00:00+00:00"},
                               {"data_interval_end", "2001-02-28T02:00:00+00:00"},
                               {"start_date", "2001-02-28T02:00:05+00:00"},
                               {"end_date", "2001-02-28T02:03:00+00:00"}}));
  return answers;
}

}  // namespace

int main() {
  using millrace::Value;
  millrace::TemplateContext context = MakeRunContext(millrace::SampleFacts());
  millrace::TemplateAnswers looked_up = LookedUp();
  context.SetLookup(&looked_up);
  for (std::string line; std::getline(std::cin, line);) {
    const millrace::StatusOr<Value> text = millrace::ParseJson(line);
    if (!text.ok() || !text->is_string()) {
      std::cerr << "no JSON string: " << line << '\n';
      return 2;
    }
    const millrace::StatusOr<std::string> rendered = RenderText(text->as_string(), context);
    const Value answer = rendered.ok() ? Value(Value::List{Value(*rendered), Value()})
                                       : Value(Value::List{Value(), Value(rendered.status().message())});
    std::cout << ToJson(answer) << '\n';
  }
  return 0;
}
