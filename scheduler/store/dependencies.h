// Everything by which DAGs depend on each other, read at once: what is drawn as one graph of all datasets. Any
// thread; answered from committed rows, as reader.h's readers do.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/dag.h"
#include "core/model/state.h"
#include "core/spec/dag_references.h"
#include "scheduler/store/reader.h"

namespace millrace::store {

class ReadPool;

// Of DAGs that are there, and of what these name.
struct DependencyRows {
  struct DagStanding {
    std::string dag_id;
    bool paused = false;
    std::string last_run_id = {};  // of the newest run; "": it has none
    std::optional<RunState> last_state = {};
    std::vector<DagReference> references = {};
  };
  struct DatasetStanding {
    std::int64_t id = 0;
    std::string name, uri, group;
    std::optional<WallTime> updated_at = {};  // by its newest event
  };
  struct Use {
    std::string name;  // of the dataset, or of the alias
    bool of_alias = false;
    DatasetUse use;  // its own `alias` is not told
  };
  struct Attached {
    std::string alias, dataset;
  };
  struct Watch {
    std::string dataset;
    DatasetWatchEntry watch;
  };
  std::vector<DagStanding> dags;  // by id
  std::vector<DatasetStanding> datasets;  // by name, also those that nobody names any more
  std::vector<DatasetAliasEntry> aliases;  // by name; without their uses and datasets
  std::vector<Use> uses;
  std::vector<Attached> attached;
  std::vector<Watch> watches;
};

class DependencyReader {
 public:
  virtual ~DependencyReader() = default;
  // Six statements over rows, whatever the number of DAGs: of 1,000 DAGs, 2,000 datasets and 15,000 uses some thirty milliseconds. What
  // tasks say of other DAGs stands only in the versions: each version's text is looked at once in the program's life,
  // and decoded only where one of the two task kinds occurs in it (half a millisecond for a usual DAG); a call that is
  // interrupted after its second keeps what it has learned for the next.
  virtual StatusOr<DependencyRows> ReadDependencies() = 0;
};

std::unique_ptr<DependencyReader> MakeDependencyReader(ReadPool& pool);

}  // namespace millrace::store
