// The routes of what is looked at as a whole: calendars, checks over runs, lists by a body, what else
// Airflow's clients ask for. Apart from handlers.h because some need what main.cc hands in beside the
// readers. Called once by ApiServer.
#pragma once

#include <string>

#include "core/base/zones.h"
#include "core/model/bundle_standing.h"
#include "scheduler/api/context.h"
#include "scheduler/api/route.h"
#include "scheduler/store/activity.h"
#include "scheduler/store/dependencies.h"
#include "scheduler/store/run_counts.h"

namespace millrace::api {

struct Views {
  store::RunCountReader* run_counts = nullptr;  // without it there are no calendars
  const ZoneDatabase* zones = nullptr;  // without it calendars are in UTC and show nothing that is planned
  std::string base_url;                 // of links that leave the program, without a slash at its end
  store::ActivityReader* activity = nullptr;  // without it nothing is told over all DAGs
  BundleDirectory* bundles = nullptr;         // without it nothing is told of bundles
  store::DependencyReader* dependencies = nullptr;  // without it there is no graph of all datasets
};

void AddBatchListRoutes(RouteTable& table, Context& context);
void AddClientRoutes(RouteTable& table, Context& context, const Views& views);
void AddCalendarRoutes(RouteTable& table, Context& context, const Views& views);
void AddActivityRoutes(RouteTable& table, Context& context, store::ActivityReader& activity);
void AddBundleRoutes(RouteTable& table, Context& context, BundleDirectory& bundles);
void AddDependencyRoutes(RouteTable& table, store::DependencyReader& dependencies);
void AddQualityRoutes(RouteTable& table, Context& context);

}  // namespace millrace::api
