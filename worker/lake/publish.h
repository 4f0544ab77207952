// The one visible step of an output: the folder is whole, or as it was before. A lock file beside it remembers the last fence,
// and an older one of the same scheduler is refused, so that a publisher that was given up cannot overwrite its successor's
// work. Repeats are identical: staged files are linked, not moved. The folder that was replaced stays beside the new one
// (".name.old") until the next publish, for readers that have just opened it. Called by load-like tasks and a job's publish
// attempt, on their own thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "worker/lake/manifest.h"

namespace millrace::lake {

// A staged file and its name in the output (may have folders: "day=2001-03-01/part-0.parquet").
struct StagedFile {
  std::string source;  // absolute
  OutputFile file;     // path: the name in the output
};

// Publishes `staged` as `folder` (absolute, beneath the root, already resolved); manifest.files is filled in from `staged`.
// ABORTED when a newer fence of manifest.scheduler has published here. DATA_LOSS when a staged file is not what was sealed.
Status Publish(const std::string& folder, Manifest manifest, const std::vector<StagedFile>& staged);

}  // namespace millrace::lake
