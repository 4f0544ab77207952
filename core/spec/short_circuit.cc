#include "core/spec/kinds.h"

namespace millrace {

const TaskKind& ShortCircuitKind() {
  static const TaskKind kind{
      .name = "short_circuit",
      .doc =
          "Skips everything behind it unless its condition is true. Decided in the scheduler, without a "
          "worker. A "
          "task of another kind that says decides: short_circuit does so by its result.",
      .fields = {{.name = "condition",
                  .type = FieldType::kString,
                  .doc = "a template; empty, False, None and 0 are false",
                  .required = true,
                  .use = FieldUse::kTemplate},
                 {.name = "ignore_downstream_trigger_rules",
                  .type = FieldType::kBoolean,
                  .doc = "true (when left out): whatever stands behind it is skipped; false: only what "
                         "stands directly "
                         "behind it, and trigger rules decide on the rest"}},
      .steering = Steering::kShortCircuit,
      .in_engine = true};
  return kind;
}

}  // namespace millrace
