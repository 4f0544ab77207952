// The `deadline` of a DAG: part of ScheduleReader.
#include <algorithm>
#include <utility>

#include "core/spec/schedule_fields.h"
#include "scheduler/dagbag/fields.h"
#include "scheduler/dagbag/schedule_reader.h"

namespace millrace::dagbag {
namespace {

std::optional<Duration> Length(const Value* value) {
  if (value == nullptr || !IsLength(*value)) return std::nullopt;
  return LengthOf(value, Duration(0));
}

// Also with a minus before it.
std::optional<Duration> SignedLength(const Value* value) {
  if (value == nullptr || !value->is_string() || !value->as_string().starts_with('-')) return Length(value);
  const Value positive(value->as_string().substr(1));
  const std::optional<Duration> length = Length(&positive);
  return length ? std::optional(-*length) : std::nullopt;
}

}  // namespace

void ScheduleReader::ReadDeadline(const Value& value, Dag& dag) {
  if (!value.is_map()) {
    return Add(value.position(), "a deadline must be a map, not a " + std::string(value.TypeName()),
               "{reference: queued_at, interval: 2h}");
  }
  const std::size_t before = problems_.size();
  CheckFields(value, DeadlineFields(), "deadline", problems_);
  if (problems_.size() > before) return;
  Deadline deadline;
  const std::string reference = TextOf(value.Find("reference"));
  const Value* interval = value.Find("interval");
  const std::optional<Duration> length = SignedLength(interval);
  if (interval != nullptr && !length)
    return Add(interval->position(), "deadline: 'interval' must be a duration of at most a hundred years, also with a minus before it",
               "2h, -30m");
  if (interval == nullptr && reference != "fixed")
    return Add(value.position(), "deadline: field 'interval' is missing", "interval: 2h");
  deadline.interval = length.value_or(Duration(0));
  if (reference == "logical_date") deadline.reference = DeadlineReference::kLogicalDate;
  if (reference == "average_runtime") deadline.reference = DeadlineReference::kAverageRuntime;
  if (reference == "fixed") {
    deadline.reference = DeadlineReference::kFixed;
    const Value* at = value.Find("at");
    const StatusOr<WallTime> time = ParseTime(TextOf(at), *zone_);
    if (!time.ok()) {
      return Add((at != nullptr ? *at : value).position(),
                 "deadline: reference fixed needs 'at': " + time.status().message(),
                 "at: 2001-03-01T02:00:00Z");
    }
    deadline.fixed = *time;
  }
  const auto number = [&](std::string_view field, int otherwise) {
    const Value* found = value.Find(field);
    return found != nullptr && found->is_int() ? static_cast<int>(found->as_int()) : otherwise;
  };
  deadline.max_runs = number("max_runs", 10);
  deadline.min_runs = std::min(number("min_runs", deadline.max_runs), deadline.max_runs);
  if (const Value* callback = value.Find("callback")) deadline.callback = *callback;
  dag.deadlines.push_back(std::move(deadline));
}

}  // namespace millrace::dagbag
