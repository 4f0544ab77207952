// The worker's half of the lease: until when its attempts are its own. Pure: times come in as arguments; no
// clock, thread or IO. The agent's loop owns one; the simulator runs the same class.
//
//   the scheduler gives a session's attempts away `lease` after it received the last heartbeat;
//   runners kill their work at two thirds of the lease, counted from the SENDING of the last acknowledged
//   heartbeat, which is earlier: so work is dead before it is given away, and a scheduler that is back within
//   two thirds of the lease less one heartbeat (17 s of 30) finds everything still running.
#pragma once

#include "core/base/clock.h"

namespace millrace::agent {

struct LeaseTerms {
  Duration heartbeat = std::chrono::seconds(3);
  Duration length = std::chrono::seconds(30);
};

class Lease {
 public:
  // A Welcome came: it answers the Join that was sent at `sent_at`, as an acknowledgement does a heartbeat.
  void Begin(LeaseTerms terms, BootTime sent_at);

  // An acknowledgement of the heartbeat sent at `sent_at`; they may come late, twice and out of order.
  void Acknowledged(BootTime sent_at);

  // A heartbeat leaves now.
  void Sent(BootTime now);

  // When the next heartbeat is due.
  BootTime NextHeartbeat() const { return last_sent_ + terms_.heartbeat; }

  // Runners kill their work then, unless a later time comes.
  BootTime RunnersUntil() const { return acknowledged_ + terms_.length * 2 / 3; }
  bool RunnersExpired(BootTime now) const { return now >= RunnersUntil(); }

  const LeaseTerms& terms() const { return terms_; }

 private:
  LeaseTerms terms_;
  BootTime acknowledged_{};  // when the last acknowledged heartbeat was sent
  BootTime last_sent_{};
};

}  // namespace millrace::agent
