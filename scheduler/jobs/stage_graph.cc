#include "scheduler/jobs/stage_graph.h"

#include <algorithm>
#include <set>

namespace millrace::jobs {
namespace {

// Two digits a byte.
std::string Unhex(std::string_view hex) {
  const auto digit = [](char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  return bytes;
}

}  // namespace

bool StageGraph::Complete(std::int32_t stage) const {
  const std::size_t tasks = decided(stage).tasks.size();
  if (tasks == 0) return false;
  std::size_t won = 0;
  for (auto task = progress_.tasks.lower_bound({stage, 0});
       task != progress_.tasks.end() && task->first.stage == stage; ++task)
    won += task->second.winner ? 1 : 0;
  return won == tasks;
}

bool StageGraph::Ready(std::int32_t stage) const {
  const std::vector<StageRead>& reads = plan(stage).reads;
  return std::all_of(reads.begin(), reads.end(), [&](const StageRead& read) { return Complete(read.stage); });
}

std::vector<std::int32_t> StageGraph::Consumers(std::int32_t stage) const {
  std::vector<std::int32_t> consumers;
  for (std::int32_t i = stage + 1; i < count(); ++i) {
    const std::vector<StageRead>& reads = plan(i).reads;
    const bool is_reader =
        std::any_of(reads.begin(), reads.end(), [&](const StageRead& read) { return read.stage == stage; });
    if (is_reader && !absorbed(i)) consumers.push_back(i);
  }
  return consumers;
}

bool StageGraph::Needed(std::int32_t stage) const {
  for (const std::int32_t consumer : Consumers(stage)) {
    if (!Complete(consumer)) return true;
  }
  return false;
}

std::vector<Split> StageGraph::Splits(std::int32_t stage) const {
  const std::vector<std::string>& inputs = plan(stage).inputs;
  std::vector<Split> splits;
  for (const Split& split : plan_.splits) {
    if (std::find(inputs.begin(), inputs.end(), split.input) != inputs.end()) splits.push_back(split);
  }
  return splits;
}

std::vector<const MapResult*> StageGraph::Maps(std::int32_t stage) const {
  std::vector<const MapResult*> maps;
  for (std::size_t i = 0; i < decided(stage).tasks.size(); ++i) {
    const auto task = progress_.tasks.find({stage, static_cast<std::int32_t>(i)});
    if (task == progress_.tasks.end() || !task->second.winner) continue;
    if (const auto* map = std::get_if<MapResult>(&task->second.winner->result)) maps.push_back(map);
  }
  return maps;
}

std::vector<PartitionSize> StageGraph::Partitions(std::int32_t stage, std::int32_t group) const {
  std::vector<PartitionSize> sizes;
  for (const StageRead& read : plan(stage).reads) {
    if (read.broadcast || read.group != group) continue;
    sizes.resize(static_cast<std::size_t>(decided(read.stage).partitions));
    for (const MapResult* map : Maps(read.stage)) {
      for (std::size_t p = 0; p < std::min(map->partitions.size(), sizes.size()); ++p) {
        sizes[p].bytes += map->partitions[p].bytes;
        sizes[p].rows += map->partitions[p].rows;
      }
    }
  }
  return sizes;
}

std::int64_t StageGraph::Bytes(std::int32_t stage) const {
  std::int64_t bytes = 0;
  if (Complete(stage)) {
    for (const MapResult* map : Maps(stage)) {
      for (const PartitionSize& size : map->partitions) bytes += size.bytes;
    }
    return bytes;
  }
  for (const Split& split : Splits(stage)) bytes += split.bytes;
  for (const StageRead& read : plan(stage).reads) bytes += Bytes(read.stage);
  return bytes;
}

std::vector<std::int32_t> StageGraph::Siblings(std::int32_t stage) const {
  std::vector<std::int32_t> siblings = {stage};
  for (const std::int32_t consumer : Consumers(stage)) {
    const std::vector<StageRead>& reads = plan(consumer).reads;
    const auto mine =
        std::find_if(reads.begin(), reads.end(), [&](const StageRead& read) { return read.stage == stage; });
    if (mine->broadcast) continue;
    for (const StageRead& read : reads) {
      if (read.stage != stage && !read.broadcast && read.group == mine->group) siblings.push_back(read.stage);
    }
  }
  return siblings;
}

std::int32_t StageGraph::SharedPartitions(std::int32_t stage) const {
  for (const std::int32_t sibling : Siblings(stage)) {
    if (decided(sibling).partitions > 0) return decided(sibling).partitions;
  }
  return 0;
}

std::int64_t StageGraph::ShuffleBytes(std::int32_t stage) const {
  std::int64_t bytes = 0;
  for (const std::int32_t sibling : Siblings(stage)) bytes += Bytes(sibling);
  return bytes;
}

const StageRead* StageGraph::ReadOf(std::int32_t stage, const std::string& view) const {
  for (const StageRead& read : plan(stage).reads) {
    if (read.view == view) return &read;
  }
  return nullptr;
}

StageTaskWork StageGraph::WorkOf(std::int32_t i) const {
  const StagePlan& stage = plan(i);
  StageTaskWork work{.stage = i, .index = 0, .plan = stage};
  work.plan.reads.clear();
  const auto add_input = [&](const std::string& name, bool broadcast) {
    for (const InputFacts& input : plan_.inputs) {
      if (input.name != name) continue;
      work.inputs.push_back(input);
      work.inputs.back().broadcast = broadcast;
    }
  };
  for (const std::string& name : stage.inputs) add_input(name, false);
  for (const std::string& name : stage.broadcast) add_input(name, true);
  for (const StageRead& read : stage.reads) {
    TaskRead task{.view = read.view,
                  .columns = read.columns,
                  .partition_begin = 0,
                  .partition_end = decided(read.stage).partitions};
    for (const MapResult* map : Maps(read.stage)) {
      task.sources.push_back(map->output);
      task.sources.back().stage = read.stage;
    }
    work.reads.push_back(std::move(task));
  }
  work.partitions = std::max(1, decided(i).partitions);
  for (const std::string& bound : decided(i).bounds) work.bounds.push_back(Unhex(bound));
  return work;
}

void StageGraph::Narrow(StageTaskWork& work, const TaskShare& share) const {
  for (std::size_t i = 0; i < work.reads.size(); ++i) {
    const StageRead& read = plan(work.stage).reads[i];
    if (read.broadcast) continue;
    const bool mine = read.group == share.group;
    if (!mine) work.reads[i].sources.clear();
    work.reads[i].partition_begin = mine ? share.begin : 0;
    work.reads[i].partition_end = mine ? share.end : 0;
  }
}

JoinSide StageGraph::Side(std::int32_t join, const std::string& view) const {
  const std::int32_t stage = ReadOf(join, view)->stage;
  const StagePlan& maker = plan(stage);
  JoinSide side{.name = view, .stage = stage, .bytes = Bytes(stage), .exact = Complete(stage)};
  side.started = !decided(stage).tasks.empty();
  side.plain = !side.started && maker.inputs.size() == 1 && maker.broadcast.empty() && maker.reads.empty() &&
               maker.steps.empty();
  return side;
}

bool StageGraph::Clash(const JoinSide& broadcast, const JoinSide& other) const {
  const StagePlan& maker = plan(other.stage);
  std::set<std::string> names(maker.inputs.begin(), maker.inputs.end());
  names.insert(maker.broadcast.begin(), maker.broadcast.end());
  for (const StageRead& read : maker.reads) names.insert(read.view);
  return names.contains(broadcast.name);
}

void StageGraph::Absorb(std::int32_t join, const JoinSide& broadcast, const JoinSide& other) {
  StagePlan& into = plan_.stages[static_cast<std::size_t>(join)];
  StageRead whole = *ReadOf(join, broadcast.name);
  const StagePlan& from = plan(other.stage);
  into.inputs = from.inputs;
  into.broadcast = from.broadcast;
  into.reads = from.reads;
  // An input as it is needs no stage: every task reads its files.
  if (broadcast.plain) {
    into.broadcast.push_back(plan(broadcast.stage).inputs.front());
    decided(broadcast.stage).absorbed = true;
  } else {
    whole.broadcast = true;
    into.reads.push_back(std::move(whole));
  }
  std::vector<Step> steps = from.steps;
  if (from.result != other.name)
    steps.push_back({.name = "", .view = other.name, .code = {.sql = "FROM \"" + from.result + "\""}});
  into.steps.insert(into.steps.begin(), steps.begin(), steps.end());
  decided(other.stage).absorbed = true;
}

}  // namespace millrace::jobs
