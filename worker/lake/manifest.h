// The list of files that make one published output, with checksums and counts: `_manifest.json` in its folder
// (docs/formats.md). Readers follow it; what it does not name is not there.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"

namespace millrace::lake {

inline constexpr const char* kManifestName = "_manifest.json";

struct Manifest {
  Fence fence;  // of the attempt that published it
  std::string scheduler;  // whose fence it is; those of another cannot be compared with it
  std::string dag_id;
  std::string run_id;
  std::string task_id;
  std::string format;
  std::vector<Column> columns;
  std::vector<OutputFile> files;  // paths relative to the folder
  std::string checks = "[]";      // JSON list of check outcomes
};

std::string EncodeManifest(const Manifest& manifest);

// NOT_FOUND when the folder has none; DATA_LOSS when it cannot be understood.
StatusOr<Manifest> ReadManifest(const std::string& folder);

}  // namespace millrace::lake
