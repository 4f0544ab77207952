// The bundles of a scheduler as people see them. Who has them answers through BundleDirectory; the API asks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace millrace {

struct BundleStanding {
  std::string name;
  std::string kind;     // "local", "git"
  std::string place;    // a folder, or an address without credentials; "" until it is known
  std::string ref = {};      // git: what it follows
  std::string subdir = {};   // git
  std::string connection = {};  // git: its id
  std::string team = {};     // "": everybody's
  std::string commit = {};   // git; "": none yet
  std::optional<WallTime> refreshed_at = {};  // git: when a fetch last succeeded, since the start
  std::string failure = {};  // "": none
};

class BundleDirectory {
 public:
  virtual ~BundleDirectory() = default;
  // In the order of the configuration. Any thread.
  virtual std::vector<BundleStanding> List() const = 0;
  // Looks for something new now, and does not wait for it. NOT_FOUND; FAILED_PRECONDITION: it is a folder, which is watched. Any thread.
  virtual Status Refresh(const std::string& name) = 0;
};

}  // namespace millrace
