// A path in the first line, and below it what stands in a file named .airflowignore.
#include "scheduler/dagbag/ignore_rules.h"

#include <string>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using millrace::dagbag::IgnoreRules;
  using millrace::fuzz::Check;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  const std::string path(text.substr(0, line));
  const bool is_path =
      !path.empty() && !path.starts_with('/') && !path.ends_with('/') && path.find("//") == std::string::npos;
  IgnoreRules rules;
  rules.Add("", text.substr(line + 1));
  const bool file = rules.Ignores(path, false);
  if (text.find('/', line) == std::string_view::npos)
    Check(file == rules.Ignores(path, true), "only a slash tells folders from files");
  IgnoreRules deep;
  deep.Add("in/side", text.substr(line + 1));
  Check(deep.Ignores("in/side/" + path, false) == file, "a file holds for its folder as for any other");
  rules.Add("", "\n*");
  Check(!is_path || rules.Ignores(path, false), "a star is every name");
  rules.Add("", "!**");
  Check(!is_path || !rules.Ignores(path, false), "the last that fits decides");
  rules.Forget("");
  Check(rules.empty(), "what was added can be taken back");
  return 0;
}
