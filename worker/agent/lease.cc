#include "worker/agent/lease.h"

#include <algorithm>

namespace millrace::agent {

void Lease::Begin(LeaseTerms terms, BootTime sent_at) {
  terms_ = terms;
  acknowledged_ = std::max(acknowledged_, sent_at);
  last_sent_ = std::max(last_sent_, sent_at);
}

void Lease::Acknowledged(BootTime sent_at) {
  // What was never sent cannot be acknowledged: a confused scheduler must not prolong a lease into the
  // future.
  if (sent_at > last_sent_) return;
  acknowledged_ = std::max(acknowledged_, sent_at);
}

void Lease::Sent(BootTime now) { last_sent_ = std::max(last_sent_, now); }

}  // namespace millrace::agent
