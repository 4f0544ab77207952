#include "core/model/schedule.h"

#include <algorithm>

namespace millrace {
namespace {

using Op = DatasetCondition::Op;

constexpr std::size_t kLongestName = 1500;

void AddNames(const DatasetCondition& condition, Op of, std::set<std::string>& names) {
  if (condition.op == of) names.insert(condition.dataset);
  for (const DatasetCondition& part : condition.parts) AddNames(part, of, names);
}

std::vector<std::string> LeavesOf(const DatasetCondition& condition, Op of) {
  std::set<std::string> names;
  AddNames(condition, of, names);
  return {names.begin(), names.end()};
}

bool IsLeaf(const DatasetCondition& condition) {
  return condition.op == Op::kDataset || condition.op == Op::kAlias;
}

}  // namespace

std::vector<std::string> NamesIn(const DatasetCondition& condition) {
  return LeavesOf(condition, Op::kDataset);
}

std::vector<std::string> AliasesIn(const DatasetCondition& condition) {
  return LeavesOf(condition, Op::kAlias);
}

DatasetCondition Resolved(const DatasetCondition& condition, const AttachedDatasets& attached) {
  DatasetCondition resolved = condition;
  for (DatasetCondition& part : resolved.parts) part = Resolved(part, attached);
  if (condition.op != Op::kAlias) return resolved;
  resolved.op = Op::kAny;
  resolved.dataset.clear();
  if (const auto found = attached.find(condition.dataset); found != attached.end()) {
    for (const std::string& name : found->second) resolved.parts.push_back({Op::kDataset, name, {}});
  }
  return resolved;
}

bool IsDatasetName(std::string_view name) {
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  return !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), printable);
}

bool Holds(const DatasetCondition& condition, const std::vector<std::string>& updated) {
  const auto holds = [&updated](const DatasetCondition& part) { return Holds(part, updated); };
  switch (condition.op) {
    case DatasetCondition::Op::kDataset:
      return std::binary_search(updated.begin(), updated.end(), condition.dataset);
    case DatasetCondition::Op::kAlias:
      return false;  // until it is resolved
    case DatasetCondition::Op::kAll:
      return std::all_of(condition.parts.begin(), condition.parts.end(), holds);
    case DatasetCondition::Op::kAny:
      return std::any_of(condition.parts.begin(), condition.parts.end(), holds);
  }
  return false;
}

std::string ConditionText(const DatasetCondition& condition) {
  if (condition.op == Op::kDataset) return condition.dataset;
  if (condition.op == Op::kAlias) return "alias " + condition.dataset;
  const char* joint = condition.op == DatasetCondition::Op::kAll ? " and " : " or ";
  std::string text;
  for (const DatasetCondition& part : condition.parts) {
    const bool bare = IsLeaf(part) || part.parts.size() == 1;
    text += (text.empty() ? "" : joint) + (bare ? ConditionText(part) : "(" + ConditionText(part) + ")");
  }
  return text;
}

}  // namespace millrace
