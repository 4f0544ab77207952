// The inbox as the loop holds it. Other threads put in through inbox.h; the store's thread reports commits;
// the loop takes out. Bounded by class, so that whoever sends too much is told and nothing else suffers.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "scheduler/inbox.h"
#include "scheduler/store/store.h"

namespace millrace {

struct InboxLimits {
  std::size_t reports = 4096;  // Reported, WorkerJoined and StateAsked
  std::size_t commands = 1024;
  std::size_t questions = 1024;
};

class BoundedInbox final : public Inbox {
 public:
  explicit BoundedInbox(const Clock& clock, InboxLimits limits = {}) : clock_(clock), limits_(limits) {}

  // Any thread.
  Status Put(Event event) override;
  Status Submit(Command command, std::function<void(CommandReply)> done) override;
  Status Ask(Question question, std::function<void(Answer)> done) override;
  void PutCommit(store::CommitResult result);
  // Run ends; whatever comes from now on is refused.
  void Stop();

  // The loop's thread.
  struct Taken {
    Event event;                             // of a command: CommandReceived
    std::function<void(CommandReply)> done;  // set for commands
  };
  struct Asked {
    Question question;
    std::function<void(Answer)> done;
  };
  std::vector<Heartbeat> TakeHeartbeats();
  std::vector<Asked> TakeQuestions();
  std::optional<store::CommitResult> TakeCommit();
  // In the order they came.
  std::vector<Taken> TakeEvents(std::size_t most);
  // Refuses commands with this reason; none: takes them.
  void RefuseCommands(std::optional<Status> reason);
  // Returns when there is something to take (events only if `events_too`), at the deadline, or when stopped.
  void WaitUntil(BootTime deadline, bool events_too);
  bool stopped() const;

 private:
  bool HasNews(bool events_too) const;  // mutex_ held

  const Clock& clock_;
  const InboxLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable news_;
  std::deque<Taken> events_;
  std::size_t reports_ = 0;   // of events_
  std::size_t commands_ = 0;  // of events_
  std::vector<Heartbeat> heartbeats_;
  std::vector<Asked> questions_;
  std::optional<store::CommitResult> commit_;
  std::optional<Status> refused_;
  std::uint64_t next_reply_ = 1;
  bool stopped_ = false;
};

}  // namespace millrace
