#include "scheduler/dagbag/mapper_reader.h"

#include <algorithm>
#include <utility>

#include "core/calendar/partition_key.h"
#include "core/calendar/partition_window.h"
#include "core/model/ids.h"
#include "core/spec/field.h"
#include "scheduler/dagbag/fields.h"

namespace millrace::dagbag {
namespace {

constexpr int kDeepestMapper = 8;
constexpr std::size_t kMostSegments = 1000;

template <typename Kind>
struct Named {
  const Kind* kind;
  Value with;                // a map
  bool has_problem = false;  // of its own fields
};

template <typename Kind>
void AddUnknownKind(const Value& uses, const std::vector<Kind>& kinds, const std::string& what,
                    std::vector<Problem>& problems) {
  std::vector<std::string> names;
  std::string known;
  for (const Kind& kind : kinds) {
    names.push_back(kind.name);
    known += (known.empty() ? "known are " : ", ") + kind.name;
  }
  const std::string meant = DidYouMean(uses.as_string(), names);
  AddProblem(problems, uses.position(), "unknown " + what + " '" + uses.as_string() + "'",
             meant.empty() ? known + " and Airflow's class names" : meant);
}

// A name alone, or {uses, with}: the kind it names, and its fields as they stand there.
template <typename Kind>
std::optional<Named<Kind>> ReadNamed(const Value& written, const std::vector<Kind>& kinds,
                                     const Kind* (*find)(std::string_view), const std::string& what,
                                     const char* example, std::vector<Problem>& problems) {
  const Value* uses = written.is_map() ? written.Find("uses") : &written;
  if (uses == nullptr || !uses->is_string()) {
    AddProblem(problems, written.position(), "not a " + what, example);
    return std::nullopt;
  }
  if (written.is_map()) {
    static const std::vector<FieldSpec> kFields = {
        {.name = "uses", .type = FieldType::kString, .required = true},
        {.name = "with", .type = FieldType::kMap},
    };
    CheckFields(written, kFields, "a " + what, problems);
  }
  const Kind* kind = find(uses->as_string());
  if (kind == nullptr) {
    AddUnknownKind(*uses, kinds, what, problems);
    return std::nullopt;
  }
  const Value* given = written.is_map() ? written.Find("with") : nullptr;
  Value with(Value::Map{});
  with.At(uses->position());
  if (given != nullptr && given->is_map()) with = *given;
  const std::size_t before = problems.size();
  CheckFields(with, kind->fields, what + " '" + kind->name + "'", problems);
  return Named<Kind>{kind, std::move(with), problems.size() > before};
}

}  // namespace

std::optional<PartitionMapper> MapperReader::Read(const Value& written, int depth) {
  if (depth > kDeepestMapper) {
    AddProblem(problems_, written.position(),
               "partition mappers are nested deeper than " + std::to_string(kDeepestMapper));
    return std::nullopt;
  }
  const auto named =
      ReadNamed(written, MapperKinds(), FindMapperKind, "partition mapper",
                "daily, or {uses: daily, with: {input_format: \"%Y-%m-%dT%H\"}}", problems_);
  if (!named) return std::nullopt;
  if (!named->has_problem) return ReadFields(*named->kind, named->with, depth);
  TellOfParts(named->with, depth);
  return std::nullopt;
}

// What stands in a mapper that is itself wrong: all problems are told at once.
void MapperReader::TellOfParts(const Value& with, int depth) {
  for (const char* field : {"upstream_mapper", "downstream_mapper"}) {
    if (const Value* mapper = with.Find(field); mapper != nullptr && !mapper->is_null()) Read(*mapper, depth + 1);
  }
  if (const Value* mappers = with.Find("mappers"); mappers != nullptr && mappers->is_list()) {
    for (const Value& mapper : mappers->as_list()) Read(mapper, depth + 1);
  }
  if (const Value* window = with.Find("window"); window != nullptr && !window->is_null()) ReadWindow(*window);
  if (const Value* policy = with.Find("wait_policy"); policy != nullptr && !policy->is_null()) ReadWaitPolicy(*policy);
}

std::optional<PartitionMapper> MapperReader::ReadFields(const MapperKind& kind, const Value& written, int depth) {
  using Kind = PartitionMapper::Kind;
  const std::size_t before = problems_.size();
  const Value with = Normalized(written, kind.fields);
  PartitionMapper mapper;
  mapper.kind = kind.of;
  if (const std::string zone = TextOf(with.Find("timezone")); !zone.empty()) mapper.timezone = zone;
  mapper.input_format = TextOf(with.Find("input_format"));
  mapper.output_format = TextOf(with.Find("output_format"));
  mapper.start = NumberOf(with.Find("week_start"), 0) + NumberOf(with.Find("month_start_day"), 0);
  mapper.fixed = TextOf(with.Find("downstream_key"));
  mapper.max_keys = NumberOf(with.Find("max_downstream_keys"), 0);
  if (const Value* delimiter = with.Find("delimiter")) mapper.delimiter = TextOf(delimiter);
  if (const Value* keys = with.Find("allowed_keys"); keys != nullptr) {
    for (const Value& key : keys->is_list() ? keys->as_list() : Value::List{*keys})
      if (key.is_string()) mapper.allowed.push_back(key.as_string());
  }
  if (kind.of == Kind::kAllowed && mapper.allowed.empty())
    AddProblem(problems_, written.position(), "partition mapper 'allowed_keys': at least one key is needed");
  if (kind.of == Kind::kProduct && mapper.delimiter.empty()) {
    AddProblem(problems_, with.Find("mappers")->position(), "partition mapper 'product': 'delimiter' is empty",
               "delimiter: \"|\"");
  }
  if (const Value* parts = with.Find("mappers")) ReadParts(kind.name, *parts, mapper, depth);
  if (kind.of == Kind::kRollup || kind.of == Kind::kFanOut) ReadWindowed(written, mapper, depth);
  // Of what is half read only half could be told.
  if (problems_.size() > before) return std::nullopt;
  if (const Status status = CheckMapper(mapper, zones_); !status.ok()) {
    AddProblem(problems_, written.position(), "partition mapper '" + kind.name + "': " + status.message());
    return std::nullopt;
  }
  return mapper;
}

void MapperReader::ReadParts(const std::string& name, const Value& parts, PartitionMapper& mapper, int depth) {
  if (parts.as_list().size() < 2) {
    AddProblem(problems_, parts.position(), "partition mapper '" + name + "': 'mappers' needs at least two",
               "mappers: [identity, daily]");
  }
  for (const Value& part : parts.as_list()) {
    if (std::optional<PartitionMapper> one = Read(part, depth + 1)) mapper.parts.push_back(std::move(*one));
  }
}

// What roll-ups and fan-outs have: the mapper of the update's key, a window, and each its own.
void MapperReader::ReadWindowed(const Value& with, PartitionMapper& mapper, int depth) {
  std::optional<PartitionMapper> upstream = Read(*with.Find("upstream_mapper"), depth + 1);
  mapper.window = ReadWindow(*with.Find("window"));
  if (upstream) mapper.parts.push_back(std::move(*upstream));
  if (const Value* policy = with.Find("wait_policy"); policy != nullptr && !policy->is_null())
    mapper.minimum = ReadWaitPolicy(*policy).value_or(0);
  if (mapper.kind != PartitionMapper::Kind::kFanOut || !mapper.window) return;
  PartitionMapper writer;
  writer.kind = FanOutWriter(mapper.window->kind);
  if (const Value* downstream = with.Find("downstream_mapper"); downstream != nullptr && !downstream->is_null())
    writer = Read(*downstream, depth + 1).value_or(std::move(writer));
  mapper.parts.push_back(std::move(writer));
}

std::optional<PartitionWindow> MapperReader::ReadWindow(const Value& written) {
  const auto named = ReadNamed(written, WindowKinds(), FindWindowKind, "window",
                               "week, or {uses: segment, with: {keys: [eu, us]}}", problems_);
  if (!named || named->has_problem) return std::nullopt;
  PartitionWindow window;
  window.kind = named->kind->of;
  window.is_backward = TextOf(named->with.Find("direction")) == "backward";
  if (window.kind == PartitionWindow::Kind::kSegment) ReadSegments(Normalized(named->with, named->kind->fields), window);
  return window;
}

void MapperReader::ReadSegments(const Value& with, PartitionWindow& window) {
  const Value* ours = with.Find("keys");
  const Value* airflows = with.Find("segments");
  if (ours != nullptr && airflows != nullptr) {
    AddProblem(problems_, airflows->position(), "window 'segment': keys and segments are both given",
               "they mean the same");
  }
  const Value::List keys = NamesOf(ours != nullptr ? ours : airflows);
  for (const Value& key : keys) {
    if (!IsValidPartitionKey(key.as_string())) {
      AddProblem(problems_, key.position(), "window 'segment': '" + key.as_string() + "' is no partition key",
                 "1 to 250 bytes without control characters");
    } else if (std::find(window.segments.begin(), window.segments.end(), key.as_string()) == window.segments.end()) {
      window.segments.push_back(key.as_string());
    }
  }
  if (ours == nullptr && airflows == nullptr) {
    AddProblem(problems_, with.position(), "window 'segment': field 'keys' is missing", "keys: [eu, us]");
  } else if (keys.empty()) {
    AddProblem(problems_, (ours != nullptr ? ours : airflows)->position(),
               "window 'segment': at least one key is needed", "keys: [eu, us]");
  } else if (window.segments.size() > kMostSegments) {
    AddProblem(problems_, (ours != nullptr ? ours : airflows)->position(),
               "window 'segment' has at most " + std::to_string(kMostSegments) + " keys");
  }
}

// How many keys are enough; 0 for all.
std::optional<std::int32_t> MapperReader::ReadWaitPolicy(const Value& written) {
  const auto named = ReadNamed(written, WaitPolicyKinds(), FindWaitPolicyKind, "wait policy",
                               "all, or {uses: minimum_count, with: {n: 5}}", problems_);
  if (!named || named->has_problem) return std::nullopt;
  if (!named->kind->counts) return 0;
  const Value& count = *named->with.Find("n");
  if (count.as_int() == 0)
    AddProblem(problems_, count.position(), "wait policy 'minimum_count': n is 0, which would wait for nothing",
               "5: five are enough; -2: all but two are; or wait_policy: all");
  return NumberOf(&count, 0);
}

}  // namespace millrace::dagbag
