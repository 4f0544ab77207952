// DAG bundles: where DAGs come from, and how each stands.
#include <map>

#include "core/calendar/format.h"
#include "core/model/bundle_file.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/view_handlers.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr int kPage = 10'000;

// By bundle, of those that are there.
StatusOr<std::map<std::string, std::int64_t>> CountDags(Context& context, const Call& call) {
  std::map<std::string, std::int64_t> counts;
  store::DagFilter filter;
  filter.teams = call.scope.teams();
  filter.include_stale = false;
  filter.page.limit = kPage;
  while (true) {
    ASSIGN_OR_RETURN(const store::Listing<store::DagEntry> listing, context.readers.dags.ListDags(filter));
    for (const store::DagEntry& entry : listing.rows) ++counts[std::string(BundleOr(entry.dag->bundle))];
    filter.page.offset += kPage;
    if (listing.rows.size() < static_cast<std::size_t>(kPage)) return counts;
  }
}

Value WireBundle(const BundleStanding& bundle, std::int64_t dags, const std::string& failure) {
  return Value::Map{{"name", bundle.name},
                    {"kind", bundle.kind},
                    {"path", bundle.kind == "local" ? TextOrNull(bundle.place) : Value()},
                    {"url", bundle.kind == "local" ? Value() : TextOrNull(bundle.place)},
                    {"git_conn_id", TextOrNull(bundle.connection)},
                    {"tracking_ref", TextOrNull(bundle.ref)},
                    {"subdir", TextOrNull(bundle.subdir)},
                    {"version", TextOrNull(bundle.commit)},
                    {"team_name", TextOrNull(bundle.team)},
                    {"last_refreshed", WireTime(bundle.refreshed_at)},
                    {"failure", TextOrNull(failure)},
                    {"dags", dags}};
}

// Those of no team and of theirs.
http::Response ListBundles(Context& context, const BundleDirectory& bundles, const Call& call) {
  ASSIGN_OR_ANSWER(const auto counts, CountDags(context, call));
  ASSIGN_OR_ANSWER(const std::vector<ImportError> errors, context.readers.dags.ListImportErrors());
  std::map<std::string, std::string> failures;  // of folders
  for (const ImportError& error : errors) {
    if (error.file == "." && !error.problems.empty()) failures[error.bundle] = error.problems.front().message;
  }
  Value::List wire;
  for (const BundleStanding& bundle : bundles.List()) {
    if (!auth::SeesTeam(call.who, bundle.team)) continue;
    const auto count = counts.find(bundle.name);
    const std::string failure = bundle.failure.empty() && bundle.kind == "local" ? failures[bundle.name] : bundle.failure;
    wire.push_back(WireBundle(bundle, count == counts.end() ? 0 : count->second, failure));
  }
  return JsonAnswer(WireWholeList("bundles", std::move(wire)));
}

http::Response RefreshBundle(Context& context, BundleDirectory& bundles, const Call& call) {
  const std::string name(call.request.Param("name"));
  if (const Status status = bundles.Refresh(name); !status.ok()) return ErrorAnswer(status);
  context.Audit(call.who.user, "refresh_bundle", name);
  return JsonAnswer(Value::Map{{"name", name}});
}

}  // namespace

void AddBundleRoutes(RouteTable& table, Context& context, BundleDirectory& bundles) {
  table.Add({"GET", "/millrace/v1/bundles", Needs(Filtered(Verb::kRead), Resource::kDag), 200,
             "The DAG bundles: folders and repositories, with the commit of each and what it fails with",
             [&](const Call& call) { return ListBundles(context, bundles, call); }});
  table.Add({"POST", "/millrace/v1/bundles/{name}/refresh", Needs(Verb::kWrite, Resource::kConfig), 200,
             "Fetch a repository now; the answer does not wait for it",
             [&](const Call& call) { return RefreshBundle(context, bundles, call); }});
}

}  // namespace millrace::api
