#include <unistd.h>

#include "dagctl/command_line.h"
#include "platform/clock.h"

int main(int argc, char** argv) {
  const millrace::platform::SystemClock clock;
  return millrace::dagctl::Run(argc, argv, clock, isatty(STDOUT_FILENO) == 1);
}
