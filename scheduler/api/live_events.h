// Live events: every committed transition, in the journal's order, to whoever subscribed. One thread reads
// the journal when a commit is announced and writes to the streams; an event's id is its place in the journal
// (sequence.index), so a client that was cut off goes on exactly where it was. Also ends the waits for a run.
//
// Committed is called on the loop's thread and only rings a bell; Subscribe and Wait are called on the
// server's workers.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "scheduler/api/dag_teams.h"
#include "scheduler/http/message.h"
#include "scheduler/store/reader.h"

namespace millrace::api {

// A place in the journal.
struct EventId {
  std::uint64_t sequence = 0;
  std::int64_t index = 0;
  friend auto operator<=>(const EventId&, const EventId&) = default;
};
std::optional<EventId> ParseEventId(std::string_view text);

struct Subscription {
  std::string dag_id;            // "" for all
  std::optional<EventId> after;  // nothing: from now on
  auth::Identity who = {};       // who listens: of DAGs that they do not see they hear nothing
};

struct Waiter {
  RunKey run{};
  bool lines = false;                                         // NDJSON: the state now and then, too
  std::vector<std::pair<std::string, std::int32_t>> results;  // task ids and their places
};

class LiveEvents {
 public:
  LiveEvents(store::DagReader& dags, store::RunReader& runs, store::TaskInstanceReader& task_instances,
             store::JournalReader& journal, DagTeams& teams, const Clock& clock);
  ~LiveEvents();
  LiveEvents(const LiveEvents&) = delete;
  LiveEvents& operator=(const LiveEvents&) = delete;

  void Start();
  void Stop();

  void Committed(std::uint64_t sequence);
  void Subscribe(http::StreamSink& sink, http::StreamId stream, Subscription subscription);
  void Wait(http::StreamSink& sink, http::StreamId stream, Waiter waiter);

 private:
  struct Event {
    EventId id;
    RunKey run{};
    bool run_ended = false;
    std::string dag_id;
    std::string frame;  // as it is sent
  };
  struct Subscriber {
    http::StreamSink* sink = nullptr;
    http::StreamId stream{};
    std::string dag_id;
    std::optional<EventId> seen;  // everything up to here was sent; nothing: to be set to the present
    bool resumed = false;         // its place is not checked yet
    auth::Identity who = {};
    Scope scope = {};  // of this turn
  };
  struct Waiting {
    http::StreamSink* sink = nullptr;
    http::StreamId stream{};
    Waiter waiter;
    BootTime until{};
    bool looked = false;
  };

  void Run();
  bool TakeNew();
  void ReadJournal();
  void ServeSubscriber(Subscriber& subscriber);
  bool CatchUp(Subscriber& subscriber);
  void MissedSome(Subscriber& subscriber);
  bool Send(Subscriber& subscriber, const Event& event);
  std::vector<Event> Render(const std::vector<store::JournalEntry>& entries);
  void ServeWaiters();
  void Finish(Waiting& waiting, const millrace::Run& run);
  void Heartbeat();

  struct Named {
    std::string dag_id;
    std::string run_id;
    DagPtr dag;
    bool moved = false;  // its task instances need not stand where their tasks do
  };
  const Named* NameOf(RunKey run);
  struct Place {
    std::size_t task = 0;
    std::int32_t map_index = -1;
  };
  // Of a mapped task the row says which of its instances it is.
  Place PlaceOf(const Named& named, const TaskInstanceKey& key);

  store::DagReader& dags_;
  store::RunReader& runs_;
  store::TaskInstanceReader& task_instances_;
  store::JournalReader& journal_;
  DagTeams& teams_;
  const Clock& clock_;
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable bell_;
  bool stopping_ = false;
  std::uint64_t newest_ = 0;  // committed, as announced
  std::vector<Subscriber> new_subscribers_;
  std::vector<Waiting> new_waiting_;

  // Of the thread alone.
  std::uint64_t committed_ = 0;     // as this thread last saw newest_
  std::uint64_t read_ = 0;          // the journal is read up to here
  std::deque<Event> window_;        // the last events, for subscribers that are a little behind
  std::uint64_t window_start_ = 0;  // everything after this sequence, up to read_, is in the window
  std::vector<Subscriber> subscribers_;
  std::vector<Waiting> waiting_;
  std::map<RunKey, Named> names_;
  BootTime next_heartbeat_{};
};

}  // namespace millrace::api
