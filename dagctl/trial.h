// `dagctl dags test` and `tasks test`: a run of a DAG, or of one of its tasks, on a scheduler and a worker
// that are started for it in a temporary folder. No schedule starts it, and no other DAG is there. One
// thread.
#pragma once

#include <string>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "dagctl/output.h"

namespace millrace::dagctl {

struct TrialOptions {
  std::string dag;     // a DAG file, or the id of a DAG in `folder`
  std::string dag_id;  // of a file that defines several
  std::string task;    // only this one, without what it needs; "": all
  std::string date;    // its logical date; "": now
  std::string conf = "{}";
  std::string folder;      // the DAG folder, where contracts and scripts lie; "": the file's own, or "dags"
  std::string root = ".";  // where relative data paths lie
  int slots = 4;
};

// Shows each task's end and log as it comes. `failed`: the run has failed. CANCELLED: Ctrl-C.
Status TryDag(const TrialOptions& options, Output& output, const Clock& clock, const ZoneDatabase& zones,
              bool& failed);

// A DAG file with this DAG of `text` alone, which no schedule starts; with a `task` only that one is left in
// it, without what it needs. Pure. NOT_FOUND when it is not there.
StatusOr<std::string> TrialFile(const std::string& text, const std::string& dag_id, const std::string& task);

}  // namespace millrace::dagctl
