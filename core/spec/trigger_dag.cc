#include "core/model/state.h"
#include "core/spec/kinds.h"

namespace millrace {
namespace {

void CheckTriggerDag(const Value& with, std::vector<Problem>& problems) {
  for (const char* name : {"allowed_states", "failed_states"}) {
    const Value* states = with.Find(name);
    if (states == nullptr) continue;
    for (const Value& state : states->is_list() ? states->as_list() : Value::List{*states}) {
      if (!state.is_string() || RunStateFromString(state.as_string())) continue;
      AddProblem(problems, state.position(),
                 "'" + std::string(name) + "': '" + state.as_string() + "' is no state of a run",
                 "there are: queued, running, success, failed");
    }
  }
}

}  // namespace

const TaskKind& TriggerDagKind() {
  static const TaskKind kind{
      .name = "trigger_dag",
      .doc =
          "Triggers a run of another DAG, and waits for its end when told to: deferred, without a worker or "
          "a "
          "slot. Each success has made exactly one run, also when the scheduler is killed meanwhile. Leaves "
          "the "
          "run's id as the XCom trigger_run_id. With expand, a run for each value.",
      .fields =
          {{.name = "dag",
            .type = FieldType::kString,
            .doc = "the id of the DAG",
            .required = true,
            .use = FieldUse::kTemplate},
           {.name = "run_id",
            .type = FieldType::kString,
            .doc =
                "of the new run; when left out, manual__ and its logical date, and which task made it unless "
                "logical_date is given",
            .use = FieldUse::kTemplate},
           {.name = "conf",
            .type = FieldType::kMap,
            .doc = "of the new run, held against the DAG's params; one text may be a template of it as JSON",
            .use = FieldUse::kTemplate},
           {.name = "logical_date",
            .type = FieldType::kTime,
            .doc = "of the new run; now when left out",
            .use = FieldUse::kTemplate},
           {.name = "partition_key",
            .type = FieldType::kString,
            .doc = "of the new run; none when left out",
            .use = FieldUse::kTemplate},
           {.name = "wait_for_completion",
            .type = FieldType::kBoolean,
            .doc = "true: it ends with the run that it triggered; execution_timeout bounds the wait",
            .use = FieldUse::kTemplate},
           {.name = "allowed_states",
            .type = FieldType::kStringList,
            .doc = "states of the run that are a success of this task: [success] when left out"},
           {.name = "failed_states",
            .type = FieldType::kStringList,
            .doc = "states of the run that are a failure: [failed] when left out. In a state that is "
                   "neither, it "
                   "waits for the run to be run again"},
           {.name = "reset_dag_run",
            .type = FieldType::kBoolean,
            .doc = "true: when there is a run of that id, it runs again, with the conf that it has"},
           {.name = "skip_when_already_exists",
            .type = FieldType::kBoolean,
            .doc = "true: when there is a run of that id, this task is skipped; otherwise it fails",
            .use = FieldUse::kTemplate},
           {.name = "fail_when_dag_is_paused",
            .type = FieldType::kBoolean,
            .doc = "true: it fails when the DAG is paused; otherwise the run waits until it is not"},
           {.name = "note", .type = FieldType::kString, .doc = "is left at the new run"}},
      .check = CheckTriggerDag,
      .in_engine = true};
  return kind;
}

}  // namespace millrace
