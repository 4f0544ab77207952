#include "worker/agent/lease.h"

#include <gtest/gtest.h>

namespace millrace::agent {
namespace {

using std::chrono::seconds;

BootTime At(int second) { return BootTime(seconds(second)); }

Lease Begun(int at) {
  Lease lease;
  lease.Begin({seconds(3), seconds(30)}, At(at));
  return lease;
}

TEST(LeaseTest, RunnersLiveTwoThirdsOfTheLeaseFromTheSendingOfWhatWasAcknowledged) {
  Lease lease = Begun(100);
  EXPECT_EQ(lease.RunnersUntil(), At(120));
  lease.Sent(At(103));
  EXPECT_EQ(lease.RunnersUntil(), At(120)) << "nothing was acknowledged yet";
  lease.Acknowledged(At(103));
  EXPECT_EQ(lease.RunnersUntil(), At(123));
  EXPECT_FALSE(lease.RunnersExpired(At(122)));
  EXPECT_TRUE(lease.RunnersExpired(At(123)));
}

TEST(LeaseTest, LateRepeatedAndUnsentAcknowledgementsChangeNothing) {
  Lease lease = Begun(100);
  lease.Sent(At(103));
  lease.Sent(At(106));
  lease.Acknowledged(At(106));
  lease.Acknowledged(At(103));
  EXPECT_EQ(lease.RunnersUntil(), At(126));
  lease.Acknowledged(At(500));
  EXPECT_EQ(lease.RunnersUntil(), At(126)) << "a heartbeat that was never sent prolongs nothing";
}

TEST(LeaseTest, HeartbeatsAreDueOneIntervalAfterTheLastOneThatLeft) {
  Lease lease = Begun(100);
  EXPECT_EQ(lease.NextHeartbeat(), At(103));
  lease.Sent(At(104));
  EXPECT_EQ(lease.NextHeartbeat(), At(107));
}

TEST(LeaseTest, AWelcomeAfterAnOutageStartsTheLeaseFromItsJoin) {
  Lease lease = Begun(100);
  lease.Begin({seconds(3), seconds(30)}, At(116));
  EXPECT_EQ(lease.RunnersUntil(), At(136));
}

}  // namespace
}  // namespace millrace::agent
