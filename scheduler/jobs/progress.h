// What a job has done so far: its stage tasks with their tries, winners and sizes. Job decides with it; the report shows it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/model/value.h"
#include "scheduler/jobs/job.h"
#include "scheduler/jobs/rules/cut.h"
#include "scheduler/jobs/rules/decision.h"

namespace millrace::jobs {

struct StageTask {
  bool running = false;  // asked for and not ended
  std::int32_t tries = 0;
  std::int32_t failures = 0;
  std::int32_t lost = 0;
  std::int32_t slots = 1;  // more after it ran out of memory
  bool twice = false;      // a second attempt runs beside the first
  bool slow = false;       // the report says that it is tried twice
  std::optional<StageTaskRow> winner;
  std::string last_digest;  // of the winner before it was lost, to compare with what is made again
  std::string last_order;   // its ordered digest
};

// One ended attempt, for the report's timeline.
struct TimelineEntry {
  StageTaskId id;
  std::string worker;
  WallTime started_at{};
  WallTime ended_at{};
  Outcome outcome = Outcome::kSuccess;
  std::string message;
};

// What was hot in what a stage reads, and what was done about it.
struct Skew {
  std::string stage;
  CutChoice cut;
  std::vector<HeavyKey> keys;
};

struct Progress {
  std::string state = "planning";  // JobRow's
  std::map<StageTaskId, StageTask> tasks;
  Value plan;  // PlanValue, once: reports are many
  std::vector<Decision> decisions;
  std::vector<Skew> skew;
  std::vector<TimelineEntry> timeline;  // the first thousand
  std::vector<std::string> stages;        // their names
  std::vector<PartitionSize> partitions;  // of what the last stage reads
  std::int64_t timeline_dropped = 0;

  std::string NameOf(std::int32_t stage) const;
};

// docs/jobs.md, "the job report".
Value ReportValue(const JobKey& key, const JobDecisions& decisions, const Progress& progress);

}  // namespace millrace::jobs
