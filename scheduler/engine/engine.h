// The engine decides everything about runs and attempts: which run starts, which task instance is ready,
// which worker gets it, what a report, a lost worker or a command means. Deterministic and pure: events in;
// rows and effects out. No clock, no thread, no IO, no log, no randomness, no unordered iteration. The loop
// owns it and calls it from its one thread; the simulator and `dagctl simulate` drive the same class.
//
// Cost: an event costs time proportional to the edges it touches. Nothing scans all runs or all tasks.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/model/batch.h"
#include "core/model/effect.h"
#include "core/model/event.h"
#include "scheduler/inbox.h"

namespace millrace::engine {

// Where OpenLineage events are posted; off when neither `url` nor `connection` says.
struct LineageOptions {
  std::string url;         // the whole address
  std::string connection;  // instead: the name of one whose URI is the address, with its credentials
  std::string name_space = "default";
  std::size_t most_waiting = 20'000;  // rows of the outbox in memory: further events are counted, not told

  bool on() const { return !url.empty() || !connection.empty(); }
};

struct EngineOptions {
  Duration heartbeat = std::chrono::seconds(3);
  Duration lease = std::chrono::seconds(30);
  std::int64_t max_map_length = 1024;  // instances of a mapped task
  int max_lost = 3;                    // a lost attempt runs again at once, outside retries, this many times
  int default_pool_slots = 128;
  std::vector<std::pair<std::string, int>> pools;  // further ones; a pool that is not known has no slots
  int prefetch_per_slot = 8;                       // of short built-in kinds only
  std::string base_url = "http://127.0.0.1:8080";  // of the dashboard, for links in notifications
  int notifications_per_run = 100;                 // about its tasks; further ones are counted, not told
  LineageOptions lineage = {};
};

// What applying an event adds: rows for the batch that is collecting, and effects that leave when it is
// durable.
struct Output {
  std::uint64_t stamp =
      0;  // the engine's mark, by which it finds rows again that changed before within this batch
  Batch batch;
  std::vector<Effect> effects;
};

class Engine {
 public:
  // `zones` outlives the engine.
  Engine(EngineOptions options, const ZoneDatabase& zones);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Takes over what the store holds. Once, first. Leases of stored sessions start fresh at now.
  void Load(Image image, Now now, Output& out);

  void Apply(const Event& event, Now now, Output& out);

  // More to do as soon as the next batch begins: Tick then. (Task instances are created in portions, one a
  // batch.)
  bool HasBacklog() const;

  // When Tick must come, on each clock; none: only when something happens.
  std::optional<BootTime> NextBootTimer() const;
  std::optional<WallTime> NextWallTimer() const;

  Answer Ask(const Question& question, Now now) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::engine
