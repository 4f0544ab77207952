// core/model/job.h on the wire and back. Called by the gateway, the agent and the runner; any thread. What
// strangers send never fails here: a missing or unknown part becomes its default, and whoever uses the value
// checks it.
#pragma once

#include "core/model/job.h"
#include "proto/job.pb.h"

namespace millrace::convert {

void ToWire(const JobKey& from, v1::JobKey* to);
void ToWire(const StageWork& from, v1::StageWork* to);
void ToWire(const StageResult& from, v1::StageResult* to);

JobKey FromWire(const v1::JobKey& from);
StageWork FromWire(const v1::StageWork& from);
StageResult FromWire(const v1::StageResult& from);

}  // namespace millrace::convert
