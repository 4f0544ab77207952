// What a template may ask for beyond the facts of its own run: XComs, variables, connections, the dates of
// the last successful run. The renderer's caller answers through TemplateLookup, and may answer "not known
// yet"; References (template.h) tells ahead of rendering what a text will ask for. Pure; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/model/dag.h"
#include "core/model/run.h"
#include "core/model/value.h"

namespace millrace {

struct TemplateNeed {
  enum class Kind : std::uint8_t {
    kXCom,             // ti.xcom_pull('name'): any JSON; of a mapped task without map_index the list of all
    kVariable,         // var.value.name, var.json.name: its text
    kConnection,       // conn.name: a map of conn_id, conn_type, host, login, password, schema, port, extra
    kPreviousSuccess,  // prev_*_success: a map of data_interval_start, data_interval_end, start_date,
                       // end_date
  };
  Kind kind = Kind::kXCom;
  std::string name;                       // task id, variable or connection; "" for kPreviousSuccess
  std::string key;                        // kXCom: "return_value" or another
  std::optional<std::int32_t> map_index;  // kXCom: one instance of a mapped task

  friend auto operator<=>(const TemplateNeed&, const TemplateNeed&) = default;
  friend bool operator==(const TemplateNeed&, const TemplateNeed&) = default;
};

TemplateNeed NeedOf(const LookupRef& ref);
// Nothing for an XCom.
std::optional<LookupRef> RefOf(const TemplateNeed& need);

// What kPreviousSuccess finds when this is the run.
Value PreviousSuccessOf(const Run& run);

// "the XCom 'return_value' of task 'extract'", for messages.
std::string ToString(const TemplateNeed& need);

class TemplateLookup {
 public:
  virtual ~TemplateLookup() = default;
  // NOT_FOUND: there is none (None for an XCom or a date, otherwise undefined). PERMISSION_DENIED: a variable or a connection
  // of another team, undefined as well, and the message says so. UNAVAILABLE: not known yet;
  // rendering ends with it. Times are RFC 3339 text. All of it counts as set by users: in shell text it
  // becomes a quoted reference.
  virtual StatusOr<Value> Find(const TemplateNeed& need) = 0;
};

// Variables and connections, which may belong to teams: whoever asks says for which.
class TeamValues {
 public:
  virtual ~TeamValues() = default;
  // `team` of the DAG that asks; "": of none. NOT_FOUND: there is none. PERMISSION_DENIED: it is another team's, and the
  // message says whose; a template takes it as not there.
  virtual StatusOr<Value> FindFor(const std::string& team, const TemplateNeed& need) = 0;
};

// As one team finds them.
class ValuesOfTeam final : public TemplateLookup {
 public:
  ValuesOfTeam(TeamValues& values, std::string team) : values_(values), team_(std::move(team)) {}
  StatusOr<Value> Find(const TemplateNeed& need) override { return values_.FindFor(team_, need); }

 private:
  TeamValues& values_;
  const std::string team_;
};

// The usual lookup: what is known so far, and what was asked for in vain.
class TemplateAnswers : public TemplateLookup {
 public:
  void Set(const TemplateNeed& need, const Value& answer);
  void SetNone(const TemplateNeed& need);
  // Asking for it fails so.
  void SetError(const TemplateNeed& need, Status error);
  StatusOr<Value> Find(const TemplateNeed& need) override;
  // In the order in which they were asked for, each once.
  const std::vector<TemplateNeed>& missing() const { return missing_; }

 private:
  std::map<TemplateNeed, StatusOr<Value>> known_;
  std::vector<TemplateNeed> missing_;
};

}  // namespace millrace
