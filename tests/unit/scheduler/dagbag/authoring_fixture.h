// Reads the tasks of a DAG file, or tells what is wrong with them: for this room's tests of what authors write.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "platform/zones.h"
#include "scheduler/dagbag/load.h"

namespace millrace::dagbag {

class OneScript final : public FileReader {
 public:
  StatusOr<std::string> Read(std::string_view path) const override {
    if (path != "f.py") return NotFound("no such file");
    return std::string("def main(n): return n\n");
  }
};

class AuthoringTest : public ::testing::Test {
 protected:
  // A DAG of these tasks; fails the test when it has problems.
  DagPtr Read(const std::string& tasks, const std::string& head = "") {
    const LoadResult result =
        LoadDagFile("a.yaml", "dag_id: a\n" + head + "tasks:\n" + tasks, files_, zones_);
    EXPECT_EQ(Text(result.problems), "");
    return result.dags.empty() ? std::make_shared<Dag>() : result.dags[0];
  }
  std::string Told(const std::string& tasks, const std::string& head = "") {
    const LoadResult result =
        LoadDagFile("a.yaml", "dag_id: a\n" + head + "tasks:\n" + tasks, files_, zones_);
    EXPECT_THAT(result.dags, ::testing::IsEmpty());
    return Text(result.problems);
  }
  static std::string Text(const std::vector<Problem>& problems) {
    std::string all;
    for (const Problem& problem : problems) {
      all += std::to_string(problem.where.line) + ":" + std::to_string(problem.where.column) + ": " +
             problem.message + (problem.suggestion.empty() ? "" : " (" + problem.suggestion + ")") + "\n";
    }
    return all;
  }
  static const Task& Of(const DagPtr& dag, const std::string& id) {
    static const Task kNone;
    const std::int32_t index = dag->FindTask(id);
    EXPECT_GE(index, 0) << id;
    return index < 0 ? kNone : dag->tasks[static_cast<std::size_t>(index)];
  }
  static std::vector<std::string> UpstreamOf(const DagPtr& dag, const std::string& id) {
    std::vector<std::string> ids;
    for (const std::int32_t index : Of(dag, id).upstream)
      ids.push_back(dag->tasks[static_cast<std::size_t>(index)].id);
    return ids;
  }

  OneScript files_;
  platform::TzdbZones zones_;
};

}  // namespace millrace::dagbag
