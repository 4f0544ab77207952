// The routes, a function a group; each adds its rows to the table. Called once by ApiServer.
#pragma once

#include <string>

#include "scheduler/api/context.h"
#include "scheduler/api/live_events.h"
#include "scheduler/api/route.h"
#include "scheduler/metrics/metrics.h"

namespace millrace::api {

void AddSystemRoutes(RouteTable& table, Context& context, const std::string& version);
void AddMetricsRoutes(RouteTable& table, Context& context, metrics::Metrics& metrics);
void AddDagRoutes(RouteTable& table, Context& context);
void AddRunRoutes(RouteTable& table, Context& context, LiveEvents& live);
void AddAssetRoutes(RouteTable& table, Context& context);
void AddTaskInstanceRoutes(RouteTable& table, Context& context);
void AddXComRoutes(RouteTable& table, Context& context);
void AddStateStoreRoutes(RouteTable& table, Context& context);
void AddChangeRoutes(RouteTable& table, Context& context);
void AddBulkRoutes(RouteTable& table, Context& context);
void AddBackfillRoutes(RouteTable& table, Context& context);
void AddHitlRoutes(RouteTable& table, Context& context);
void AddNotificationRoutes(RouteTable& table, Context& context);
void AddPoolRoutes(RouteTable& table, Context& context);
void AddAuditRoutes(RouteTable& table, Context& context);
void AddUserRoutes(RouteTable& table, Context& context);
void AddTeamRoutes(RouteTable& table, Context& context);
void AddUpkeepRoutes(RouteTable& table, Context& context);
void AddVariableRoutes(RouteTable& table, Context& context, const Credentials& credentials);
void AddConnectionRoutes(RouteTable& table, Context& context, const Credentials& credentials);
void AddLogRoutes(RouteTable& table, Context& context);
void AddJobRoutes(RouteTable& table, Context& context, const JobLoader& load);
void AddMillraceRoutes(RouteTable& table, Context& context, LiveEvents& live);

// The OpenAPI document of the table.
std::string OpenApiDocument(const RouteTable& table, const std::string& version);

}  // namespace millrace::api
