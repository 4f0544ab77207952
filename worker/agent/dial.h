// How this worker's streams reach the scheduler. The agent's streams only.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

namespace millrace::agent {

// A connection of its own for each call: what is broken is thrown away, and never waited for.
std::shared_ptr<grpc::Channel> Dial(const std::string& address);
// Waits two seconds for it.
bool AwaitConnected(grpc::Channel& channel);

}  // namespace millrace::agent
