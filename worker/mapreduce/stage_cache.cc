#include "worker/mapreduce/stage_cache.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "core/model/json.h"
#include "worker/lake/manifest.h"
#include "worker/lake/path.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace::mapreduce {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = ".millrace/cache";

// Everything that a text is made of, so that no two different things give one text.
class Fingerprint {
 public:
  Fingerprint& Add(std::string_view text) {
    text_ += std::to_string(text.size());
    text_ += ':';
    text_ += text;
    return *this;
  }
  Fingerprint& Add(const std::vector<std::string>& texts) {
    Add(std::to_string(texts.size()));
    for (const std::string& text : texts) Add(text);
    return *this;
  }
  Fingerprint& Add(const TextPairs& pairs) {
    Add(std::to_string(pairs.size()));
    for (const auto& [first, second] : pairs) Add(first).Add(second);
    return *this;
  }
  std::string Hex() const {
    const XXH128_hash_t hash = XXH3_128bits(text_.data(), text_.size());
    char hex[33];
    std::snprintf(hex, sizeof hex, "%016llx%016llx", static_cast<unsigned long long>(hash.high64), static_cast<unsigned long long>(hash.low64));
    return hex;
  }

 private:
  std::string text_;
};

void AddFile(Fingerprint& print, const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  const auto time = fs::last_write_time(path, error);
  print.Add(path).Add(std::to_string(error ? 0 : size)).Add(std::to_string(error ? 0 : time.time_since_epoch().count()));
}

void AddCode(Fingerprint& print, const Site& site, const CodeSpec& code) {
  print.Add(code.sql).Add(code.command).Add(code.library).Add(code.class_name);
  if (code.library.empty()) return;
  if (const StatusOr<std::string> path = lake::Beneath(site.root, code.library); path.ok()) AddFile(print, *path);
}

void AddStage(Fingerprint& print, const Site& site, const StageSpec& stage) {
  print.Add(stage.name).Add(stage.inputs).Add(stage.broadcast).Add(stage.order_by).Add(std::to_string(stage.limit)).Add(stage.columns);
  for (const CodeSpec* code : {&stage.code, &stage.map, &stage.combine, &stage.partition, &stage.reduce, &stage.merge}) {
    AddCode(print, site, *code);
  }
  if (stage.aggregate) print.Add("aggregate").Add(stage.aggregate->by).Add(stage.aggregate->select);
  if (stage.join) print.Add("join").Add(stage.join->on).Add(stage.join->type).Add(stage.join->select);
  if (stage.window) print.Add("window").Add(stage.window->by).Add(stage.window->order_by).Add(stage.window->select);
  print.Add(stage.union_all ? "union" : "").Add(stage.distinct ? "distinct" : "").Add(stage.shuffle.by);
  for (const auto& [input, keys] : stage.shuffle.by_input) print.Add(input).Add(keys);
}

void AddInput(Fingerprint& print, const InputFacts& input) {
  print.Add(input.name).Add(input.format).Add(input.path_columns).Add(input.csv.delimiter).Add(input.csv.quote).Add(input.csv.null_text);
  print.Add(input.csv.header ? "header" : "");
  for (const Column& column : input.columns) print.Add(column.name).Add(column.type);
  for (const std::string& path : input.paths) AddFile(print, path);
}

const StageSpec* StageOf(const std::vector<StageSpec>& stages, const std::string& name) {
  for (const StageSpec& stage : stages) {
    if (stage.name == name) return &stage;
  }
  return nullptr;
}

// The stage, those before it, and their inputs, by name.
void Collect(const std::vector<StageSpec>& stages, const std::string& name, std::set<std::string>& names) {
  if (!names.insert(name).second) return;
  const StageSpec* stage = StageOf(stages, name);
  if (stage == nullptr) return;
  for (const std::string& input : stage->inputs) Collect(stages, input, names);
}

std::string PathOf(const Site& site, const StageSpec& stage, const JobPlan& plan) {
  std::set<std::string> names;
  Collect(site.spec.stages, stage.name, names);
  Fingerprint print;
  print.Add("1").Add(stage.cache->key);
  for (const StageSpec& other : site.spec.stages) {
    if (names.contains(other.name)) AddStage(print, site, other);
  }
  for (const InputFacts& input : plan.inputs) {
    if (names.contains(input.name)) AddInput(print, input);
  }
  return std::string(kFolder) + "/" + print.Hex();
}

std::int64_t Seconds(WallTime time) { return ToMicros(time) / 1'000'000; }

// Of `<hash>.json`: when it ends; nothing when it has.
bool IsKept(const std::string& note, WallTime now) {
  std::ifstream file(note, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const StatusOr<Value> value = ParseJson(text);
  if (!value.ok() || !value->is_map()) return false;
  const Value* ends = value->Find("expires_at");
  return ends != nullptr && ends->is_int() && ends->as_int() > Seconds(now);
}

// The kept rows as an input; nothing when they are not there whole.
std::optional<InputFacts> Kept(const std::string& folder, const std::string& stage, WallTime now, CachedStage& found) {
  const std::string note = folder + ".json";
  if (!IsKept(note, now)) return std::nullopt;
  const StatusOr<lake::Manifest> manifest = lake::ReadManifest(folder);
  if (!manifest.ok()) return std::nullopt;
  InputFacts input{.name = stage, .format = "parquet", .columns = manifest->columns};
  input.rows = 0;
  for (const OutputFile& file : manifest->files) {
    std::error_code error;
    const std::string path = folder + "/" + file.path;
    if (!fs::exists(path, error) || error) return std::nullopt;
    input.paths.push_back(path);
    input.bytes += file.bytes;
    input.rows += file.rows;
  }
  if (input.paths.empty()) return std::nullopt;
  std::sort(input.paths.begin(), input.paths.end());
  std::error_code error;
  const auto made = fs::last_write_time(folder + "/" + lake::kManifestName, error);
  fs::last_write_time(note, fs::file_time_type::clock::now(), error);  // used now
  found.hit = true;
  found.bytes = input.bytes;
  found.age_seconds = std::chrono::duration_cast<std::chrono::seconds>(fs::file_time_type::clock::now() - made).count();
  return input;
}

std::int64_t FolderBytes(const std::string& folder) {
  std::int64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->is_regular_file(error)) bytes += static_cast<std::int64_t>(entry->file_size(error));
  }
  return bytes;
}

}  // namespace

StatusOr<MapReduceSpec> UseCache(const Site& site, JobPlan& plan, WallTime now) {
  MapReduceSpec spec = site.spec;
  for (const StageSpec& stage : site.spec.stages) {
    if (!stage.cache) continue;
    CachedStage found{.stage = stage.name, .path = PathOf(site, stage, plan)};
    ASSIGN_OR_RETURN(const std::string folder, lake::Beneath(site.root, found.path));
    if (std::optional<InputFacts> input = Kept(folder, stage.name, now, found)) {
      std::erase_if(spec.stages, [&](const StageSpec& other) { return other.name == stage.name && !other.output; });
      if (StageOf(spec.stages, stage.name) == nullptr) {
        plan.inputs.push_back(*std::move(input));
        spec.inputs.push_back({.name = stage.name, .path = found.path, .format = "parquet"});
      } else {
        found.hit = false;  // its own output has to be written
      }
    }
    plan.cached.push_back(std::move(found));
  }
  if (plan.cached.empty()) return spec;
  std::set<std::string> needed;
  Collect(spec.stages, spec.stages.back().name, needed);
  for (const StageSpec& stage : spec.stages) {
    if (stage.output) Collect(spec.stages, stage.name, needed);
  }
  std::erase_if(spec.stages, [&](const StageSpec& stage) { return !needed.contains(stage.name); });
  std::erase_if(plan.inputs, [&](const InputFacts& input) { return !needed.contains(input.name); });
  std::erase_if(spec.inputs, [&](const InputSpec& input) { return !needed.contains(input.name); });
  // What is kept for a stage that is not needed is not looked at; what it would be kept of is not computed.
  std::erase_if(plan.cached, [&](const CachedStage& cached) { return !needed.contains(cached.stage); });
  return spec;
}

Status KeepCached(const Site& site, const std::string& stage, const std::string& path, WallTime now) {
  const StageSpec* spec = StageOf(site.spec.stages, stage);
  if (spec == nullptr || !spec->cache) return OkStatus();
  ASSIGN_OR_RETURN(const std::string folder, lake::Beneath(site.root, path));
  std::ofstream note(folder + ".json", std::ios::binary | std::ios::trunc);
  note << ToJson(Value::Map{{"stage", stage}, {"key", spec->cache->key}, {"expires_at", Seconds(now) + spec->cache->ttl_seconds}}) << "\n";
  note.flush();
  return note ? OkStatus() : ResourceExhausted("cannot write " + folder + ".json");
}

CacheLimits LimitsOf(const std::string& root) {
  std::error_code error;
  const fs::space_info space = fs::space(root, error);
  if (error) return {};
  return {.most_bytes = static_cast<std::int64_t>(space.capacity / 5), .least_free_bytes = static_cast<std::int64_t>(space.capacity / 10)};
}

std::vector<std::string> DropCached(const std::string& root, const CacheLimits& limits, WallTime now) {
  struct Entry {
    std::string folder;
    std::int64_t bytes = 0;
    bool ended = false;
  };
  const std::string cache = root + "/" + kFolder;
  const auto in_use_since = fs::file_time_type::clock::now() - limits.in_use;
  std::multimap<fs::file_time_type, Entry> entries;  // by when they were used
  std::int64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator entry(cache, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().string();
    if (!name.ends_with(".json") || !entry->is_regular_file(error)) continue;
    const std::string folder = name.substr(0, name.size() - 5);
    Entry item{.folder = folder, .bytes = FolderBytes(folder), .ended = !IsKept(name, now)};
    bytes += item.bytes;
    const auto used = entry->last_write_time(error);
    if (used <= in_use_since) entries.emplace(used, std::move(item));
  }
  std::int64_t free = 0;
  if (const fs::space_info space = fs::space(root, error); !error) free = static_cast<std::int64_t>(space.available);
  std::vector<std::string> dropped;
  for (const bool ended : {true, false}) {
    for (const auto& [used, entry] : entries) {
      const bool pressed = bytes > limits.most_bytes || free < limits.least_free_bytes;
      if (entry.ended != ended || (!ended && !pressed)) continue;
      const fs::path folder(entry.folder);
      fs::remove(entry.folder + ".json", error);
      fs::remove_all(folder, error);
      fs::remove_all(folder.parent_path() / ("." + folder.filename().string() + ".old"), error);
      fs::remove(folder.parent_path() / ("." + folder.filename().string() + ".lock"), error);
      bytes -= entry.bytes;
      free += entry.bytes;
      dropped.push_back(entry.folder);
    }
  }
  return dropped;
}

}  // namespace millrace::mapreduce
