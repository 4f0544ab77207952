#include "scheduler/bounded_inbox.h"

#include <algorithm>
#include <chrono>

namespace millrace {
namespace {

bool IsReport(const Event& event) {
  return std::holds_alternative<Reported>(event) || std::holds_alternative<WorkerJoined>(event) ||
         std::holds_alternative<StateAsked>(event);
}

}  // namespace

Status BoundedInbox::Put(Event event) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Unavailable("the scheduler is shutting down");
    if (const auto* heartbeat = std::get_if<Heartbeat>(&event)) {
      heartbeats_.push_back(*heartbeat);
    } else {
      if (IsReport(event)) {
        if (reports_ >= limits_.reports)
          return ResourceExhausted("the scheduler's inbox is full; send it again later");
        ++reports_;
      }
      events_.push_back({std::move(event), nullptr});
    }
  }
  news_.notify_one();
  return OkStatus();
}

Status BoundedInbox::Submit(Command command, std::function<void(CommandReply)> done) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Unavailable("the scheduler is shutting down");
    if (refused_) return *refused_;
    if (commands_ >= limits_.commands)
      return ResourceExhausted("too many commands are waiting; try again in a moment");
    ++commands_;
    events_.push_back({CommandReceived{next_reply_++, std::move(command)}, std::move(done)});
  }
  news_.notify_one();
  return OkStatus();
}

Status BoundedInbox::Ask(Question question, std::function<void(Answer)> done) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Unavailable("the scheduler is shutting down");
    if (questions_.size() >= limits_.questions)
      return ResourceExhausted("too many questions are waiting; try again in a moment");
    questions_.push_back({std::move(question), std::move(done)});
  }
  news_.notify_one();
  return OkStatus();
}

void BoundedInbox::PutCommit(store::CommitResult result) {
  {
    const std::lock_guard lock(mutex_);
    commit_ = std::move(result);
  }
  news_.notify_one();
}

void BoundedInbox::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  news_.notify_one();
}

std::vector<Heartbeat> BoundedInbox::TakeHeartbeats() {
  const std::lock_guard lock(mutex_);
  return std::exchange(heartbeats_, {});
}

std::vector<BoundedInbox::Asked> BoundedInbox::TakeQuestions() {
  const std::lock_guard lock(mutex_);
  return std::exchange(questions_, {});
}

std::optional<store::CommitResult> BoundedInbox::TakeCommit() {
  const std::lock_guard lock(mutex_);
  return std::exchange(commit_, std::nullopt);
}

std::vector<BoundedInbox::Taken> BoundedInbox::TakeEvents(std::size_t most) {
  const std::lock_guard lock(mutex_);
  std::vector<Taken> taken;
  while (!events_.empty() && taken.size() < most) {
    if (IsReport(events_.front().event)) --reports_;
    if (std::holds_alternative<CommandReceived>(events_.front().event)) --commands_;
    taken.push_back(std::move(events_.front()));
    events_.pop_front();
  }
  return taken;
}

void BoundedInbox::RefuseCommands(std::optional<Status> reason) {
  const std::lock_guard lock(mutex_);
  refused_ = std::move(reason);
}

void BoundedInbox::WaitUntil(BootTime deadline, bool events_too) {
  std::unique_lock lock(mutex_);
  const bool was_stopped = stopped_;
  // The condition variable counts on a clock of its own; only the length of the wait is taken from ours.
  const Duration length = std::max(deadline - clock_.now().boot, Duration(0));
  news_.wait_for(lock, length, [&] { return HasNews(events_too) || stopped_ != was_stopped; });
}

bool BoundedInbox::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

bool BoundedInbox::HasNews(bool events_too) const {
  return commit_ || !heartbeats_.empty() || !questions_.empty() || (events_too && !events_.empty());
}

}  // namespace millrace
