// `"$MILLRACE_STATE_STORE" get KEY [DEFAULT]`: how a shell task asks its state store. This program under another name, that of a
// link in the worker's folder; it speaks to the runner by state_socket.h and to nobody else.
#pragma once

#include <string>

#include "core/base/status.h"

namespace millrace::tasks {

inline constexpr const char* kStateVariable = "MILLRACE_STATE_STORE";
inline constexpr const char* kStateCommand = "millrace-state";  // the link's name

// Makes the link, in place of an earlier one.
Status LinkStateCommand(const std::string& folder, const std::string& program);

// `socket`: what kStateSocketVariable says, or "". The exit status: 0; 1: no such key; 2: the words make no sense; 3: it was refused, or nobody answers.
int RunStateCommand(const std::string& socket, int argc, char** argv);

}  // namespace millrace::tasks
