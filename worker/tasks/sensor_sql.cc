#include "core/model/json.h"
#include "worker/tasks/sensors.h"

namespace millrace::tasks {
namespace {

constexpr std::size_t kMaxValue = 32U << 10;  // of the result; a longer one is the fingerprint alone

bool IsTrue(const Value& value) {
  if (value.is_null()) return false;
  if (value.is_bool()) return value.as_bool();
  if (value.is_number()) return value.as_double() != 0;
  return !value.is_string() || (!value.as_string().empty() && value.as_string() != "0");
}

}  // namespace

TaskEnd SqlSensor::Run(TaskContext& context) {
  StatusOr<TaskEnd> end = Look(context);
  return end.ok() ? std::move(*end) : EndOf(context, end.status());
}

StatusOr<TaskEnd> SqlSensor::Look(TaskContext& context) {
  ASSIGN_OR_RETURN(const Value with, ParseJson(context.assignment().with));
  TaskEnd end;
  end.outcome = Outcome::kNotYet;
  const Status opened = database_.Open(context, TextOf(with, "connection"), true);
  // A file that is not there yet, or that somebody writes to at this moment.
  if (opened.code() == Code::kFailedPrecondition) {
    end.message = opened.message();
    return end;
  }
  RETURN_IF_ERROR(opened);
  ASSIGN_OR_RETURN(const sql::SelectFacts select, database_.connection().CheckSelect(TextOf(with, "sql")));
  ASSIGN_OR_RETURN(const std::string text, database_.connection().JsonRows(select.text, 1));
  ASSIGN_OR_RETURN(const Value rows, ParseJson(text));
  if (!rows.is_list() || rows.as_list().empty()) {
    const Value* fails = with.Find("fail_on_empty");
    end.message = "no rows";
    if (fails != nullptr && fails->is_bool() && fails->as_bool()) end.outcome = Outcome::kFailed;
    return end;
  }
  const Value::Map& row = rows.as_list().front().as_map();
  if (row.empty() || !IsTrue(row.front().second)) {
    end.message = "the first value is " + (row.empty() ? std::string("missing") : ToJson(row.front().second));
    return end;
  }
  end.outcome = Outcome::kSuccess;
  end.result = ToJson(row.front().second);
  context.Log("the first value is " + end.result.substr(0, 1000) + "\n");
  if (end.result.size() > kMaxValue) {
    end.fingerprint = std::move(end.result);
    end.result = "true";
  }
  return end;
}

}  // namespace millrace::tasks
