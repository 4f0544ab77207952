// The server's listening socket; a part of server.cc.
#pragma once

#include <sys/socket.h>

#include <string>

#include "core/base/status.h"

namespace millrace::http {

// A non-blocking listening socket on a loopback address; others are INVALID_ARGUMENT. `bound_port` tells
// which port.
StatusOr<int> Listen(const std::string& address, int port, int* bound_port);

// "127.0.0.1"
std::string PeerName(const sockaddr_storage& address);

}  // namespace millrace::http
