#include "platform/zones.h"

#include <date/tz.h>

#include <exception>
#include <utility>

namespace millrace::platform {
namespace {

class TzdbZone final : public Zone {
 public:
  TzdbZone(std::string name, const date::time_zone* zone) : name_(std::move(name)), zone_(zone) {}

  std::string_view name() const override { return name_; }

  LocalTime ToLocal(WallTime time) const override {
    return LocalTime((time + OffsetAt(time)).time_since_epoch());
  }

  std::vector<WallTime> FromLocal(LocalTime local) const override {
    const date::local_info info = zone_->get_info(date::local_time<Duration>(local.time_since_epoch()));
    const WallTime as_utc(local.time_since_epoch());
    switch (info.result) {
      case date::local_info::unique:
        return {as_utc - info.first.offset};
      case date::local_info::ambiguous:
        return {as_utc - info.first.offset, as_utc - info.second.offset};
      default:
        return {};
    }
  }

  Duration OffsetAt(WallTime time) const override {
    return zone_->get_info(date::sys_time<Duration>(time.time_since_epoch())).offset;
  }

 private:
  std::string name_;
  const date::time_zone* zone_;
};

}  // namespace

TzdbZones::TzdbZones() = default;
TzdbZones::~TzdbZones() = default;

StatusOr<const Zone*> TzdbZones::Find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  if (const auto known = zones_.find(name); known != zones_.end()) return known->second.get();
  try {
    const date::time_zone* zone = date::locate_zone(std::string(name));
    // Reads the file now, so that a damaged one is an error here and not an exception later.
    static_cast<void>(zone->get_info(date::sys_seconds()));
    return zones_.emplace(name, std::make_unique<TzdbZone>(std::string(name), zone)).first->second.get();
  } catch (const std::exception&) {
    return NotFound("time zone not found: " + std::string(name) +
                    " (give a name such as Europe/London or UTC)");
  }
}

}  // namespace millrace::platform
