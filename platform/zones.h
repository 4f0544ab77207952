// The system's time zone files as core's ZoneDatabase, their rules for the far future included. Made once by
// each main.cc, before threads; the files are read when first asked for. Any thread. What the zones are at
// start is what they stay: a tzdata update counts from the next start.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/base/zones.h"

namespace millrace::platform {

class TzdbZones final : public ZoneDatabase {
 public:
  explicit TzdbZones(std::string folder = "/usr/share/zoneinfo");
  ~TzdbZones() override;
  TzdbZones(const TzdbZones&) = delete;
  TzdbZones& operator=(const TzdbZones&) = delete;

  StatusOr<const Zone*> Find(std::string_view name) const override;

 private:
  const std::string folder_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::unique_ptr<const Zone>, std::less<>> zones_;
};

}  // namespace millrace::platform
