#include "worker/runner/pool.h"

#include <algorithm>
#include <filesystem>

#include "core/model/notification.h"
#include "proto/convert/worker.h"
#include "worker/runner/seat.h"

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

}  // namespace

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

void RunnerPool::Answer(const StateAnswer& answer) {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(answer.fence);
  if (place == places_.end()) return;
  Seat& seat = *place->second;
  v1::ToRunner message;
  convert::ToWire(answer, message.mutable_state_answer());
  if (seat.runner != nullptr && !seat.runner->Post(message).ok()) seat.runner->Kill();
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

}  // namespace millrace::runner
