// Which machine this is, and whose worker. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace millrace::shuffle {

// The same text in all processes of one boot of one machine, and nowhere else: from machine-id and boot-id.
// Empty when the kernel tells neither; then no two processes are taken to be on one host.
std::string HostIdentity();

// Names a scheduler by the secret that all its workers share, without telling it: the same in every worker and over restarts,
// another for a scheduler with another state folder. Fences of two schedulers cannot be compared, and their runs have the same
// numbers.
std::string SchedulerIdentity(std::string_view shuffle_secret);

}  // namespace millrace::shuffle
