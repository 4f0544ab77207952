// Reads `schedule` and what belongs to it (dates, catchup, overlap, jitter, deadlines, datasets) from a DAG
// document. Called by DagReader, on its thread. Adds a problem for whatever is wrong, with its place.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/zones.h"
#include "core/model/dag.h"
#include "core/model/value.h"

namespace millrace::dagbag {

// A dataset as `outlets`, `inlets` and conditions write it: a name, or a map. Nothing, and a problem, when it
// is neither.
std::optional<Dataset> ReadDataset(const Value& value, const std::string& what,
                                   std::vector<Problem>& problems);
// Adds one that is not known yet; a description is better than a bare name.
void AddDataset(std::vector<Dataset>& datasets, Dataset dataset);

class ScheduleReader {
 public:
  // `default_args` may be nullptr; all is borrowed.
  ScheduleReader(const Value& document, const Value* default_args, const ZoneDatabase& zones,
                 std::vector<Problem>& problems)
      : document_(document), default_args_(default_args), zones_(zones), problems_(problems) {}

  // `max_active_runs` as it will hold. Fills schedule, deadlines and datasets.
  void Read(Dag& dag);

 private:
  const Zone* ReadZone();
  std::optional<WallTime> ReadTime(std::string_view field, const Zone& zone);
  void ReadPolicies();
  void ReadTimetable(const Value& written);
  void ReadTimes(const Value& written);
  void ReadText(const Value& written, bool fires);
  void ReadList(const Value& written);
  void ReadUses(const Value& written, const Value& uses);
  void ReadWith(int kind, const Value& with);
  void ReadTrigger(const Value& with);
  void ReadEvents(const Value& with, std::string_view field);
  void ReadDatasets(const Value& written);
  void ReadPartitions(const Value& map, bool is_wanted);
  std::optional<DatasetCondition> ReadCondition(const Value& value, int depth);
  void ReadDeadline(const Value& value, Dag& dag);
  void Add(Position where, std::string message, std::string suggestion = "");

  const Value& document_;
  const Value* default_args_;
  const ZoneDatabase& zones_;
  std::vector<Problem>& problems_;

  const Zone* zone_ = nullptr;
  Schedule schedule_;
  std::vector<Dataset> datasets_;
  std::vector<DatasetAlias> aliases_;
};

}  // namespace millrace::dagbag
