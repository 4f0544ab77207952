// The one DAG of all jobs that are run without a DAG: each is a version of it with a run, and goes with it. No DAG file may take its
// id. scheduler/dagbag makes the versions, scheduler/store lets them go.
#pragma once

#include <string_view>

namespace millrace {

inline constexpr std::string_view kJobsDag = "millrace.jobs";

}  // namespace millrace
