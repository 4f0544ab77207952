// What an assignment is handed of connections: its team's and everybody's.
#include "scheduler/gateway/enclosures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_readers.h"
#include "tests/support/manual_clock.h"

namespace millrace::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// `lake` is of sales, `shared` everybody's.
class TwoConnections final : public auth::ConnectionSource {
 public:
  StatusOr<std::string> GetFor(const std::string& team, std::string_view name) const override {
    if (name == "shared") return std::string("http://shared");
    if (name != "lake") return NotFound("there is none");
    if (team != "sales") return PermissionDenied("connection lake belongs to team sales");
    return std::string("http://ana:hunter2@lake");
  }
};

class EnclosuresTest : public ::testing::Test {
 protected:
  convert::Enclosed For(const std::string& team) {
    Assignment assignment;
    assignment.team = team;
    assignment.connections = {"lake", "shared", "nothing"};
    return enclosures_.For(assignment);
  }

  TwoConnections connections_;
  test::Rows rows_;
  test::FakeReaders readers_{rows_};
  test::RecordingLog log_;
  StoredEnclosures enclosures_{connections_, readers_, log_};
};

TEST_F(EnclosuresTest, AnAttemptIsHandedWhatItsTeamHas) {
  const convert::Enclosed enclosed = For("sales");
  EXPECT_THAT(enclosed.connections, ElementsAre(Pair("lake", "http://ana:hunter2@lake"), Pair("shared", "http://shared")));
  EXPECT_THAT(enclosed.withheld, IsEmpty());
}

TEST_F(EnclosuresTest, WhatAnotherTeamHasIsWithheldAndSaidSo) {
  for (const char* team : {"ads", ""}) {
    const convert::Enclosed enclosed = For(team);
    EXPECT_THAT(enclosed.connections, ElementsAre(Pair("shared", "http://shared")));
    EXPECT_THAT(enclosed.withheld, ElementsAre(Pair("lake", "connection lake belongs to team sales")));
    EXPECT_THAT(enclosed.secrets, IsEmpty());
  }
}

}  // namespace
}  // namespace millrace::gateway
