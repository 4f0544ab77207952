#include "scheduler/dagbag/schedule_reader.h"

#include <algorithm>
#include <utility>

#include "core/calendar/format.h"
#include "core/calendar/timetable.h"
#include "core/model/json.h"
#include "core/spec/partition_fields.h"
#include "core/spec/schedule_fields.h"
#include "scheduler/dagbag/partition_reader.h"
#include "scheduler/dagbag/dataset_aliases.h"
#include "scheduler/dagbag/dataset_watch.h"

namespace millrace::dagbag {
namespace {

using Of = TimetableKind::Of;

constexpr std::size_t kMostCrons = 100;
constexpr std::size_t kMostEvents = 100'000;
constexpr int kDeepestCondition = 16;
constexpr Duration kLongestJitter = std::chrono::hours(24);

std::string Text(const Value* value) {
  return value != nullptr && value->is_string() ? value->as_string() : "";
}

std::optional<Duration> Length(const Value* value) {
  if (value == nullptr || !IsLength(*value)) return std::nullopt;
  if (value->is_number())
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value->as_double()));
  const StatusOr<Duration> length = ParseDuration(value->as_string());
  return length.ok() ? std::optional(*length) : std::nullopt;
}

// On one line, for people.
std::string Written(const Value& value) {
  if (value.is_string()) return value.as_string();
  if (!value.is_list()) return ToJson(value);
  std::string text;
  for (const Value& item : value.as_list()) text += (text.empty() ? "" : ", ") + Written(item);
  return text;
}

std::vector<Value> Strings(const Value* value) {
  std::vector<Value> strings;
  if (value == nullptr) return strings;
  if (value->is_string()) strings.push_back(*value);
  if (value->is_list()) {
    for (const Value& item : value->as_list()) {
      if (item.is_string()) strings.push_back(item);
    }
  }
  return strings;
}

}  // namespace

std::optional<Dataset> ReadDataset(const Value& value, const std::string& what,
                                   std::vector<Problem>& problems) {
  Dataset dataset;
  if (value.is_string()) {
    dataset.name = dataset.uri = value.as_string();
  } else if (value.is_map()) {
    const std::size_t before = problems.size();
    CheckFields(value, DatasetFields(), what, problems);
    if (problems.size() > before) return std::nullopt;
    dataset.name = Text(value.Find("name"));
    dataset.uri = Text(value.Find("uri"));
    if (dataset.name.empty()) dataset.name = dataset.uri;
    if (dataset.uri.empty()) dataset.uri = dataset.name;
    if (const std::string group = Text(value.Find("group")); !group.empty()) dataset.group = group;
    if (const Value* extra = value.Find("extra"); extra != nullptr && extra->is_map()) dataset.extra = *extra;
    if (const Value* watch = value.Find("watch"); watch != nullptr && !watch->is_null()) {
      dataset.watch = ReadWatch(*watch, what, problems);
      if (!dataset.watch) return std::nullopt;
    }
  } else {
    AddProblem(problems, value.position(),
               what + ": a dataset must be a name or a map with name or uri, not a " +
                   std::string(value.TypeName()));
    return std::nullopt;
  }
  if (!IsDatasetName(dataset.name)) {
    AddProblem(problems, value.position(), what + ": not a dataset's name",
               "printable ASCII, at most 1500 characters");
    return std::nullopt;
  }
  return dataset;
}

void AddDataset(std::vector<Dataset>& datasets, Dataset dataset) {
  const auto known = std::find_if(datasets.begin(), datasets.end(),
                                  [&](const Dataset& other) { return other.name == dataset.name; });
  if (known == datasets.end()) {
    datasets.push_back(std::move(dataset));
    return;
  }
  std::optional<Watch> watch = known->watch ? known->watch : dataset.watch;
  if (known->uri == known->name && known->extra.is_null()) *known = std::move(dataset);
  known->watch = std::move(watch);
}

void ScheduleReader::Add(Position where, std::string message, std::string suggestion) {
  AddProblem(problems_, where, std::move(message), std::move(suggestion));
}

void ScheduleReader::Read(Dag& dag) {
  zone_ = ReadZone();
  if (zone_ == nullptr) return;
  ReadPolicies();
  const Value* fires = document_.Find("schedule");
  const Value* interval = document_.Find("schedule_interval");
  if (fires != nullptr && interval != nullptr) {
    Add(interval->key_position(), "schedule and schedule_interval are both given",
        "schedule_interval: a run covers the interval that just ended; schedule: its date is the time it "
        "fires at");
  } else if (fires != nullptr) {
    ReadTimetable(*fires);
  } else if (interval != nullptr && !interval->is_null()) {
    if (interval->is_string()) {
      ReadText(*interval, /*fires=*/false);
    } else {
      Add(interval->position(),
          "schedule_interval must be a cron, a preset or a duration, not a " +
              std::string(interval->TypeName()),
          "lists, timetables and datasets go under 'schedule'");
    }
  }
  if (schedule_.kind == ScheduleKind::kContinuous && dag.max_active_runs != 1) {
    Add((fires != nullptr ? *fires : document_).position(), "@continuous needs max_active_runs: 1",
        "a run begins where the one before it ended");
  }
  if (schedule_.kind == ScheduleKind::kContinuous && schedule_.jitter > Duration(0)) {
    Add(document_.Find("jitter")->position(), "@continuous has no times that jitter could spread",
        "leave it out");
  }
  dag.schedule = schedule_;
  for (Dataset& dataset : datasets_) AddDataset(dag.datasets, std::move(dataset));
  for (DatasetAlias& alias : aliases_) AddAlias(dag.aliases, std::move(alias));
  if (const Value* deadline = document_.Find("deadline"); deadline != nullptr && !deadline->is_null()) {
    for (const Value& one : deadline->is_list() ? deadline->as_list() : Value::List{*deadline})
      ReadDeadline(one, dag);
  }
}

const Zone* ScheduleReader::ReadZone() {
  const Value* value = document_.Find("timezone");
  std::string name = Text(value);
  if (name.empty()) name = "UTC";
  StatusOr<const Zone*> zone = zones_.Find(name);
  if (zone.ok()) {
    schedule_.timezone = name;
    return *zone;
  }
  Add(value != nullptr ? value->position() : document_.position(), "unknown timezone '" + name + "'",
      "a name of the tz database, such as America/New_York");
  zone = zones_.Find("UTC");
  return zone.ok() ? *zone : nullptr;
}

std::optional<WallTime> ScheduleReader::ReadTime(std::string_view field, const Zone& zone) {
  const Value* value = document_.Find(field);
  if (value == nullptr && default_args_ != nullptr) value = default_args_->Find(field);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const StatusOr<WallTime> time = ParseTime(value->as_string(), zone);
  if (time.ok()) return *time;
  Add(value->position(), std::string(field) + ": " + time.status().message(),
      "2001-03-01, or 2001-03-01T02:00:00Z");
  return std::nullopt;
}

void ScheduleReader::ReadPolicies() {
  schedule_.start = ReadTime("start_date", *zone_);
  schedule_.end = ReadTime("end_date", *zone_);
  if (schedule_.start && schedule_.end && *schedule_.end < *schedule_.start) {
    const Value* end = document_.Find("end_date");
    Add(end != nullptr ? end->position() : document_.position(),
        "end_date is before start_date: no run would ever start", "exchange them");
  }
  if (const Value* catchup = document_.Find("catchup"); catchup != nullptr && !catchup->is_null()) {
    const std::string word = catchup->is_bool() ? (catchup->as_bool() ? "all" : "last") : Text(catchup);
    if (word == "all") {
      schedule_.catchup = Catchup::kAll;
    } else if (word == "none") {
      schedule_.catchup = Catchup::kNone;
    } else if (word != "last") {
      Add(catchup->position(), "catchup must be true, false, none, last or all",
          DidYouMean(word, {"none", "last", "all"}));
    }
  }
  const std::string overlap = Text(document_.Find("overlap"));
  if (overlap == "skip") schedule_.overlap = Overlap::kSkip;
  if (overlap == "cancel_other") schedule_.overlap = Overlap::kCancelOther;
  if (overlap == "allow_all") schedule_.overlap = Overlap::kAllowAll;
  const Value* jitter = document_.Find("jitter");
  schedule_.jitter = Length(jitter).value_or(Duration(0));
  if (schedule_.jitter > kLongestJitter) {
    Add(jitter->position(), "jitter is longer than a day", "it spreads starts over minutes");
    schedule_.jitter = Duration(0);
  }
}

void ScheduleReader::ReadTimetable(const Value& written) {
  if (written.is_null()) return;
  if (written.is_string()) return ReadText(written, /*fires=*/true);
  if (written.is_list()) return ReadList(written);
  const Value* uses = written.Find("uses");
  const Value* datasets = written.Find("datasets");
  if (datasets == nullptr) datasets = written.Find("assets");
  if (uses != nullptr) return ReadUses(written, *uses);
  if (datasets == nullptr) {
    return Add(written.position(),
               "a schedule must be a cron, a preset, a duration, a list of crons or times, {uses, with}, "
               "{datasets} or "
               "null, not a " +
                   std::string(written.TypeName()),
               "\"0 2 * * *\", @daily, 6h, {datasets: [name]}");
  }
  static const std::vector<FieldSpec> kFields = [] {
    std::vector<FieldSpec> fields = PartitionMapperFields();
    for (const char* name : {"datasets", "assets", "timetable"})
      fields.push_back({.name = name, .type = FieldType::kAny});
    return fields;
  }();
  CheckFields(written, kFields, "schedule", problems_);
  if (const Value* timetable = written.Find("timetable")) ReadTimes(*timetable);
  ReadDatasets(*datasets);
  ReadPartitions(written, false);
  schedule_.written = Written(written);
}

// The timetable beside datasets.
void ScheduleReader::ReadTimes(const Value& written) {
  ReadTimetable(written);
  if (schedule_.partitions) {
    schedule_.partitions.reset();
    return Add(written.position(), "the timetable beside datasets gives its runs partition keys",
               "cron instead of cron_partition, or no datasets");
  }
  if (!schedule_.datasets) return;
  schedule_.datasets.reset();
  Add(written.position(), "the timetable beside datasets names datasets itself", "a cron, a preset or a duration");
}

void ScheduleReader::ReadText(const Value& written, bool fires) {
  const std::string& text = written.as_string();
  if (text == "None" || text == "none") return;
  const auto meaning = fires ? Timetable::Meaning::kSchedule : Timetable::Meaning::kScheduleInterval;
  const StatusOr<Timetable> timetable = Timetable::Parse(text, meaning, *zone_);
  if (!timetable.ok()) {
    return Add(written.position(), "schedule '" + text + "': " + timetable.status().message(),
               "for example \"0 2 * * *\" or @daily");
  }
  schedule_.written = text;
  schedule_.expression = text;
  schedule_.kind = text == "@once"         ? ScheduleKind::kOnce
                   : text == "@continuous" ? ScheduleKind::kContinuous
                   : fires                 ? ScheduleKind::kCronTrigger
                                           : ScheduleKind::kCronInterval;
}

// Crons or times, whichever the first one is.
void ScheduleReader::ReadList(const Value& written) {
  const std::vector<Value> items = Strings(&written);
  if (items.empty() || items.size() != written.as_list().size()) {
    return Add(written.position(), "a list under 'schedule' holds crons or times, each a text",
               "[\"0 2 * * *\", \"0 14 * * 1-5\"]; datasets go under {datasets: [...]}");
  }
  const bool times = ParseTime(items[0].as_string(), *zone_).ok();
  ReadWith(static_cast<int>(times ? Of::kEvents : Of::kCrons),
           Value(Value::Map{{times ? "dates" : "crons", written}}).At(written.position()));
  schedule_.written = times ? std::to_string(schedule_.events.size()) + " events" : Written(written);
}

void ScheduleReader::ReadUses(const Value& written, const Value& uses) {
  static const std::vector<FieldSpec> kFields = {
      {.name = "uses", .type = FieldType::kString, .required = true},
      {.name = "with", .type = FieldType::kMap},
  };
  CheckFields(written, kFields, "schedule", problems_);
  const TimetableKind* kind = FindTimetableKind(Text(&uses));
  if (kind == nullptr) {
    std::vector<std::string> names;
    std::string known;
    for (const TimetableKind& other : TimetableKinds()) {
      names.push_back(other.name);
      known += (known.empty() ? "known are " : ", ") + other.name;
    }
    const std::string meant = DidYouMean(Text(&uses), names);
    return Add(uses.position(), "unknown timetable '" + Text(&uses) + "'",
               meant.empty() ? known + " and Airflow's class names" : meant);
  }
  const Value* with = written.Find("with");
  Value fields = with != nullptr && with->is_map() ? *with : Value(Value::Map{}).At(written.position());
  const std::size_t before = problems_.size();
  CheckFields(fields, kind->fields, "timetable '" + kind->name + "'", problems_);
  if (problems_.size() > before) return;
  const bool has_dates = fields.Find("dates") != nullptr || fields.Find("event_dates") != nullptr;
  if (kind->of == Of::kEvents && !has_dates)
    return Add(fields.position(), "timetable 'events': field 'dates' is missing", "dates: [2001-03-01]");
  ReadWith(static_cast<int>(kind->of), fields);
  if (schedule_.written.empty()) schedule_.written = kind->name;
}

void ScheduleReader::ReadWith(int kind, const Value& with) {
  const Value* zone = with.Find("timezone");
  if (zone != nullptr && zone->is_string()) {
    const StatusOr<const Zone*> found = zones_.Find(zone->as_string());
    if (!found.ok()) {
      return Add(zone->position(), "unknown timezone '" + zone->as_string() + "'",
                 "a name of the tz database, such as America/New_York");
    }
    schedule_.timezone = zone->as_string();
    zone_ = *found;
  }
  switch (static_cast<Of>(kind)) {
    case Of::kNull:
      return;
    case Of::kOnce:
      return ReadText(Value("@once").At(with.position()), true);
    case Of::kContinuous:
      return ReadText(Value("@continuous").At(with.position()), true);
    case Of::kCron:
    case Of::kCronInterval:
      ReadText(*with.Find("cron"), static_cast<Of>(kind) == Of::kCron);
      return ReadTrigger(with);
    case Of::kDelta:
    case Of::kDeltaInterval: {
      const Value& delta = *with.Find("delta");
      const std::string text = FormatDuration(Length(&delta).value_or(Duration(0)));
      ReadText(Value(text).At(delta.position()), static_cast<Of>(kind) == Of::kDelta);
      return ReadTrigger(with);
    }
    case Of::kCrons: {
      const std::vector<Value> crons = Strings(with.Find("crons"));
      if (crons.size() > kMostCrons) {
        return Add(with.position(), "a schedule has at most " + std::to_string(kMostCrons) + " crons",
                   "a cron's fields take lists and ranges");
      }
      for (const Value& cron : crons) {
        const StatusOr<Cron> parsed = Cron::Parse(cron.as_string());
        if (!parsed.ok()) {
          Add(cron.position(), "schedule '" + cron.as_string() + "': " + parsed.status().message(),
              "for example \"0 2 * * *\" or @daily");
        }
        schedule_.crons.push_back(cron.as_string());
        schedule_.expression += (schedule_.expression.empty() ? "" : ", ") + cron.as_string();
      }
      if (crons.empty()) Add(with.position(), "a list of crons needs at least one", "[\"0 2 * * *\"]");
      schedule_.kind = ScheduleKind::kMultipleCron;
      schedule_.written = schedule_.expression;
      return ReadTrigger(with);
    }
    case Of::kEvents:
      return ReadEvents(with, with.Find("dates") != nullptr ? "dates" : "event_dates");
    case Of::kCronPartition:
      ReadText(*with.Find("cron"), true);
      ReadTrigger(with);
      schedule_.partitions = ReadPartitionKeys(with, *zone_, problems_);
      return;
    case Of::kDatasetsOrTime:
    case Of::kPartitionedDatasets: {
      const bool partitioned = static_cast<Of>(kind) == Of::kPartitionedDatasets;
      if (!partitioned) ReadTimes(*with.Find("timetable"));
      const Value* datasets = with.Find("datasets");
      if (datasets == nullptr) datasets = with.Find("assets");
      if (datasets == nullptr) {
        return Add(with.position(), std::string("timetable '") +
                                        (partitioned ? "partitioned_datasets" : "datasets_or_time") +
                                        "': field 'datasets' is missing");
      }
      ReadDatasets(*datasets);
      if (partitioned) ReadPartitions(with, true);
      return;
    }
  }
}

// What maps the keys of the datasets' updates, in a map beside them.
void ScheduleReader::ReadPartitions(const Value& map, bool is_wanted) {
  std::optional<Partitioning> partitions = ReadPartitionMappers(map, datasets_, zones_, is_wanted, problems_);
  if (partitions && schedule_.kind != ScheduleKind::kNone) {
    return Add(map.position(), "a schedule whose updates have partition keys has no timetable beside its datasets",
               "leave 'timetable' out, or the partition mappers");
  }
  if (partitions) schedule_.partitions = std::move(partitions);
}

void ScheduleReader::ReadTrigger(const Value& with) {
  schedule_.data_interval = Length(with.Find("interval")).value_or(Duration(0));
  const Value* immediately = with.Find("run_immediately");
  if (immediately == nullptr || immediately->is_null()) return;
  if (immediately->is_bool()) {
    if (immediately->as_bool()) schedule_.run_immediately = Duration::max();
  } else if (const std::optional<Duration> length = Length(immediately)) {
    schedule_.run_immediately = *length;
  } else {
    Add(immediately->position(), "'run_immediately' must be true, false or a duration");
  }
}

void ScheduleReader::ReadEvents(const Value& with, std::string_view field) {
  for (const Value& date : Strings(with.Find(field))) {
    const StatusOr<WallTime> time = ParseTime(date.as_string(), *zone_);
    if (time.ok()) {
      schedule_.events.push_back(*time);
    } else {
      Add(date.position(), "schedule: " + time.status().message(), "2001-03-01, or 2001-03-01T02:00:00Z");
    }
  }
  std::sort(schedule_.events.begin(), schedule_.events.end());
  schedule_.events.erase(std::unique(schedule_.events.begin(), schedule_.events.end()),
                         schedule_.events.end());
  if (schedule_.events.empty())
    Add(with.position(), "a schedule of events needs at least one date", "[2001-03-01]");
  if (schedule_.events.size() > kMostEvents)
    Add(with.position(), "a schedule has at most " + std::to_string(kMostEvents) + " events", "use a cron");
  const Value* restricts = with.Find("restrict_to_events");
  schedule_.restrict_to_events = restricts != nullptr && restricts->is_bool() && restricts->as_bool();
  schedule_.kind = ScheduleKind::kEvents;
  const std::string description = Text(with.Find("description"));
  schedule_.written = description.empty() ? std::to_string(schedule_.events.size()) + " events" : description;
}

void ScheduleReader::ReadDatasets(const Value& written) { schedule_.datasets = ReadCondition(written, 0); }

// A name or a dataset's map is that dataset, {alias} that alias; a list is all of its items.
std::optional<DatasetCondition> ScheduleReader::ReadCondition(const Value& value, int depth) {
  const Value* all = value.Find("all");
  const Value* any = value.Find("any");
  if (depth > kDeepestCondition) {
    Add(value.position(),
        "a condition of datasets is nested deeper than " + std::to_string(kDeepestCondition));
    return std::nullopt;
  }
  if (IsAlias(value)) {
    std::optional<DatasetAlias> alias = ReadAlias(value, "schedule", problems_);
    if (!alias) return std::nullopt;
    DatasetCondition leaf{DatasetCondition::Op::kAlias, alias->name, {}};
    AddAlias(aliases_, std::move(*alias));
    return leaf;
  }
  if (!value.is_list() && all == nullptr && any == nullptr) {
    std::optional<Dataset> dataset = ReadDataset(value, "schedule", problems_);
    if (!dataset) return std::nullopt;
    DatasetCondition leaf;
    leaf.dataset = dataset->name;
    AddDataset(datasets_, std::move(*dataset));
    return leaf;
  }
  if (value.is_map() && value.as_map().size() != 1) {
    Add(value.position(), "a condition of datasets is {all: [...]} or {any: [...]}, not both",
        "{all: [a, {any: [b, c]}]}");
    return std::nullopt;
  }
  const Value& parts = value.is_list() ? value : all != nullptr ? *all : *any;
  if (!parts.is_list() || parts.as_list().empty()) {
    Add(parts.position(), "a condition of datasets needs a list of at least one",
        "{all: [a, {any: [b, c]}]}");
    return std::nullopt;
  }
  DatasetCondition condition;
  condition.op = any != nullptr ? DatasetCondition::Op::kAny : DatasetCondition::Op::kAll;
  for (const Value& part : parts.as_list()) {
    std::optional<DatasetCondition> one = ReadCondition(part, depth + 1);
    if (one) condition.parts.push_back(std::move(*one));
  }
  return condition;
}

}  // namespace millrace::dagbag
