#include "scheduler/jobs/second_tries.h"

#include <string>
#include <utility>

#include "scheduler/jobs/rules/speculate.h"

namespace millrace::jobs {

std::vector<std::int64_t> SecondTries::Sizes(std::int32_t stage) const {
  std::map<std::int32_t, std::vector<CutRead>> groups;
  std::vector<std::int64_t> sizes;
  const std::vector<TaskShare>& shares = graph_.decided(stage).tasks;
  for (const TaskShare& share : shares) {
    std::int64_t& bytes = sizes.emplace_back();
    if (share.group < 0) {
      for (const Split& split : dealt_.at(stage).at(static_cast<std::size_t>(share.begin))) bytes += split.bytes;
      continue;
    }
    if (!groups.contains(share.group)) groups[share.group] = graph_.Reads(stage, share.group);
    bytes = BytesOf(groups[share.group], share);
  }
  return sizes;
}

void SecondTries::Start(Actions& actions, std::int32_t stage, const std::map<StageTaskId, Duration>& underway) {
  std::vector<TimedTask> ended;
  std::vector<TimedTask> running;
  std::size_t twice = 0;
  const std::vector<std::int64_t> sizes = Sizes(stage);
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    const StageTaskId id{stage, static_cast<std::int32_t>(k)};
    const StageTask& task = progress_.tasks[id];
    const auto found = underway.find(id);
    if (task.winner) {
      ended.push_back({id.index, sizes[k], task.winner->ended_at - task.winner->started_at});
    } else if (task.twice) {
      ++twice;
    } else if (task.running && found != underway.end()) {
      running.push_back({id.index, sizes[k], found->second});
    } else {
      return;
    }
  }
  for (const SpeculateChoice::Again& again : Speculate(ended, std::move(running), twice).again) {
    StageTask& task = progress_.tasks[{stage, again.index}];
    task.twice = true;
    ++task.tries;
    actions.start.push_back({.id = {stage, again.index, 1}, .work = nullptr, .slots = task.slots});
    if (std::exchange(task.slow, true)) continue;
    const std::string name = progress_.NameOf(stage) + " " + std::to_string(again.index);
    progress_.decisions.push_back({again.decision.rule, name + again.decision.what, again.decision.why});
    actions.report_changed = true;
  }
}

}  // namespace millrace::jobs
