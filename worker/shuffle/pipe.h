// A pipe to or from a child. Any thread.
#pragma once

#include "core/base/status.h"
#include "worker/shuffle/descriptor.h"

namespace millrace::shuffle {

struct Pipe {
  Descriptor read;
  Descriptor write;
};

// No child inherits its ends unless it is given one.
StatusOr<Pipe> MakePipe();

}  // namespace millrace::shuffle
