// bundles: where DAGs come from.
#include "dagctl/commands.h"

namespace millrace::dagctl {

Status ListBundles(Context& context) {
  ASSIGN_OR_RETURN(const Value answer, context.client.Get("/millrace/v1/bundles"));
  const Value* bundles = answer.Find("bundles");
  if (bundles == nullptr || !bundles->is_list()) return Internal("the scheduler sent no bundles");
  Value::List rows = bundles->as_list();
  for (Value& row : rows) row.Set("place", Text(row, "kind") == "local" ? Text(row, "path") : Text(row, "url"));
  context.output.Rows({{"name", "NAME"},
                       {"kind", "KIND"},
                       {"place", "FROM"},
                       {"tracking_ref", "REF"},
                       {"version", "COMMIT"},
                       {"team_name", "TEAM"},
                       {"dags", "DAGS"},
                       {"last_refreshed", "FETCHED"},
                       {"failure", "FAILURE"}},
                      rows);
  return OkStatus();
}

Status RefreshBundle(Context& context, const std::string& name) {
  RETURN_IF_ERROR(context.client.Post("/millrace/v1/bundles/" + Segment(name) + "/refresh", Value(Value::Map())).status());
  context.output.Say(name + " is fetched now; dagctl bundles list shows what came");
  return OkStatus();
}

}  // namespace millrace::dagctl
