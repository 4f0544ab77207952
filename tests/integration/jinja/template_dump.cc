// Renders templates for jinja_test.py: each line of the input is a JSON string, each of the output [text,
// null], or [null, what is wrong].
#include <iostream>
#include <string>

#include "core/template/template.h"
#include "tests/unit/core/template/sample.h"

int main() {
  using millrace::Value;
  const millrace::TemplateContext context = MakeRunContext(millrace::SampleFacts());
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
