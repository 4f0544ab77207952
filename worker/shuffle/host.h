// Which machine this is. Any thread.
#pragma once

#include <string>

namespace millrace::shuffle {

// The same text in all processes of one boot of one machine, and nowhere else: from machine-id and boot-id.
// Empty when the kernel tells neither; then no two processes are taken to be on one host.
std::string HostIdentity();

}  // namespace millrace::shuffle
