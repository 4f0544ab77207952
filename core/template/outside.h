// var, conn, prev_*_success and ti.xcom_pull: names whose values the renderer's caller looks up. Private to
// this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/template/ast.h"
#include "core/template/builtins.h"
#include "core/template/lookup.h"

namespace millrace::jinja {

inline constexpr std::string_view kXComPull = "ti.xcom_pull";

// The names that stand for something outside: "conn", "var", "prev_end_date_success", ... Undefined
// otherwise.
Datum OutsideGlobal(std::string_view name);
std::vector<std::string> OutsideNames();

// A name whose value is a date of the last successful run.
bool IsPreviousDate(std::string_view name);

// Asks `lookup` (null: nothing is available); what it answers is marked as set by users.
class OutsideReader {
 public:
  explicit OutsideReader(TemplateLookup* lookup) : lookup_(lookup) {}

  StatusOr<Datum> PreviousDate(std::string_view name) const;
  // var.value.x, var.json.x, conn.x. Undefined when there is none.
  StatusOr<Datum> Member(const Outside& outside, const std::string& name) const;
  // var.value.get('x', 'fallback').
  StatusOr<Datum> Get(const Outside& outside, const Arguments& arguments) const;
  StatusOr<Datum> XComPull(const Arguments& arguments, const std::string& dag_id,
                           const std::string& task_id) const;

 private:
  StatusOr<Value> Find(const TemplateNeed& need) const;
  StatusOr<Datum> XCom(const TemplateNeed& need, const Datum& fallback) const;

  TemplateLookup* lookup_;
};

}  // namespace millrace::jinja
