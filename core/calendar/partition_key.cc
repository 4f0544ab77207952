#include "core/calendar/partition_key.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "core/calendar/fire_times.h"
#include "core/calendar/time_pattern.h"
#include "core/model/ids.h"

namespace millrace {
namespace {

using Kind = PartitionMapper::Kind;
using std::chrono::days;
using std::chrono::local_days;
using std::chrono::year_month_day;

constexpr std::string_view kQuarter = "{quarter}";

bool IsOfTime(Kind kind) { return kind >= Kind::kHour && kind <= Kind::kYear; }

std::string_view InputOf(const PartitionMapper& mapper) {
  return mapper.input_format.empty() ? kPartitionKeyFormat : std::string_view(mapper.input_format);
}

std::string_view OutputOf(const PartitionMapper& mapper) {
  if (!mapper.output_format.empty()) return mapper.output_format;
  switch (mapper.kind) {
    case Kind::kHour:
      return "%Y-%m-%dT%H";
    case Kind::kWeek:
      return "%Y-%m-%d (W%V)";
    case Kind::kMonth:
      return "%Y-%m";
    case Kind::kQuarter:
      return "%Y-Q{quarter}";
    case Kind::kYear:
      return "%Y";
    default:
      return "%Y-%m-%d";
  }
}

// The start of the hour, day, ... that a clock's time lies in.
LocalTime StartOf(const PartitionMapper& mapper, LocalTime time) {
  const local_days day = std::chrono::floor<days>(time);
  const year_month_day date(day);
  const std::chrono::day first(mapper.start > 0 ? static_cast<unsigned>(mapper.start) : 1U);
  switch (mapper.kind) {
    case Kind::kHour:
      return std::chrono::floor<std::chrono::hours>(time);
    case Kind::kWeek: {
      const int weekday = static_cast<int>(std::chrono::weekday(day).iso_encoding()) - 1;
      return day - days((weekday - mapper.start + 7) % 7);
    }
    case Kind::kMonth: {
      const auto month = date.year() / date.month();
      return local_days((date.day() < first ? month - std::chrono::months(1) : month) / first);
    }
    case Kind::kQuarter:
      return local_days(date.year() / ((static_cast<int>(static_cast<unsigned>(date.month())) - 1) / 3 * 3 + 1) / 1);
    case Kind::kYear:
      return local_days(date.year() / 1 / 1);
    default:
      return day;
  }
}

// "+0200"
std::string OffsetText(Duration offset) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(offset).count();
  const auto away = minutes < 0 ? -minutes : minutes;
  const std::string digits = std::to_string(10'000 + away / 60 * 100 + away % 60);
  return (minutes < 0 ? "-" : "+") + digits.substr(1);
}

StatusOr<std::string> Shown(LocalTime shown, WallTime date, std::string_view format, const Zone& zone) {
  const WallTime clock(shown.time_since_epoch());
  return FormatByPattern(clock, format, {OffsetText(zone.OffsetAt(date)), std::string(zone.name())});
}

Status CheckKey(const std::string& key) {
  if (IsValidPartitionKey(key)) return OkStatus();
  return InvalidArgument("'" + key + "' is no partition key: it must have 1 to 250 bytes and no control characters");
}

StatusOr<Partition> MapTime(const PartitionMapper& mapper, std::string_view key, const Zone& zone) {
  ASSIGN_OR_RETURN(const PatternTime read, ParseByPattern(key, InputOf(mapper)));
  const LocalTime local =
      read.offset ? zone.ToLocal(read.shown - *read.offset) : LocalTime(read.shown.time_since_epoch());
  const LocalTime start = StartOf(mapper, local);
  const year_month_day day(std::chrono::floor<days>(start));
  if (day.year() < std::chrono::year(1) || day.year() > std::chrono::year(9999))
    return InvalidArgument("'" + std::string(key) + "' lies outside of years 1 to 9999");
  const WallTime date = ResolveLocal(zone, start);
  ASSIGN_OR_RETURN(std::string text, Shown(start, date, OutputOf(mapper), zone));
  for (std::size_t at = text.find(kQuarter); mapper.kind == Kind::kQuarter && at != std::string::npos;
       at = text.find(kQuarter)) {
    text.replace(at, kQuarter.size(), std::to_string((static_cast<unsigned>(day.month()) - 1) / 3 + 1));
  }
  return Partition{std::move(text), date};
}

// At most one part is a time in keys that people make: of several none is the whole key's.
StatusOr<Partition> MapParts(const PartitionMapper& mapper, std::string_view key, const ZoneDatabase& zones) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from != std::string_view::npos;) {
    const std::size_t end = key.find(mapper.delimiter, from);
    parts.push_back(key.substr(from, end == std::string_view::npos ? end : end - from));
    from = end == std::string_view::npos ? end : end + mapper.delimiter.size();
  }
  if (parts.size() != mapper.parts.size()) {
    return InvalidArgument("'" + std::string(key) + "' has " + std::to_string(parts.size()) +
                           " parts between '" + mapper.delimiter + "', not " +
                           std::to_string(mapper.parts.size()));
  }
  Partition whole;
  int times = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    StatusOr<Partition> part = MapPartition(mapper.parts[i], parts[i], zones);
    if (!part.ok()) return part.status().WithContext("part " + std::to_string(i + 1));
    whole.key += (i == 0 ? "" : mapper.delimiter) + part->key;
    if (part->date && ++times == 1) whole.date = part->date;
  }
  if (times > 1) whole.date.reset();
  return whole;
}

StatusOr<Partition> Mapped(const PartitionMapper& mapper, std::string_view key, const ZoneDatabase& zones) {
  if (IsOfTime(mapper.kind)) {
    ASSIGN_OR_RETURN(const Zone* zone, zones.Find(mapper.timezone));
    return MapTime(mapper, key, *zone);
  }
  if (mapper.kind == Kind::kProduct) return MapParts(mapper, key, zones);
  const bool allowed =
      std::find(mapper.allowed.begin(), mapper.allowed.end(), key) != mapper.allowed.end();
  if (mapper.kind == Kind::kAllowed && !allowed) {
    std::string known;
    for (const std::string& one : mapper.allowed) known += (known.empty() ? "" : ", ") + one;
    return InvalidArgument("'" + std::string(key) + "' is none of the allowed keys: " + known);
  }
  return Partition{std::string(key), std::nullopt};
}

}  // namespace

StatusOr<Partition> PartitionAt(WallTime date, std::string_view key_format, const Zone& zone) {
  ASSIGN_OR_RETURN(std::string key, Shown(zone.ToLocal(date), date, key_format, zone));
  RETURN_IF_ERROR(CheckKey(key));
  return Partition{std::move(key), date};
}

StatusOr<Partition> MapPartition(const PartitionMapper& mapper, std::string_view key, const ZoneDatabase& zones) {
  ASSIGN_OR_RETURN(Partition partition, Mapped(mapper, key, zones));
  RETURN_IF_ERROR(CheckKey(partition.key));
  return partition;
}

Status CheckMapper(const PartitionMapper& mapper, const ZoneDatabase& zones) {
  if (!IsOfTime(mapper.kind)) return OkStatus();
  ASSIGN_OR_RETURN(const Zone* zone, zones.Find(mapper.timezone));
  const WallTime sample = std::chrono::sys_days(std::chrono::year(2001) / 3 / 1);
  const StatusOr<Partition> read = PartitionAt(sample, InputOf(mapper), *zone);
  if (!read.ok()) return read.status().WithContext("input_format");
  if (!ParseByPattern(read->key, InputOf(mapper)).ok())
    return InvalidArgument("input_format '" + mapper.input_format + "' cannot be read back, only written");
  return MapPartition(mapper, read->key, zones).status().WithContext("output_format");
}

const PartitionMapper& MapperOf(const Partitioning& partitions, std::string_view dataset) {
  for (const DatasetMapper& one : partitions.mappers) {
    if (one.dataset == dataset) return one.mapper;
  }
  return partitions.mapper;
}

}  // namespace millrace
