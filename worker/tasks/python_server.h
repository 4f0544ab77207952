// The Python that runs Python tasks: a program for any interpreter, started once a runner and interpreter. It
// imports nothing of a user's; for each attempt it forks, and the child loads the file and calls the function.
// So an attempt costs a fork, not an interpreter's start, and leaves nothing behind for the next.
//
// Over the socket kKeptDescriptor: a request (length, JSON; two descriptors: log, answer), the child's pid, its
// end awaited but not reaped; one byte once its group has been killed; its wait status. python.cc is the other
// side.
#pragma once

namespace millrace::tasks {

extern const char* const kPythonServer;

}  // namespace millrace::tasks
