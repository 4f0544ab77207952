// From a SELECT to files in staging, sealed: complete, synced, counted and checksummed. Reduce and fused tasks write by it.
// The attempt's thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/mapreduce/site.h"

namespace millrace::mapreduce {

// "part-00003", for the task whose partitions begin at 3.
std::string PartName(std::int32_t partition_begin);

// Runs `select`, whose columns are `columns`, and writes its rows as the job's output says: one file, or with `partition_by`
// some files a value, and with `file_bytes` files of about that size.
// `ordered`: files follow each other in the order of the rows. A 'text' output has a line a row, its columns joined by TAB. Paths are relative to the job's staging
// folder.
StatusOr<std::vector<OutputFile>> WriteOutput(sql::Connection& connection, const Site& site, const std::string& select,
                                              const std::vector<Column>& columns, const std::string& part, bool ordered = false);
// The same for rows that are written beside the job's output; the files say of what they are.
StatusOr<std::vector<OutputFile>> WriteSide(sql::Connection& connection, const Site& site, const SideOutput& side, const std::string& part);

// Those of one more write, unless it failed.
Status AddFiles(StatusOr<std::vector<OutputFile>> written, std::vector<OutputFile>& files);

// The same for a file that native code writes: makes the attempt's folder and says where the file goes ...
struct StagedPath {
  std::string folder;    // of the job
  std::string relative;  // beneath it
  std::string path() const { return folder + "/" + relative; }
};
StatusOr<StagedPath> MakeStagedPath(const Site& site, const std::string& part);  // of the job's output
// ... and seals it.
StatusOr<std::vector<OutputFile>> SealOutput(const StagedPath& staged, std::int64_t rows);

// SQL that reads files of an output back, to count and to check.
std::string ReadBack(const std::string& format, const std::vector<std::string>& paths);

}  // namespace millrace::mapreduce
