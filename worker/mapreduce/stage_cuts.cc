// What the stage planner says of partitions that come out hot: whether several tasks may read one, and how.
#include <algorithm>

#include "worker/mapreduce/stage_planner.h"

namespace millrace::mapreduce {
namespace {

constexpr const char* kForbidden = "the job says cut: none";

}  // namespace

void StagePlanner::MayDivide(Rows& rows, const StageSpec& stage, const std::string& sql, const std::string& why) {
  StageCut& cut = rows.stage.cut;
  cut.never = sql.empty() ? why : stage.shuffle.cut ? "" : kForbidden;
  if (sql.empty()) return;
  const StageRead& read = rows.stage.reads.front();
  cut.views = {read.view};
  // What gives the rows their collations back comes first.
  std::string view = read.view;
  if (!rows.stage.steps.empty() && rows.stage.steps.front().view + ".raw" == read.view) {
    cut.partial.push_back(rows.stage.steps.front());
    view = rows.stage.steps.front().view;
  }
  cut.partial.push_back({.name = "merge", .view = view + ".fewer", .code = {.sql = sql}});
  MaySalt(rows, stage);
}

void StagePlanner::MayDivideJoin(Rows& rows, const StageSpec& stage) {
  const JoinSpec& join = *stage.join;
  StageCut& cut = rows.stage.cut;
  cut.never = join.type == "full" ? "a full join keeps the unmatched rows of both sides" : stage.shuffle.cut ? "" : kForbidden;
  if (join.type == "full") return;
  // A side whose rows each meet all of the other's, which are not kept unmatched: those would be kept once a task.
  if (join.type != "right") cut.views.push_back(rows.stage.join.left);
  if (join.type == "inner" || join.type == "right") cut.views.push_back(rows.stage.join.right);
  MaySalt(rows, stage);
}

void StagePlanner::MaySalt(const Rows& rows, const StageSpec& stage) {
  for (const StageRead& read : rows.stage.reads) {
    const std::vector<std::string>& views = rows.stage.cut.views;
    if (std::find(views.begin(), views.end(), read.view) == views.end()) continue;
    plan_.stages[static_cast<std::size_t>(read.stage)].salt.partitions = stage.shuffle.salt;
  }
}

}  // namespace millrace::mapreduce
