// What runners tell the pool on their reading threads: logs, reports, blocks; and what becomes of their
// attempts when they die.
#include <sys/wait.h>

#include <csignal>
#include <filesystem>

#include "proto/convert/worker.h"
#include "worker/runner/seat.h"

namespace millrace::runner {
namespace {

// Memory is short when the kernel sends SIGKILL and nobody here did.
bool LooksLikeMemory(int wait_status) { return WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL; }

constexpr std::size_t kMaxDatasetBytes = 4096;

std::string DeathMessage(int wait_status) {
  return "runner " + DescribeWaitStatus(wait_status) +
         (LooksLikeMemory(wait_status) ? " (out of memory?)" : "");
}

}  // namespace

// What a dead runner left; its job may go on in another one, which must find nothing of it. Tick removes it.
void RunnerPool::SetAside(const std::string& folder) {
  std::error_code error;
  const std::string aside = folder + ".left-" + std::to_string(++set_aside_);
  std::filesystem::rename(folder, aside, error);
  if (!error) leftovers_.push_back(aside);
}

RunnerPool::Seat* RunnerPool::SeatOf(const Runner& runner) {
  for (const auto& seat : slots_) {
    if (seat->runner.get() == &runner) return seat.get();
  }
  for (const auto& [job, seat] : jobs_) {
    if (seat->runner.get() == &runner) return seat.get();
  }
  if (sensors_->runner.get() == &runner) return sensors_.get();
  if (courier_ != nullptr && courier_->runner.get() == &runner) return courier_.get();
  return nullptr;
}

Report RunnerPool::EndOf(const Fence& fence, Outcome outcome, std::string message) const {
  Report report;
  report.fence = fence;
  report.ended = true;
  report.outcome = outcome;
  report.message = std::move(message);
  report.started_at = report.ended_at = clock_.now().wall;
  return report;
}

void RunnerPool::Handle(Runner& runner, v1::FromRunner message, Descriptor descriptor) {
  switch (message.message_case()) {
    case v1::FromRunner::kLog: {
      v1::RunnerLog& log = *message.mutable_log();
      attempts_.OnLog(convert::FromWire(log.fence()), std::move(*log.mutable_data()));
      break;
    }
    case v1::FromRunner::kReport:
      HandleReport(runner, message.report());
      break;
    case v1::FromRunner::kBlocks: {
      const Status kept = blocks_.Keep(message.blocks(), std::move(descriptor));
      if (kept.ok()) break;
      const std::lock_guard lock(mutex_);
      broken_blocks_[convert::FromWire(message.blocks().fence())] = kept.ToString();
      break;
    }
    case v1::FromRunner::kStateRequest:
      HandleStateRequest(runner, message.state_request());
      break;
    case v1::FromRunner::kReady:
    case v1::FromRunner::MESSAGE_NOT_SET:
      break;
  }
}

void RunnerPool::HandleReport(Runner& runner, const v1::Report& wire) {
  Report report = convert::FromWire(wire);
  {
    const std::lock_guard lock(mutex_);
    Seat* seat = SeatOf(runner);
    if (seat == nullptr) return;
    const auto running = seat->running.find(report.fence);
    if (running == seat->running.end()) return;
    if (report.ended) {
      if (const auto broken = broken_blocks_.find(report.fence); broken != broken_blocks_.end()) {
        report.outcome = Outcome::kFailed;
        report.message = "map output cannot be kept: " + broken->second;
        broken_blocks_.erase(broken);
      }
      if (running->second.is_short && !running->second.kill_at) --seat->shorts;
      seat->running.erase(running);
      places_.erase(report.fence);
      Feed();
    } else {
      running->second.begun = true;
      running->second.started_at = report.started_at;
    }
  }
  attempts_.OnReport(std::move(report));
}

// A runner speaks for its own attempts only; what it says is bounded here because user code may run in it.
void RunnerPool::HandleStateRequest(Runner& runner, const v1::StateRequest& wire) {
  StateRequest request = convert::FromWire(wire);
  const bool bounded = request.key.size() <= kMaxStateKeyBytes && request.json.size() <= kMaxStateValueBytes &&
                       request.dataset.size() <= kMaxDatasetBytes;
  {
    const std::lock_guard lock(mutex_);
    const Seat* seat = SeatOf(runner);
    if (seat == nullptr || !seat->running.contains(request.fence)) return;
  }
  if (bounded) {
    attempts_.OnStateRequest(std::move(request));
  } else {
    Answer({SessionId{}, request.fence, request.id, false, "", "the key or the value is too long"});
  }
}

void RunnerPool::HandleExit(Runner& runner, int wait_status) {
  std::vector<Report> ends;
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return;
    if (spare_.get() == &runner) {
      dead_.push_back(std::move(spare_));
      return;
    }
    Seat* seat = SeatOf(runner);
    if (seat == nullptr) return;
    const bool lease_over = clock_.now().boot >= lease_until_;
    for (auto& [fence, running] : seat->running) {
      Report end = EndOf(fence, Outcome::kFailed, DeathMessage(wait_status));
      if (running.kill_at) {
        end.outcome = Outcome::kKilled;
        end.message = running.reason;
      } else if (!seat->death.empty()) {
        end.outcome = seat->death_outcome;
        end.message = seat->death;
      } else if (lease_over) {
        end.outcome = seat == sensors_.get() ? Outcome::kNotYet : Outcome::kLost;
        end.message = "the worker's lease ran out";
      } else if (!running.begun || seat == sensors_.get()) {
        end.outcome = Outcome::kLost;  // its predecessor, or one beside it, took the runner along
      } else if (LooksLikeMemory(wait_status)) {
        end.error_class = kOutOfMemory;
      }
      if (running.begun) end.started_at = running.started_at;
      places_.erase(fence);
      broken_blocks_.erase(fence);
      ends.push_back(std::move(end));
    }
    seat->running.clear();
    seat->shorts = 0;
    dead_.push_back(std::move(seat->runner));
    const bool expected = !seat->death.empty() || lease_over;
    if (!expected) {
      log_.Log(LogLevel::kWarning, "Runner ended (pid=" + std::to_string(runner.pid()) +
                                       ", how=" + DescribeWaitStatus(wait_status) +
                                       ", attempts=" + std::to_string(ends.size()) + ")");
    }
    seat->death.clear();
    if (!seat->folder.empty()) SetAside(seat->folder);
    std::erase_if(jobs_, [&](const auto& job) { return job.second.get() == seat; });
    Feed();
  }
  for (Report& end : ends) attempts_.OnReport(std::move(end));
}

}  // namespace millrace::runner
