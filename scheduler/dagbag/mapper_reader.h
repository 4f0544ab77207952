// Reads a partition mapper with what stands in it: other mappers, windows, wait policies, each a name or {uses, with}.
// Called by ReadPartitionMappers, on its thread. Adds a problem for whatever is wrong, with its place.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/zones.h"
#include "core/model/dag.h"
#include "core/model/schedule.h"
#include "core/model/value.h"
#include "core/spec/partition_fields.h"

namespace millrace::dagbag {

class MapperReader {
 public:
  // Both outlive the reader.
  MapperReader(const ZoneDatabase& zones, std::vector<Problem>& problems) : zones_(zones), problems_(problems) {}

  // Nothing when there was a problem.
  std::optional<PartitionMapper> Read(const Value& written, int depth = 0);

 private:
  std::optional<PartitionMapper> ReadFields(const MapperKind& kind, const Value& written, int depth);
  void TellOfParts(const Value& with, int depth);
  void ReadParts(const std::string& name, const Value& parts, PartitionMapper& mapper, int depth);
  void ReadWindowed(const Value& with, PartitionMapper& mapper, int depth);
  std::optional<PartitionWindow> ReadWindow(const Value& written);
  void ReadSegments(const Value& with, PartitionWindow& window);
  std::optional<std::int32_t> ReadWaitPolicy(const Value& written);

  const ZoneDatabase& zones_;
  std::vector<Problem>& problems_;
};

}  // namespace millrace::dagbag
