// Where one attempt of a job works: its folders, its share of the machine, its log, and the DuckDB it opens there. The task
// kind fills it in; every function of this room that does work takes one. One attempt's thread, but for `cancellation`.
//
// Each attempt opens a DuckDB of its own (6 ms): attempts of a job share nothing but files.
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
#include "worker/sql/instance.h"

namespace millrace::mapreduce {

struct Site {
  std::string root;     // relative data paths lie beneath it
  std::string scratch;  // the attempt's own
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

  void Log(const std::string& line) const {
    if (log) log(line + "\n");
  }
};

// DuckDB as an attempt uses it. The connection is interrupted when the attempt is cancelled.
class Database {
 public:
  static StatusOr<std::unique_ptr<Database>> Open(const Site& site);
  sql::Connection& connection() { return *connection_; }

 private:
  Database() = default;
  std::unique_ptr<sql::Instance> instance_;
  std::unique_ptr<sql::Connection> connection_;
  std::unique_ptr<Cancellation::Scope> scope_;
};

// DuckDB's error on one line: what, the candidates it names, and where in the SQL.
std::string OneLine(const std::string& error);

// "CREATE OR REPLACE TEMP VIEW name AS select".
Status CreateView(sql::Connection& connection, const std::string& name, const std::string& select);

}  // namespace millrace::mapreduce
