// What a worker process holds of its promise to the scheduler: its session, the lease, which attempts are
// alive, and which reports are not acknowledged yet. Survives streams: a scheduler that restarts, or a
// network that breaks, finds it whole. Pure: no clock, thread or IO. The agent's loop owns one; the simulator
// runs the same class.
//
// Deliberately not here: streams and their retries (control_stream), processes (worker/runner).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/model/attempt.h"
#include "core/model/effect.h"
#include "core/model/event.h"
#include "core/model/state_store.h"
#include "worker/agent/lease.h"

namespace millrace::agent {

class Session {
 public:
  explicit Session(WorkerOffer offer) : offer_(std::move(offer)) {}

  // A stream is up: what to say first. As many unacknowledged reports as fit go along; attempts whose reports
  // come later count as alive, so that nobody runs them again.
  WorkerJoined Join(BootTime now);

  // The answer. Returns the attempts to kill: those that the scheduler no longer wants, or all when it did
  // not know the session. The killed ones are forgotten; nobody waits for their reports.
  std::vector<Fence> Welcomed(const Welcome& welcome, LeaseTerms terms);

  // An attempt came in; `work` when it is of a job. False: it is alive already (a repeated assignment) and
  // must not start again.
  bool Add(const Fence& fence, const StageWork* work = nullptr);

  // Started or ended; of attempts that were killed by Welcomed or never came, nothing is kept. An end
  // replaces a start that has not left yet.
  void Add(Report report);

  // Reports to send now: numbered, and kept until acknowledged. At most `limit`; empty while too many are
  // unacknowledged.
  std::vector<Report> TakeReports(std::size_t limit);
  void Acknowledged(std::uint64_t sequence);
  // So much is not acknowledged that TakeReports gives nothing.
  bool full() const;

  // An attempt asks a state store. RESOURCE_EXHAUSTED: it has too many questions open; NOT_FOUND: it is not alive.
  Status Ask(StateRequest request);
  // The next question to send now, if any; each is kept until it is answered, and asked again on the next stream.
  std::optional<StateRequest> TakeQuestion();
  // False: nobody waits for it any more.
  bool Answered(const StateAnswer& answer);

  // The scheduler ended the session: the next Join starts a new one. Returns the attempts to kill.
  std::vector<Fence> End();

  bool HasAttempt(const Fence& fence) const { return alive_.contains(fence); }
  std::size_t attempts() const { return alive_.size(); }
  bool quiet() const { return alive_.empty() && waiting_.empty() && sent_.empty(); }
  SessionId id() const { return id_; }
  Lease& lease() { return lease_; }
  const Lease& lease() const { return lease_; }

 private:
  using QuestionKey = std::pair<Fence, std::uint64_t>;
  void DropQuestions(const Fence& fence);

  WorkerOffer offer_;
  SessionId id_{};
  Lease lease_;
  BootTime joined_at_{};
  std::map<Fence, StageAttempt> stages_;  // of alive_, and of reports that are kept
  std::set<Fence> alive_;                 // ended ones leave when their end is queued
  std::deque<Report> waiting_;            // not numbered yet
  std::deque<Report> sent_;               // numbered, not acknowledged
  std::size_t to_resend_ = 0;             // of the end of sent_: not sent on this stream yet
  std::uint64_t last_sequence_ = 0;
  std::map<QuestionKey, StateRequest> questions_;  // not answered
  std::deque<QuestionKey> to_ask_;                 // of these, what this stream has not carried; or gone meanwhile
};

}  // namespace millrace::agent
