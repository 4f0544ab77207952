// A pool with real runners: the test's own program again, started as `<program> runner`.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/model/json.h"
#include "platform/clock.h"
#include "worker/runner/pool.h"
#include "worker/tasks/empty.h"
#include "worker/tasks/runner_program.h"
#include "worker/tasks/sensors.h"
#include "worker/tasks/shell.h"

namespace millrace::tasks {

// Sends a block of a few bytes to the agent, as a map task does.
class BlockTask final : public TaskKind {
 public:
  explicit BlockTask(BlockSender& blocks) : blocks_(blocks) {}
  TaskEnd Run(TaskContext& context) override {
    const std::string path = context.scratch() + "/block";
    std::ofstream(path) << "block of " << context.assignment().task_id;
    const shuffle::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const Status sent =
        blocks_.Send(context.assignment().stage->job, 0, 4, context.assignment().fence, 10, file.get());
    return {.outcome = sent.ok() ? Outcome::kSuccess : Outcome::kFailed, .message = sent.message()};
  }
  void Cancel() override {}

 private:
  BlockSender& blocks_;
};

// Ignores that it is cancelled.
class DeafTask final : public TaskKind {
 public:
  TaskEnd Run(TaskContext& context) override {
    context.Log("deaf\n");
    while (true) ::pause();
  }
  void Cancel() override {}
};

inline Registry MakeRegistry(const Workplace& workplace) {
  return {{"empty", EmptyEntry()},
          {"shell", ShellEntry({})},
          {"sensor_file", {[] { return std::make_unique<FileSensor>(); }}},
          {"deaf", {[] { return std::make_unique<DeafTask>(); }}},
          {"block", {[&workplace] { return std::make_unique<BlockTask>(*workplace.blocks); }}}};
}

class NullLog final : public LogSink {
 public:
  void Log(LogLevel, std::string_view) override {}
};

// Moves with the machine's, which the runners go by, until it is held.
class HeldClock final : public Clock {
 public:
  Now now() const override {
    const std::lock_guard lock(mutex_);
    return held_ ? *held_ : system_.now();
  }
  void Hold() {
    const std::lock_guard lock(mutex_);
    held_ = system_.now();
  }
  void Advance(Duration by) {
    const std::lock_guard lock(mutex_);
    held_->boot += by;
  }

 private:
  const platform::SystemClock system_;
  mutable std::mutex mutex_;
  std::optional<Now> held_;
};

class RunnerPoolTest : public ::testing::Test, public runner::AttemptListener, public runner::BlockKeeper {
 public:
  void OnReport(Report report) override {
    const std::lock_guard lock(mutex_);
    (report.ended ? ends_ : starts_)[report.fence] = std::move(report);
    changed_.notify_all();
  }
  void OnLog(const Fence& fence, std::string data) override {
    const std::lock_guard lock(mutex_);
    logs_[fence] += data;
    changed_.notify_all();
  }
  // A store in memory, of keys whatever the attempt.
  void OnStateRequest(StateRequest request) override {
    StateAnswer answer{SessionId{}, request.fence, request.id, false, "", ""};
    {
      const std::lock_guard lock(mutex_);
      if (request.op == StateOp::kSet) states_[request.key] = request.json;
      const auto found = states_.find(request.key);
      answer.found = request.op == StateOp::kGet && found != states_.end();
      if (answer.found) answer.json = found->second;
    }
    pool_->Answer(answer);
  }
  Status Keep(const v1::BlocksReady& blocks, runner::Descriptor descriptor) override {
    if (blocks.map_index() != 4) return InvalidArgument("other map");
    std::array<char, 100> text{};
    const ssize_t got = ::pread(descriptor.get(), text.data(), text.size(), 0);
    const std::lock_guard lock(mutex_);
    kept_ = std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(0, got)));
    return refuse_blocks_ ? ResourceExhausted("no room") : OkStatus();
  }
  void Release(const JobKey& job) override {
    const std::lock_guard lock(mutex_);
    released_.push_back(job);
  }

 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "runner_pool_test.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override {
    pool_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Open(int slots, Duration lease = std::chrono::hours(1)) {
    runner::PoolOptions options;
    // A line for every runner that is started.
    options.arguments = {"/bin/sh", "-c", "echo >> '" + folder_ + "/started'; exec \"$0\" runner",
                         std::filesystem::read_symlink("/proc/self/exe")};
    options.setup.set_root(folder_);
    options.setup.set_folder(folder_);
    options.slots = slots;
    options.short_kinds = {"empty"};
    pool_ = std::make_unique<runner::RunnerPool>(options, clock_, log_, launcher_, *this, *this);
    pool_->Open("secret", clock_.now().boot + lease);
  }

  Fence Start(const std::string& kind, const std::string& command = "", Duration timeout = Duration(0),
              std::int64_t job = 0) {
    const Fence fence{1, ++counter_};
    v1::Assignment assignment;
    assignment.mutable_fence()->set_term(1);
    assignment.mutable_fence()->set_counter(fence.counter);
    assignment.set_kind(kind);
    assignment.set_task_id("t" + std::to_string(fence.counter));
    assignment.set_timeout_micros(timeout.count());
    assignment.set_kill_grace_micros(100'000);
    Value with;
    const bool sensor = kind.starts_with("sensor_");
    assignment.set_slots(sensor ? 0 : 1);
    with.Set(sensor ? "path" : "command", command);
    if (sensor) with.Set("poke_interval", "50ms");
    if (seen_) with.Set("seen", *seen_);
    assignment.set_with(ToJson(with));
    if (job != 0) {
      assignment.mutable_stage()->mutable_job()->set_run(job);
      assignment.mutable_stage()->set_folder("job-" + std::to_string(job));
    }
    std::vector<v1::Assignment> one;
    one.push_back(std::move(assignment));
    pool_->Start(std::move(one));
    return fence;
  }

  // Ticks the pool, as the agent does, until the condition holds.
  template <typename Condition>
  void Await(const Condition& condition, const char* what) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    std::unique_lock lock(mutex_);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited too long for " << what;
      changed_.wait_for(lock, std::chrono::milliseconds(20));
      lock.unlock();
      pool_->Tick();
      lock.lock();
    }
  }
  Report EndOf(Fence fence) {
    Await([&] { return ends_.contains(fence); }, "an end");
    const std::lock_guard lock(mutex_);
    return ends_[fence];
  }
  std::string LogUntil(Fence fence, const std::string& text) {
    Await([&] { return logs_[fence].find(text) != std::string::npos; }, text.c_str());
    const std::lock_guard lock(mutex_);
    return logs_[fence];
  }
  int PidIn(Fence fence) { return std::stoi(LogUntil(fence, "\n")); }
  static void AwaitGone(int pid) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (::kill(pid, 0) == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_NE(::kill(pid, 0), 0) << pid << " is alive";
  }

  std::int64_t Started() const {
    std::ifstream lines(folder_ + "/started");
    return std::count(std::istreambuf_iterator<char>(lines), {}, '\n');
  }

  HeldClock clock_;
  NullLog log_;
  runner::Launcher launcher_;
  std::string folder_;
  std::unique_ptr<runner::RunnerPool> pool_;
  std::uint64_t counter_ = 0;
  std::optional<std::string> seen_;  // by the watches that are started

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Fence, Report> starts_;
  std::map<Fence, Report> ends_;
  std::map<Fence, std::string> logs_;
  std::map<std::string, std::string> states_;
  std::string kept_;
  bool refuse_blocks_ = false;
  std::vector<JobKey> released_;
};

}  // namespace millrace::tasks
