#include "scheduler/gateway/connection.h"

#include <variant>

namespace millrace::gateway {
namespace {

// Assignments are bounded by the worker's credits and the rest by what it sends: more than this is a worker
// that does not read.
constexpr std::size_t kMaxQueue = 100'000;
constexpr std::size_t kMaxBatch = 256;
constexpr std::size_t kMaxBatchBytes = 512U << 10;

struct ToMessage {
  v1::SchedulerMessage& message;
  const convert::Terms& terms;
  void operator()(const Welcome& effect) const { convert::ToWire(effect, terms, message.mutable_welcome()); }
  void operator()(const HeartbeatAck& effect) const {
    message.mutable_heartbeat_ack()->set_sent_at(effect.sent_at);
  }
  void operator()(const AckReports& effect) const {
    message.mutable_reports_ack()->set_sequence(effect.sequence);
  }
  void operator()(const JobEnded& effect) const {
    convert::ToWire(effect.job, message.mutable_job_ended()->mutable_job());
  }
  void operator()(const EndSession& effect) const {
    message.mutable_session_end()->set_reason(effect.reason);
  }
  void operator()(const CancelAttempt& effect) const {
    convert::ToWire(effect.fence, message.mutable_cancel()->mutable_fence());
    message.mutable_cancel()->set_reason(effect.reason);
  }
  void operator()(const StateAnswer& effect) const { convert::ToWire(effect, message.mutable_state_answer()); }
  void operator()(const Assign&) const {}  // batched by the caller
  void operator()(const Reply&) const {}
  void operator()(const Need&) const {}
  void operator()(const NeedXComs&) const {}
  void operator()(const NeedCached&) const {}
  void operator()(const NeedPrevious&) const {}
  void operator()(const NeedDates&) const {}
  void operator()(const NeedRuns&) const {}
  void operator()(const NeedState&) const {}
};

}  // namespace

SessionId Connection::session() const {
  const std::lock_guard lock(mutex_);
  return session_;
}

void Connection::Push(const Effect& effect) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  if (const auto* welcome = std::get_if<Welcome>(&effect)) session_ = welcome->session;
  queue_.push_back(effect);
  if (queue_.size() > kMaxQueue) closed_ = true;
}

void Connection::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool Connection::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

bool Connection::AwaitClosed(Duration patience) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return closed_; });
}

bool Connection::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

bool Connection::has_more() const {
  const std::lock_guard lock(mutex_);
  return !queue_.empty() && !closed_;
}

std::optional<v1::SchedulerMessage> Connection::Next(Enclosures& enclosures) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !queue_.empty() || closed_; });
  if (closed_) return std::nullopt;
  v1::SchedulerMessage message;
  if (!std::holds_alternative<Assign>(queue_.front())) {
    const Effect effect = std::move(queue_.front());
    queue_.pop_front();
    const auto* welcome = std::get_if<Welcome>(&effect);
    ended_ = std::holds_alternative<EndSession>(effect) || (welcome != nullptr && !welcome->refused.empty());
    lock.unlock();
    std::visit(ToMessage{message, terms_}, effect);
    return message;
  }
  std::vector<Effect> batch;
  while (!queue_.empty() && std::holds_alternative<Assign>(queue_.front()) && batch.size() < kMaxBatch) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  lock.unlock();
  std::size_t bytes = 0;
  std::size_t taken = 0;
  for (; taken < batch.size() && bytes < kMaxBatchBytes; ++taken) {
    const Assignment& assignment = std::get<Assign>(batch[taken]).assignment;
    v1::Assignment* wire = message.mutable_assignments()->add_assignments();
    convert::ToWire(assignment, wire);
    if (!assignment.connections.empty() || !assignment.files.empty())
      convert::ToWire(enclosures.For(assignment), wire);
    bytes += wire->ByteSizeLong();
  }
  if (taken < batch.size()) {
    lock.lock();
    queue_.insert(queue_.begin(), std::make_move_iterator(batch.begin() + static_cast<std::ptrdiff_t>(taken)),
                  std::make_move_iterator(batch.end()));
  }
  return message;
}

}  // namespace millrace::gateway
