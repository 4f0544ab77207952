// `dagctl completion`: a script with which bash completes commands and options, made from the command line's
// own tree, so that it knows whatever there is. Called by the command line; one thread.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace millrace::dagctl {

// Commands, their aliases and long options, at every level; files where none fits.
std::string CompletionScript(const CLI::App& root);

}  // namespace millrace::dagctl
