// One attempt in a runner: what its task kind may touch (TaskContext), its log on the way to the agent
// (masked, capped), its scratch folder, what it asks state stores, and how it was stopped. The runner's program owns one per attempt;
// kinds see only TaskContext.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "proto/convert/worker.h"
#include "worker/tasks/mask.h"
#include "worker/tasks/registry.h"
#include "worker/tasks/task.h"

namespace millrace::tasks {

inline constexpr std::size_t kMaxLogBytes = 64U << 20;  // an attempt
inline constexpr std::size_t kMaxResultBytes = 48U << 10;

class Attempt final : public TaskContext {
 public:
  using LogOut = std::function<void(std::string data)>;
  using StateOut = std::function<void(const StateRequest& request)>;

  // `workplace` outlives the attempt.
  Attempt(const v1::Assignment& wire, const Workplace& workplace, LogOut log_out,
          std::size_t max_log = kMaxLogBytes, StateOut state_out = nullptr);
  ~Attempt() override;

  const Assignment& assignment() const override { return assignment_; }
  void Log(std::string_view text) override;
  const std::string& root() const override { return workplace_.root; }
  const std::string& scratch() const override;
  StatusOr<std::string> Connection(std::string_view name) const override;
  StatusOr<std::string> File(std::string_view path) const override;
  bool cancelled() const override { return stopped_; }
  void AskState(StateRequest request, std::function<void(const StateAnswer&)> answered) override;

  // What the scheduler says to AskState. Any thread.
  void Answered(const StateAnswer& answer);

  // Any thread. The first reason counts.
  void Stop(const std::string& reason);

  // What the kind answered as the report of the end: masked, bounded, killed when it was stopped. Flushes the
  // log. Once.
  Report Finish(TaskEnd end);

 private:
  void Emit(std::string data);

  const Workplace& workplace_;
  const Assignment assignment_;
  const convert::Enclosed enclosed_;
  const LogOut log_out_;
  const StateOut state_out_;  // none: no state store
  const std::size_t max_log_;
  const Mask whole_;  // for messages and results

  std::mutex log_mutex_;  // guards the next two
  Mask mask_;
  std::size_t logged_ = 0;

  std::mutex states_mutex_;  // guards the next two
  std::uint64_t last_state_ = 0;
  std::map<std::uint64_t, std::function<void(const StateAnswer&)>> states_;  // that wait

  mutable std::mutex mutex_;  // guards the next two
  mutable std::string scratch_;
  std::string stop_reason_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace millrace::tasks
