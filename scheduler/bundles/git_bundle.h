// A bundle that follows a branch, a tag or a commit of a git repository. A thread of its own fetches at the bundle's interval, by git
// as a child process. Beneath its folder of the state:
//
//   repository/       a bare copy
//   commits/<commit>/ the files of a commit in use; whole, because it gets its name when it is
//   current           a link to the one that DAGs come from: also at a start without a network
//
// A fetch that fails leaves all of that as it is, and is told at each look until one succeeds.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/model/value.h"
#include "scheduler/bundles/bundle_config.h"
#include "scheduler/bundles/git_access.h"
#include "scheduler/bundles/git_command.h"
#include "scheduler/dagbag/bundle.h"

namespace millrace::bundles {

// A connection as ConnectionValue has it, in the clear; NOT_FOUND when there is none. Any thread.
using FindConnection = std::function<StatusOr<Value>(const std::string& id)>;

class GitBundle final : public dagbag::Bundle {
 public:
  // `folder` is its own, absolute; made when it is missing. `environment` see GitCommand. The rest is borrowed.
  GitBundle(BundleConfig config, std::string folder, FindConnection connections, const char* const* environment, const Clock& clock,
            LogSink& log, Duration deadline = std::chrono::minutes(10));
  ~GitBundle() override;
  GitBundle(const GitBundle&) = delete;
  GitBundle& operator=(const GitBundle&) = delete;

  const std::string& name() const override { return config_.name; }
  const std::string& team() const override { return config_.team; }
  dagbag::BundleLook Look() override;
  std::string Bell() const override { return folder_; }

  // Fetches, and makes the commit that is followed the current one; instead of Start, or on its thread.
  Status Refresh();
  void Start();
  // Kills what runs.
  void Stop();
  // Does not wait for the interval. Any thread.
  void RefreshSoon();

  struct Standing {
    std::string url;      // without credentials; "" until it is known
    std::string commit;   // "": none yet
    std::optional<WallTime> refreshed_at;  // when a fetch last succeeded, since the start
    std::string failure;  // "": the last one succeeded, or is the first
  };
  Standing standing() const;
  const BundleConfig& config() const { return config_; }

 private:
  Status Follow(const GitAccess& access);
  Status Prepare(const std::string& url) const;
  Status Fetch(const GitAccess& access) const;
  StatusOr<std::string> Resolve() const;
  Status CheckOut(const std::string& commit) const;
  Status Adopt(const std::string& commit);
  void RemoveOthers();
  void RemoveLocks() const;
  std::string Advice(const std::string& failure) const;
  StatusOr<std::string> Git(std::vector<std::string> arguments, const GitAccess* access = nullptr,
                            std::vector<std::pair<std::string, std::string>> environment = {}) const;
  std::string Of(const std::string& part) const { return folder_ + "/" + part; }
  void Run();

  const BundleConfig config_;
  const std::string folder_;
  const FindConnection connections_;
  const Clock& clock_;
  LogSink& log_;
  GitCommand git_;

  mutable std::mutex mutex_;
  std::condition_variable awake_;
  bool stopping_ = false;
  bool soon_ = false;
  Standing standing_;
  std::string looked_;  // the commit of the last look: its folder stays
  std::thread thread_;
};

}  // namespace millrace::bundles
