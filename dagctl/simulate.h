// `dagctl simulate`: what a user asks for, and the calendar that it shows. Called by the command line.
#pragma once

#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/model/dag.h"
#include "dagctl/output.h"

namespace millrace::dagctl {

struct SimulateOptions {
  std::string dag_id;
  std::string file;  // "": the scheduler is asked for the DAG's text
  int days = 365;
  std::string from;                    // RFC 3339, or a date; "": the DAG's start_date, otherwise today
  std::vector<std::string> fail;       // TASK:2, TASK
  std::vector<std::string> durations;  // TASK:30m, 30m
  std::vector<std::string> results;    // TASK:JSON
  bool tasks = false;                  // with each run, its task instances
};

// Plays `dags`, one of which is options.dag_id, and shows a row a run. INVALID_ARGUMENT names what is wrong
// with the options, all at once.
Status Simulate(Output& output, const std::vector<DagPtr>& dags, const SimulateOptions& options,
                const ZoneDatabase& zones, WallTime now);

}  // namespace millrace::dagctl
