#include "core/spec/mapreduce_spec.h"

#include <algorithm>

namespace millrace {
namespace {

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
    ReadTheOutput();
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
      ReadBadRows(value, input);
      spec_.inputs.push_back(std::move(input));
    }
  }

  void ReadBadRows(const Value& value, InputSpec& input) {
    const Value* bad = value.Find("bad_rows");
    if (bad == nullptr || !bad->is_map()) return;
    if (const Value* limit = bad->Find("limit"); limit != nullptr && limit->is_int()) input.bad_rows_limit = limit->as_int();
    input.bad_rows_path = MemberText(*bad, "path");
    if (input.format == "parquet" || input.format == "text") {
      Add(bad, "inputs: '" + input.name + "': bad_rows is for csv and jsonl; of " + input.format + " every record can be read");
    }
    for (const InputSpec& other : spec_.inputs) {
      if (!input.bad_rows_path.empty() && other.bad_rows_path == input.bad_rows_path) {
        Add(bad, "inputs: bad_rows of '" + other.name + "' and '" + input.name + "' have one path: one would replace the other");
      }
    }
  }

  void ReadTheOutput() {
    const Value* value = with_.Find("output");
    if (value != nullptr && value->is_map()) spec_.output = ReadOutput(*value, "output", problems_);
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

  // Outputs replace whole folders: none may lie where another does.
  void CheckOutputPaths() {
    for (std::size_t i = 0; i < spec_.stages.size(); ++i) {
      const StageSpec& stage = spec_.stages[i];
      if (!stage.output) continue;
      bool taken = stage.output->path == spec_.output.path;
      for (std::size_t k = 0; k < i; ++k) taken = taken || (spec_.stages[k].output && spec_.stages[k].output->path == stage.output->path);
      if (taken) AddProblem(problems_, stage.where, "stage '" + stage.name + "': another output has this path");
    }
  }

  void CheckNoShortForm() {
    CheckOutputPaths();
    const bool native = HasNativeCode(spec_);
    if (native && spec_.mode == JobMode::kFused)
      Add(with_.Find("mode"), "mode: a command or a library is never fused", "leave it out");
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

bool HasNativeCode(const MapReduceSpec& spec) {
  return spec.map.native() || std::any_of(spec.stages.begin(), spec.stages.end(), [](const StageSpec& stage) { return stage.map.native(); });
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
