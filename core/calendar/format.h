// Dates and durations as text: what DAG files, the REST API, templates and dagctl read and write. Pure, any
// thread. Years 1 to 9999. Errors are INVALID_ARGUMENT and say what was expected.
#pragma once

#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/base/zones.h"

namespace millrace {

// "90s", "5m", "2h30m", "1d", "1w", "500ms", "PT5M", "P1DT2H", plain seconds ("300", "0.5"). Never negative.
// At most 10,000 days.
StatusOr<Duration> ParseDuration(std::string_view text);
// The shortest of the first form: "2h30m", "0s".
std::string FormatDuration(Duration duration);

// RFC 3339 ("2001-03-01T02:00:00Z", also with offset, fraction, a space for the T), or without an offset or
// without a time: then in `zone`, by the rule for skipped and repeated times in fire_times.h.
StatusOr<WallTime> ParseTime(std::string_view text, const Zone& zone);
// The same, but an offset is needed, or the text is a plain date, which is UTC.
StatusOr<WallTime> ParseTimeUtc(std::string_view text);

// "2001-03-01T02:00:00Z", with six digits of fraction only when there is one.
std::string FormatTime(WallTime time);
// In a zone, with its offset: "2001-03-01T02:00:00-05:00".
std::string FormatTime(WallTime time, const Zone& zone);

// Airflow's forms, in UTC. ds: 2001-03-01; ts: 2001-03-01T02:00:00+00:00; nodash: 20010301, 20010301T020000,
// 20010301T020000+0000.
std::string FormatDs(WallTime time);
std::string FormatDsNodash(WallTime time);
std::string FormatTs(WallTime time);
std::string FormatTsNodash(WallTime time);
std::string FormatTsNodashWithTz(WallTime time);

}  // namespace millrace
