// `dagctl up`: a scheduler and workers on this machine, found beside dagctl's own program, kept until Ctrl-C or SIGTERM, then
// drained and stopped. Writes nothing but to the state folder. One thread; owns its children.
#pragma once

#include <string>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace millrace::dagctl {

struct UpOptions {
  std::string state = "millrace-state";
  std::string dags = "dags";
  std::string root = ".";  // where the workers' relative data paths lie
  std::string webui;       // folder of the built dashboard; "": the scheduler's default
  int workers = 2;
  int slots = 4;
  int port = 8080;  // HTTP; 0: any free one
};

// Returns when everything has stopped. An error says which program failed and where its log is.
Status Up(const UpOptions& options, const Clock& clock);

}  // namespace millrace::dagctl
