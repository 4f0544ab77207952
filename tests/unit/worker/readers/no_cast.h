// No spelling but those that the readers know themselves.
#pragma once

#include <string_view>

#include "worker/readers/values.h"

namespace millrace::readers {

class NoCast final : public OtherCast {
 public:
  bool Cast(const ValueType&, std::string_view, void*) override { return false; }
};

}  // namespace millrace::readers
