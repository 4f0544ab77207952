// Bundles of the test's own, without anything behind them. Any thread once they are set.
#pragma once

#include <string>
#include <vector>

#include "core/model/bundle_standing.h"

namespace millrace::test {

class FakeBundles final : public BundleDirectory {
 public:
  std::vector<BundleStanding> all;

  std::vector<BundleStanding> List() const override { return all; }
  Status Refresh(const std::string& name) override {
    for (const BundleStanding& one : all) {
      if (one.name != name) continue;
      return one.kind == "git" ? OkStatus() : FailedPrecondition("bundle '" + name + "' is a folder");
    }
    return NotFound("there is no bundle '" + name + "'");
  }
};

}  // namespace millrace::test
