// Who stands before and behind a live task instance. A mapped task counts with all of its instances, except
// within one mapped group, where instances of one map index belong together. Part of state.h.
#pragma once

#include <algorithm>

#include "scheduler/engine/state.h"

namespace millrace::engine {

template <typename Visit>
void Engine::State::EachOf(LiveRun& run, std::int32_t task, const Visit& visit) {
  const auto mapped = run.mapped.find(task);
  if (mapped == run.mapped.end()) {
    if (const std::int32_t index = run.first(task); run.has(index)) visit(run.at(index));
    return;
  }
  // By place: a visit may expand other tasks.
  for (std::size_t i = 0; i < mapped->second.size(); ++i) visit(run.at(mapped->second[i]));
}

namespace internal {

// The one instance of `other` that belongs to this one, when both are in one mapped group.
inline Instance* Beside(LiveRun& run, const Instance& instance, std::int32_t other) {
  const Task& task = run.dag->tasks[static_cast<std::size_t>(instance.row.task())];
  const Task& there = run.dag->tasks[static_cast<std::size_t>(other)];
  if (task.mapped_group < 0 || task.mapped_group != there.mapped_group) return nullptr;
  const auto mapped = run.mapped.find(other);
  const std::int32_t first = run.first(other);
  if (mapped == run.mapped.end()) return run.has(first) ? &run.at(first) : nullptr;
  const auto place = static_cast<std::size_t>(std::max(instance.row.map_index, 0));
  return place < mapped->second.size() ? &run.at(mapped->second[place]) : nullptr;
}

inline bool InOneGroup(const LiveRun& run, std::int32_t a, std::int32_t b) {
  const std::int32_t group = run.dag->tasks[static_cast<std::size_t>(a)].mapped_group;
  return group >= 0 && group == run.dag->tasks[static_cast<std::size_t>(b)].mapped_group;
}

}  // namespace internal

template <typename Visit>
void Engine::State::EachUpstream(LiveRun& run, const Instance& instance, const Visit& visit) {
  for (const std::int32_t upstream : TaskOf(run, instance).upstream) {
    if (!internal::InOneGroup(run, instance.row.task(), upstream)) {
      EachOf(run, upstream, visit);
    } else if (Instance* beside = internal::Beside(run, instance, upstream); beside != nullptr) {
      visit(*beside);
    }
  }
}

template <typename Visit>
void Engine::State::EachDownstream(LiveRun& run, const Instance& instance, const Visit& visit) {
  for (const std::int32_t downstream : TaskOf(run, instance).downstream) {
    if (!internal::InOneGroup(run, instance.row.task(), downstream)) {
      EachOf(run, downstream, visit);
    } else if (Instance* beside = internal::Beside(run, instance, downstream); beside != nullptr) {
      visit(*beside);
    }
  }
}

}  // namespace millrace::engine
