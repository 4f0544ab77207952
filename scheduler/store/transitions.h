// The journal's blob: transitions in 26 bytes each, little-endian (docs/formats.md). For the writer and the
// readers of the journal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/batch.h"

namespace millrace::store {

std::string EncodeTransitions(const std::vector<Transition>& transitions);
StatusOr<std::vector<Transition>> DecodeTransitions(std::string_view blob);

}  // namespace millrace::store
