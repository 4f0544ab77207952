#include "worker/tasks/runner_program.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/model/json.h"
#include "core/spec/sensor.h"
#include "platform/failpoint/failpoint.h"
#include "proto/runner.pb.h"
#include "worker/runner/channel.h"
#include "worker/runner/runner.h"
#include "worker/shuffle/host.h"
#include "worker/sql/instance_stock.h"
#include "worker/tasks/attempt.h"

namespace millrace::tasks {
namespace {

constexpr Duration kBeyondGrace = std::chrono::seconds(2);
constexpr Duration kLeastWait = std::chrono::milliseconds(50);  // between two looks of a sensor

// Everything this runner started dies, then the runner.
[[noreturn]] void Die() {
  const pid_t self = ::getpid();
  runner::KillSession(self, self);
  runner::KillSession(self, self);  // what was forked meanwhile
  ::kill(self, SIGKILL);
  while (true) ::pause();
}

class RunnerProgram final : public BlockSender {
 public:
  RunnerProgram(int descriptor, const Clock& clock,
                const std::function<Registry(const Workplace&)>& make_registry)
      : clock_(clock), make_registry_(make_registry), channel_(runner::Descriptor(descriptor)) {}

  void Run() {
    std::thread([] {
      sigset_t term;
      sigemptyset(&term);
      sigaddset(&term, SIGTERM);
      int number = 0;
      while (::sigwait(&term, &number) != 0) continue;
      Die();
    }).detach();
    std::thread([this] { Watch(); }).detach();
    v1::ToRunner message;
    while (channel_.Receive(message).ok()) {
      Handle(message);
      if (channel_.HasMessage() || !std::exchange(holds_, false)) continue;
      if (!channel_.SendHeld().ok()) break;
      HasTold();
    }
    Die();
  }

  Status Send(const JobKey& job, std::int32_t stage, std::int32_t map_index, const Fence& fence,
              std::int64_t bytes, int descriptor) override {
    v1::FromRunner message;
    v1::BlocksReady* blocks = message.mutable_blocks();
    convert::ToWire(job, blocks->mutable_job());
    blocks->set_stage(stage);
    blocks->set_map_index(map_index);
    convert::ToWire(fence, blocks->mutable_fence());
    blocks->set_bytes(bytes);
    return channel_.Send(message, descriptor);
  }

 private:
  // An attempt that waits for a thread, or, of a sensor, for its next look.
  struct Pending {
    v1::Assignment assignment;
    std::unique_ptr<Attempt> attempt;  // null before the first look
    WallTime started_at{};
    std::int64_t looks = 0;
    std::string seen;  // at the last look
  };

  struct Live {
    std::unique_ptr<Attempt> attempt;
    std::unique_ptr<TaskKind> kind;
    WallTime started_at{};
    std::optional<BootTime> timeout_at;
    std::optional<BootTime> kill_at;
    Duration grace{0};
  };

  void Handle(v1::ToRunner& message) {
    switch (message.message_case()) {
      case v1::ToRunner::kSetup:
        SetUp(message.setup());
        break;
      case v1::ToRunner::kStart:
        Begin(std::move(*message.mutable_start()->mutable_assignment()));
        break;
      case v1::ToRunner::kStop:
        Stop(convert::FromWire(message.stop().fence()), message.stop().reason(),
             Duration(message.stop().grace_micros()));
        break;
      case v1::ToRunner::kLeaseRenewed: {
        const std::lock_guard lock(mutex_);
        lease_until_ = BootFromMicros(message.lease_renewed().until());
        break;
      }
      case v1::ToRunner::kPrepare:
        std::thread([this, count = message.prepare().instances()] { instances_.Prepare(count); }).detach();
        break;
      case v1::ToRunner::kStateAnswer: {
        const StateAnswer answer = convert::FromWire(message.state_answer());
        const std::lock_guard lock(mutex_);  // so that the attempt cannot go meanwhile
        if (const auto live = live_.find(answer.fence); live != live_.end()) live->second.attempt->Answered(answer);
        break;
      }
      case v1::ToRunner::MESSAGE_NOT_SET:
        break;
    }
  }

  void SetUp(const v1::RunnerSetup& setup) {
    workplace_ = {setup.root(),           setup.folder(),
                  setup.shuffle_socket(), setup.shuffle_address(),
                  setup.shuffle_secret(), shuffle::SchedulerIdentity(setup.shuffle_secret()),
                  setup.host_identity(),  setup.local_shuffle(),
                  setup.threads(),        setup.memory_bytes(),
                  this,                   &instances_};
    // Relative paths in what users write lie beneath the root.
    if (::chdir(workplace_.root.c_str()) != 0) {
      broken_ = ErrnoStatus(errno, "the worker's root cannot be used: " + workplace_.root);
    }
    registry_ = make_registry_(workplace_);
    const std::lock_guard lock(mutex_);
    lease_until_ = BootFromMicros(setup.lease_until());
    concurrent_ = std::max(1, setup.concurrent());
  }

  void Begin(v1::Assignment assignment) {
    const auto entry = registry_.find(assignment.kind());
    const bool instant = entry != registry_.end() && entry->second.instant;
    Pending work{std::move(assignment), nullptr, {}, 0, ""};
    std::unique_lock lock(mutex_);
    if (!instant || !waiting_.empty() || !live_.empty()) {
      Enqueue(std::move(work));
      return;
    }
    // It is over before another thread would be awake.
    lock.unlock();
    RunOne(std::move(work), true);
  }

  // With mutex_ held.
  void Enqueue(Pending work) {
    waiting_.push_back(std::move(work));
    // An idle thread may have been woken for an earlier one and not have come to it yet.
    if (waiting_.size() > static_cast<std::size_t>(idle_) && threads_ < concurrent_) {
      ++threads_;
      std::thread([this] { Work(); }).detach();
    } else {
      work_.notify_one();
    }
  }

  void Stop(const Fence& fence, const std::string& reason, Duration grace) {
    std::unique_lock lock(mutex_);
    if (std::optional<Pending> work = TakeIdle(fence)) {
      lock.unlock();
      if (work->attempt == nullptr) {
        work->attempt = std::make_unique<Attempt>(work->assignment, workplace_, [](std::string) {});
        work->started_at = clock_.now().wall;
      }
      work->attempt->Stop(reason);
      Report report = work->attempt->Finish({.outcome = Outcome::kFailed});
      work->attempt.reset();
      Tell(std::move(report), work->started_at);
      return;
    }
    if (const auto live = live_.find(fence); live != live_.end()) StopLive(live->second, reason, grace);
  }

  // With mutex_ held.
  std::optional<Pending> TakeIdle(const Fence& fence) {
    for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
      if (convert::FromWire(at->assignment.fence()) != fence) continue;
      Pending work = std::move(*at);
      waiting_.erase(at);
      return work;
    }
    for (auto at = asleep_.begin(); at != asleep_.end(); ++at) {
      if (convert::FromWire(at->second.assignment.fence()) != fence) continue;
      return std::move(asleep_.extract(at).mapped());
    }
    return std::nullopt;
  }

  // With mutex_ held, so that the kind cannot go meanwhile.
  void StopLive(Live& live, const std::string& reason, Duration grace) {
    if (live.kill_at) return;
    live.kill_at = clock_.now().boot + grace + kBeyondGrace;
    live.attempt->Stop(reason);
    live.kind->Cancel();
    changed_.notify_all();
  }

  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      work_.wait(lock, [this] { return !waiting_.empty(); });
      --idle_;
      Pending work = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      RunOne(std::move(work), false);
      lock.lock();
    }
  }

  // `hold`: its end is told by Run, on whose thread this is, with the ends of those after it.
  void RunOne(Pending work, bool hold) {
    const v1::Assignment& assignment = work.assignment;
    const Fence fence = convert::FromWire(assignment.fence());
    const Now start = clock_.now();
    if (work.looks++ == 0) work.started_at = start.wall;
    Live live;
    live.started_at = work.started_at;
    live.grace = Duration(assignment.kill_grace_micros());
    if (assignment.timeout_micros() > 0) live.timeout_at = start.boot + Duration(assignment.timeout_micros());
    live.attempt = std::move(work.attempt);
    if (live.attempt == nullptr) {
      const bool watches =
          assignment.slots() == 0 && PolicyOf(work).seen;  // of no task instance: no log is its own
      const Attempt::LogOut log_out = [this, fence, watches](std::string data) {
        if (watches) return;
        v1::FromRunner message;
        convert::ToWire(fence, message.mutable_log()->mutable_fence());
        *message.mutable_log()->mutable_data() = std::move(data);
        if (!channel_.Send(message).ok()) Die();
      };
      const Attempt::StateOut state_out = [this](const StateRequest& request) {
        v1::FromRunner message;
        convert::ToWire(request, message.mutable_state_request());
        if (!channel_.Send(message).ok()) Die();
      };
      live.attempt = std::make_unique<Attempt>(assignment, workplace_, log_out, kMaxLogBytes, state_out);
    }
    if (!broken_.ok()) {
      Tell(live.attempt->Finish({.outcome = Outcome::kFailed, .message = broken_.message()}), start.wall);
      return;
    }
    const auto entry = registry_.find(assignment.kind());
    if (entry == registry_.end()) {
      Tell(live.attempt->Finish({.outcome = Outcome::kFailFinal,
                                 .message = "this worker does not know the task kind: " + assignment.kind()}),
           start.wall);
      return;
    }
    live.kind = entry->second.make();
    if (!entry->second.instant && work.looks == 1) {
      Report started;
      started.fence = fence;
      Tell(started, start.wall);
    }
    Attempt& attempt = *live.attempt;
    TaskKind& kind = *live.kind;
    {
      const std::lock_guard lock(mutex_);
      const bool soon = live.timeout_at && *live.timeout_at < next_look_;
      live_.emplace(fence, std::move(live));
      if (soon) changed_.notify_all();
    }
    TaskEnd end;
    if (work.looks == 1) Failpoint("task.before_start");
    try {
      end = kind.Run(attempt);
    } catch (const std::exception& error) {
      end = {.outcome = Outcome::kFailed, .message = std::string("unexpected error: ") + error.what()};
    }
    decltype(live_)::node_type ended;
    const bool again = assignment.slots() == 0 && LooksAgain(work, attempt, end);
    {
      const std::lock_guard lock(mutex_);
      ended = live_.extract(fence);
      if (again && !attempt.cancelled()) {
        work.attempt = std::move(ended.mapped().attempt);
        Sleep(std::move(work));
        return;
      }
    }
    Report report = ended.mapped().attempt->Finish(std::move(end));
    ended.mapped().kind.reset();
    ended.mapped().attempt.reset();  // its folder is gone before anybody hears of its end
    Failpoint("task.before_report");
    if (hold) {
      holds_ = true;
      if (!channel_.Hold(MessageOf(std::move(report), ended.mapped().started_at)).ok()) Die();
      return;
    }
    Tell(std::move(report), ended.mapped().started_at);
    HasTold();
  }

  static void HasTold() { Failpoint("task.after_report"); }

  // After a look of a sensor; tells the log what is new.
  static bool LooksAgain(Pending& work, Attempt& attempt, TaskEnd& end) {
    if (const std::optional<std::string> seen = PolicyOf(work).seen) return SeesTheSame(*seen, end);
    bool in_vain = end.outcome == Outcome::kNotYet;
    if (end.outcome == Outcome::kFailed || end.outcome == Outcome::kFailFinal)
      in_vain = PolicyOf(work).silent_fail;
    if (in_vain && end.message != std::exchange(work.seen, end.message))
      attempt.Log("look " + std::to_string(work.looks) + ", in vain: " + end.message + "\n");
    return in_vain;
  }

  // A watch's look. One that sees something else ends it: {seen, result}, "" for nothing there.
  static bool SeesTheSame(const std::string& seen, TaskEnd& end) {
    const bool there = end.outcome == Outcome::kSuccess;
    if (!there && end.outcome != Outcome::kNotYet) return false;
    const std::string now = there ? DigestOf(end.fingerprint.empty() ? end.result : end.fingerprint) : "";
    if (now == seen) return true;
    Value told = Value::Map{{"seen", now}};
    if (StatusOr<Value> result = ParseJson(end.result); there && result.ok())
      told.Set("result", std::move(*result));
    end = {.outcome = Outcome::kSuccess, .result = ToJson(told)};
    return false;
  }

  static std::string DigestOf(const std::string& text) {
    const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
    return std::to_string(hash.high64) + "-" + std::to_string(hash.low64);
  }

  static SensorPolicy PolicyOf(const Pending& work) {
    const StatusOr<Value> with = ParseJson(work.assignment.with());
    return SensorPolicyOf(with.ok() ? *with : Value());
  }

  // With mutex_ held.
  void Sleep(Pending work) {
    const Duration wait = std::max(UntilNextLook(PolicyOf(work), work.looks), kLeastWait);
    asleep_.emplace(clock_.now().boot + wait, std::move(work));
    changed_.notify_all();
  }

  v1::FromRunner MessageOf(Report report, WallTime started_at) const {
    report.started_at = started_at;
    if (report.ended) report.ended_at = clock_.now().wall;
    v1::FromRunner message;
    convert::ToWire(report, message.mutable_report());
    return message;
  }

  void Tell(Report report, WallTime started_at) {
    if (!channel_.Send(MessageOf(std::move(report), started_at)).ok()) Die();
  }

  // Timeouts, what does not stop, and the lease.
  void Watch() {
    std::unique_lock lock(mutex_);
    while (true) {
      const BootTime now = clock_.now().boot;
      const bool idle = live_.empty() && waiting_.empty() && asleep_.empty();
      if (lease_until_ != BootTime{} && now >= lease_until_ && !idle) Die();
      BootTime next = now + std::chrono::seconds(1);
      while (!asleep_.empty() && asleep_.begin()->first <= now)
        Enqueue(std::move(asleep_.extract(asleep_.begin()).mapped()));
      if (!asleep_.empty()) next = std::min(next, asleep_.begin()->first);
      for (auto& [fence, live] : live_) {
        if (live.timeout_at && !live.kill_at) {
          if (now >= *live.timeout_at) {
            StopLive(live, "timed out after " + TimeoutText(*live.attempt), live.grace);
          } else {
            next = std::min(next, *live.timeout_at);
          }
        }
        if (!live.kill_at) continue;
        next = std::min(next, *live.kill_at);
        if (now < *live.kill_at) continue;
        Report report = live.attempt->Finish({.outcome = Outcome::kKilled});
        report.message += ", and was killed because it did not stop";
        Tell(std::move(report), live.started_at);
        Die();
      }
      next_look_ = next;
      changed_.wait_for(lock, next - now);
    }
  }

  static std::string TimeoutText(const Attempt& attempt) {
    const auto millis =
        std::chrono::duration_cast<std::chrono::milliseconds>(attempt.assignment().timeout).count();
    return millis % 1000 == 0 ? std::to_string(millis / 1000) + " s" : std::to_string(millis) + " ms";
  }

  const Clock& clock_;
  const std::function<Registry(const Workplace&)>& make_registry_;
  runner::Channel channel_;
  sql::InstanceStock instances_;
  Workplace workplace_;  // written before the first attempt, then read
  Registry registry_;
  Status broken_;  // why nothing can run here
  bool holds_ = false;  // Run's thread only: ends are still to be told

  std::mutex mutex_;  // guards all below
  std::condition_variable work_;
  std::condition_variable changed_;
  std::deque<Pending> waiting_;
  std::multimap<BootTime, Pending> asleep_;  // sensors, by their next look
  std::map<Fence, Live> live_;
  BootTime lease_until_{};
  BootTime next_look_{};  // of Watch, if nobody calls it
  int concurrent_ = 1;
  int threads_ = 0;
  int idle_ = 0;
};

}  // namespace

int RunRunner(int descriptor, const Clock& clock,
              const std::function<Registry(const Workplace&)>& make_registry) {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &term, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  RunnerProgram program(descriptor, clock, make_registry);
  program.Run();
  return 0;
}

}  // namespace millrace::tasks
