// `dagctl jobs run` and `jobs explain`: a job from a file, without a DAG, on a running scheduler or on one
// that is started for it. One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/model/job_file.h"
#include "dagctl/login.h"
#include "dagctl/output.h"
#include "dagctl/rest_client.h"

namespace millrace::dagctl {

struct JobOptions {
  std::string file;                 // what a mapreduce task has in `with`
  std::vector<std::string> inputs;  // "name=path"
  std::string output;               // "": the file's
  std::string logical_date;         // for the templates of dates; "": none
  bool explain = false;
  bool local = false;
  int workers = 1;  // of --local
  int slots = 1;
};

// A job that is ready to be sent.
struct ReadJob {
  JobFile job;
  std::string root;  // the folder beneath which all of its paths lie: the caller's, or one above it
};

// Reads the file and checks it. Paths that the options give are the caller's, those in the file the workers';
// `local`: all are the caller's, as the workers are. INVALID_ARGUMENT: every problem, a line each.
StatusOr<ReadJob> ReadJobFile(const JobOptions& options, const std::string& caller_folder,
                              const ZoneDatabase& zones);

// Where to ask when no scheduler is started for the job.
using AskLogin = std::function<StatusOr<Login>()>;

// Runs or explains it and shows what came of it. `failed`: the job has failed, and the status says why in one
// line. CANCELLED: Ctrl-C; the job is cancelled, too.
Status RunJob(const JobOptions& options, Output& output, const AskLogin& login, const Clock& clock,
              const ZoneDatabase& zones, bool& failed);

// The report of a job as tables (docs/jobs.md).
void ShowReport(Output& output, const Value& report);
// What it will do, or would.
void ShowPlan(Output& output, const Value& report);

}  // namespace millrace::dagctl
