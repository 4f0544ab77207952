// A mapreduce job's file to a DAG of one task, by the same code that reads DAG files, so that it is checked,
// run, kept and shown like any other: there is no second way to run a job. Called by `dagctl jobs` and,
// through main.cc, by the REST API. Pure over FileReader and ZoneDatabase.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/zones.h"
#include "core/model/job_file.h"
#include "core/model/jobs_dag.h"
#include "scheduler/dagbag/load.h"

namespace millrace::dagbag {

inline constexpr std::string_view kJobTask = "job";

// The scripts that the job names are looked for in `files`. Problems have their place in the job's file.
JobDag LoadJobFile(const JobFile& job, const FileReader& files, const ZoneDatabase& zones);
// The same, when the job brings its scripts along.
JobDag LoadJobFile(const JobFile& job, const ZoneDatabase& zones);

}  // namespace millrace::dagbag
