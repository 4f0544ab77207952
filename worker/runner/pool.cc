#include "worker/runner/pool.h"

#include <sys/wait.h>

#include <algorithm>
#include <filesystem>

#include "core/model/notification.h"
#include "proto/convert/worker.h"

namespace millrace::runner {
namespace {

constexpr std::size_t kMaxShortQueue = 16;
// To wake a runner costs more than what some short attempts take one after another.
constexpr std::size_t kShortsTogether = 8;
constexpr Duration kBeyondGrace = std::chrono::seconds(3);
constexpr Duration kRestartPause = std::chrono::seconds(1);
// To start a spare takes 30 ms of a processor, which the work that is going on can use better for a while.
constexpr Duration kSparePause = std::chrono::seconds(2);
// DuckDB instances of a spare: a plan's and a fused task's, or those of some stage tasks side by side.
constexpr int kLeastInstances = 2;
constexpr int kMostInstances = 4;
constexpr int kDeliveriesAtOnce = 4;

bool IsDelivery(const v1::Assignment& assignment) { return assignment.index() == kNotificationLog; }

// Looks of sensors at once; a slow one must not keep the others waiting.
constexpr int kLooksAtOnce = 8;

// Memory is short when the kernel sends SIGKILL and nobody here did.
bool LooksLikeMemory(int wait_status) { return WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL; }

std::string DeathMessage(int wait_status) {
  return "runner " + DescribeWaitStatus(wait_status) + (LooksLikeMemory(wait_status) ? " (out of memory?)" : "");
}

}  // namespace

struct RunnerPool::Running {
  bool is_short = false;
  bool begun = false;
  WallTime started_at{};
  Duration grace{0};
  std::optional<BootTime> kill_at;  // it was told to stop
  std::string reason;
};

// Where a runner sits: a slot or a job.
struct RunnerPool::Seat {
  std::unique_ptr<Runner> runner;
  std::map<Fence, Running> running;
  std::size_t shorts = 0;  // of these, those that take microseconds and were not told to stop
  std::string death;  // not empty: we kill the runner, for this reason
  Outcome death_outcome = Outcome::kLost;
  bool last_ran_nothing = false;  // the runner died without having run anything: not started again at once
  BootTime started_at{};
  std::string folder;  // of a job: its attempts' files lie there
};

class RunnerPool::Listener final : public RunnerListener {
 public:
  explicit Listener(RunnerPool& pool) : pool_(pool) {}
  void OnMessage(Runner& runner, v1::FromRunner message, Descriptor descriptor) override {
    pool_.Handle(runner, std::move(message), std::move(descriptor));
  }
  void OnExit(Runner& runner, int wait_status) override { pool_.HandleExit(runner, wait_status); }

 private:
  RunnerPool& pool_;
};

RunnerPool::RunnerPool(PoolOptions options, const Clock& clock, LogSink& log, Launcher& launcher,
                       AttemptListener& listener, BlockKeeper& blocks)
    : options_(std::move(options)),
      clock_(clock),
      log_(log),
      launcher_(launcher),
      attempts_(listener),
      blocks_(blocks),
      listener_(std::make_unique<Listener>(*this)),
      sensors_(std::make_unique<Seat>()) {
  for (int i = 0; i < options_.slots; ++i) slots_.push_back(std::make_unique<Seat>());
}

template <typename Visit>
void RunnerPool::EachSeat(const Visit& visit) {
  for (const auto& seat : slots_) visit(*seat);
  for (const auto& [job, seat] : jobs_) visit(*seat);
  visit(*sensors_);
  if (courier_ != nullptr) visit(*courier_);
}

RunnerPool::~RunnerPool() {
  std::vector<std::unique_ptr<Runner>> all;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    const auto take = [&](std::unique_ptr<Runner>& runner) {
      if (runner == nullptr) return;
      runner->Kill();
      all.push_back(std::move(runner));
    };
    EachSeat([&](Seat& seat) { take(seat.runner); });
    take(spare_);
    for (std::unique_ptr<Runner>& runner : dead_) all.push_back(std::move(runner));
    dead_.clear();
  }
  all.clear();  // joins the reading threads, which may want the mutex
}

void RunnerPool::Open(const std::string& shuffle_secret, BootTime lease_until) {
  const std::lock_guard lock(mutex_);
  open_ = true;
  shuffle_secret_ = shuffle_secret;
  lease_until_ = lease_until;
  for (const auto& seat : slots_) EnsureRunner(*seat);
  TendSpare(clock_.now().boot);
  Feed();
}

std::unique_ptr<Runner> RunnerPool::TakeSpare() {
  if (spare_ != nullptr) {
    spare_due_ = clock_.now().boot + kSparePause;
    return std::move(spare_);
  }
  StatusOr<std::unique_ptr<Runner>> runner =
      Runner::Start(options_.arguments, options_.environment, launcher_, *listener_);
  if (!runner.ok()) {
    log_.Log(LogLevel::kError, "Runner cannot be started (error=" + runner.status().ToString() + ")");
    return nullptr;
  }
  return std::move(*runner);
}

// Another spare, when nothing runs here, or when it is due.
void RunnerPool::TendSpare(BootTime now) {
  if (!open_ || closing_ || spare_ != nullptr) return;
  if (!(places_.empty() && waiting_.empty()) && now < spare_due_) return;
  spare_due_ = now + kSparePause;
  spare_ = TakeSpare();
  if (spare_ == nullptr) return;
  v1::ToRunner message;
  message.mutable_prepare()->set_instances(std::clamp(options_.slots, kLeastInstances, kMostInstances));
  if (!spare_->Post(message).ok()) spare_->Kill();
}

bool RunnerPool::EnsureRunner(Seat& seat) {
  if (seat.runner != nullptr) return true;
  const BootTime now = clock_.now().boot;
  if (!open_ || closing_ || (seat.last_ran_nothing && now < seat.started_at + kRestartPause)) return false;
  seat.runner = TakeSpare();
  if (seat.runner == nullptr) return false;
  seat.started_at = now;
  seat.last_ran_nothing = true;
  seat.death.clear();
  const bool for_sensors = &seat == sensors_.get();
  const bool courier = &seat == courier_.get();
  const bool for_job =
      !for_sensors && !courier &&
      std::none_of(slots_.begin(), slots_.end(), [&](const auto& slot) { return slot.get() == &seat; });
  v1::ToRunner message;
  *message.mutable_setup() = options_.setup;
  message.mutable_setup()->set_shuffle_secret(shuffle_secret_);
  message.mutable_setup()->set_lease_until(ToMicros(lease_until_));
  message.mutable_setup()->set_concurrent(for_sensors ? kLooksAtOnce
                                          : courier   ? kDeliveriesAtOnce
                                          : for_job   ? options_.slots
                                                      : 1);
  message.mutable_setup()->set_threads(for_job ? options_.slots : 1);
  message.mutable_setup()->set_memory_bytes(for_job ? options_.memory_bytes
                                                    : options_.memory_bytes / options_.slots);
  if (!seat.runner->Post(message).ok()) seat.runner->Kill();
  return true;
}

RunnerPool::Seat* RunnerPool::FreeSeat(const std::string& kind) {
  const bool is_short = options_.short_kinds.contains(kind);
  Seat* shared = is_short ? ShortSeat() : nullptr;
  if (shared != nullptr && shared->running.size() < kShortsTogether) return shared;
  for (const auto& seat : slots_) {
    if (seat->running.empty() && EnsureRunner(*seat)) return seat.get();
  }
  // All busy: a queue in a runner saves the way back to the scheduler.
  return shared;
}

// The one with the fewest, or with fewer than may stand together.
RunnerPool::Seat* RunnerPool::ShortSeat() {
  Seat* best = nullptr;
  for (const auto& seat : slots_) {
    const std::size_t size = seat->running.size();
    if (size == 0 || size != seat->shorts || seat->runner == nullptr || !seat->death.empty() ||
        size >= kMaxShortQueue)
      continue;
    if (size < kShortsTogether) return seat.get();
    if (best == nullptr || size < best->running.size()) best = seat.get();
  }
  return best;
}

RunnerPool::Seat* RunnerPool::CourierSeat() {
  if (courier_ == nullptr) courier_ = std::make_unique<Seat>();
  return EnsureRunner(*courier_) ? courier_.get() : nullptr;
}

RunnerPool::Seat* RunnerPool::JobSeat(const JobKey& job) {
  std::unique_ptr<Seat>& seat = jobs_[job];
  if (seat == nullptr) seat = std::make_unique<Seat>();
  return EnsureRunner(*seat) ? seat.get() : nullptr;
}

RunnerPool::Seat* RunnerPool::SensorSeat() { return EnsureRunner(*sensors_) ? sensors_.get() : nullptr; }

void RunnerPool::Give(Seat& seat, v1::Assignment assignment) {
  const Fence fence = convert::FromWire(assignment.fence());
  Running running;
  running.is_short = options_.short_kinds.contains(assignment.kind());
  if (running.is_short) ++seat.shorts;
  if (!assignment.stage().folder().empty())
    seat.folder = options_.setup.folder() + "/scratch/" + assignment.stage().folder();
  running.grace = Duration(assignment.kill_grace_micros());
  seat.running.emplace(fence, std::move(running));
  seat.last_ran_nothing = false;
  places_[fence] = &seat;
  v1::ToRunner message;
  *message.mutable_start()->mutable_assignment() = std::move(assignment);
  if (!seat.runner->Hold(message).ok()) seat.runner->Kill();
}

void RunnerPool::Start(std::vector<v1::Assignment> assignments) {
  const std::lock_guard lock(mutex_);
  waiting_.insert(waiting_.end(), std::make_move_iterator(assignments.begin()),
                  std::make_move_iterator(assignments.end()));
  Feed();
}

// In their order, but one that must wait does not hold up those that another seat can take.
void RunnerPool::Feed() {
  if (!open_) return;
  std::set<Seat*> fed;
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    Seat* seat = next->has_stage()    ? JobSeat(convert::FromWire(next->stage().job()))
                 : IsDelivery(*next)  ? CourierSeat()
                 : next->slots() == 0 ? SensorSeat()
                                      : FreeSeat(next->kind());
    if (seat == nullptr || !seat->death.empty()) {
      ++next;
      continue;
    }
    Give(*seat, std::move(*next));
    fed.insert(seat);
    next = waiting_.erase(next);
  }
  for (Seat* seat : fed) {
    if (!seat->runner->Push().ok()) seat->runner->Kill();
  }
}

void RunnerPool::Cancel(const Fence& fence, const std::string& reason) {
  std::optional<Report> never_begun;
  {
    const std::lock_guard lock(mutex_);
    const auto waits = std::find_if(waiting_.begin(), waiting_.end(), [&](const v1::Assignment& waiting) {
      return convert::FromWire(waiting.fence()) == fence;
    });
    if (waits != waiting_.end()) {
      waiting_.erase(waits);
      never_begun = EndOf(fence, Outcome::kKilled, reason);
    } else if (const auto place = places_.find(fence); place != places_.end()) {
      Seat& seat = *place->second;
      Running& running = seat.running.at(fence);
      if (running.kill_at) return;
      if (running.is_short) --seat.shorts;
      running.kill_at = clock_.now().boot + running.grace + kBeyondGrace;
      running.reason = reason;
      v1::ToRunner message;
      convert::ToWire(fence, message.mutable_stop()->mutable_fence());
      message.mutable_stop()->set_reason(reason);
      message.mutable_stop()->set_grace_micros(running.grace.count());
      if (seat.runner != nullptr && !seat.runner->Post(message).ok()) seat.runner->Kill();
    }
  }
  if (never_begun) attempts_.OnReport(std::move(*never_begun));
}

std::vector<Fence> RunnerPool::TakeWaiting() {
  const std::lock_guard lock(mutex_);
  std::vector<Fence> fences;
  for (const v1::Assignment& waiting : waiting_) fences.push_back(convert::FromWire(waiting.fence()));
  waiting_.clear();
  return fences;
}

void RunnerPool::EndJob(const JobKey& job) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(job);
    if (found != jobs_.end()) {
      Seat& seat = *found->second;
      if (seat.runner != nullptr) {
        seat.death = "its job is over";
        seat.runner->Kill();  // HandleExit lets the seat go
      } else {
        jobs_.erase(found);
      }
    }
    TendSpare(clock_.now().boot);
  }
  blocks_.Release(job);
}

void RunnerPool::HandBackSensors(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (sensors_->runner == nullptr || sensors_->running.empty()) return;
  sensors_->death = reason;
  sensors_->death_outcome = Outcome::kNotYet;
  sensors_->runner->Kill();
}

void RunnerPool::KillAll(const std::string& reason) {
  std::vector<Report> ends;
  {
    const std::lock_guard lock(mutex_);
    for (const v1::Assignment& waiting : waiting_) {
      ends.push_back(EndOf(convert::FromWire(waiting.fence()), Outcome::kLost, reason));
    }
    waiting_.clear();
    const auto kill = [&](Seat& seat) {
      // Idle ones stay warm.
      if (seat.runner == nullptr || seat.running.empty()) return;
      seat.death = reason;
      seat.death_outcome = &seat == sensors_.get() ? Outcome::kNotYet : Outcome::kLost;
      seat.runner->Kill();
    };
    EachSeat(kill);
  }
  for (Report& end : ends) attempts_.OnReport(std::move(end));
}

void RunnerPool::Renew(BootTime lease_until) {
  const std::lock_guard lock(mutex_);
  lease_until_ = lease_until;
  v1::ToRunner message;
  message.mutable_lease_renewed()->set_until(ToMicros(lease_until));
  const auto renew = [&](Seat& seat) {
    if (seat.runner != nullptr && !seat.runner->Post(message).ok()) seat.runner->Kill();
  };
  EachSeat(renew);
}

void RunnerPool::Tick() {
  std::vector<std::unique_ptr<Runner>> dead;
  std::vector<std::string> leftovers;
  TickLocked(dead, leftovers);
  std::error_code ignored;  // costs only room, until the agent starts again
  for (const std::string& folder : leftovers) std::filesystem::remove_all(folder, ignored);
}

void RunnerPool::TickLocked(std::vector<std::unique_ptr<Runner>>& dead, std::vector<std::string>& leftovers) {
  const BootTime now = clock_.now().boot;
  const std::lock_guard lock(mutex_);
  dead.swap(dead_);
  leftovers.swap(leftovers_);
  const auto look = [&](Seat& seat) {
    if (seat.runner == nullptr || !seat.death.empty()) return;
    for (auto& [fence, running] : seat.running) {
      if (!running.kill_at || now < *running.kill_at) continue;
      seat.death = "an attempt beside it did not stop in time";
      seat.death_outcome = &seat == sensors_.get() ? Outcome::kNotYet : Outcome::kLost;
      seat.runner->Kill();
      return;
    }
  };
  for (const auto& seat : slots_) {
    look(*seat);
    EnsureRunner(*seat);
  }
  for (const auto& [job, seat] : jobs_) look(*seat);
  look(*sensors_);
  if (courier_ != nullptr) look(*courier_);
  TendSpare(now);
  Feed();
}

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
