#include "scheduler/jobs/choices.h"

#include <algorithm>
#include <utility>

#include "scheduler/jobs/rules/broadcast.h"
#include "scheduler/jobs/rules/coalesce.h"
#include "scheduler/jobs/rules/heavy.h"
#include "scheduler/jobs/rules/ranges.h"
#include "scheduler/jobs/rules/spread.h"

namespace millrace::jobs {
namespace {

constexpr std::size_t kShownKeys = 10;

}  // namespace

std::set<std::int32_t> Choices::DecideJoins() {
  std::set<std::int32_t> held;
  for (std::int32_t i = 0; i < graph_.count(); ++i) {
    const StageJoin& join = graph_.plan(i).join;
    if (join.type.empty() || graph_.absorbed(i) || graph_.decided(i).joined) continue;
    const JoinSide left = graph_.Side(i, join.left);
    const JoinSide right = graph_.Side(i, join.right);
    BroadcastChoice choice = Broadcast(join.type, join.strategy, left, right);
    const bool left_whole = choice.choice == JoinChoice::kBroadcastLeft || choice.choice == JoinChoice::kAwaitLeft;
    if (choice.choice != JoinChoice::kShuffle && (left_whole ? graph_.Clash(left, right) : graph_.Clash(right, left))) {
      choice = {JoinChoice::kShuffle, {"broadcast", "both sides are shuffled", "both are made of the same rows"}};
    }
    switch (choice.choice) {
      case JoinChoice::kAwaitLeft: held.insert(right.stage); continue;
      case JoinChoice::kAwaitRight: held.insert(left.stage); continue;
      case JoinChoice::kBroadcastLeft: graph_.Absorb(i, left, right); break;
      case JoinChoice::kBroadcastRight: graph_.Absorb(i, right, left); break;
      case JoinChoice::kShuffle: break;
    }
    progress_.decisions.push_back({choice.decision.rule, graph_.plan(i).name + ": " + choice.decision.what, choice.decision.why});
    graph_.decided(i).joined = true;
    changed_ = true;
  }
  return held;
}

void Choices::DecideAhead() {
  const std::set<std::int32_t> held = DecideJoins();
  for (std::int32_t i = 0; i < graph_.count(); ++i) {
    if (!graph_.absorbed(i) && !held.contains(i) && graph_.plan(i).reads.empty()) DecideTasks(i);
  }
}

void Choices::DecideTasks(std::int32_t i) {
  const StagePlan& stage = graph_.plan(i);
  StageDecisions& mine = graph_.decided(i);
  const auto note = [&](const Decision& decision) {
    progress_.decisions.push_back({decision.rule, stage.name + ": " + decision.what, decision.why});
  };
  if (stage.exchange == Exchange::kRange) {
    const std::int32_t shared = graph_.SharedPartitions(i);
    const std::int32_t wanted = PartitionsOf(stage.partitions, graph_.Bytes(stage.reads.front().stage), cluster_.slots,
                                              cluster_.slot_bytes);
    const RangesChoice ranges = Ranges(graph_.Maps(stage.reads.front().stage), shared > 0 ? shared : wanted);
    mine.bounds = ranges.bounds;
    mine.partitions = static_cast<std::int32_t>(ranges.bounds.size()) + 1;
    note(ranges.decision);
  } else if (stage.exchange != Exchange::kFiles && mine.partitions == 0) {
    const std::int32_t shared = graph_.SharedPartitions(i);
    const bool one = stage.exchange == Exchange::kHash && stage.keys.empty();
    const std::int32_t wanted = PartitionsOf(stage.partitions, graph_.ShuffleBytes(i), cluster_.slots, cluster_.slot_bytes);
    mine.partitions = one ? 1 : shared > 0 ? shared : wanted;
    if (shared == 0 && !one) Salt(i);
  }
  if (!stage.inputs.empty()) {
    const SpreadChoice spread = Spread(graph_.Splits(i), cluster_.workers, cluster_.slots, cluster_.slot_bytes);
    for (std::int32_t task = 0; task < spread.tasks; ++task) mine.tasks.push_back({.group = -1, .begin = task, .end = task + 1});
    Decision decision = spread.decision;
    if (mine.partitions > 0) decision.what += ", " + std::to_string(mine.partitions) + " partitions";
    note(decision);
  }
  for (const auto& [group, fixed] : Groups(i)) {
    const std::vector<PartitionSize> sizes = graph_.Partitions(i, group);
    // Of partitions that another stage has made states of, those states are read and nothing else.
    std::vector<bool> without = graph_.Divided(i);
    if (!without.empty() && graph_.ReadsOf(i, group, mine.divided_by)) {
      without.clear();
      for (const PartitionSize& size : sizes) without.push_back(size.rows == 0);
    }
    if (mine.divided_by < 0 && stage.cut.partial.empty()) {
      const CutChoice cut = CutGroup(i, group, fixed);
      without.resize(cut.hot.empty() ? 0 : sizes.size());
      for (const HotPartition& hot : cut.hot) {
        without[static_cast<std::size_t>(hot.partition)] = true;
        for (const TaskShare& share : SharesOf(hot, group)) mine.tasks.push_back(share);
      }
    }
    const CoalesceChoice choice = Coalesce(sizes, fixed, cluster_.slots, without, cluster_.slot_bytes);
    for (std::size_t k = 0; k < choice.begins.size(); ++k) {
      mine.tasks.push_back({.group = group, .begin = choice.begins[k], .end = choice.ends[k]});
    }
    note(choice.decision);
  }
  // Nothing came of any of its partitions.
  if (mine.tasks.empty() && !stage.reads.empty()) mine.tasks.push_back({.group = stage.reads.front().group});
  changed_ = true;
}

SaltChoice Choices::SaltOf(std::int32_t stage, std::int32_t plain) const {
  const StageSalt& salt = graph_.plan(stage).salt;
  const StageSalt* earlier = Find(earlier_, graph_.plan(stage));
  if (salt.partitions == 0 || salt.sampled_bytes > 0 || earlier == nullptr) return jobs::Salt(salt, plain);
  StageSalt known = *earlier;
  known.partitions = salt.partitions;
  return jobs::Salt(known, plain, true);
}

void Choices::Salt(std::int32_t i) {
  const std::optional<SharedShuffle> shuffle = graph_.Shuffle(i);
  if (!shuffle) return;
  const std::int32_t plain = graph_.decided(i).partitions;
  SaltChoice choice;
  std::int32_t spread = -1;
  for (const std::int32_t stage : shuffle->may_salt) {
    SaltChoice other = SaltOf(stage, plain);
    if (other.partitions <= choice.partitions) continue;
    choice = std::move(other);
    spread = stage;
  }
  if (spread < 0) return;
  for (const std::int32_t stage : shuffle->writers) {
    StageDecisions& decided = graph_.decided(stage);
    decided.partitions = plain + choice.partitions;
    decided.salts = choice.salts;
    decided.salted_partitions = choice.partitions;
    decided.replicates = stage != spread;
  }
  progress_.decisions.push_back({choice.decision.rule, graph_.plan(spread).name + ": " + choice.decision.what, choice.decision.why});
}

std::map<std::int32_t, bool> Choices::Groups(std::int32_t i) const {
  std::map<std::int32_t, bool> groups;
  bool fixed = false;
  for (const StageRead& read : graph_.plan(i).reads) {
    if (read.broadcast) continue;
    groups.emplace(read.group, false);
    fixed = fixed || graph_.plan(read.stage).partitions > 0;
  }
  for (auto& [group, mine] : groups) mine = fixed;
  return groups;
}

CutChoice Choices::CutGroup(std::int32_t i, std::int32_t group, bool fixed) {
  const StagePlan& stage = graph_.plan(i);
  CutChoice choice;
  if (stage.cut.views.empty() && stage.cut.never.empty()) return choice;
  const std::vector<CutRead> reads = graph_.Reads(i, group);
  choice = Cut(reads, stage.cut, fixed, cluster_.slots, cluster_.slot_bytes);
  if (choice.decision.rule.empty()) return choice;
  std::vector<const MapResult*> maps;
  for (const CutRead& read : reads) maps.insert(maps.end(), read.maps.begin(), read.maps.end());
  std::vector<HeavyKey> keys = Heaviest(maps, kShownKeys);
  // Those that make no partition hot are of no interest.
  std::erase_if(keys, [&](const HeavyKey& key) { return key.bytes < choice.usual_bytes / 4; });
  if (!keys.empty()) {
    choice.decision.why += "; the heaviest key is " + keys[0].text + " with " + Bytes(static_cast<double>(keys[0].bytes));
  }
  progress_.decisions.push_back({choice.decision.rule, stage.name + ": " + choice.decision.what, choice.decision.why});
  progress_.skew.push_back({.stage = stage.name, .cut = choice, .keys = std::move(keys)});
  return choice;
}

bool Choices::Divide(std::int32_t i) {
  if (graph_.plan(i).cut.partial.empty() || graph_.decided(i).divided_by >= 0) return false;
  for (const auto& [group, fixed] : Groups(i)) {
    const std::vector<CutRead> reads = graph_.Reads(i, group);
    if (std::none_of(reads.begin(), reads.end(), [](const CutRead& read) { return read.may_cut; })) continue;
    CutChoice choice = CutGroup(i, group, fixed);
    graph_.AddSalted(i, choice.hot);
    if (choice.hot.empty()) continue;
    graph_.Divide(i, choice.hot);
    changed_ = true;
    return true;
  }
  return false;
}

}  // namespace millrace::jobs
