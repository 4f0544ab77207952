#include "platform/zones.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "platform/tzif.h"

namespace millrace::platform {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;

class TzifZone final : public Zone {
 public:
  TzifZone(std::string name, std::vector<OffsetPeriod> periods)
      : name_(std::move(name)), periods_(std::move(periods)) {}

  std::string_view name() const override { return name_; }

  LocalTime ToLocal(WallTime time) const override {
    return LocalTime((time + OffsetAt(time)).time_since_epoch());
  }

  std::vector<WallTime> FromLocal(LocalTime local) const override {
    // Any offset in force within the widest one around could be the one that the local time was read with.
    const WallTime as_utc(local.time_since_epoch());
    constexpr auto kWidest = std::chrono::hours(26);
    std::vector<WallTime> instants;
    const auto last = PeriodAt(as_utc + kWidest);
    for (auto period = PeriodAt(as_utc - kWidest); period <= last; ++period) {
      const WallTime instant = as_utc - period->offset;
      const bool is_known = std::find(instants.begin(), instants.end(), instant) != instants.end();
      if (OffsetAt(instant) == period->offset && !is_known) instants.push_back(instant);
    }
    std::sort(instants.begin(), instants.end());
    return instants;
  }

  Duration OffsetAt(WallTime time) const override { return PeriodAt(time)->offset; }

 private:
  std::vector<OffsetPeriod>::const_iterator PeriodAt(WallTime time) const {
    const std::int64_t second = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    const auto later = [](std::int64_t wanted, const OffsetPeriod& period) { return wanted < period.from; };
    return std::prev(std::upper_bound(std::next(periods_.begin()), periods_.end(), second, later));
  }

  std::string name_;
  std::vector<OffsetPeriod> periods_;
};

// Names come from DAG files: letters, digits and what "Etc/GMT+5" or "America/Port-au-Prince" needs; so never
// "..".
bool IsZoneName(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '/';
  };
  return !name.empty() && name.size() <= 64 && name.front() != '/' &&
         std::all_of(name.begin(), name.end(), fits);
}

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(kLargestFile + 1, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  if (bytes.empty() || bytes.size() > kLargestFile) return std::nullopt;
  return bytes;
}

}  // namespace

TzdbZones::TzdbZones(std::string folder) : folder_(std::move(folder)) {}
TzdbZones::~TzdbZones() = default;

StatusOr<const Zone*> TzdbZones::Find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  if (const auto known = zones_.find(name); known != zones_.end()) return known->second.get();
  std::vector<OffsetPeriod> periods = {{0, std::chrono::seconds(0)}};
  if (name != "UTC") {
    const std::optional<std::string> bytes =
        IsZoneName(name) ? ReadFile(folder_ + "/" + std::string(name)) : std::nullopt;
    if (!bytes || !bytes->starts_with("TZif")) {
      return NotFound("time zone not found: " + std::string(name) +
                      " (give a name such as Europe/London or UTC)");
    }
    StatusOr<std::vector<OffsetPeriod>> read = ReadTzif(*bytes);
    if (!read.ok()) return read.status().WithContext("time zone " + std::string(name));
    periods = *std::move(read);
  }
  return zones_.emplace(name, std::make_unique<TzifZone>(std::string(name), std::move(periods)))
      .first->second.get();
}

}  // namespace millrace::platform
