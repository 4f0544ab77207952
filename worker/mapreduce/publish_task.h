// The publish attempt: looks at the chosen files, then makes them the output in one visible step. The checks read the staged
// files once more, after they were written and before anybody can see them; when one of severity error fails, nothing becomes
// visible. The attempt's thread.
#pragma once

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/mapreduce/site.h"

namespace millrace::mapreduce {

// Who the output is from, for its manifest.
struct Publisher {
  std::string scheduler;
  std::string dag_id;
  std::string run_id;
  std::string task_id;
};

// Repeats are identical, also after the staging folder is gone. INVALID_ARGUMENT when a check failed; ABORTED when a newer
// attempt has published.
StatusOr<PublishResult> RunPublishTask(const Site& site, const PublishWork& work, const Publisher& publisher);

}  // namespace millrace::mapreduce
