#include "core/spec/mapreduce_spec.h"

#include <algorithm>

namespace millrace {
namespace {

constexpr std::int64_t kLeastFileBytes = 1'000'000;

// "128MB", "1 GiB", or a number of bytes; 0 when it is none of them.
std::int64_t BytesOf(const Value& value) {
  if (value.is_int()) return std::max<std::int64_t>(value.as_int(), 0);
  if (!value.is_string()) return 0;
  const std::string& text = value.as_string();
  std::size_t end = 0;
  std::int64_t number = 0;
  while (end < text.size() && end < 12 && text[end] >= '0' && text[end] <= '9') number = number * 10 + (text[end++] - '0');
  while (end < text.size() && text[end] == ' ') ++end;
  static const std::vector<std::pair<std::string_view, std::int64_t>> kUnits = {
      {"", 1},         {"B", 1},           {"KB", 1000},        {"MB", 1'000'000},   {"GB", 1'000'000'000},
      {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
  for (const auto& [unit, factor] : kUnits) {
    if (std::string_view(text).substr(end) == unit) return number * factor;
  }
  return 0;
}

class JobReader {
 public:
  JobReader(const Value& with, SpecPhase phase, std::vector<Problem>& problems)
      : with_(with), phase_(phase), problems_(problems) {}

  MapReduceSpec Read() {
    ReadInputs();
    spec_.map = ReadCode(with_, "map", problems_);
    spec_.aggregate = ReadAggregate(with_, problems_);
    spec_.combine = ReadCode(with_, "combine", problems_);
    spec_.merge = ReadCode(with_, "merge", problems_);
    spec_.reduce = ReadCode(with_, "reduce", problems_);
    spec_.shuffle = ReadShuffle(with_, problems_);
    spec_.order_by = MemberList(with_, "order_by");
    spec_.limit = ReadLimit(with_, problems_);
    std::vector<std::string> names;
    for (const InputSpec& input : spec_.inputs) names.push_back(input.name);
    spec_.stages = ReadStages(with_, names, problems_);
    ReadOutput();
    ReadChecks();
    const std::string mode = MemberText(with_, "mode");
    spec_.mode = mode == "fused"         ? JobMode::kFused
                 : mode == "distributed" ? JobMode::kDistributed
                                         : JobMode::kAuto;
    const Value* explain = with_.Find("explain");
    spec_.explain = explain != nullptr && explain->is_bool() && explain->as_bool();
    spec_.files = MemberList(with_, "files");
    CheckWhole();
    return std::move(spec_);
  }

 private:
  void Add(const Value* at, std::string message, std::string suggestion = "") {
    AddProblem(problems_, at != nullptr ? at->position() : with_.position(), std::move(message),
               std::move(suggestion));
  }

  void ReadInputs() {
    const Value* inputs = with_.Find("inputs");
    if (inputs == nullptr || !inputs->is_map()) return;
    if (inputs->as_map().empty()) Add(inputs, "'inputs' is empty", "inputs: {lines: {path: \"data/text/\"}}");
    for (const auto& [name, value] : inputs->as_map()) {
      InputSpec input;
      input.name = name;
      if (!IsSqlName(name) || name == "shuffled") {
        Add(&value, "inputs: '" + name + "' cannot be an input's name",
            "use letters, digits and _; 'shuffled' is taken");
      }
      input.path = MemberText(value, "path");
      input.format = MemberText(value, "format");
      const std::string read = MemberText(value, "read");
      input.read = read == "broadcast" ? ReadMode::kBroadcast
                   : read == "split"   ? ReadMode::kSplit
                                       : ReadMode::kAuto;
      if (const Value* header = value.Find("header"); header != nullptr && header->is_bool())
        input.header = header->as_bool();
      input.delimiter = MemberText(value, "delimiter");
      if (const Value* null_text = value.Find("null"); null_text != nullptr && null_text->is_string()) {
        input.null_text = null_text->as_string();
      }
      input.columns = MemberPairs(value, "columns");
      spec_.inputs.push_back(std::move(input));
    }
  }

  void ReadOutput() {
    const Value* value = with_.Find("output");
    if (value == nullptr || !value->is_map()) return;
    spec_.output.path = MemberText(*value, "path");
    if (const std::string format = MemberText(*value, "format"); !format.empty()) spec_.output.format = format;
    spec_.output.partition_by = MemberList(*value, "partition_by");
    const Value* size = value->Find("file_size");
    if (size == nullptr || size->is_null()) return;
    spec_.output.file_bytes = BytesOf(*size);
    if (spec_.output.file_bytes < kLeastFileBytes && !(size->is_string() && HasTemplate(size->as_string())))
      Add(size, "output: 'file_size' must be 1 MB or more", "file_size: 128MB");
  }

  void ReadChecks() {
    const Value* value = with_.Find("checks");
    if (value == nullptr || value->is_null()) return;
    spec_.checks = ParseChecks(*value, phase_, problems_);
    for (const CheckSpec& check : spec_.checks) {
      const auto named = [&](const InputSpec& input) { return input.name == check.reference_input; };
      if (check.reference_input.empty() || std::any_of(spec_.inputs.begin(), spec_.inputs.end(), named))
        continue;
      std::vector<std::string> names;
      for (const InputSpec& input : spec_.inputs) names.push_back(input.name);
      AddProblem(problems_, check.where, check.name + ": unknown input '" + check.reference_input + "'",
                 DidYouMean(check.reference_input, names));
    }
  }

  // What holds between the fields.
  void CheckWhole() {
    const bool any_native =
        spec_.map.native() || spec_.combine.native() || spec_.merge.native() || spec_.reduce.native();
    if (spec_.aggregate && (!spec_.combine.empty() || !spec_.merge.empty())) {
      Add(with_.Find("aggregate"), "'aggregate' already makes 'combine' and 'merge'",
          "leave out one or the other");
    }
    if (spec_.aggregate && spec_.map.native()) {
      Add(with_.Find("aggregate"), "'aggregate' needs rows with columns, but 'map' is a command or a library",
          "write 'reduce' as a command or a library too");
    }
    if (!spec_.merge.empty() && spec_.combine.empty())
      Add(with_.Find("merge"), "'merge' without 'combine': there are no states to merge");
    if (any_native && !spec_.shuffle.by.empty() && spec_.map.native()) {
      Add(with_.Find("shuffle"), "shuffle: 'by' is for SQL; a command or a library writes its own keys");
    }
    if (!any_native && !spec_.aggregate && spec_.shuffle.by.empty() &&
        (!spec_.reduce.empty() || !spec_.combine.empty())) {
      Add(with_.Find(spec_.reduce.empty() ? "combine" : "reduce"),
          "no keys: rows must be shuffled by something",
          "add 'aggregate: {by: [...], select: {...}}' or 'shuffle: {by: [...]}'");
    }
    const bool splits = std::any_of(spec_.inputs.begin(), spec_.inputs.end(), [](const InputSpec& input) {
      return input.read != ReadMode::kBroadcast;
    });
    if (!spec_.inputs.empty() && !splits) {
      Add(with_.Find("inputs"), "every input is broadcast: nothing is left to split",
          "leave out 'read' of the largest");
    }
    if (spec_.limit >= 0 && spec_.order_by.empty() && spec_.stages.empty())
      Add(with_.Find("limit"), "'limit' without 'order_by': any rows would do", "order_by: [total DESC]");
    if (any_native && (!spec_.order_by.empty()))
      Add(with_.Find("order_by"), "'order_by' is for SQL; pairs of a command or a library are sorted by their key");
    if (with_.Find("stages") != nullptr) return CheckNoShortForm();
    if (spec_.map.empty() && spec_.inputs.size() > 1) {
      Add(&with_, "'map' is missing: with several inputs it says how they meet",
          "map: SELECT ... FROM a JOIN b ON ...");
    }
    if (spec_.map.native() && spec_.inputs.size() > 1) {
      Add(with_.Find("map"),
          "a command or a library maps one input, not " + std::to_string(spec_.inputs.size()));
    }
    if (spec_.mode == JobMode::kFused && spec_.shuffle.partitions > 0) {
      Add(with_.Find("mode"), "mode 'fused' has no shuffle, but 'partitions' asks for one",
          "leave out one or the other");
    }
  }

  void CheckNoShortForm() {
    for (const char* name : {"map", "aggregate", "combine", "merge", "reduce", "order_by", "limit"}) {
      if (const Value* value = with_.Find(name))
        Add(value, "'" + std::string(name) + "' is the short form; beside 'stages' it has no place",
            "make it a stage of its own");
    }
    if (!spec_.shuffle.empty()) Add(with_.Find("shuffle"), "shuffle: 'by' belongs to a stage when there are 'stages'");
  }

  const Value& with_;
  const SpecPhase phase_;
  std::vector<Problem>& problems_;
  MapReduceSpec spec_;
};

}  // namespace

MapReduceSpec ParseMapReduce(const Value& with, SpecPhase phase, std::vector<Problem>& problems) {
  return JobReader(with, phase, problems).Read();
}

std::vector<StageSpec> StagesOf(const MapReduceSpec& spec) {
  std::vector<StageSpec> stages = spec.stages;
  if (!stages.empty()) {
    for (StageSpec& stage : stages) {
      if (stage.shuffle.partitions == 0) stage.shuffle.partitions = spec.shuffle.partitions;
      if (stage.shuffle.salt < 0) stage.shuffle.salt = spec.shuffle.salt;
      stage.shuffle.cut = stage.shuffle.cut && spec.shuffle.cut;
    }
    return stages;
  }
  if (spec.map.native()) return {};
  const auto add = [&](const char* name) -> StageSpec& {
    StageSpec stage;
    if (!stages.empty()) stage.inputs = {stages.back().name};
    stage.name = name;
    stage.shuffle.partitions = spec.shuffle.partitions;
    stage.shuffle.salt = spec.shuffle.salt;
    stage.shuffle.cut = spec.shuffle.cut;
    return stages.emplace_back(std::move(stage));
  };
  StageSpec& map = add("mapped");
  for (const InputSpec& input : spec.inputs) map.inputs.push_back(input.name);
  map.code = spec.map;
  if (map.code.empty()) map.code.sql = "SELECT * FROM \"" + map.inputs.front() + "\"";
  if (spec.aggregate || !spec.shuffle.empty()) {
    StageSpec& shuffled = add("shuffled");
    shuffled.aggregate = spec.aggregate;
    if (!spec.aggregate) shuffled.shuffle = spec.shuffle;
    shuffled.combine = spec.combine;
    shuffled.merge = spec.merge;
  }
  if (!spec.reduce.empty()) add("reduced").code = spec.reduce;
  if (!spec.order_by.empty()) {
    StageSpec& sorted = add("sorted");
    sorted.order_by = spec.order_by;
    sorted.limit = spec.limit;
  }
  return stages;
}

StatusOr<MapReduceSpec> ParseRenderedMapReduce(const Value& with) {
  std::vector<Problem> problems;
  MapReduceSpec spec = ParseMapReduce(with, SpecPhase::kRendered, problems);
  if (spec.inputs.empty()) AddProblem(problems, with.position(), "'inputs' is missing");
  if (spec.output.path.empty()) AddProblem(problems, with.position(), "'output.path' is missing");
  RETURN_IF_ERROR(ToStatus(problems));
  return spec;
}

}  // namespace millrace
