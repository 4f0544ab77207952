#include "core/template/outside.h"

#include <algorithm>
#include <array>

#include "core/calendar/format.h"
#include "core/model/json.h"

namespace millrace::jinja {
namespace {

using Kind = TemplateNeed::Kind;

struct PreviousDateRow {
  std::string_view name;
  std::string_view member;  // of the answer to kPreviousSuccess
};
constexpr std::array<PreviousDateRow, 4> kPreviousDates = {
    {{"prev_data_interval_end_success", "data_interval_end"},
     {"prev_data_interval_start_success", "data_interval_start"},
     {"prev_end_date_success", "end_date"},
     {"prev_start_date_success", "start_date"}}};

Datum OfOutside(std::string_view name) {
  Datum datum(Outside{std::string(name)});
  datum.set_open();
  return datum;
}

// As RootOf marks what users set: every part of it.
Datum FromUser(const Value& value) {
  Datum datum = Datum::OfValue(value);
  datum.set_from_user();
  return datum;
}

StatusOr<Datum> JsonOf(const Value& text, const std::string& what) {
  if (!text.is_string()) return FromUser(text);
  StatusOr<Value> parsed = ParseJson(text.as_string());
  if (!parsed.ok()) return InvalidArgument(what + " is no JSON: " + parsed.status().message());
  return FromUser(*parsed);
}

TemplateNeed NeedOf(const Outside& outside, const std::string& name) {
  return {outside.name == "conn" ? Kind::kConnection : Kind::kVariable, name, "", std::nullopt};
}

// A connection as Airflow shows it: what it does not have is None, and extra is also there parsed.
StatusOr<Datum> ConnectionOf(Value connection, const std::string& name) {
  for (const char* member :
       {"conn_type", "description", "host", "login", "password", "schema", "port", "extra"}) {
    if (connection.Find(member) == nullptr) connection.Set(member, Value());
  }
  if (connection.Find("conn_id") == nullptr) connection.Set("conn_id", name);
  const Value* extra = connection.Find("extra");
  Value parsed = extra->is_map() ? *extra : Value(Value::Map());
  if (extra->is_string() && !extra->as_string().empty()) {
    ASSIGN_OR_RETURN(parsed, ParseJson(extra->as_string()));
  }
  connection.Set("extra_dejson", std::move(parsed));
  return FromUser(connection);
}

}  // namespace

Datum OutsideGlobal(std::string_view name) {
  if (name == "var") {
    return Datum::OfMap({{Datum(std::string("json")), OfOutside("var.json")},
                         {Datum(std::string("value")), OfOutside("var.value")}});
  }
  if (name == "conn" || IsPreviousDate(name)) return OfOutside(name);
  return Datum(Undefined{});
}

std::vector<std::string> OutsideNames() {
  std::vector<std::string> names = {"conn", "var"};
  for (const PreviousDateRow& row : kPreviousDates) names.emplace_back(row.name);
  return names;
}

bool IsPreviousDate(std::string_view name) {
  return std::any_of(kPreviousDates.begin(), kPreviousDates.end(),
                     [name](const PreviousDateRow& row) { return row.name == name; });
}

StatusOr<Value> OutsideReader::Find(const TemplateNeed& need) const {
  if (lookup_ == nullptr) return InvalidArgument(ToString(need) + " is not available here");
  return lookup_->Find(need);
}

StatusOr<Datum> OutsideReader::PreviousDate(std::string_view name) const {
  const StatusOr<Value> answer = Find({Kind::kPreviousSuccess, "", "", std::nullopt});
  if (!answer.ok())
    return answer.status().code() == Code::kNotFound ? StatusOr<Datum>(Datum()) : answer.status();
  const auto row = std::find_if(kPreviousDates.begin(), kPreviousDates.end(),
                                [name](const PreviousDateRow& known) { return known.name == name; });
  const Value* found = answer->Find(row->member);
  if (found == nullptr || !found->is_string()) return Datum();
  ASSIGN_OR_RETURN(const WallTime time, ParseTimeUtc(found->as_string()));
  return Datum(time);
}

StatusOr<Datum> OutsideReader::Member(const Outside& outside, const std::string& name) const {
  const TemplateNeed need = NeedOf(outside, name);
  StatusOr<Value> answer = Find(need);
  if (!answer.ok()) {
    const bool of_others = answer.status().code() == Code::kPermissionDenied;
    if (!of_others && answer.status().code() != Code::kNotFound) return answer.status();
    return Datum(Undefined{of_others ? answer.status().message() : "there is no " + ToString(need).substr(4)});
  }
  if (need.kind == Kind::kConnection) return ConnectionOf(*std::move(answer), name);
  if (outside.name == "var.json") return JsonOf(*answer, ToString(need));
  return FromUser(*answer);
}

StatusOr<Datum> OutsideReader::Get(const Outside& outside, const Arguments& arguments) const {
  const Datum* name = arguments.Find(0, "key");
  if (name == nullptr || !name->is_string()) return InvalidArgument(outside.name + ".get needs a name");
  ASSIGN_OR_RETURN(Datum found, Member(outside, name->string()));
  const Datum* fallback = arguments.Find(1, outside.name == "conn" ? "default_conn" : "default");
  return found.is_undefined() && fallback != nullptr ? *fallback : std::move(found);
}

StatusOr<Datum> OutsideReader::XCom(const TemplateNeed& need, const Datum& fallback) const {
  const StatusOr<Value> answer = Find(need);
  if (answer.ok()) return FromUser(*answer);
  if (answer.status().code() == Code::kNotFound) return fallback;
  return answer.status();
}

StatusOr<Datum> OutsideReader::XComPull(const Arguments& arguments, const std::string& dag_id,
                                        const std::string& task_id) const {
  // As Airflow orders them: task_ids, key, dag_id, map_indexes, default.
  constexpr std::array<std::string_view, 6> kNames = {"task_ids",    "key",     "dag_id",
                                                      "map_indexes", "default", "include_prior_dates"};
  for (const auto& [name, value] : arguments.named) {
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end())
      return InvalidArgument("xcom_pull does not know '" + name + "'");
  }
  const Datum none;
  const Datum& tasks = arguments.Or(0, "task_ids", none);
  const Datum& fallback = arguments.Or(4, "default", none);
  const Datum& indexes = arguments.Or(3, "map_indexes", none);
  ASSIGN_OR_RETURN(const std::string key, arguments.Text(1, "key", "return_value"));
  ASSIGN_OR_RETURN(const std::string dag, arguments.Text(2, "dag_id", dag_id));
  if (dag != dag_id)
    return InvalidArgument("xcom_pull reads XComs of its own DAG only, not of '" + dag + "'");
  if (arguments.Flag(5, "include_prior_dates", false))
    return InvalidArgument("xcom_pull does not read XComs of earlier runs (include_prior_dates)");
  TemplateNeed need{Kind::kXCom, task_id, key, std::nullopt};
  if (indexes.is_integral()) {
    need.map_index =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(indexes.integer(), -1, 1'000'000'000));
  } else if (!indexes.is_none()) {
    return InvalidArgument("map_indexes must be one int");
  }
  if (tasks.is_none()) return XCom(need, fallback);
  if (tasks.is_string()) {
    need.name = tasks.string();
    return XCom(need, fallback);
  }
  if (!tasks.is_list()) return InvalidArgument("task_ids must be a task id or a list of them");
  List values;
  for (const Datum& task : tasks.list()) {
    if (!task.is_string()) return InvalidArgument("task_ids must be a task id or a list of them");
    need.name = task.string();
    ASSIGN_OR_RETURN(Datum value, XCom(need, fallback));
    values.push_back(std::move(value));
  }
  return Datum::OfList(std::move(values));
}

}  // namespace millrace::jinja
