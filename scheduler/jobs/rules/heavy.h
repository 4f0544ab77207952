// Heavy keys: what the maps' sketches say together.
#pragma once

#include <cstddef>
#include <vector>

#include "core/model/job.h"

namespace millrace::jobs {

// The heaviest first. Each map tells of those that are heavy in it, and never too many bytes.
std::vector<HeavyKey> Heaviest(const std::vector<const MapResult*>& maps, std::size_t most);

}  // namespace millrace::jobs
