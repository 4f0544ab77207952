// The rules of .airflowignore files: which files and folders of the DAG folder are not looked at. The patterns are those
// of .gitignore, as Airflow 3 reads them. Used by FolderReader while it walks; a value, one thread at a time. It reads no
// files itself.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::dagbag {

inline constexpr const char* kIgnoreFile = ".airflowignore";

class IgnoreRules {
 public:
  // The rules of a file in `folder`, a path beneath the DAG folder ("" for itself); they hold there and below, and win
  // over those that were added before.
  void Add(std::string_view folder, std::string_view text);
  // Takes back the rules of `folder` and what was added after them.
  void Forget(std::string_view folder);
  bool empty() const { return rules_.empty(); }

  // `path` is beneath the DAG folder, and so are the folders around it, of which none is ignored.
  bool Ignores(std::string_view path, bool is_folder) const;

 private:
  struct Rule {
    std::string folder;                 // where the file lies
    std::vector<std::string> segments;  // of the pattern; "**" stands for any folders
    bool ignore = true;                 // false: "!"
    bool only_folders = false;
  };
  static bool Matches(const Rule& rule, std::string_view path);

  std::vector<Rule> rules_;
};

}  // namespace millrace::dagbag
