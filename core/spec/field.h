// The tables that say what authors may write. Validation, the published JSON Schema, template rendering and
// the docs page all come from them: a field is described once. Pure data; any thread.
//
// Deliberately not here: reading YAML, rendering templates, looking whether a file exists (scheduler/dagbag
// does).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/dag.h"
#include "core/model/value.h"

namespace millrace {

enum class FieldType : std::uint8_t {
  kAny,
  kString,
  kInteger,
  kNumber,
  kBoolean,
  kDuration,    // "5m", "1h30m", "PT5M", seconds
  kTime,        // "2001-01-01", "2001-01-01T02:00:00-05:00"
  kChoice,      // one of `choices`
  kStringList,  // also a single string
  kStringMap,   // name -> string, number or boolean
  kMap,         // with `members`; no members: any
  kMapOfMaps,   // name -> map with `members`
  kListOfMaps,  // with `members`
  kList,
};

// What a string of the field is, beyond text.
enum class FieldUse : std::uint8_t {
  kPlain,
  kTemplate,       // rendered before the attempt starts, nested strings too
  kShellTemplate,  // the same in shell text: values become quoted references to the environment
  kConnection,     // the name of a connection
  kFile,           // a file beneath the DAG folder, part of the DAG's version
};

struct FieldSpec {
  std::string name;
  FieldType type = FieldType::kAny;
  std::string doc;
  bool required = false;
  FieldUse use = FieldUse::kPlain;
  std::vector<std::string> choices = {};
  std::vector<FieldSpec> members = {};
  std::int64_t min = INT64_MIN;  // kInteger
  std::int64_t max = INT64_MAX;
};

// kWritten: the text of the file, in which templates still stand. kRendered: what a worker gets.
enum class SpecPhase : std::uint8_t { kWritten, kRendered };

// Holds a template: "{{", "{%" or "{#".
bool HasTemplate(std::string_view text);

// {$x: task}, {$xcom: {task: ..., key: ...}}: what a task left, wherever a template may stand. Nothing: it is
// none.
struct PulledXCom {
  std::string task;
  std::string key = "return_value";
};
std::optional<PulledXCom> PulledFrom(const Value& value);
// The same as a template: "{{ ti.xcom_pull('extract', key='rows') }}".
std::string PullText(const PulledXCom& xcom);

// Appends to `problems`; the caller knows the file.
void AddProblem(std::vector<Problem>& problems, Position where, std::string message,
                std::string suggestion = "");

// Checks the members of `map` against the table: unknown names (the nearest one is suggested), missing ones,
// types, choices and ranges. `what` opens the messages: "task 'extract'". A templated string passes any type
// in the written phase only when the field is a template.
void CheckFields(const Value& map, const std::vector<FieldSpec>& fields, std::string_view what,
                 std::vector<Problem>& problems);

// `map` as workers may rely on: where the table says text, scalars that YAML read as numbers or booleans are
// text again; members that say nothing are left out. Call it on what CheckFields accepted.
Value Normalized(const Value& map, const std::vector<FieldSpec>& fields);

// A duration as authors write one, or a number of seconds; at most a hundred years, so that no sum overflows.
bool IsLength(const Value& value);

// The candidate that `name` most likely meant, or "".
std::string Nearest(std::string_view name, const std::vector<std::string>& candidates);
// "did you mean 'needs'?", or "".
std::string DidYouMean(std::string_view name, const std::vector<std::string>& candidates);

// Problems as one INVALID_ARGUMENT, "message; message"; OK when there are none.
Status ToStatus(const std::vector<Problem>& problems);

}  // namespace millrace
