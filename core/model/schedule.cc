#include "core/model/schedule.h"

#include <algorithm>

namespace millrace {
namespace {

void AddNames(const DatasetCondition& condition, std::vector<std::string>& names) {
  if (condition.op == DatasetCondition::Op::kDataset) names.push_back(condition.dataset);
  for (const DatasetCondition& part : condition.parts) AddNames(part, names);
}

}  // namespace

std::vector<std::string> NamesIn(const DatasetCondition& condition) {
  std::vector<std::string> names;
  AddNames(condition, names);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

bool Holds(const DatasetCondition& condition, const std::vector<std::string>& updated) {
  const auto holds = [&updated](const DatasetCondition& part) { return Holds(part, updated); };
  switch (condition.op) {
    case DatasetCondition::Op::kDataset:
      return std::binary_search(updated.begin(), updated.end(), condition.dataset);
    case DatasetCondition::Op::kAll:
      return std::all_of(condition.parts.begin(), condition.parts.end(), holds);
    case DatasetCondition::Op::kAny:
      return std::any_of(condition.parts.begin(), condition.parts.end(), holds);
  }
  return false;
}

std::string ConditionText(const DatasetCondition& condition) {
  if (condition.op == DatasetCondition::Op::kDataset) return condition.dataset;
  const char* joint = condition.op == DatasetCondition::Op::kAll ? " and " : " or ";
  std::string text;
  for (const DatasetCondition& part : condition.parts) {
    const bool bare = part.op == DatasetCondition::Op::kDataset || part.parts.size() == 1;
    text += (text.empty() ? "" : joint) + (bare ? ConditionText(part) : "(" + ConditionText(part) + ")");
  }
  return text;
}

}  // namespace millrace
