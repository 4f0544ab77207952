#include "worker/mapreduce/sample.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/stage_task.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteName;
using sql::QuoteText;

constexpr std::int64_t kWorthSampling = std::int64_t{1} << 30;  // bytes of inputs
constexpr std::size_t kSplits = 4;
constexpr std::int64_t kRowsOfASplit = 20'000;
constexpr std::int64_t kKeysOfASplit = 256;
constexpr std::int64_t kTold = 1000;  // a key that has one row in so many

std::vector<Split> SplitsOf(const JobPlan& plan, const StagePlan& stage) {
  std::vector<Split> splits;
  for (const Split& split : plan.splits) {
    if (std::find(stage.inputs.begin(), stage.inputs.end(), split.input) != stage.inputs.end()) splits.push_back(split);
  }
  return splits;
}

bool Wanted(const JobPlan& plan, const StagePlan& stage) {
  if (stage.exchange != Exchange::kHash || stage.keys.empty() || stage.salt.partitions == 0) return false;
  if (!stage.reads.empty() || stage.inputs.empty()) return false;
  if (stage.salt.partitions > 0) return true;
  // States of a task have each key once.
  const auto combines = [](const Step& step) { return step.name == "combine"; };
  if (std::any_of(stage.steps.begin(), stage.steps.end(), combines)) return false;
  std::int64_t bytes = 0;
  for (const Split& split : SplitsOf(plan, stage)) bytes += split.bytes;
  return bytes >= kWorthSampling;
}

struct Counts {
  std::map<std::uint64_t, HeavyKey> keys;
  std::int64_t rows = 0;
};

Status AddSplit(sql::Connection& connection, const Site& site, const JobPlan& plan, const StagePlan& stage, const Split& split,
                Counts& counts) {
  std::vector<InputFacts> inputs;
  for (const InputFacts& input : plan.inputs) {
    const auto named = [&](const std::vector<std::string>& names) { return std::find(names.begin(), names.end(), input.name) != names.end(); };
    if (!named(stage.inputs) && !named(stage.broadcast)) continue;
    inputs.push_back(input);
    inputs.back().broadcast = named(stage.broadcast);
  }
  ASSIGN_OR_RETURN(const InputViews views, CreateInputViews(connection, site.spec, inputs, {split}));
  RETURN_IF_ERROR(RunSteps(connection, stage.steps));
  std::string hash;
  std::string text;
  for (const std::string& key : stage.keys) {
    hash += (hash.empty() ? "hash(" : ", ") + QuoteName(key);
    text += (text.empty() ? "" : " || ', ' || ") + QuoteText(key + "=") + " || coalesce(CAST(" + QuoteName(key) + " AS VARCHAR), 'NULL')";
  }
  const std::string where = stage.filter.empty() ? "" : " WHERE " + stage.filter;
  const std::string rows = "SELECT " + (stage.hash.empty() ? hash + ")" : stage.hash) + " AS h, " + text + " AS t FROM (SELECT * FROM " +
                           QuoteName(stage.result) + where + " LIMIT " + std::to_string(kRowsOfASplit) + ")";
  ASSIGN_OR_RETURN(const sql::Result found,
                   connection.Run("SELECT h::VARCHAR, count(*) AS n, any_value(left(t, 200)), sum(count(*)) OVER ()::BIGINT FROM (" + rows +
                                  ") GROUP BY h ORDER BY n DESC, h LIMIT " + std::to_string(kKeysOfASplit)));
  for (std::uint64_t row = 0; row < found.row_count(); ++row) {
    const std::uint64_t number = std::strtoull(std::string(found.Text(0, row)).c_str(), nullptr, 10);
    HeavyKey& key = counts.keys[number];
    key.hash = number;
    key.bytes += found.Integer(1, row);
    key.text = found.Text(2, row);
    if (row == 0) counts.rows += found.Integer(3, row);
  }
  return OkStatus();
}

}  // namespace

Status SampleKeys(const Site& site, JobPlan& plan) {
  std::unique_ptr<Database> database;
  for (StagePlan& stage : plan.stages) {
    if (!Wanted(plan, stage)) continue;
    if (database == nullptr) {
      ASSIGN_OR_RETURN(database, Database::Open(site));
    }
    const std::vector<Split> splits = SplitsOf(plan, stage);
    const std::size_t count = std::min(splits.size(), kSplits);
    Counts counts;
    for (std::size_t i = 0; i < count; ++i) {
      const Status added = AddSplit(database->connection(), site, plan, stage, splits[i * splits.size() / count], counts);
      if (added.code() == Code::kCancelled) return added;
      if (!added.ok()) site.Log("no sample of " + splits[i * splits.size() / count].path + ": " + OneLine(added.message()));
    }
    for (const auto& [hash, key] : counts.keys) {
      if (key.bytes * kTold >= counts.rows) stage.salt.heavy.push_back(key);
    }
    const auto heavier = [](const HeavyKey& a, const HeavyKey& b) { return a.bytes > b.bytes; };
    std::stable_sort(stage.salt.heavy.begin(), stage.salt.heavy.end(), heavier);
    stage.salt.sampled_bytes = counts.rows;
  }
  return OkStatus();
}

}  // namespace millrace::mapreduce
