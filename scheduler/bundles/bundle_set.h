// All bundles of a scheduler: made of their configuration, fetched on their own threads, handed to DagBag and shown to the API.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/model/bundle_standing.h"
#include "scheduler/bundles/bundle_config.h"
#include "scheduler/bundles/git_bundle.h"
#include "scheduler/dagbag/bundle.h"

namespace millrace::bundles {

class BundleSet final : public BundleDirectory {
 public:
  // `folder` is where repositories are kept, a folder each: STATE/bundles. `environment` as main has it. The rest is borrowed.
  BundleSet(const std::vector<BundleConfig>& configs, const std::string& folder, const FindConnection& connections,
            const char* const* environment, const Clock& clock, LogSink& log);
  ~BundleSet() override { Stop(); }

  // In the order of the configuration; they live as long as this.
  std::vector<dagbag::Bundle*> bundles() const;
  void Start();
  void Stop();

  std::vector<BundleStanding> List() const override;
  Status Refresh(const std::string& name) override;

 private:
  struct One {
    BundleConfig config;
    std::unique_ptr<dagbag::Bundle> bundle;
    GitBundle* git = nullptr;  // the same, if it is one
  };
  std::vector<One> all_;
};

}  // namespace millrace::bundles
