// Where the COPY format and the table function of an instance, which SQL names by number, find the C++
// objects behind them. Also how they are registered. For .cc files of this room. Any thread.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <map>
#include <mutex>

#include "core/base/status.h"

namespace millrace::sql {

struct CopyTarget;
struct FileSource;
struct ScanSource;

class ShuffleDesk {
 public:
  // The object stays the caller's, who withdraws it before it dies and after the last statement that names
  // it.
  std::uint64_t Offer(CopyTarget* target);
  std::uint64_t Offer(ScanSource* source);
  std::uint64_t Offer(FileSource* source);
  void Withdraw(std::uint64_t number);
  // Null when there is none of that kind.
  CopyTarget* Target(std::uint64_t number) const;
  ScanSource* Source(std::uint64_t number) const;
  FileSource* File(std::uint64_t number) const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, CopyTarget*> targets_;
  std::map<std::uint64_t, ScanSource*> sources_;
  std::map<std::uint64_t, FileSource*> files_;
};

// FORMAT millrace_shuffle, shuffle_scan(number) and file_scan(number), for all connections of the instance. The desk must
// outlive it.
Status RegisterShuffleCopy(duckdb_connection connection, ShuffleDesk& desk);
Status RegisterShuffleScan(duckdb_connection connection, ShuffleDesk& desk);
Status RegisterFileScan(duckdb_connection connection, ShuffleDesk& desk);

}  // namespace millrace::sql
