#include "core/spec/kinds.h"

namespace millrace {

const TaskKind& LatestOnlyKind() {
  static const TaskKind kind{.name = "latest_only",
                             .doc =
                                 "Skips the tasks directly behind it in a run that is not the DAG's latest, "
                                 "such as one of a catchup; runs "
                                 "that somebody triggered go on. Decided in the scheduler, without a worker.",
                             .steering = Steering::kLatestOnly,
                             .in_engine = true};
  return kind;
}

}  // namespace millrace
