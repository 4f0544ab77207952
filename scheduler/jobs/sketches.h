// What a job's shuffles told of their keys, for the next run of the same task: its first maps can spread a heavy key at once, where
// without it a hot partition is only found when it is written. Kept by the engine as text; a stage that is another now finds nothing.
// Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/model/job.h"
#include "scheduler/jobs/stage_graph.h"

namespace millrace::jobs {

// By what tells a stage from others: its name, its keys and what they are hashed by.
using Sketches = std::map<std::string, StageSalt>;

// Of every stage that writes by keys and is complete; "" when no key of any of them is worth to be remembered.
std::string SketchesText(const StageGraph& graph);
// None of a text that is not of this version.
Sketches ParseSketches(std::string_view text);

// Of an earlier run; null: nothing is known.
const StageSalt* Find(const Sketches& sketches, const StagePlan& stage);

}  // namespace millrace::jobs
