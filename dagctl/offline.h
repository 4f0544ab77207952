// Commands that work on DAG files without a scheduler: validate, next-execution and render. Called by the command
// line.
#pragma once

#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/model/dag.h"
#include "dagctl/output.h"

namespace millrace::dagctl {

struct Context;

// Shows each problem of the files (see DagFiles) as "file:line:column: message (suggestion)". `found` tells whether there was a problem.
Status Validate(Output& output, const std::vector<std::string>& paths, const std::string& folder,
                const ZoneDatabase& zones, bool& found);

struct NextOptions {
  std::string dag_id;
  std::string file;   // "": the scheduler is asked for the DAG's text
  std::string after;  // RFC 3339, or a date; "": now
  int count = 1;
};

// A DAG of a file on this machine, or of text that a scheduler has loaded already.
StatusOr<DagPtr> DagOfFile(const std::string& file, const std::string& dag_id, const ZoneDatabase& zones);
StatusOr<DagPtr> DagOfText(const std::string& text, const std::string& dag_id, const ZoneDatabase& zones);
// All DAGs of the file, or archive, that defines `dag_id`.
StatusOr<std::vector<DagPtr>> DagsOfFile(const std::string& file, const std::string& dag_id,
                                         const ZoneDatabase& zones);

// Those of all the files (see DagFiles). INVALID_ARGUMENT: their problems, a line each.
StatusOr<std::vector<DagPtr>> LoadFiles(const std::vector<std::string>& paths, const std::string& folder,
                                        const ZoneDatabase& zones);
// A row a file: how long it takes to read, how large it is, what it defines.
Status ReportFiles(Output& output, const std::vector<std::string>& paths, const ZoneDatabase& zones,
                   const Clock& clock);

// The next runs of its timetable, with both ends of their data intervals.
Status ShowNext(Output& output, const Dag& dag, const NextOptions& options, const ZoneDatabase& zones,
                WallTime now);

struct RenderOptions {
  std::string dag_id, task_id;
  std::string date;  // RFC 3339, or a date; otherwise the id of a run that the scheduler has
  std::string file;  // "": the scheduler is asked for the DAG's text
  std::string conf = "{}";
  std::vector<std::string> xcoms;      // "task=JSON" or "task:key=JSON", as if the task had left it
  std::vector<std::string> variables;  // "name=text"
  std::vector<std::string> connections;  // "name=URI"
};

// The fields of a task as an attempt of the run of that date would be given them.
Status ShowRendered(Output& output, const Dag& dag, const RenderOptions& options, const ZoneDatabase& zones);
// As the latest attempt of it in a run was given them, says the scheduler.
Status ShowGiven(Context& context, const RenderOptions& options);

}  // namespace millrace::dagctl
