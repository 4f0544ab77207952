#include "scheduler/jobs/stage_graph.h"

#include <algorithm>
#include <limits>
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

// What a stage's rows are divided by, as SQL over their columns; "" when not by keys.
std::string KeyHash(const StagePlan& stage) {
  if (stage.exchange != Exchange::kHash || stage.keys.empty()) return "";
  const auto by_author = [](const Step& step) { return step.name == "partition"; };
  if (std::any_of(stage.steps.begin(), stage.steps.end(), by_author)) return "";
  if (!stage.hash.empty()) return stage.hash;
  std::string keys;
  for (const std::string& key : stage.keys) {
    keys += keys.empty() ? "\"" : ", \"";
    for (const char c : key) keys += c == '"' ? std::string(2, c) : std::string(1, c);
    keys += '"';
  }
  return "hash(" + keys + ")";
}

// Only the maps that have blocks in [from, to), and of those at both ends only some.
void KeepCut(TaskRead& read, CutPoint from, CutPoint to) {
  std::vector<MapOutput> sources;
  for (MapOutput& source : read.sources) {
    const std::int32_t map = source.map_index;
    const ByteRange range{.begin = map == from.map ? from.byte : 0,
                          .end = map == to.map ? to.byte : std::numeric_limits<std::int64_t>::max()};
    if (map < from.map || map > to.map || range.begin >= range.end) continue;
    sources.push_back(std::move(source));
    read.cuts.push_back(range);
  }
  read.sources = std::move(sources);
}

}  // namespace

std::int32_t StageGraph::last() const {
  std::int32_t last = count() - 1;
  while (last > 0 && plan(last).exchange != Exchange::kFiles) --last;
  return last;
}

bool StageGraph::Fits(std::int32_t stage, const StageResult& result) const {
  switch (stage) {
    case kPlanStage: return std::holds_alternative<PlanResult>(result) && !std::get<PlanResult>(result).plan.stages.empty();
    case kPublishStage: return std::holds_alternative<PublishResult>(result);
    case kFusedStage: return std::holds_alternative<ReduceResult>(result);
    default: break;
  }
  if (stage < 0 || stage >= count()) return false;
  return plan(stage).exchange == Exchange::kFiles ? std::holds_alternative<ReduceResult>(result)
                                                  : std::holds_alternative<MapResult>(result);
}

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
  for (std::int32_t i = 0; i < count(); ++i) {
    const std::vector<StageRead>& reads = plan(i).reads;
    const bool is_reader =
        std::any_of(reads.begin(), reads.end(), [&](const StageRead& read) { return read.stage == stage; });
    if (is_reader && !absorbed(i)) consumers.push_back(i);
  }
  return consumers;
}

std::vector<std::int32_t> StageGraph::FromTheEnd() const {
  // Stages read earlier ones, but for those that came later and are read by the one that they divide.
  std::vector<std::int32_t> order;
  for (std::int32_t i = last(); i >= 0; --i) {
    order.push_back(i);
    if (decided(i).divided_by >= 0) order.push_back(decided(i).divided_by);
  }
  return order;
}

bool StageGraph::ReadsOf(std::int32_t stage, std::int32_t group, std::int32_t of) const {
  const std::vector<StageRead>& reads = plan(stage).reads;
  return std::any_of(reads.begin(), reads.end(), [&](const StageRead& read) {
    return !read.broadcast && read.group == group && read.stage == of;
  });
}

bool StageGraph::CutsMap(std::int32_t stage, const TaskShare& share, std::int32_t map_stage, std::int32_t map) const {
  const auto cuts = [&](std::int32_t read, CutPoint from, CutPoint to) {
    return read >= 0 && plan(stage).reads[static_cast<std::size_t>(read)].stage == map_stage && from.map <= map && map <= to.map && to != CutPoint{map, 0};
  };
  return cuts(share.cut_read, share.from, share.to) || cuts(share.other_read, share.other_from, share.other_to);
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

std::vector<CutRead> StageGraph::Reads(std::int32_t stage, std::int32_t group) const {
  const StagePlan& reader = plan(stage);
  std::vector<CutRead> found;
  for (std::size_t i = 0; i < reader.reads.size(); ++i) {
    const StageRead& read = reader.reads[i];
    if (read.broadcast || read.group != group) continue;
    const std::vector<std::string>& views = reader.cut.views;
    found.push_back({.read = static_cast<std::int32_t>(i),
                     .may_cut = std::find(views.begin(), views.end(), read.view) != views.end(),
                     .maps = Maps(read.stage),
                     .salts = decided(read.stage).salts,
                     .salted_partitions = decided(read.stage).salted_partitions});
  }
  return found;
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

std::optional<SharedShuffle> StageGraph::Shuffle(std::int32_t stage) const {
  const std::vector<std::int32_t> consumers = Consumers(stage);
  if (consumers.size() != 1) return std::nullopt;
  const StagePlan& reader = plan(consumers.front());
  if (!reader.join.type.empty() && !decided(consumers.front()).joined) return std::nullopt;
  if (reader.join.type.empty() && reader.cut.partial.empty()) return std::nullopt;
  SharedShuffle shuffle;
  for (const StageRead& read : reader.reads) {
    if (read.broadcast) continue;
    if (plan(read.stage).exchange != Exchange::kHash || !decided(read.stage).tasks.empty()) return std::nullopt;
    shuffle.writers.push_back(read.stage);
    const std::vector<std::string>& views = reader.cut.views;
    if (std::find(views.begin(), views.end(), read.view) != views.end()) shuffle.may_salt.push_back(read.stage);
  }
  return shuffle;
}

void StageGraph::AddSalted(std::int32_t stage, std::vector<HotPartition>& hot) const {
  const StagePlan& reader = plan(stage);
  for (std::size_t i = 0; i < reader.reads.size(); ++i) {
    const StageRead& read = reader.reads[i];
    const StageDecisions& writer = decided(read.stage);
    if (read.broadcast || writer.salted_partitions == 0) continue;
    for (std::int32_t p = writer.partitions - writer.salted_partitions; p < writer.partitions; ++p) {
      const auto same = [&](const HotPartition& other) { return other.partition == p; };
      if (std::any_of(hot.begin(), hot.end(), same)) continue;
      hot.push_back({.partition = p, .size = {}, .read = static_cast<std::int32_t>(i), .points = {}});
    }
  }
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
  work.plan.cut = {};
  work.plan.salt = {};
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
                  .partition_end = decided(read.stage).partitions,
                  .sources = {},
                  .cuts = {},
                  .hash = read.broadcast ? "" : KeyHash(plan(read.stage))};
    for (const MapResult* map : Maps(read.stage)) {
      task.sources.push_back(map->output);
      task.sources.back().stage = read.stage;
    }
    work.reads.push_back(std::move(task));
  }
  work.partitions = std::max(1, decided(i).partitions);
  for (const std::string& bound : decided(i).bounds) work.bounds.push_back(Unhex(bound));
  work.salts = decided(i).salts;
  work.salted_partitions = decided(i).salted_partitions;
  work.replicates = decided(i).replicates;
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
    if (mine && share.cut_read == static_cast<std::int32_t>(i)) KeepCut(work.reads[i], share.from, share.to);
    if (mine && share.other_read == static_cast<std::int32_t>(i)) KeepCut(work.reads[i], share.other_from, share.other_to);
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
  into.cut = from.cut;
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
  std::vector<SideOutput>& sides = plan_.stages[static_cast<std::size_t>(other.stage)].sides;
  into.sides.insert(into.sides.end(), sides.begin(), sides.end());
  sides.clear();
  decided(other.stage).absorbed = true;
}

void StageGraph::Divide(std::int32_t stage, const std::vector<HotPartition>& hot) {
  StagePlan& into = plan_.stages[static_cast<std::size_t>(stage)];
  const std::int32_t index = hot.front().read;
  StageRead& read = into.reads[static_cast<std::size_t>(index)];
  const StagePlan& from = plan(read.stage);
  StagePlan partial{.name = into.name + ".cut", .reads = {read}, .steps = into.cut.partial};
  const auto taken = [&](const StagePlan& other) { return other.name == partial.name; };
  while (std::any_of(plan_.stages.begin(), plan_.stages.end(), taken)) partial.name += ".cut";
  partial.reads[0].group = 0;
  partial.result = partial.steps.back().view;
  partial.columns = read.columns;
  partial.exchange = Exchange::kHash;
  partial.keys = from.keys;
  partial.hash = from.hash;

  // Keys that have partitions of their own go where they would without.
  StageDecisions decisions{.joined = true, .partitions = decided(read.stage).partitions - decided(read.stage).salted_partitions};
  for (const HotPartition& partition : hot) {
    for (const TaskShare& share : SharesOf(partition, 0)) {
      decisions.tasks.push_back(share);
      decisions.tasks.back().cut_read = 0;
    }
  }

  StageRead states = read;
  states.stage = count();
  for (const StageRead& other : into.reads) states.group = std::max(states.group, other.group + 1);
  const std::string view = read.view;
  read.view = view + ".whole";
  states.view = view + ".cut";
  const std::string all = "FROM \"" + read.view + "\" UNION ALL FROM \"" + states.view + "\"";
  into.steps.insert(into.steps.begin(), {.name = "", .view = view, .code = {.sql = all}});
  into.reads.push_back(std::move(states));
  decided(stage).divided_by = count();
  plan_.stages.push_back(std::move(partial));
  decisions_.stages.push_back(std::move(decisions));
}

std::vector<bool> StageGraph::Divided(std::int32_t stage) const {
  std::vector<bool> divided;
  const std::int32_t by = decided(stage).divided_by;
  if (by < 0) return divided;
  divided.resize(static_cast<std::size_t>(decided(plan(by).reads.front().stage).partitions));
  for (const TaskShare& share : decided(by).tasks) divided[static_cast<std::size_t>(share.begin)] = true;
  return divided;
}

}  // namespace millrace::jobs
