#include <unistd.h>

#include "dagctl/command_line.h"
#include "platform/clock.h"
#include "platform/zones.h"

int main(int argc, char** argv) {
  const millrace::platform::SystemClock clock;
  const millrace::platform::TzdbZones zones;
  return millrace::dagctl::RunCommandLine(argc, argv, clock, zones, isatty(STDOUT_FILENO) == 1);
}
