#include "core/spec/kinds.h"

namespace millrace {

const TaskKind& BranchKind() {
  static const TaskKind kind{
      .name = "branch",
      .doc =
          "Chooses which of the tasks behind it run; the others are skipped. Decided in the scheduler, "
          "without a "
          "worker. A task of another kind that says decides: branch chooses by its result.",
      .fields =
          {{.name = "choose",
            .type = FieldType::kStringList,
            .doc = "a template that gives the ids of tasks or groups that run, separated by commas or as a "
                   "list; None or nothing skips all of them",
            .required = true,
            .use = FieldUse::kTemplate}},
      .steering = Steering::kBranch,
      .in_engine = true};
  return kind;
}

}  // namespace millrace
