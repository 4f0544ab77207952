#include "scheduler/api/live_events.h"

#include <algorithm>
#include <charconv>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/model/run_dag.h"

namespace millrace::api {
namespace {

constexpr std::size_t kWindow = 5000;
constexpr std::size_t kNames = 4096;
constexpr int kEntriesAtOnce = 200;
constexpr Duration kHeartbeat = std::chrono::seconds(15);
constexpr Duration kLongestWait = std::chrono::seconds(270);  // ends before the server ends the stream
// How long the thread lets commits gather before it reads the journal again.
constexpr auto kGather = std::chrono::milliseconds(10);

}  // namespace

std::optional<EventId> ParseEventId(std::string_view text) {
  EventId id;
  const char* end = text.data() + text.size();
  const auto sequence = std::from_chars(text.data(), end, id.sequence);
  if (sequence.ec != std::errc() || sequence.ptr == end || *sequence.ptr != '.') return std::nullopt;
  const auto index = std::from_chars(sequence.ptr + 1, end, id.index);
  if (index.ec != std::errc() || index.ptr != end || id.index < 0) return std::nullopt;
  return id;
}

LiveEvents::LiveEvents(store::DagReader& dags, store::RunReader& runs,
                       store::TaskInstanceReader& task_instances, store::JournalReader& journal,
                       DagTeams& teams, const Clock& clock)
    : dags_(dags),
      runs_(runs),
      task_instances_(task_instances),
      journal_(journal),
      teams_(teams),
      clock_(clock) {}

LiveEvents::~LiveEvents() { Stop(); }

void LiveEvents::Start() {
  const auto newest = journal_.NewestSequence();
  {
    const std::lock_guard lock(mutex_);  // the loop may be committing already
    if (newest.ok()) newest_ = std::max(newest_, *newest);
    read_ = window_start_ = newest_;
  }
  thread_ = std::thread([this] { Run(); });
}

void LiveEvents::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  bell_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LiveEvents::Committed(std::uint64_t sequence) {
  {
    const std::lock_guard lock(mutex_);
    newest_ = std::max(newest_, sequence);
  }
  bell_.notify_one();
}

void LiveEvents::Subscribe(http::StreamSink& sink, http::StreamId stream, Subscription subscription) {
  Subscriber subscriber{&sink, stream, std::move(subscription.dag_id), subscription.after,
                        subscription.after.has_value(), std::move(subscription.who)};
  {
    const std::lock_guard lock(mutex_);
    // "From now on" is decided here: what is committed after the client asked is sent.
    if (!subscriber.seen) subscriber.seen = EventId{newest_ + 1, -1};
    new_subscribers_.push_back(std::move(subscriber));
  }
  sink.Write(stream, ": connected\n\n");
  bell_.notify_one();
}

void LiveEvents::Wait(http::StreamSink& sink, http::StreamId stream, Waiter waiter) {
  {
    const std::lock_guard lock(mutex_);
    new_waiting_.push_back({&sink, stream, std::move(waiter), clock_.now().boot + kLongestWait, false});
  }
  bell_.notify_one();
}

void LiveEvents::Run() {
  next_heartbeat_ = clock_.now().boot + kHeartbeat;
  while (TakeNew()) {
    ReadJournal();
    for (Subscriber& subscriber : subscribers_) ServeSubscriber(subscriber);
    ServeWaiters();
    Heartbeat();
    std::erase_if(subscribers_, [](const Subscriber& gone) { return gone.sink == nullptr; });
    std::erase_if(waiting_, [](const Waiting& gone) { return gone.sink == nullptr; });
  }
}

// Waits for something to do; false when it is time to stop.
bool LiveEvents::TakeNew() {
  std::unique_lock lock(mutex_);
  const auto has_work = [this] {
    return stopping_ || !new_subscribers_.empty() || !new_waiting_.empty() || newest_ > read_;
  };
  bell_.wait_for(lock, std::chrono::seconds(1), has_work);
  if (!stopping_ && newest_ > read_ && new_subscribers_.empty() && new_waiting_.empty()) {
    bell_.wait_for(lock, kGather, [this] { return stopping_; });
  }
  for (Subscriber& subscriber : new_subscribers_) subscribers_.push_back(std::move(subscriber));
  for (Waiting& waiting : new_waiting_) waiting_.push_back(std::move(waiting));
  new_subscribers_.clear();
  new_waiting_.clear();
  committed_ = newest_;
  return !stopping_;
}

void LiveEvents::ReadJournal() {
  if (subscribers_.empty() && waiting_.empty()) {
    // Nobody listens: what comes later starts from the present.
    read_ = window_start_ = committed_;
    window_.clear();
    return;
  }
  while (read_ < committed_) {
    const auto entries = journal_.ReadAfter(read_, kEntriesAtOnce);
    if (!entries.ok() || entries->empty()) {
      // Not readable now (a slow disk): the next bell tries again. An empty answer means there is nothing to
      // tell.
      if (entries.ok()) read_ = committed_;
      break;
    }
    for (Event& event : Render(*entries)) {
      for (Waiting& waiting : waiting_) {
        if (event.run_ended && waiting.waiter.run == event.run) waiting.looked = false;
      }
      window_.push_back(std::move(event));
    }
    read_ = entries->back().sequence;
    while (window_.size() > kWindow) {
      window_start_ = window_.front().id.sequence;
      window_.pop_front();
    }
    while (!window_.empty() && window_.front().id.sequence <= window_start_) window_.pop_front();
  }
}

void LiveEvents::ServeSubscriber(Subscriber& subscriber) {
  StatusOr<Scope> scope = teams_.ScopeOf(subscriber.who);
  if (!scope.ok()) return;  // not readable now: the next turn tells them
  subscriber.scope = std::move(*scope);
  if (subscriber.resumed && subscriber.seen->sequence > committed_) {
    MissedSome(subscriber);  // a place of another store
    return;
  }
  if (subscriber.seen->sequence <= window_start_ && !CatchUp(subscriber)) return;
  const auto first = std::upper_bound(window_.begin(), window_.end(), *subscriber.seen,
                                      [](const EventId& id, const Event& event) { return id < event.id; });
  for (auto event = first; event != window_.end(); ++event) {
    if (!Send(subscriber, *event)) return;
  }
}

// Brings one that is behind the window up to it, from the journal itself. False when it is gone or not there
// yet.
bool LiveEvents::CatchUp(Subscriber& subscriber) {
  if (subscriber.resumed) {
    subscriber.resumed = false;
    // The journal is cut at its old end some day: then something was missed, and the client has to look
    // again.
    const std::uint64_t sequence = subscriber.seen->sequence;
    const auto entries = journal_.ReadAfter(sequence == 0 ? 0 : sequence - 1, 1);
    const bool there = entries.ok() && !entries->empty() && entries->front().sequence == sequence;
    if (!there && sequence != 0) {
      MissedSome(subscriber);
      return false;
    }
  }
  while (subscriber.seen->sequence <= window_start_) {
    const std::uint64_t sequence = subscriber.seen->sequence;
    const auto entries = journal_.ReadAfter(sequence == 0 ? 0 : sequence - 1, kEntriesAtOnce);
    if (!entries.ok()) return false;
    if (entries->empty()) break;
    for (const Event& event : Render(*entries)) {
      if (event.id > *subscriber.seen && !Send(subscriber, event)) return false;
    }
    const std::uint64_t last = entries->back().sequence;
    subscriber.seen = std::max(*subscriber.seen, EventId{last + 1, -1});
    if (last >= read_) break;
  }
  return true;
}

// Tells the client to look at everything again, and goes on from the present.
void LiveEvents::MissedSome(Subscriber& subscriber) {
  subscriber.resumed = false;
  subscriber.seen = EventId{read_ + 1, -1};
  if (!subscriber.sink->Write(subscriber.stream, "event: gap\ndata: {}\n\n")) subscriber.sink = nullptr;
}

bool LiveEvents::Send(Subscriber& subscriber, const Event& event) {
  subscriber.seen = event.id;
  if (!subscriber.dag_id.empty() && subscriber.dag_id != event.dag_id) return true;
  if (!subscriber.scope.Sees(event.dag_id)) return true;
  if (subscriber.sink->Write(subscriber.stream, event.frame)) return true;
  subscriber.sink = nullptr;
  return false;
}

const LiveEvents::Named* LiveEvents::NameOf(RunKey key) {
  const auto found = names_.find(key);
  if (found != names_.end()) return &found->second;
  auto run = runs_.GetRunByKey(key);
  if (!run.ok()) return nullptr;
  auto dag = dags_.GetVersion(run->dag_id, run->version);
  if (!dag.ok()) return nullptr;
  if (names_.size() >= kNames) names_.erase(names_.begin());
  DagPtr tasks = DagOfRun(*run, std::move(*dag));
  return &names_
              .insert_or_assign(key, Named{run->dag_id, run->run_id, std::move(tasks), run->former_tasks.has_value()})
              .first->second;
}

LiveEvents::Place LiveEvents::PlaceOf(const Named& named, const TaskInstanceKey& key) {
  const auto index = static_cast<std::size_t>(key.index);
  const std::vector<Task>& tasks = named.dag->tasks;
  if (!named.moved && index < tasks.size() && !tasks[index].mapped()) return {index, -1};
  const auto row = task_instances_.GetTaskInstance(key);
  if (!row.ok()) return {index, -1};
  return {static_cast<std::size_t>(row->task()), row->map_index};
}

std::vector<LiveEvents::Event> LiveEvents::Render(const std::vector<store::JournalEntry>& entries) {
  std::vector<Event> events;
  for (const store::JournalEntry& entry : entries) {
    for (std::size_t i = 0; i < entry.transitions.size(); ++i) {
      const Transition& change = entry.transitions[i];
      const bool of_run = change.index < 0;
      // Opened again, it may have got another version.
      if (of_run && IsTerminal(static_cast<RunState>(change.from))) names_.erase(change.run);
      const Named* named = NameOf(change.run);
      if (named == nullptr) continue;
      const auto [place, map_index] = of_run ? Place{} : PlaceOf(*named, {change.run, change.index});
      if (!of_run && place >= named->dag->tasks.size()) continue;
      const auto state =
          of_run ? ToString(static_cast<RunState>(change.to)) : ToString(static_cast<TaskState>(change.to));
      const bool none = !of_run && static_cast<TaskState>(change.to) == TaskState::kNone;
      const Value data = Value::Map{{"dag_id", named->dag_id},
                                    {"dag_run_id", named->run_id},
                                    {"task_id", of_run ? Value() : Value(named->dag->tasks[place].id)},
                                    {"map_index", of_run ? Value() : Value(map_index)},
                                    {"state", none ? Value() : Value(state)},
                                    {"try_number", change.try_number},
                                    {"at", FormatTime(change.at)}};
      const EventId id{entry.sequence, static_cast<std::int64_t>(i)};
      events.push_back({id, change.run, of_run && IsTerminal(static_cast<RunState>(change.to)), named->dag_id,
                        "id: " + std::to_string(id.sequence) + "." + std::to_string(id.index) +
                            "\nevent: transition\ndata: " + ToJson(data) + "\n\n"});
    }
  }
  return events;
}

void LiveEvents::ServeWaiters() {
  const BootTime now = clock_.now().boot;
  for (Waiting& waiting : waiting_) {
    if (waiting.looked && now < waiting.until) continue;
    const auto run = runs_.GetRunByKey(waiting.waiter.run);
    if (!run.ok()) continue;  // not now; the next bell tries again
    const bool first = !waiting.looked;
    waiting.looked = true;
    if (IsTerminal(run->state) || now >= waiting.until) {
      Finish(waiting, *run);
    } else if (first && waiting.waiter.lines) {
      waiting.sink->Write(waiting.stream, ToJson(Value::Map{{"state", ToString(run->state)}}) + "\n");
    }
  }
}

void LiveEvents::Finish(Waiting& waiting, const millrace::Run& run) {
  Value::Map body = {{"state", ToString(run.state)}};
  if (!waiting.waiter.results.empty() && IsTerminal(run.state)) {
    Value::Map results;
    for (const auto& [task, index] : waiting.waiter.results) {
      const auto text = task_instances_.GetResult({run.key, index});
      const auto parsed = text.ok() ? ParseJson(*text) : StatusOr<Value>(text.status());
      results.emplace_back(task, parsed.ok() ? *parsed : Value());
    }
    body.emplace_back("results", std::move(results));
  }
  waiting.sink->Write(waiting.stream, ToJson(Value(std::move(body))) + "\n");
  waiting.sink->End(waiting.stream);
  waiting.sink = nullptr;
}

void LiveEvents::Heartbeat() {
  const BootTime now = clock_.now().boot;
  if (now < next_heartbeat_) return;
  next_heartbeat_ = now + kHeartbeat;
  for (Subscriber& subscriber : subscribers_) {
    if (subscriber.sink != nullptr && !subscriber.sink->Write(subscriber.stream, ": heartbeat\n\n")) {
      subscriber.sink = nullptr;
    }
  }
  for (Waiting& waiting : waiting_) {
    // White space before JSON means nothing; it shows whether somebody still listens.
    if (waiting.sink != nullptr && !waiting.sink->Write(waiting.stream, "\n")) waiting.sink = nullptr;
  }
}

}  // namespace millrace::api
