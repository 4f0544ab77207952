#include "core/spec/mapreduce_spec.h"

#include <algorithm>

namespace millrace {
namespace {

constexpr int kMaxPartitions = 2000;
constexpr int kMaxSalt = 256;

std::string TextOf(const Value& map, std::string_view name) {
  const Value* value = map.Find(name);
  return value != nullptr && value->is_string() ? value->as_string() : "";
}

std::vector<std::string> ListOf(const Value& map, std::string_view name) {
  std::vector<std::string> list;
  const Value* value = map.Find(name);
  if (value == nullptr) return list;
  if (value->is_string()) list.push_back(value->as_string());
  if (!value->is_list()) return list;
  for (const Value& item : value->as_list()) {
    if (item.is_string()) list.push_back(item.as_string());
  }
  return list;
}

std::vector<std::pair<std::string, std::string>> PairsOf(const Value& map, std::string_view name) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const Value* value = map.Find(name);
  if (value == nullptr || !value->is_map()) return pairs;
  for (const auto& [key, text] : value->as_map()) {
    if (text.is_string()) pairs.emplace_back(key, text.as_string());
  }
  return pairs;
}

// A name that SQL can read an input by.
bool IsSqlName(std::string_view name) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), is_word);
}

class JobReader {
 public:
  JobReader(const Value& with, SpecPhase phase, std::vector<Problem>& problems)
      : with_(with), phase_(phase), problems_(problems) {}

  MapReduceSpec Read() {
    ReadInputs();
    spec_.map = ReadStep("map");
    ReadAggregate();
    spec_.combine = ReadStep("combine");
    spec_.merge = ReadStep("merge");
    spec_.reduce = ReadStep("reduce");
    ReadShuffle();
    ReadOutput();
    ReadChecks();
    const std::string mode = TextOf(with_, "mode");
    spec_.mode = mode == "fused"         ? JobMode::kFused
                 : mode == "distributed" ? JobMode::kDistributed
                                         : JobMode::kAuto;
    const Value* explain = with_.Find("explain");
    spec_.explain = explain != nullptr && explain->is_bool() && explain->as_bool();
    spec_.files = ListOf(with_, "files");
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
      input.path = TextOf(value, "path");
      input.format = TextOf(value, "format");
      const std::string read = TextOf(value, "read");
      input.read = read == "broadcast" ? ReadMode::kBroadcast
                   : read == "split"   ? ReadMode::kSplit
                                       : ReadMode::kAuto;
      if (const Value* header = value.Find("header"); header != nullptr && header->is_bool())
        input.header = header->as_bool();
      input.delimiter = TextOf(value, "delimiter");
      if (const Value* null_text = value.Find("null"); null_text != nullptr && null_text->is_string()) {
        input.null_text = null_text->as_string();
      }
      input.columns = PairsOf(value, "columns");
      spec_.inputs.push_back(std::move(input));
    }
  }

  CodeSpec ReadStep(std::string_view name) {
    CodeSpec step;
    const Value* value = with_.Find(name);
    if (value == nullptr || value->is_null()) return step;
    const std::string quoted = "'" + std::string(name) + "'";
    if (value->is_string()) {
      step.sql = value->as_string();
      if (step.sql.find_first_not_of(" \t\n") == std::string::npos) Add(value, quoted + " is empty");
      return step;
    }
    if (!value->is_map()) {
      Add(value, quoted + " must be SQL, {command: [...]} or {library: ..., class: ...}");
      return step;
    }
    static const std::vector<FieldSpec> kFields = {
        {.name = "command", .type = FieldType::kStringList, .use = FieldUse::kTemplate},
        {.name = "library", .type = FieldType::kString, .use = FieldUse::kTemplate},
        {.name = "class", .type = FieldType::kString},
        {.name = "sql", .type = FieldType::kString, .use = FieldUse::kTemplate},
    };
    CheckFields(*value, kFields, quoted, problems_);
    step.command = ListOf(*value, "command");
    step.library = TextOf(*value, "library");
    step.class_name = TextOf(*value, "class");
    step.sql = TextOf(*value, "sql");
    const int given = static_cast<int>(!step.command.empty()) + static_cast<int>(!step.library.empty()) +
                      static_cast<int>(!step.sql.empty());
    if (given != 1) Add(value, quoted + " needs one of 'sql', 'command' and 'library'");
    return step;
  }

  void ReadAggregate() {
    const Value* value = with_.Find("aggregate");
    if (value == nullptr || !value->is_map()) return;
    AggregateSpec aggregate;
    aggregate.by = ListOf(*value, "by");
    aggregate.select = PairsOf(*value, "select");
    for (const auto& [column, expression] : aggregate.select) {
      if (std::find(aggregate.by.begin(), aggregate.by.end(), column) != aggregate.by.end()) {
        Add(value, "aggregate: column '" + column + "' stands in 'by' and in 'select'",
            "give the aggregate another name");
      }
    }
    spec_.aggregate = std::move(aggregate);
  }

  void ReadShuffle() {
    const Value* value = with_.Find("shuffle");
    if (value == nullptr || !value->is_map()) return;
    spec_.shuffle.by = ListOf(*value, "by");
    spec_.shuffle.partitions = ReadCount(*value, "partitions", 0, kMaxPartitions, /*none_allowed=*/false);
    spec_.shuffle.salt = ReadCount(*value, "salt", -1, kMaxSalt, /*none_allowed=*/true);
    spec_.shuffle.cut = TextOf(*value, "cut") != "none";
  }

  // auto, perhaps none, or 1..max.
  int ReadCount(const Value& map, std::string_view name, int automatic, int max, bool none_allowed) {
    const Value* value = map.Find(name);
    if (value == nullptr || value->is_null()) return automatic;
    if (value->is_string() && value->as_string() == "auto") return automatic;
    if (none_allowed && value->is_string() && value->as_string() == "none") return 0;
    if (value->is_int() && value->as_int() >= 1 && value->as_int() <= max)
      return static_cast<int>(value->as_int());
    Add(value, "shuffle: '" + std::string(name) + "' must be auto" + (none_allowed ? ", none" : "") +
                   " or a number from 1 to " + std::to_string(max));
    return automatic;
  }

  void ReadOutput() {
    const Value* value = with_.Find("output");
    if (value == nullptr || !value->is_map()) return;
    spec_.output.path = TextOf(*value, "path");
    if (const std::string format = TextOf(*value, "format"); !format.empty()) spec_.output.format = format;
    spec_.output.partition_by = ListOf(*value, "partition_by");
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

  const Value& with_;
  const SpecPhase phase_;
  std::vector<Problem>& problems_;
  MapReduceSpec spec_;
};

}  // namespace

MapReduceSpec ParseMapReduce(const Value& with, SpecPhase phase, std::vector<Problem>& problems) {
  return JobReader(with, phase, problems).Read();
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
