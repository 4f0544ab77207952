// Relative data paths lie beneath the worker's root and stay there. Task kinds resolve every path a user wrote through this.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace millrace::lake {

// The absolute path of `path` beneath `root`. INVALID_ARGUMENT for an absolute path outside it, one that climbs out of it with
// "..", or one that leaves it through a symbolic link. The path need not exist.
StatusOr<std::string> Beneath(const std::string& root, std::string_view path);

// The files that an input path means: the published files of a folder with a manifest, else its data files (not those whose
// names begin with '_' or '.'), a single file, or the matches of a pattern with * ? and [..]. Sorted. NOT_FOUND when there
// are none.
StatusOr<std::vector<std::string>> InputFiles(const std::string& root, std::string_view path);

}  // namespace millrace::lake
