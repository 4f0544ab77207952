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
