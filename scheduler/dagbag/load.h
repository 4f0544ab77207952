// A DAG file's text to immutable DAG versions, with every problem at once. Called by DagBag on its thread, by
// `dagctl dags validate` and by tests. Pure over FileReader and ZoneDatabase.
//
// A document with problems yields no DAG; the others of the same file still do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/model/dag.h"

namespace millrace::dagbag {

// Files that DAGs name (contracts, scripts), beneath the DAG folder or in an archive.
class FileReader {
 public:
  virtual ~FileReader() = default;
  // `path` is relative to the DAG folder, or to the archive. NOT_FOUND, PERMISSION_DENIED (it leaves the folder),
  // RESOURCE_EXHAUSTED (too large).
  virtual StatusOr<std::string> Read(std::string_view path) const = 0;
};

struct LoadResult {
  std::vector<DagPtr> dags;
  std::vector<Problem> problems;  // in the file's order; a problem inside a contract names the contract
  std::vector<std::string>
      files;  // that were asked for, present or not: when one changes the DAG file must be loaded again
};

// What a file's bundle makes of its DAGs; see Dag.
struct DagOrigin {
  std::string bundle = {};
  std::string version = {};
  std::string team = {};
};

// `path` is what problems and Dag::file show.
LoadResult LoadDagFile(std::string_view path, std::string_view text, const FileReader& files,
                       const ZoneDatabase& zones, const DagOrigin& origin = {});

// Ends in .yaml, .yml or .json.
bool IsDagFileName(std::string_view path);

}  // namespace millrace::dagbag
