// What the files of the bundles said when they were last parsed, kept in a file of the state folder, so
// that a start parses only what has changed since. Derived from their folders: when it is lost, broken or of
// another build of this program, everything is parsed once. Called by DagBag on its thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"

namespace millrace::dagbag {

struct RememberedFile {
  std::string content_key;         // of the text and of every file that it names; "": it must be parsed
  std::vector<std::string> names;  // of those files
  std::vector<std::pair<std::string, std::string>> dags;  // id and hash
};

class ParseMemory {
 public:
  // "": nothing is remembered.
  explicit ParseMemory(std::string path);

  // By path, see BundleFile; empty when there is nothing to go by.
  std::map<std::string, RememberedFile> Load() const;

  // Saving: Add each file, then Save, which replaces the whole or changes nothing.
  static void Add(const std::string& path, const RememberedFile& file, std::string& lines);
  Status Save(const std::string& lines) const;

 private:
  const std::string path_;
  const std::string program_;  // hash of this program: another one may read the same text differently
};

// 32 hexadecimal digits.
std::string Fingerprint(std::string_view text);

}  // namespace millrace::dagbag
