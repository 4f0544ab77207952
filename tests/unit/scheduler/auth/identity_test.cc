#include "scheduler/auth/identity.h"

#include <gtest/gtest.h>

#include "scheduler/auth/connections.h"

namespace millrace::auth {
namespace {

constexpr Resource kResources[] = {Resource::kDag,      Resource::kWorker, Resource::kConnection,
                                   Resource::kVariable, Resource::kPool,   Resource::kUser,
                                   Resource::kAudit,    Resource::kConfig, Resource::kMetrics,
                                   Resource::kSelf};
constexpr Verb kVerbs[] = {Verb::kRead, Verb::kWrite, Verb::kDelete, Verb::kJoin};

bool May(Role role, Verb verb, Resource resource) {
  return Authorize({"x", role}, verb, {resource, ""}).ok();
}

TEST(IdentityTest, EachRoleHasAllOfTheOneBefore) {
  for (const Resource resource : kResources) {
    for (const Verb verb : kVerbs) {
      for (const Role role : {Role::kViewer, Role::kUser, Role::kOp}) {
        const auto next = static_cast<Role>(static_cast<int>(role) + 1);
        EXPECT_LE(May(role, verb, resource), May(next, verb, resource))
            << ToString(role) << " " << ToString(verb) << " " << ToString(resource);
      }
    }
  }
}

TEST(IdentityTest, AWorkerMayJoinAndNothingElse) {
  for (const Resource resource : kResources) {
    for (const Verb verb : kVerbs) {
      EXPECT_EQ(May(Role::kWorker, verb, resource), verb == Verb::kJoin && resource == Resource::kWorker);
    }
  }
  EXPECT_FALSE(May(Role::kAdmin, Verb::kJoin, Resource::kWorker));
}

TEST(IdentityTest, WhatWatchesMayReadMetricsAndNothingElse) {
  for (const Resource resource : kResources) {
    for (const Verb verb : kVerbs) {
      EXPECT_EQ(May(Role::kMonitor, verb, resource), verb == Verb::kRead && resource == Resource::kMetrics);
    }
  }
  EXPECT_TRUE(May(Role::kViewer, Verb::kRead, Resource::kMetrics));
  EXPECT_FALSE(May(Role::kWorker, Verb::kRead, Resource::kMetrics));
}

TEST(IdentityTest, ViewersChangeNothingButThemselves) {
  for (const Resource resource : kResources) {
    if (resource == Resource::kSelf) continue;
    EXPECT_FALSE(May(Role::kViewer, Verb::kWrite, resource)) << ToString(resource);
    EXPECT_FALSE(May(Role::kViewer, Verb::kDelete, resource)) << ToString(resource);
  }
  EXPECT_FALSE(May(Role::kViewer, Verb::kRead, Resource::kConnection));
  EXPECT_TRUE(May(Role::kUser, Verb::kWrite, Resource::kDag));
  EXPECT_FALSE(May(Role::kOp, Verb::kRead, Resource::kUser));
}

TEST(IdentityTest, ADenialSaysWhoWhatAndWhich) {
  EXPECT_EQ(Authorize({"ana", Role::kViewer}, Verb::kWrite, {Resource::kDag, "etl"}),
            PermissionDenied("User ana with role viewer may not write dag etl"));
}

TEST(IdentityTest, WhatBelongsToATeamIsForItsMembersAndAdminsWithinTheirRoles) {
  for (const Role role : {Role::kViewer, Role::kUser, Role::kOp, Role::kAdmin, Role::kWorker, Role::kMonitor}) {
    for (const Resource resource : kResources) {
      for (const Verb verb : kVerbs) {
        const bool may = May(role, verb, resource);
        const auto of_team = [&](const std::vector<std::string>& teams) {
          return Authorize({"x", role, teams}, verb, {resource, "", "ads"}).ok();
        };
        const std::string what = std::string(ToString(role)) + " " + std::string(ToString(verb)) + " " +
                                 std::string(ToString(resource));
        // To be a member gives no rights of its own, and takes none away.
        EXPECT_EQ(of_team({"sales", "ads"}), may && IsOfPeople(role)) << what;
        EXPECT_EQ(of_team({"sales"}), may && role == Role::kAdmin) << what;
        EXPECT_EQ(of_team({}), may && role == Role::kAdmin) << what;
      }
    }
  }
}

TEST(IdentityTest, EverybodySeesWhatBelongsToNoTeamAndMembersWhatBelongsToTheirs) {
  const Identity ana{"ana", Role::kOp, {"ads"}};
  EXPECT_TRUE(SeesTeam(ana, ""));
  EXPECT_TRUE(SeesTeam(ana, "ads"));
  EXPECT_FALSE(SeesTeam(ana, "sales"));
  EXPECT_FALSE(SeesTeam(ana, "ad"));
  EXPECT_TRUE(SeesTeam({"root", Role::kAdmin}, "sales"));
  EXPECT_FALSE(SeesTeam({"w1", Role::kWorker, {"sales"}}, "sales"));
  EXPECT_EQ(TeamsSeenBy(ana), std::vector<std::string>{"ads"});
  EXPECT_EQ(TeamsSeenBy({"root", Role::kAdmin, {"ads"}}), std::nullopt);
  EXPECT_EQ(TeamsSeenBy({"prometheus", Role::kMonitor, {"ads"}}), std::vector<std::string>());
}

TEST(IdentityTest, ADenialForATeamSaysWhichTeam) {
  EXPECT_EQ(Authorize({"ana", Role::kOp, {"ads"}}, Verb::kWrite, {Resource::kPool, "db", "sales"}),
            PermissionDenied("User ana is no member of team sales and may not write pool db of it"));
}

TEST(ConnectionsTest, ValuesComeFromTheEnvironmentAndNeverShowInMessages) {
  const char* environment[] = {"PATH=/bin", "MILLRACE_CONN_WAREHOUSE=duckdb:///w.db?x=y", "MILLRACE_CONN_=x",
                               nullptr};
  const Connections connections = Connections::FromEnvironment(environment);
  EXPECT_EQ(connections.GetFor("", "warehouse").value(), "duckdb:///w.db?x=y");
  EXPECT_EQ(connections.GetFor("", "Warehouse").value(), "duckdb:///w.db?x=y");
  EXPECT_EQ(
      connections.GetFor("", "lake").status(),
      NotFound("Connection is not defined: lake; dagctl connections add lake --uri URI, or set MILLRACE_CONN_LAKE in the scheduler's environment"));
}

}  // namespace
}  // namespace millrace::auth
