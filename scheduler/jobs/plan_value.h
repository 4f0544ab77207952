// What a job will do, as its plan and its first decisions say: the `plan` of the job report (docs/jobs.md),
// and all that `dagctl jobs explain` shows. Pure.
#pragma once

#include "core/model/job.h"
#include "core/model/value.h"
#include "scheduler/jobs/rules/fuse.h"

namespace millrace::jobs {

Value PlanValue(const JobPlan& plan, const JobDecisions& decisions, const FuseChoice& estimates);

}  // namespace millrace::jobs
