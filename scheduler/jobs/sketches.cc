#include "scheduler/jobs/sketches.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "core/model/json.h"
#include "scheduler/jobs/rules/heavy.h"

namespace millrace::jobs {
namespace {

constexpr std::size_t kKeys = 64;
// What a slot reduces in a twentieth of a second: lighter keys are not worth partitions of their own, and what merges them.
constexpr std::int64_t kWorthBytes = 20'000'000;

std::string NameOf(const StagePlan& stage) {
  std::string name = stage.name + "\n" + stage.hash;
  for (const std::string& key : stage.keys) name += "\n" + key;
  return name;
}

std::int64_t IntOf(const Value& value, const char* member) {
  const Value* found = value.Find(member);
  return found != nullptr && found->is_int() ? found->as_int() : 0;
}

}  // namespace

std::string SketchesText(const StageGraph& graph) {
  Value::List stages;
  for (std::int32_t i = 0; i < graph.count(); ++i) {
    const StagePlan& stage = graph.plan(i);
    if (stage.exchange != Exchange::kHash || stage.keys.empty() || stage.salt.partitions == 0 || !graph.Complete(i)) continue;
    std::vector<HeavyKey> heavy = Heaviest(graph.Maps(i), kKeys);
    std::erase_if(heavy, [](const HeavyKey& key) { return key.bytes < kWorthBytes; });
    if (heavy.empty()) continue;
    Value::List keys;
    for (const HeavyKey& key : heavy) {
      keys.push_back(Value::Map{{"hash", std::bit_cast<std::int64_t>(key.hash)}, {"bytes", key.bytes}, {"key", key.text}});
    }
    stages.push_back(Value::Map{{"stage", NameOf(stage)}, {"bytes", graph.Bytes(i)}, {"keys", std::move(keys)}});
  }
  return stages.empty() ? "" : ToJson(Value(std::move(stages)));
}

Sketches ParseSketches(std::string_view text) {
  Sketches sketches;
  const StatusOr<Value> parsed = ParseJson(text);
  if (!parsed.ok() || !parsed->is_list()) return sketches;
  for (const Value& stage : parsed->as_list()) {
    StageSalt& sketch = sketches[TextOf(stage, "stage")];
    sketch.sampled_bytes = IntOf(stage, "bytes");
    const Value* keys = stage.Find("keys");
    if (keys == nullptr || !keys->is_list()) continue;
    for (const Value& key : keys->as_list()) {
      sketch.heavy.push_back(
          {.hash = std::bit_cast<std::uint64_t>(IntOf(key, "hash")), .bytes = IntOf(key, "bytes"), .text = TextOf(key, "key")});
    }
  }
  return sketches;
}

const StageSalt* Find(const Sketches& sketches, const StagePlan& stage) {
  const auto found = sketches.find(NameOf(stage));
  return found == sketches.end() ? nullptr : &found->second;
}

}  // namespace millrace::jobs
