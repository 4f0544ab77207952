#include "core/spec/dag_fields.h"

#include <utility>

#include "core/spec/notifiers.h"

namespace millrace {

const std::vector<FieldSpec>& RetryRuleFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "exit_codes", .type = FieldType::kList, .doc = "of the program; any when left out"},
      {.name = "exceptions",
       .type = FieldType::kStringList,
       .doc = "classes, such as OSError or requests.exceptions.Timeout, and what is derived from them; any when left out"},
      {.name = "message", .type = FieldType::kString, .doc = "a part of the failure's message"},
      {.name = "action",
       .type = FieldType::kChoice,
       .doc = "retry; fail at once; reschedule: the next attempt uses no retry; retry when left out",
       .choices = {"retry", "fail", "reschedule"}},
      {.name = "retry_delay", .type = FieldType::kDuration, .doc = "instead of the task's"},
      {.name = "max_reschedules",
       .type = FieldType::kInteger,
       .doc = "of reschedule: after so many without a retry between them, retries count; no limit when left out",
       .min = 1,
       .max = 1'000'000},
      {.name = "reschedule_timeout",
       .type = FieldType::kDuration,
       .doc = "of reschedule: so long after the first of these attempts began, retries count; no limit when left out"},
  };
  return fields;
}

namespace {

FieldSpec LoopField(const std::string& what, const std::string& who) {
  return {.name = "loop",
          .type = FieldType::kMap,
          .doc = what + "; templates have loop.index (from 0), loop.max_iterations and loop.previous, what the iteration "
                        "before returned",
          .members = {{.name = "until",
                       .type = FieldType::kString,
                       .doc = "a template over loop.result, what " + who +
                              " returned: true ends it; when left out it runs max_iterations times"},
                      {.name = "max_iterations",
                       .type = FieldType::kInteger,
                       .doc = "it fails when `until` is not true after so many",
                       .required = true,
                       .min = 1,
                       .max = 100'000},
                      {.name = "delay", .type = FieldType::kDuration, .doc = "between iterations; none when left out"}}};
}

// What tasks and default_args share.
std::vector<FieldSpec> TaskPolicyFields() {
  std::vector<FieldSpec> fields = {
      {.name = "owner", .type = FieldType::kString, .doc = "who answers for the task"},
      {.name = "retries",
       .type = FieldType::kInteger,
       .doc = "attempts after the first; 0 when left out",
       .min = 0,
       .max = 1000},
      {.name = "retry_delay",
       .type = FieldType::kDuration,
       .doc = "before the first retry; 5m when left out"},
      {.name = "retry_exponential_backoff",
       .type = FieldType::kAny,
       .doc = "true doubles the delay at each retry; a number multiplies it"},
      {.name = "max_retry_delay",
       .type = FieldType::kDuration,
       .doc = "the longest delay; 24h when left out"},
      {.name = "retry_jitter",
       .type = FieldType::kNumber,
       .doc = "0 to 1: the part of the delay by which it is lengthened or shortened at most, so that a burst "
              "spreads"},
      {.name = "retry_rules",
       .type = FieldType::kListOfMaps,
       .doc = "what a failure of a certain kind leads to; the first rule that fits decides",
       .members = RetryRuleFields()},
      {.name = "execution_timeout",
       .type = FieldType::kDuration,
       .doc = "of one attempt; none when left out"},
      {.name = "kill_grace", .type = FieldType::kDuration, .doc = "between TERM and KILL; 10s when left out"},
      {.name = "trigger_rule",
       .type = FieldType::kChoice,
       .doc = "what the tasks before must have come to; all_success when left out",
       .choices = {"all_success", "all_failed", "all_done", "all_done_min_one_success", "all_skipped",
                   "one_failed", "one_success", "one_done", "none_failed", "none_failed_min_one_success",
                   "none_skipped", "always"}},
      {.name = "pool", .type = FieldType::kString, .doc = "default_pool when left out"},
      {.name = "pool_slots",
       .type = FieldType::kInteger,
       .doc = "1 when left out",
       .min = 1,
       .max = 1'000'000},
      {.name = "priority_weight",
       .type = FieldType::kInteger,
       .doc = "higher goes first; 1 when left out",
       .min = -2'147'483'647,
       .max = 2'147'483'647},
      {.name = "weight_rule",
       .type = FieldType::kChoice,
       .doc = "whose weights are added to the task's own: downstream (when left out), upstream, or absolute: "
              "nobody's; or a template of the number that an instance's try has: \"{{ 10 - ti.try_number }}\"",
       .use = FieldUse::kTemplate,
       .choices = {"downstream", "upstream", "absolute"}},
      {.name = "max_active_tis_per_dag",
       .type = FieldType::kInteger,
       .doc = "instances of the task that run at once, in all runs; no limit when left out",
       .min = 1,
       .max = 1'000'000},
      {.name = "max_active_tis_per_dagrun",
       .type = FieldType::kInteger,
       .doc = "the same within one run",
       .min = 1,
       .max = 1'000'000},
      {.name = "depends_on_past",
       .type = FieldType::kBoolean,
       .doc = "starts only when the task has succeeded or was skipped in the run before"},
      {.name = "wait_for_downstream",
       .type = FieldType::kBoolean,
       .doc = "depends_on_past, for the tasks directly behind it as well"},
      {.name = "on_worker_lost",
       .type = FieldType::kChoice,
       .doc = "retry: the attempt runs again at once; fail: it ran at most once",
       .choices = {"retry", "fail"}},
  };
  std::vector<FieldSpec> callbacks = TaskCallbackFields();
  for (FieldSpec& field : callbacks) fields.push_back(std::move(field));
  return fields;
}

std::vector<FieldSpec> Joined(std::vector<FieldSpec> first, std::vector<FieldSpec> second) {
  for (FieldSpec& field : second) first.push_back(std::move(field));
  return first;
}

// How a task, or a group of them, is mapped.
std::vector<FieldSpec> ExpandFields() {
  return {
      {.name = "expand",
       .type = FieldType::kMap,
       .doc = "name -> a list, a map, a template of one, or {$x: task}: an instance for each combination. A "
              "field of "
              "the kind by that name, otherwise map.name in templates; of python an argument"},
      {.name = "expand_kwargs",
       .type = FieldType::kAny,
       .doc = "a list of maps of such names, or a template of one: an instance for each"},
      {.name = "expand_mode",
       .type = FieldType::kChoice,
       .doc = "product (when left out): every combination; zip: the first of each, the second of each, ...",
       .choices = {"product", "zip"}},
      {.name = "expand_fill",
       .type = FieldType::kAny,
       .doc = "with zip: what stands for the values that shorter lists do not have, null too; without it all have "
              "one length"},
  };
}

}  // namespace

const std::vector<FieldSpec>& DagFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "dag_id",
       .type = FieldType::kString,
       .doc = "letters, digits, _ . -; at most 128",
       .required = true},
      {.name = "description", .type = FieldType::kString, .doc = "one line"},
      {.name = "doc_md", .type = FieldType::kString, .doc = "Markdown"},
      {.name = "schedule",
       .type = FieldType::kAny,
       .doc = "cron, @daily, 6h, null, a list of crons or of times, {uses, with}, {datasets}; the logical "
              "date is the "
              "time it fires at"},
      {.name = "schedule_interval",
       .type = FieldType::kAny,
       .doc = "a cron, @daily or 6h; the run covers the interval that just ended, and has its start as "
              "logical date"},
      {.name = "timezone", .type = FieldType::kString, .doc = "America/New_York; UTC when left out"},
      {.name = "start_date", .type = FieldType::kTime, .doc = "no runs before"},
      {.name = "end_date", .type = FieldType::kTime, .doc = "no runs after"},
      {.name = "catchup",
       .type = FieldType::kAny,
       .doc = "runs that were missed: last (false) makes the newest, all (true) every one, none only those "
              "not five "
              "minutes late; last when left out"},
      {.name = "overlap",
       .type = FieldType::kChoice,
       .doc = "when a run is due and the one before is not over: queue waits for max_active_runs, skip "
              "leaves it out, "
              "cancel_other ends the earlier one, allow_all starts it; queue when left out",
       .choices = {"queue", "skip", "cancel_other", "allow_all"}},
      {.name = "jitter",
       .type = FieldType::kDuration,
       .doc = "each run by schedule starts later by up to this, always the same for a DAG and a date"},
      {.name = "deadline",
       .type = FieldType::kAny,
       .doc = "when a run should be over, {reference, interval}, or several; missing one changes nothing but "
              "is told"},
      {.name = "max_active_runs",
       .type = FieldType::kInteger,
       .doc = "16 when left out",
       .min = 1,
       .max = 1'000'000},
      {.name = "max_active_tasks",
       .type = FieldType::kInteger,
       .doc = "16 when left out",
       .min = 1,
       .max = 1'000'000},
      {.name = "max_consecutive_failed_dag_runs",
       .type = FieldType::kInteger,
       .doc = "so many runs that fail one after the other pause the DAG; backfills do not count; never when "
              "left out or 0",
       .min = 0,
       .max = 1'000'000},
      {.name = "is_paused_upon_creation", .type = FieldType::kBoolean, .doc = "false when left out"},
      {.name = "tags", .type = FieldType::kStringList, .doc = "to find the DAG by"},
      {.name = "owner",
       .type = FieldType::kString,
       .doc = "who answers for it; default_args' owner when left out"},
      {.name = "default_args",
       .type = FieldType::kMap,
       .doc = "what tasks take that do not say otherwise",
       .members = DefaultArgsFields()},
      {.name = "params",
       .type = FieldType::kMap,
       .doc = "name -> default, or {type, default, description, enum, ...}"},
      {.name = "templates",
       .type = FieldType::kMapOfMaps,
       .doc = "name -> fields of a task, for tasks that say extends",
       .members = TemplateFields()},
      {.name = "dagrun_timeout",
       .type = FieldType::kDuration,
       .doc = "a run that takes longer fails; none when left out"},
      {.name = "max_dag_retries",
       .type = FieldType::kInteger,
       .doc = "how often a run that failed is tried again by itself; 0 when left out",
       .min = 0,
       .max = 1000},
      {.name = "dag_retry_delay",
       .type = FieldType::kDuration,
       .doc = "before a failed run is tried again; 5m when left out"},
      {.name = "dag_retry_strategy",
       .type = FieldType::kChoice,
       .doc = "from_failure (when left out): what failed and what stands behind it runs again; all_tasks: all of it",
       .choices = {"from_failure", "all_tasks"}},
      {.name = "fail_fast",
       .type = FieldType::kBoolean,
       .doc = "the first task that fails ends the run; false when left out"},
      {.name = "tasks",
       .type = FieldType::kListOfMaps,
       .doc = "tasks and groups of tasks, in any order",
       .required = true,
       .members = TaskFields()},
      {.name = "on_success_callback", .doc = "who is told when a run succeeds: a callback or several"},
      {.name = "on_failure_callback", .doc = "who is told when a run fails"},
      {.name = "$schema", .type = FieldType::kString, .doc = "for editors"},
  };
  return fields;
}

const std::vector<FieldSpec>& TaskFields() {
  static const std::vector<FieldSpec> fields = Joined(
      {{.name = "id",
        .type = FieldType::kString,
        .doc = "letters, digits, _ . -; at most 128",
        .required = true},
       {.name = "uses",
        .type = FieldType::kString,
        .doc = "the task's kind: shell, sql, mapreduce, ...; needed here or in what it extends"},
       {.name = "needs", .type = FieldType::kStringList, .doc = "tasks that come before"},
       {.name = "with", .type = FieldType::kMap, .doc = "the kind's own fields"},
       {.name = "doc_md", .type = FieldType::kString, .doc = "Markdown"},
       {.name = "outlets",
        .type = FieldType::kAny,
        .doc = "datasets that its success updates: names, {name, uri}, or {alias: name} for those that it names"},
       {.name = "inlets", .type = FieldType::kAny, .doc = "datasets that it reads, to be shown"},
       {.name = "extends",
        .type = FieldType::kStringList,
        .doc = "names of the DAG's templates; later ones win, the task's own fields most of all"},
       {.name = "labels",
        .type = FieldType::kStringMap,
        .doc = "a task that it needs -> what to write at the arrow"},
       {.name = "setup",
        .type = FieldType::kBoolean,
        .doc = "prepares what the tasks up to its teardown use"},
       {.name = "teardown",
        .type = FieldType::kAny,
        .doc = "true, or the setups whose work it takes down: it runs when one of them succeeded, whatever "
               "became of the rest"},
       {.name = "on_failure_fail_dagrun",
        .type = FieldType::kBoolean,
        .doc = "of a teardown: its failure is the run's"},
       {.name = "cache",
        .type = FieldType::kMap,
        .doc = "an earlier success of the task with the same inputs stands for running it again, as long as it has "
               "not expired: the same rendered fields and files that they name",
        .members = {{.name = "expires", .type = FieldType::kDuration, .doc = "never when left out"},
                    {.name = "key",
                     .type = FieldType::kString,
                     .doc = "a template of what makes inputs the same, instead of fields and files"},
                    {.name = "inputs",
                     .type = FieldType::kStringList,
                     .doc = "templates of what counts besides: \"{{ ds }}\", a path, a version"}}},
       LoopField("it runs again, one iteration after the other, each with its own log and retries", "the iteration"),
       {.name = "run_if",
        .type = FieldType::kAny,
        .doc = "a template, or {condition, message}: unless it is true when the task is ready, the task is skipped"},
       {.name = "skip_if", .type = FieldType::kAny, .doc = "the same: if it is true, the task is skipped"},
       {.name = "map_index_template",
        .type = FieldType::kString,
        .doc = "what an instance of a mapped task is called: \"{{ map.file }}\""},
       {.name = "decides",
        .type = FieldType::kChoice,
        .doc = "what its result decides. branch: it names the tasks behind it that run; short_circuit: "
               "nothing behind it runs unless it is true",
        .choices = {"branch", "short_circuit"}}},
      Joined(ExpandFields(), TaskPolicyFields()));
  return fields;
}

const std::vector<FieldSpec>& TemplateFields() {
  static const std::vector<FieldSpec> fields = [] {
    std::vector<FieldSpec> all = TaskFields();
    std::erase_if(all, [](const FieldSpec& field) { return field.name == "id" || field.name == "extends"; });
    return all;
  }();
  return fields;
}

const std::vector<FieldSpec>& GroupFields() {
  static const std::vector<FieldSpec> fields =
      Joined({{.name = "group",
               .type = FieldType::kString,
               .doc = "its id; the ids of its tasks begin with it and a dot",
               .required = true},
              {.name = "tooltip", .type = FieldType::kString, .doc = "one line"},
              {.name = "needs",
               .type = FieldType::kStringList,
               .doc = "tasks and groups that come before every task of it"},
              {.name = "default_args",
               .type = FieldType::kMap,
               .doc = "what its tasks take that do not say otherwise",
               .members = TaskPolicyFields()},
              {.name = "tasks",
               .type = FieldType::kList,
               .doc = "tasks and groups; needs are looked for in the group first",
               .required = true},
              LoopField("all of it runs again, one iteration after the other", "its last task")},
             ExpandFields());
  return fields;
}

const std::vector<FieldSpec>& DefaultArgsFields() {
  static const std::vector<FieldSpec> fields =
      Joined({{.name = "start_date", .type = FieldType::kTime, .doc = "when the DAG has none"},
              {.name = "end_date", .type = FieldType::kTime, .doc = "when the DAG has none"}},
             TaskPolicyFields());
  return fields;
}

const std::vector<FieldSpec>& ParamFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "type",
       .type = FieldType::kAny,
       .doc = "string, integer, number, boolean, array, object, null; or several"},
      {.name = "default", .type = FieldType::kAny, .doc = "left out: whoever triggers a run must say"},
      {.name = "title", .type = FieldType::kString},
      {.name = "description", .type = FieldType::kString},
      {.name = "enum", .type = FieldType::kList, .doc = "the allowed values"},
      {.name = "examples", .type = FieldType::kList},
      {.name = "format", .type = FieldType::kString, .doc = "date, date-time, time, multiline: for the form"},
      {.name = "minimum", .type = FieldType::kNumber},
      {.name = "maximum", .type = FieldType::kNumber},
      {.name = "minLength", .type = FieldType::kInteger, .min = 0},
      {.name = "maxLength", .type = FieldType::kInteger, .min = 0},
      {.name = "pattern", .type = FieldType::kString},
      {.name = "const", .type = FieldType::kAny, .doc = "the only allowed value"},
      {.name = "exclusiveMinimum", .type = FieldType::kNumber},
      {.name = "exclusiveMaximum", .type = FieldType::kNumber},
      {.name = "multipleOf", .type = FieldType::kNumber},
      {.name = "items", .type = FieldType::kAny, .doc = "the schema of a list's items"},
      {.name = "minItems", .type = FieldType::kInteger, .min = 0},
      {.name = "maxItems", .type = FieldType::kInteger, .min = 0},
      {.name = "uniqueItems", .type = FieldType::kBoolean},
      {.name = "properties", .type = FieldType::kMap, .doc = "name -> schema, of an object"},
      {.name = "required", .type = FieldType::kStringList, .doc = "names that an object must have"},
      {.name = "additionalProperties", .type = FieldType::kAny},
      {.name = "anyOf", .type = FieldType::kList},
      {.name = "oneOf", .type = FieldType::kList},
      {.name = "allOf", .type = FieldType::kList},
      {.name = "not", .type = FieldType::kMap},
      {.name = "description_md", .type = FieldType::kString},
      {.name = "values_display", .type = FieldType::kMap, .doc = "value -> what the form shows for it"},
      {.name = "section", .type = FieldType::kString, .doc = "of the form"},
  };
  return fields;
}

}  // namespace millrace
