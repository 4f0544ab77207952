// Where one attempt of a job works: its folders, its share of the machine, its log, and the DuckDB it opens there. The task
// kind fills it in; every function of this room that does work takes one. One attempt's thread, but for `cancellation`.
//
// Attempts of a job share files, and hand on DuckDB instances; one attempt at a time has an instance.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/ids.h"
#include "core/model/job.h"
#include "core/spec/mapreduce_spec.h"
#include "worker/mapreduce/cancellation.h"
#include "worker/sql/instance_stock.h"

namespace millrace::mapreduce {

struct Site {
  std::string root;     // relative data paths lie beneath it
  std::string scratch;      // the attempt's own
  std::string job_scratch;  // its job's on this worker; `scratch` lies beneath it
  int threads = 1;
  std::uint64_t memory_bytes = 0;  // of the attempt; 0: DuckDB's default
  Fence fence;
  JobKey job;
  std::string job_folder;  // StageWork::folder
  MapReduceSpec spec;
  std::vector<std::string> environment;  // of commands, "NAME=value"
  std::string command_folder;            // where commands run; the DAG's scripts lie there
  std::function<void(std::string_view)> log;
  Cancellation* cancellation = nullptr;
  sql::InstanceStock* instances = nullptr;  // where DuckDB comes from; null: opened for each attempt

  void Log(const std::string& line) const {
    if (log) log(line + "\n");
  }
};

// DuckDB as an attempt uses it. The connection is interrupted when the attempt is cancelled.
class Database {
 public:
  // With what the shuffle's buffers leave of the attempt's memory: the same for plan, map, reduce and publish, so that one
  // instance can serve them all.
  static StatusOr<std::unique_ptr<Database>> Open(const Site& site);
  // With all of it, for an attempt without a shuffle.
  static StatusOr<std::unique_ptr<Database>> OpenAlone(const Site& site);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();
  sql::Connection& connection() { return *connection_; }

 private:
  Database() = default;
  static StatusOr<std::unique_ptr<Database>> OpenWith(const Site& site, std::uint64_t memory_bytes);
  sql::InstanceOptions options_;
  sql::InstanceStock* stock_ = nullptr;
  std::unique_ptr<sql::Instance> instance_;
  std::unique_ptr<sql::Connection> connection_;
  std::unique_ptr<Cancellation::Scope> scope_;
};

// How much of the attempt's memory lies in the shuffle's buffers.
std::uint64_t ShuffleBytes(const Site& site);

// DuckDB's error on one line: what, the candidates it names, and where in the SQL.
std::string OneLine(const std::string& error);

// "CREATE OR REPLACE TEMP VIEW name AS select".
Status CreateView(sql::Connection& connection, const std::string& name, const std::string& select);

}  // namespace millrace::mapreduce
