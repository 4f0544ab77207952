// What a user wants of a new run: the body of a trigger, be it of a DAG or of the DAG that makes an asset. Called by the routes'
// handlers, on their threads.
#pragma once

#include "core/model/command.h"
#include "scheduler/api/input.h"

namespace millrace::api {

// Of Airflow's fields, those of this scheduler; what is wrong with them is among `body`'s problems. Whose run it is, and of which DAG, is
// the caller's to say.
TriggerRun ReadTrigger(BodyInput& body);

}  // namespace millrace::api
