#include "core/model/schedule.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

using Op = DatasetCondition::Op;

DatasetCondition Leaf(const std::string& name, Op op = Op::kDataset) { return {op, name, {}}; }

TEST(DatasetConditions, AnAliasIsAnyOfTheDatasetsThatAreAttachedToIt) {
  const DatasetCondition condition{Op::kAll, "", {Leaf("users"), Leaf("files", Op::kAlias)}};
  EXPECT_EQ(ConditionText(condition), "users and alias files");
  const DatasetCondition none = Resolved(condition, {});
  EXPECT_EQ(NamesIn(none), std::vector<std::string>{"users"});
  EXPECT_FALSE(Holds(none, {"users"})) << "nothing is attached: nothing can update it";
  const DatasetCondition resolved = Resolved(condition, {{"files", {"f1", "f2"}}, {"other", {"o"}}});
  EXPECT_EQ(NamesIn(resolved), (std::vector<std::string>{"f1", "f2", "users"}));
  EXPECT_TRUE(Holds(resolved, {"f2", "users"}));
  EXPECT_FALSE(Holds(resolved, {"f1", "f2"}));
  EXPECT_FALSE(Holds(Leaf("files", Op::kAlias), {"files"})) << "an alias is not a dataset of its name";
}

}  // namespace
}  // namespace millrace
