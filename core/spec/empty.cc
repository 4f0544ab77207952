#include "core/spec/kinds.h"

namespace millrace {

const TaskKind& EmptyKind() {
  static const TaskKind kind{.name = "empty",
                             .doc = "Does nothing, through a worker: a place for dependencies to meet."};
  return kind;
}

}  // namespace millrace
