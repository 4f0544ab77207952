// Where attempts write before anything is visible: <root>/.millrace/staging/<name>/, on the output's own file system, each
// attempt below its fence. Files are sealed (synced, counted, checksummed) before an attempt calls itself prepared.
#pragma once

#include <string>

#include "core/base/status.h"
#include "core/model/ids.h"
#include "core/model/job.h"

namespace millrace::lake {

// The name for all attempts of a task instance of this kind, which no other scheduler's have.
std::string StagingName(const std::string& scheduler, const std::string& kind, const TaskInstanceKey& instance);

// Makes <root>/.millrace/staging/<name>/<fence>/ and gives its path. `name` is unique to the job or attempt, from integers.
StatusOr<std::string> MakeStaging(const std::string& root, const std::string& name, const Fence& fence);

// The folder of all attempts of `name`.
std::string StagingFolder(const std::string& root, const std::string& name);

// Removes it, with whatever losers left there.
void DropStaging(const std::string& root, const std::string& name);

// fsync, size and xxh3-128 of a finished file. `path` in the answer is relative to `folder`.
StatusOr<OutputFile> Seal(const std::string& folder, const std::string& relative, std::int64_t rows);

// Makes a file's bytes durable; a folder's entries.
Status SyncFile(const std::string& path);
Status SyncFolder(const std::string& folder);

// xxh3-128 of a file's bytes, hex.
StatusOr<std::string> Checksum(const std::string& path);

}  // namespace millrace::lake
