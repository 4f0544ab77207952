// Whether something listens at a host and port: one TCP connection, closed at once. Blocks; any thread; a cancel
// flag ends it within a second. Looking up the host's name is the system's, with the system's patience.
#pragma once

#include <atomic>
#include <string>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace millrace::connect {

// UNAVAILABLE says why not: no such host, refused, no answer.
Status Reach(const std::string& host, int port, Duration timeout, const std::atomic<bool>& cancelled);

}  // namespace millrace::connect
