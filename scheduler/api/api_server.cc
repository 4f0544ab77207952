#include "scheduler/api/api_server.h"

#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/live_events.h"
#include "scheduler/api/route.h"
#include "scheduler/api/static_files.h"

namespace millrace::api {

// In the order of use: the server goes first when all of it ends, so that no handler finds anything gone.
struct ApiServer::Parts {
  Parts(const ApiOptions& given, Readers readers, Upkeep upkeep, Inbox& inbox, auth::Accounts& accounts,
        const Clock& clock, LogSink& log)
      : options(given),
        context(readers, upkeep, inbox, accounts, clock, options.patience, options.render),
        teams(readers.dags),
        live(readers.dags, readers.runs, readers.task_instances, readers.journal, teams, clock),
        server(
            options.server, [this](const http::Request& request) { return router.Handle(request); }, clock,
            log) {
    context.zones = options.views.zones;
    context.bundles = options.views.bundles;
    AddSystemRoutes(table, context, options.version);
    AddMetricsRoutes(table, context, metrics);
    AddDagRoutes(table, context);
    AddRunRoutes(table, context, live);
    AddAssetRoutes(table, context);
    AddTaskInstanceRoutes(table, context);
    AddXComRoutes(table, context);
    AddStateStoreRoutes(table, context);
    AddChangeRoutes(table, context);
    AddBulkRoutes(table, context);
    AddBatchListRoutes(table, context);
    AddClientRoutes(table, context, options.views);
    if (options.views.run_counts != nullptr) AddCalendarRoutes(table, context, options.views);
    if (options.views.activity != nullptr) AddActivityRoutes(table, context, *options.views.activity);
    if (options.views.bundles != nullptr) AddBundleRoutes(table, context, *options.views.bundles);
    if (options.views.dependencies != nullptr) AddDependencyRoutes(table, *options.views.dependencies);
    AddQualityRoutes(table, context);
    AddBackfillRoutes(table, context);
    AddHitlRoutes(table, context);
    AddNotificationRoutes(table, context);
    AddPoolRoutes(table, context);
    AddAuditRoutes(table, context);
    AddUserRoutes(table, context);
    AddTeamRoutes(table, context);
    AddUpkeepRoutes(table, context);
    AddLogRoutes(table, context);
    AddMillraceRoutes(table, context, live);
    if (options.credentials) {
      context.shown = &options.credentials->shown;
      AddVariableRoutes(table, context, *options.credentials);
      AddConnectionRoutes(table, context, *options.credentials);
    }
    AddJobRoutes(table, context, options.load_job);
    table.Add({"GET", "/openapi.json", kOpen, 200, "This document", [this](const Call&) {
                 return TextAnswer(OpenApiDocument(table, options.version), "application/json");
               }});
    table.Install(router, accounts, teams);
    router.SetFallback([this](const http::Request& request) { return files.Handle(request); });
  }

  const ApiOptions options;
  Context context;
  StaticFiles files;
  DagTeams teams;
  LiveEvents live;
  metrics::Metrics metrics;
  RouteTable table;
  http::Router router;
  http::Server server;
};

ApiServer::ApiServer(ApiOptions options, Readers readers, Upkeep upkeep, Inbox& inbox,
                     auth::Accounts& accounts, const Clock& clock, LogSink& log)
    : parts_(std::make_unique<Parts>(options, readers, upkeep, inbox, accounts, clock, log)) {}

ApiServer::~ApiServer() { Stop(); }

Status ApiServer::Start() {
  ASSIGN_OR_RETURN(parts_->files, StaticFiles::Load(parts_->options.dashboard));
  parts_->live.Start();
  return parts_->server.Start();
}

int ApiServer::port() const { return parts_->server.port(); }

void ApiServer::Stop() {
  // First those who write to streams, then the server that the streams belong to.
  parts_->live.Stop();
  parts_->server.Stop();
}

void ApiServer::Committed(const std::shared_ptr<const Batch>& batch) {
  parts_->metrics.Committed(*batch);
  parts_->teams.Committed(*batch);
  if (!batch->transitions.empty()) parts_->live.Committed(batch->sequence);
}

const RouteTable& ApiServer::routes() const { return parts_->table; }

}  // namespace millrace::api
