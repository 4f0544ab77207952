// Salt: keys that a sample of the rows shows to be heavy get partitions of their own before anything is written, and the writers
// deal their rows to those in turn. What then comes of an aggregation's partitions is merged once more, as of those that are cut;
// the other side of a join is written to all of a key's partitions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/job.h"
#include "scheduler/jobs/rules/decision.h"

namespace millrace::jobs {

struct SaltChoice {
  std::vector<SaltedKey> salts;
  std::int32_t partitions = 0;  // that they need, beyond the others
  Decision decision;            // no rule: no key is heavy
};

// Of a shuffle that has so many partitions for its other keys. `earlier`: what was sampled is what a run before has shuffled.
SaltChoice Salt(const StageSalt& salt, std::int32_t partitions, bool earlier = false);

}  // namespace millrace::jobs
