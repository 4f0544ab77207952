#include "worker/agent/session.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace millrace::agent {
namespace {

// Bounds what the scheduler must be ready to take at once, and what a Join carries.
constexpr std::size_t kMaxUnacknowledged = 4096;
// A message of the control stream is at most 4 MiB; a result is at most 48 KiB.
constexpr std::size_t kMaxMessageBytes = 1 << 20;

// Enough for the bound above; job results (sizes of partitions, files) count by their parts.
struct StageBytes {
  std::size_t operator()(std::monostate) const { return 0; }
  std::size_t operator()(const PlanResult& plan) const {
    return 4096 + plan.plan.splits.size() * 256 + plan.plan.inputs.size() * 4096;
  }
  std::size_t operator()(const MapResult& map) const { return 512 + map.partitions.size() * 20; }
  std::size_t operator()(const ReduceResult& reduce) const {
    return reduce.check_state.size() + reduce.files.size() * 256;
  }
  std::size_t operator()(const PublishResult& publish) const {
    return publish.checks.size() + publish.files.size() * 256;
  }
};

std::size_t Bytes(const Report& report) {
  std::size_t xcoms = 0;
  for (const XComValue& xcom : report.xcoms) xcoms += 16 + xcom.key.size() + xcom.json.size();
  return 64 + report.message.size() + report.result.size() + xcoms + std::visit(StageBytes{}, report.stage);
}

StageAttempt StageOf(const Fence& fence, const StageWork& work) {
  StageAttempt attempt{fence, work.job, 0, 0};
  if (std::holds_alternative<PlanWork>(work.work)) attempt.stage = -1;
  if (std::holds_alternative<PublishWork>(work.work)) attempt.stage = 1000;
  if (std::holds_alternative<FusedWork>(work.work)) attempt.stage = 999;
  if (const auto* task = std::get_if<StageTaskWork>(&work.work)) {
    attempt.stage = task->stage;
    attempt.index = task->index;
  }
  return attempt;
}

}  // namespace

WorkerJoined Session::Join(BootTime now) {
  joined_at_ = now;
  WorkerJoined join;
  join.offer = offer_;
  join.resumed = id_;
  std::set<Fence> alive = alive_;
  for (const Report& report : waiting_) alive.insert(report.fence);
  to_resend_ = sent_.size();
  std::size_t bytes = 0;
  for (const Report& report : sent_) {
    bytes += Bytes(report);
    if (bytes > kMaxMessageBytes) break;
    join.reports.push_back(report);
    --to_resend_;
  }
  for (std::size_t i = sent_.size() - to_resend_; i < sent_.size(); ++i) alive.insert(sent_[i].fence);
  join.inventory = {alive.begin(), alive.end()};
  for (const Report& report : join.reports) alive.insert(report.fence);
  for (const Fence& fence : alive) {
    if (const auto stage = stages_.find(fence); stage != stages_.end()) join.stages.push_back(stage->second);
  }
  return join;
}

std::vector<Fence> Session::Welcomed(const Welcome& welcome, LeaseTerms terms) {
  std::vector<Fence> kill;
  if (welcome.session != id_) {
    kill = End();
    id_ = welcome.session;
  } else {
    for (const Fence& fence : welcome.kill) {
      if (alive_.erase(fence) > 0) kill.push_back(fence);
      stages_.erase(fence);
      DropQuestions(fence);
    }
    // Those that the last stream carried were lost with it, or their answers were.
    to_ask_.clear();
    for (const auto& [key, question] : questions_) to_ask_.push_back(key);
  }
  Acknowledged(welcome.acknowledged);
  lease_.Begin(terms, joined_at_);
  return kill;
}

bool Session::Add(const Fence& fence, const StageWork* work) {
  if (!alive_.insert(fence).second) return false;
  if (work != nullptr) stages_[fence] = StageOf(fence, *work);
  return true;
}

void Session::Add(Report report) {
  if (!alive_.contains(report.fence)) return;
  if (report.ended) {
    alive_.erase(report.fence);
    DropQuestions(report.fence);
    // Only the newest few can be of the same attempt; a short task's start is nearly always the last one.
    const auto start = std::find_if(waiting_.rbegin(), waiting_.rend(),
                                    [&](const Report& waiting) { return waiting.fence == report.fence; });
    if (start != waiting_.rend()) {
      *start = std::move(report);
      return;
    }
  }
  waiting_.push_back(std::move(report));
}

std::vector<Report> Session::TakeReports(std::size_t limit) {
  std::vector<Report> taken;
  std::size_t bytes = 0;
  const auto full = [&] { return taken.size() >= limit || bytes > kMaxMessageBytes; };
  while (to_resend_ > 0 && !full()) {
    taken.push_back(sent_[sent_.size() - to_resend_--]);
    bytes += Bytes(taken.back());
  }
  while (!waiting_.empty() && sent_.size() < kMaxUnacknowledged && !full()) {
    waiting_.front().sequence = ++last_sequence_;
    bytes += Bytes(waiting_.front());
    taken.push_back(waiting_.front());
    sent_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return taken;
}

bool Session::full() const { return sent_.size() >= kMaxUnacknowledged; }

void Session::Acknowledged(std::uint64_t sequence) {
  while (!sent_.empty() && sent_.front().sequence <= sequence) {
    if (sent_.front().ended) stages_.erase(sent_.front().fence);
    sent_.pop_front();
  }
  to_resend_ = std::min(to_resend_, sent_.size());
}

Status Session::Ask(StateRequest request) {
  if (!alive_.contains(request.fence)) return NotFound("this attempt is over");
  const auto first = questions_.lower_bound({request.fence, 0});
  const auto last = questions_.upper_bound({request.fence, UINT64_MAX});
  if (static_cast<std::size_t>(std::distance(first, last)) >= kMaxStateRequests) {
    return ResourceExhausted("this attempt has " + std::to_string(kMaxStateRequests) +
                             " requests to state stores under way: wait for their answers");
  }
  const QuestionKey key{request.fence, request.id};
  if (questions_.emplace(key, std::move(request)).second) to_ask_.push_back(key);
  return OkStatus();
}

std::optional<StateRequest> Session::TakeQuestion() {
  while (!to_ask_.empty()) {
    const auto question = questions_.find(to_ask_.front());
    to_ask_.pop_front();
    if (question != questions_.end()) return question->second;
  }
  return std::nullopt;
}

bool Session::Answered(const StateAnswer& answer) { return questions_.erase({answer.fence, answer.id}) > 0; }

void Session::DropQuestions(const Fence& fence) {
  questions_.erase(questions_.lower_bound({fence, 0}), questions_.upper_bound({fence, UINT64_MAX}));
}

std::vector<Fence> Session::End() {
  std::vector<Fence> kill(alive_.begin(), alive_.end());
  alive_.clear();
  stages_.clear();
  waiting_.clear();
  sent_.clear();
  questions_.clear();
  to_ask_.clear();
  to_resend_ = 0;
  last_sequence_ = 0;
  id_ = SessionId{};
  return kill;
}

}  // namespace millrace::agent
