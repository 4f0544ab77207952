// A template: checked, rendered, and rendered for a shell.
#include "core/template/template.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/core/template/sample.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;
  static const TemplateContext context = MakeRunContext(SampleFacts());
  static const TemplateContext names = SampleRunContext("flights", "delays", {"threshold", "states"});
  const std::string_view text = fuzz::Choices(data, size).rest();
  (void)CheckTemplate(text, names);
  (void)References(text, "delays");
  const auto parsed = Template::Parse(text);
  if (!parsed.ok()) return 0;
  (void)parsed->Render(context);
  ShellEnvironment environment;
  (void)parsed->RenderShell(context, environment);
  return 0;
}
