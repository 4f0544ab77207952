// Which keys are heavy, from a sample of what a job's first stages will write: for jobs whose author wants heavy keys spread, or
// whose inputs are large enough for that to pay. The end of the plan attempt; its thread.
#pragma once

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/mapreduce/site.h"

namespace millrace::mapreduce {

// Fills in StageSalt::heavy. What cannot be read here is left to the tasks that will read it, to say so.
Status SampleKeys(const Site& site, JobPlan& plan);

}  // namespace millrace::mapreduce
