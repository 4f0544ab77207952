#include "core/spec/stage_spec.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "core/calendar/format.h"

namespace millrace {
namespace {

constexpr int kMaxPartitions = 2000;
constexpr int kMaxSalt = 256;
constexpr std::size_t kMaxStages = 50;
constexpr std::int64_t kLeastFileBytes = 1'000'000;

void Add(std::vector<Problem>& problems, const Value& at, std::string message, std::string suggestion = "") {
  AddProblem(problems, at.position(), std::move(message), std::move(suggestion));
}

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

// auto, perhaps none, or 1..max.
int ReadCount(const Value& map, std::string_view name, int automatic, int max, bool none_allowed,
              std::vector<Problem>& problems) {
  const Value* value = map.Find(name);
  if (value == nullptr || value->is_null()) return automatic;
  if (value->is_string() && value->as_string() == "auto") return automatic;
  if (none_allowed && value->is_string() && value->as_string() == "none") return 0;
  if (value->is_int() && value->as_int() >= 1 && value->as_int() <= max)
    return static_cast<int>(value->as_int());
  Add(problems, *value,
      "shuffle: '" + std::string(name) + "' must be auto" + (none_allowed ? ", none" : "") +
          " or a number from 1 to " + std::to_string(max));
  return automatic;
}

JoinSpec ReadJoin(const Value& value, std::vector<Problem>& problems) {
  JoinSpec join;
  join.left = MemberText(value, "left");
  join.right = MemberText(value, "right");
  join.select = MemberText(value, "select");
  if (const std::string type = MemberText(value, "type"); !type.empty()) join.type = type;
  if (const std::string strategy = MemberText(value, "strategy"); !strategy.empty()) join.strategy = strategy;
  for (const std::string& column : MemberList(value, "on")) join.on.emplace_back(column, column);
  for (const auto& [left, right] : MemberPairs(value, "on")) join.on.emplace_back(left, right);
  if (join.on.empty())
    Add(problems, value, "join: 'on' names no column",
        "on: [customer_id], or on: {left_column: right_column}");
  if (!join.left.empty() && join.left == join.right) {
    Add(problems, value, "join: both sides are '" + join.left + "', so their columns cannot be told apart",
        "give one of them another name by a stage of its own: sql: SELECT * FROM " + join.left);
  }
  const bool left_kept = join.type == "left" || join.type == "semi" || join.type == "anti";
  if (join.strategy == "broadcast" && join.type == "full") {
    Add(problems, value,
        "join: a full join cannot broadcast a side: its unmatched rows would come once a task",
        "strategy: shuffle");
  } else if (join.strategy == "broadcast" && left_kept && join.right.empty()) {
    Add(problems, value, "join: 'right' is missing");
  }
  return join;
}

class StagesReader {
 public:
  StagesReader(const std::vector<std::string>& inputs, std::vector<Problem>& problems)
      : problems_(problems), known_(inputs), inputs_(inputs) {}

  std::vector<StageSpec> Read(const Value& list) {
    if (list.as_list().empty()) Add(problems_, list, "'stages' is empty");
    if (list.as_list().size() > kMaxStages) {
      Add(problems_, list, "more than " + std::to_string(kMaxStages) + " stages",
          "write some of them as one SELECT");
      return {};
    }
    std::vector<StageSpec> stages;
    for (const Value& item : list.as_list()) {
      if (!item.is_map()) continue;  // the fields' check says so
      stages.push_back(ReadOne(item));
      known_.push_back(stages.back().name);
      last_ = stages.back().name;
    }
    CheckAllRead(stages);
    return stages;
  }

 private:
  StageSpec ReadOne(const Value& item) {
    StageSpec stage;
    stage.where = item.position();
    stage.name = MemberText(item, "name");
    what_ = "stage '" + stage.name + "'";
    CheckName(stage, item);
    stage.inputs = MemberList(item, "inputs");
    stage.broadcast = MemberList(item, "broadcast");
    stage.code = ReadCode(item, "sql", problems_);
    stage.aggregate = ReadAggregate(item, problems_);
    if (const Value* value = item.Find("join"); value != nullptr && value->is_map()) {
      stage.join = ReadJoin(*value, problems_);
      stage.inputs = {stage.join->left, stage.join->right};
    }
    if (const Value* value = item.Find("window"); value != nullptr && value->is_map()) {
      stage.window =
          WindowSpec{MemberList(*value, "by"), MemberList(*value, "order_by"), MemberPairs(*value, "select")};
    }
    if (const std::vector<std::string> united = MemberList(item, "union"); !united.empty()) {
      stage.union_all = true;
      stage.inputs = united;
    }
    if (const Value* value = item.Find("distinct"); value != nullptr && value->is_bool())
      stage.distinct = value->as_bool();
    stage.order_by = MemberList(item, "order_by");
    stage.limit = ReadLimit(item, problems_);
    stage.shuffle = ReadShuffle(item, problems_);
    ReadNative(stage, item);
    if (const Value* value = item.Find("output"); value != nullptr && value->is_map())
      stage.output = ReadOutput(*value, what_ + ": output", problems_);
    ReadCache(stage, item);
    if (stage.inputs.empty()) {
      if (!last_.empty()) {
        stage.inputs = {last_};
      } else if (inputs_.size() == 1) {
        stage.inputs = {inputs_.front()};
      } else {
        Add(problems_, item, what_ + ": 'inputs' is missing",
            "inputs: [" + (inputs_.empty() ? "" : inputs_.front()) + "]");
      }
    }
    CheckInputs(stage, item);
    CheckKind(stage, item);
    return stage;
  }

  void ReadNative(StageSpec& stage, const Value& item) {
    stage.map = ReadCode(item, "map", problems_);
    stage.combine = ReadCode(item, "combine", problems_);
    stage.partition = ReadCode(item, "partition", problems_);
    stage.reduce = ReadCode(item, "reduce", problems_);
    stage.columns = MemberPairs(item, "columns");
    if (!stage.map.sql.empty()) Add(problems_, item, what_ + ": 'map' is a command or a library here", "sql: SELECT ...");
    for (const CodeSpec* step : {&stage.combine, &stage.reduce}) {
      if (!step->sql.empty())
        Add(problems_, item, what_ + ": 'combine' and 'reduce' are commands or libraries here", "write SQL as a stage of its own");
    }
    const bool lonely = stage.map.empty() &&
                        (!stage.combine.empty() || !stage.partition.empty() || !stage.reduce.empty() || !stage.columns.empty());
    if (lonely) Add(problems_, item, what_ + ": combine, partition, reduce and columns go with 'map: {command: [...]}'");
    if (!stage.partition.sql.empty() || !stage.partition.command.empty())
      Add(problems_, item, what_ + ": 'partition' is a library's class", "partition: {library: lib/libx.so}");
  }

  void ReadCache(StageSpec& stage, const Value& item) {
    const Value* value = item.Find("cache");
    if (value == nullptr || !value->is_map()) return;
    CacheSpec cache{.key = MemberText(*value, "key")};
    const Value* ttl = value->Find("ttl");
    StatusOr<Duration> length = Duration{0};
    if (ttl != nullptr && ttl->is_int()) length = Duration(std::chrono::seconds(ttl->as_int()));
    if (ttl != nullptr && ttl->is_string()) length = ParseDuration(ttl->as_string());
    if (length.ok()) cache.ttl_seconds = std::chrono::duration_cast<std::chrono::seconds>(*length).count();
    if (cache.ttl_seconds <= 0 && !(ttl != nullptr && ttl->is_string() && HasTemplate(ttl->as_string())))
      Add(problems_, *value, what_ + ": cache: 'ttl' must be a second or more", "ttl: 1d");
    stage.cache = cache;
  }

  void CheckName(const StageSpec& stage, const Value& item) {
    if (stage.name.empty() || HasTemplate(stage.name)) return;
    static const std::set<std::string, std::less<>> kTaken = {"plan", "publish", "fused", "output"};
    if (!IsSqlName(stage.name)) {
      Add(problems_, item, what_ + ": not a name", "use letters, digits and _");
    } else if (kTaken.contains(stage.name)) {
      Add(problems_, item, what_ + ": the name is taken", "give the stage another one");
    } else if (std::find(known_.begin(), known_.end(), stage.name) != known_.end()) {
      Add(problems_, item, what_ + ": an input or a stage has this name already");
    }
  }

  void CheckInputs(const StageSpec& stage, const Value& item) {
    std::set<std::string, std::less<>> seen;
    for (const std::string& name : stage.inputs) {
      if (name.empty()) continue;  // of a join: the fields' check says so
      if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
        Add(problems_, item, what_ + ": '" + name + "' is neither an input nor an earlier stage",
            DidYouMean(name, known_));
      }
      if (!seen.insert(name).second && !stage.join)
        Add(problems_, item, what_ + ": '" + name + "' is named twice");
      read_.insert(name);
    }
    for (const std::string& name : stage.broadcast) {
      if (!seen.contains(name))
        Add(problems_, item, what_ + ": broadcast: '" + name + "' is not among its inputs");
    }
    if (!stage.broadcast.empty() && stage.broadcast.size() >= stage.inputs.size()) {
      Add(problems_, item, what_ + ": every input is broadcast: nothing is left to split");
    }
  }

  void CheckKind(const StageSpec& stage, const Value& item) {
    const int kinds = static_cast<int>(!stage.code.empty()) + static_cast<int>(!stage.map.empty()) + static_cast<int>(stage.aggregate.has_value()) +
                      static_cast<int>(stage.join.has_value()) + static_cast<int>(stage.window.has_value()) +
                      static_cast<int>(stage.union_all) + static_cast<int>(stage.distinct) +
                      static_cast<int>(!stage.order_by.empty());
    if (kinds != 1) {
      Add(problems_, item,
          what_ + ": needs one of 'sql', 'map', 'aggregate', 'join', 'window', 'union', 'distinct' and 'order_by'");
    }
    if (stage.code.native()) {
      Add(problems_, item, what_ + ": 'sql' is SQL", "map: {command: [...]}");
    }
    const bool one_input = !stage.map.empty() || stage.aggregate || stage.window || stage.distinct || !stage.order_by.empty();
    if (one_input && stage.inputs.size() > 1)
      Add(problems_, item, what_ + ": takes one input, not " + std::to_string(stage.inputs.size()));
    if (stage.union_all && stage.inputs.size() < 2)
      Add(problems_, item, what_ + ": 'union' needs two or more", "union: [a, b]");
    if (!stage.shuffle.empty() && kinds == 1 && stage.code.empty())
      Add(problems_, item,
          what_ + (stage.map.empty() ? ": shuffle: 'by' is for 'sql'; the others know their keys"
                                     : ": shuffle: 'by' is for SQL; a command or a library writes its own keys"));
    if (stage.limit >= 0 && stage.order_by.empty())
      Add(problems_, item, what_ + ": 'limit' without 'order_by': any rows would do",
          "order_by: [total DESC]");
    if (!stage.broadcast.empty() && stage.code.empty())
      Add(problems_, item, what_ + ": 'broadcast' is for 'sql'; a join has 'strategy'");
    for (const auto& [input, keys] : stage.shuffle.by_input) {
      if (std::find(stage.inputs.begin(), stage.inputs.end(), input) == stage.inputs.end())
        Add(problems_, item, what_ + ": shuffle: '" + input + "' is not among its inputs");
      if (keys.size() != stage.shuffle.by_input.front().second.size())
        Add(problems_, item, what_ + ": shuffle: every input needs the same number of keys");
    }
  }

  // The last stage is the output; what no other stage reads is there for nothing.
  void CheckAllRead(const std::vector<StageSpec>& stages) {
    for (std::size_t i = 0; i + 1 < stages.size(); ++i) {
      if (!read_.contains(stages[i].name) && !stages[i].output)
        AddProblem(problems_, stages[i].where, "stage '" + stages[i].name + "': no later stage reads it",
                   "name it in a later stage's inputs, give it an output, or leave it out");
    }
    if (!stages.empty() && (stages.back().output || stages.back().cache)) {
      AddProblem(problems_, stages.back().where,
                 "stage '" + stages.back().name + "': the last stage is the job's output: 'output' and 'cache' are for those before it");
    }
    for (const std::string& input : inputs_) {
      if (!stages.empty() && !read_.contains(input))
        AddProblem(problems_, stages.front().where, "inputs: no stage reads '" + input + "'");
    }
  }

  std::vector<Problem>& problems_;
  std::vector<std::string> known_;
  const std::vector<std::string>& inputs_;
  std::string last_;
  std::string what_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace

std::string MemberText(const Value& map, std::string_view name) {
  const Value* value = map.Find(name);
  return value != nullptr && value->is_string() ? value->as_string() : "";
}

std::vector<std::string> MemberList(const Value& map, std::string_view name) {
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

TextPairs MemberPairs(const Value& map, std::string_view name) {
  TextPairs pairs;
  const Value* value = map.Find(name);
  if (value == nullptr || !value->is_map()) return pairs;
  for (const auto& [key, text] : value->as_map()) {
    if (text.is_string()) pairs.emplace_back(key, text.as_string());
  }
  return pairs;
}

bool IsSqlName(std::string_view name) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), is_word);
}

CodeSpec ReadCode(const Value& map, std::string_view name, std::vector<Problem>& problems) {
  CodeSpec step;
  const Value* value = map.Find(name);
  if (value == nullptr || value->is_null()) return step;
  const std::string quoted = "'" + std::string(name) + "'";
  if (value->is_string()) {
    step.sql = value->as_string();
    if (step.sql.find_first_not_of(" \t\n") == std::string::npos) Add(problems, *value, quoted + " is empty");
    return step;
  }
  if (!value->is_map()) {
    Add(problems, *value, quoted + " must be SQL, {command: [...]} or {library: ..., class: ...}");
    return step;
  }
  static const std::vector<FieldSpec> kFields = {
      {.name = "command", .type = FieldType::kStringList, .use = FieldUse::kTemplate},
      {.name = "library", .type = FieldType::kString, .use = FieldUse::kTemplate},
      {.name = "class", .type = FieldType::kString},
      {.name = "sql", .type = FieldType::kString, .use = FieldUse::kTemplate},
  };
  CheckFields(*value, kFields, quoted, problems);
  step.command = MemberList(*value, "command");
  step.library = MemberText(*value, "library");
  step.class_name = MemberText(*value, "class");
  step.sql = MemberText(*value, "sql");
  const int given = static_cast<int>(!step.command.empty()) + static_cast<int>(!step.library.empty()) +
                    static_cast<int>(!step.sql.empty());
  if (given != 1) Add(problems, *value, quoted + " needs one of 'sql', 'command' and 'library'");
  return step;
}

OutputSpec ReadOutput(const Value& value, const std::string& what, std::vector<Problem>& problems) {
  OutputSpec output;
  output.path = MemberText(value, "path");
  if (const std::string format = MemberText(value, "format"); !format.empty()) output.format = format;
  output.partition_by = MemberList(value, "partition_by");
  const Value* size = value.Find("file_size");
  if (size == nullptr || size->is_null()) return output;
  output.file_bytes = BytesOf(*size);
  if (output.file_bytes < kLeastFileBytes && !(size->is_string() && HasTemplate(size->as_string())))
    Add(problems, *size, what + ": 'file_size' must be 1 MB or more", "file_size: 128MB");
  return output;
}

std::optional<AggregateSpec> ReadAggregate(const Value& map, std::vector<Problem>& problems) {
  const Value* value = map.Find("aggregate");
  if (value == nullptr || !value->is_map()) return std::nullopt;
  AggregateSpec aggregate{MemberList(*value, "by"), MemberPairs(*value, "select")};
  for (const auto& [column, expression] : aggregate.select) {
    if (std::find(aggregate.by.begin(), aggregate.by.end(), column) != aggregate.by.end()) {
      Add(problems, *value, "aggregate: column '" + column + "' stands in 'by' and in 'select'",
          "give the aggregate another name");
    }
  }
  return aggregate;
}

ShuffleSpec ReadShuffle(const Value& map, std::vector<Problem>& problems) {
  ShuffleSpec shuffle;
  const Value* value = map.Find("shuffle");
  if (value == nullptr || !value->is_map()) return shuffle;
  shuffle.by = MemberList(*value, "by");
  if (const Value* by = value->Find("by"); by != nullptr && by->is_map()) {
    for (const auto& [input, keys] : by->as_map()) {
      shuffle.by_input.emplace_back(input, MemberList(*by, input));
      if (shuffle.by_input.back().second.empty())
        Add(problems, *by, "shuffle: by: '" + input + "' names no column", "by: {" + input + ": [column]}");
    }
  }
  shuffle.partitions = ReadCount(*value, "partitions", 0, kMaxPartitions, /*none_allowed=*/false, problems);
  shuffle.salt = ReadCount(*value, "salt", -1, kMaxSalt, /*none_allowed=*/true, problems);
  shuffle.cut = MemberText(*value, "cut") != "none";
  return shuffle;
}

std::int64_t ReadLimit(const Value& map, std::vector<Problem>& problems) {
  const Value* value = map.Find("limit");
  if (value == nullptr || value->is_null()) return -1;
  if (value->is_int() && value->as_int() >= 1) return value->as_int();
  Add(problems, *value, "'limit' must be a number of rows, 1 or more");
  return -1;
}

std::vector<StageSpec> ReadStages(const Value& with, const std::vector<std::string>& inputs,
                                  std::vector<Problem>& problems) {
  const Value* value = with.Find("stages");
  if (value == nullptr || !value->is_list()) return {};
  return StagesReader(inputs, problems).Read(*value);
}

}  // namespace millrace
