// Variables and connections on the real store, sealed as they came.
#include "tests/unit/scheduler/store/store_fixture.h"

namespace millrace::store {
namespace {

class CredentialsTest : public StoreTest {};

TEST_F(CredentialsTest, VariablesAndConnectionsAreKeptAsTheyWereSealed) {
  Open();
  Batch batch;
  const VariableRecord bucket{.key = "bucket", .sealed = "v1:abc", .description = "where"};
  ConnectionRecord lake{.id = "lake",
                        .type = "s3",
                        .description = "d",
                        .host = "h",
                        .login = "l",
                        .schema = "s",
                        .port = 5432,
                        .sealed = "v1:def"};
  batch.records = {bucket, VariableRecord{.key = "zone", .sealed = "v1:x", .description = ""}, lake};
  Commit(batch);
  EXPECT_EQ(*readers_->variables().GetVariable("bucket"), bucket);
  EXPECT_EQ(readers_->variables().GetVariable("nothing").status().code(), Code::kNotFound);
  EXPECT_EQ(*readers_->connections().GetConnection("lake"), lake);
  EXPECT_EQ(readers_->variables().ListVariables({.pattern = "b%"})->total, 1);
  const auto listed =
      *readers_->variables().ListVariables({.descending = true, .page = {.limit = 1, .offset = 1}});
  EXPECT_EQ(listed.total, 2);
  ASSERT_EQ(listed.rows.size(), 1U);
  EXPECT_EQ(listed.rows[0], bucket);
  lake.port.reset();
  lake.sealed = "v1:ghi";
  Batch next;
  next.records = {lake, VariableRecord{.key = "bucket", .sealed = "", .description = "", .deleted = true}};
  Commit(next);
  EXPECT_EQ(*readers_->connections().GetConnection("lake"), lake);
  EXPECT_EQ(readers_->variables().GetVariable("bucket").status().code(), Code::kNotFound);
  lake.deleted = true;
  Batch last;
  last.records = {lake};
  Commit(last);
  EXPECT_EQ(readers_->connections().ListConnections({})->total, 0);
}

TEST_F(CredentialsTest, AStoreOfAnOlderProgramKeepsWhatItHasAndGetsRoomForVariables) {
  LeaveOlder(4, "INSERT INTO pool VALUES ('heavy', 2, '', 0)");
  Open();
  EXPECT_EQ(Count("pool"), 1);
  Batch batch;
  batch.records = {VariableRecord{.key = "bucket", .sealed = "v1:abc", .description = ""}};
  Commit(batch);
  EXPECT_EQ(readers_->variables().GetVariable("bucket")->sealed, "v1:abc");
  EXPECT_EQ(Count("connection") + Count("cached_result"), 0);
}

}  // namespace
}  // namespace millrace::store
