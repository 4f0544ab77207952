// What the stage planner says of partitions that come out hot: whether several tasks may read one, and how.
#include "worker/mapreduce/stage_planner.h"

namespace millrace::mapreduce {

void StagePlanner::MayDivide(Rows& rows, const StageSpec& stage, const std::string& sql, const std::string& why) const {
  StageCut& cut = rows.stage.cut;
  cut.never = !stage.shuffle.cut ? "the job says cut: none" : sql.empty() ? why : "";
  if (!cut.never.empty()) return;
  const StageRead& read = rows.stage.reads.front();
  cut.views = {read.view};
  // What gives the rows their collations back comes first.
  std::string view = read.view;
  if (!rows.stage.steps.empty() && rows.stage.steps.front().view + ".raw" == read.view) {
    cut.partial.push_back(rows.stage.steps.front());
    view = rows.stage.steps.front().view;
  }
  cut.partial.push_back({.name = "merge", .view = view + ".fewer", .code = {.sql = sql}});
}

void StagePlanner::MayDivideJoin(Rows& rows, const StageSpec& stage) const {
  const JoinSpec& join = *stage.join;
  // A side whose rows each meet all of the other's, which are not kept unmatched: those would be kept once a task.
  if (!stage.shuffle.cut) {
    rows.stage.cut.never = "the job says cut: none";
  } else if (join.type == "full") {
    rows.stage.cut.never = "a full join keeps the unmatched rows of both sides";
  } else {
    if (join.type != "right") rows.stage.cut.views.push_back(rows.stage.join.left);
    if (join.type == "inner" || join.type == "right") rows.stage.cut.views.push_back(rows.stage.join.right);
  }
}

}  // namespace millrace::mapreduce
