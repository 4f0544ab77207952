#include <map>
#include <ostream>

#include "core/calendar/format.h"
#include "core/calendar/timetable.h"
#include "core/model/connection.h"
#include "core/model/json.h"
#include "core/template/lookup.h"
#include "dagctl/commands.h"
#include "dagctl/offline.h"
#include "scheduler/engine/preview.h"

namespace millrace::dagctl {
namespace {

// What the command line gives in place of XComs and variables that a run would find.
class StandIns final : public TemplateLookup {
 public:
  Status AddXCom(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos)
      return InvalidArgument("--xcom " + text + ": write TASK=JSON or TASK:KEY=JSON");
    const std::string whose = text.substr(0, equals);
    const std::size_t colon = whose.find(':');
    const std::string key = colon == std::string::npos ? "return_value" : whose.substr(colon + 1);
    const StatusOr<Value> value = ParseJson(text.substr(equals + 1));
    if (!value.ok()) return value.status().WithContext("--xcom " + whose);
    known_.insert_or_assign({TemplateNeed::Kind::kXCom, whose.substr(0, colon), key, std::nullopt}, *value);
    return OkStatus();
  }

  Status AddVariable(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) return InvalidArgument("--var " + text + ": write NAME=TEXT");
    known_.insert_or_assign({TemplateNeed::Kind::kVariable, text.substr(0, equals), "", std::nullopt},
                            Value(text.substr(equals + 1)));
    return OkStatus();
  }

  // Masked, as the scheduler shows it.
  Status AddConnection(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) return InvalidArgument("--conn: write NAME=URI");
    const std::string name = text.substr(0, equals);
    const StatusOr<Connection> connection = ParseConnection(name, text.substr(equals + 1));
    if (!connection.ok()) return connection.status().WithContext("--conn " + name);
    known_.insert_or_assign({TemplateNeed::Kind::kConnection, name, "", std::nullopt},
                            MaskedConnection(ConnectionValue(*connection)));
    return OkStatus();
  }

  StatusOr<Value> Find(const TemplateNeed& need) override {
    const auto found = known_.find(need);
    if (found != known_.end()) return found->second;
    return InvalidArgument(ToString(need) + " is not known before the run" + Remedy(need));
  }

 private:
  static std::string Remedy(const TemplateNeed& need) {
    if (need.kind == TemplateNeed::Kind::kVariable)
      return "; give one to render with: --var " + need.name + "=TEXT";
    if (need.kind == TemplateNeed::Kind::kConnection)
      return "; give one to render with: --conn " + need.name + "=URI";
    if (need.kind != TemplateNeed::Kind::kXCom || need.map_index) return "";
    const std::string key = need.key == "return_value" ? "" : ":" + need.key;
    return "; give one to render with: --xcom " + need.name + key + "=JSON";
  }

  std::map<TemplateNeed, Value> known_;
};

// For people: a field's text as it is, over as many lines as it has.
void Show(Output& output, const std::string& title, const Value::List& fields) {
  if (output.format() != Format::kTable) return output.Rows({{"field", ""}, {"value", ""}}, fields);
  output.Say(title);
  for (const Value& field : fields) {
    const Value& value = *field.Find("value");
    const std::string name = field.Find("field")->as_string() + ":";
    output.Say("");
    output.Say(output.colour() ? "\x1b[1m" + name + "\x1b[0m" : name);
    output.Say(value.is_string() ? value.as_string() : ToPrettyJson(value));
  }
}

}  // namespace

Status ShowRendered(Output& output, const Dag& dag, const RenderOptions& options, const ZoneDatabase& zones) {
  StandIns stand_ins;
  for (const std::string& xcom : options.xcoms) RETURN_IF_ERROR(stand_ins.AddXCom(xcom));
  for (const std::string& variable : options.variables) RETURN_IF_ERROR(stand_ins.AddVariable(variable));
  for (const std::string& connection : options.connections)
    RETURN_IF_ERROR(stand_ins.AddConnection(connection));
  ASSIGN_OR_RETURN(const Timetable timetable, Timetable::Of(dag.schedule, zones));
  ASSIGN_OR_RETURN(const Run run, engine::RunOfDate(dag, timetable, options.date, options.conf));
  ASSIGN_OR_RETURN(const TaskInstance instance, engine::FirstAttempt(run, dag, options.task_id, &stand_ins));
  ASSIGN_OR_RETURN(const Value::List fields, engine::RenderedFields(run, dag, instance, &stand_ins));
  Show(output,
       "run " + run.run_id + ", data interval " + FormatTime(*run.interval_start) + " to " +
           FormatTime(*run.interval_end),
       fields);
  return OkStatus();
}

Status ShowGiven(Context& context, const RenderOptions& options) {
  if (options.conf != "{}" || !options.xcoms.empty() || !options.variables.empty() ||
      !options.connections.empty())
    return InvalidArgument("--conf, --xcom, --var and --conn are for runs that there are not yet; " + options.date +
                           " is no date, and so names a run");
  ASSIGN_OR_RETURN(const Value task,
                   context.client.Get(TaskPath(options.dag_id, options.date, options.task_id)));
  const Value* given = task.Find("rendered_fields");
  Value::List fields;
  if (given != nullptr && given->is_map()) {
    for (const auto& [name, value] : given->as_map())
      fields.push_back(Value::Map{{"field", name}, {"value", value}});
  }
  Show(context.output,
       "run " + options.date + ", try " + std::to_string(static_cast<int>(Number(task, "try_number"))),
       fields);
  return OkStatus();
}

}  // namespace millrace::dagctl
