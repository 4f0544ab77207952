// What may go wrong in one world. A seed draws some of them, so that each is met alone and with every other.
#pragma once

#include "tests/sim/random.h"

namespace millrace::sim {

struct Faults {
  bool streams_break = false;
  bool partitions = false;      // a worker reaches nobody for up to a minute, and works on
  bool late_messages = false;   // of a broken stream, after the next one is up
  bool duplicates = false;      // a message of a stream is delivered twice
  bool workers_die = false;     // kill -9, a new process follows
  bool workers_freeze = false;  // SIGSTOP of everything on the host
  bool workers_drain = false;
  bool scheduler_dies = false;  // at any moment, also between a commit and its answer
  bool scheduler_stalls = false;
  bool disk_full = false;
  bool answers_lost = false;  // of commits
  bool store_breaks = false;
  bool store_slow = false;
  bool users = false;  // cancel, clear, mark, pause DAGs and tasks

  explicit Faults(Random& random) {
    for (bool* fault : {&streams_break, &partitions, &late_messages, &duplicates, &workers_die,
                        &workers_freeze, &workers_drain, &scheduler_dies, &scheduler_stalls, &disk_full,
                        &answers_lost, &store_breaks, &store_slow, &users}) {
      *fault = random.Chance(35);
    }
  }
};

}  // namespace millrace::sim
