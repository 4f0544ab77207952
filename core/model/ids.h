// Identities. What users name is text (DAG, run and task ids); what the store, the engine and the wire count is integers.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

// The store's key of a run; grows by one a run, never reused.
enum class RunKey : std::int64_t {};

// A task instance: a run and its place in that run (the task's index in the DAG version; mapped instances follow after).
struct TaskInstanceKey {
  RunKey run{};
  std::int32_t index = 0;
  friend auto operator<=>(const TaskInstanceKey&, const TaskInstanceKey&) = default;
};

// Names one attempt for ever, and orders all attempts: the term grows at each scheduler start, the counter within a term.
// Scheduler, shuffle service and publisher refuse a fence below the highest they have seen for the same thing.
struct Fence {
  std::uint32_t term = 0;
  std::uint64_t counter = 0;
  friend auto operator<=>(const Fence&, const Fence&) = default;
};

// One join of one worker process; grows with each join. 0 is no session.
enum class SessionId : std::uint64_t {};

inline std::int64_t ToInt(RunKey key) { return static_cast<std::int64_t>(key); }
inline std::uint64_t ToInt(SessionId id) { return static_cast<std::uint64_t>(id); }

// "3.17", as folders and logs show a fence.
std::string ToString(const Fence& fence);

// [A-Za-z0-9_.-]{1,128}, not "." or "..".
bool IsValidId(std::string_view id);
// As ids, also ':' and '+', to 250 characters.
bool IsValidRunId(std::string_view id);

// To 250 bytes without control characters, not empty.
bool IsValidPartitionKey(std::string_view key);

// A UUID that is a pure function of the text: the same for the same text, for ever.
std::string UuidOf(std::string_view text);

// The UUID that the REST API shows for a task instance's try (Airflow's `id`); derived, stored nowhere.
std::string TaskInstanceUuid(const TaskInstanceKey& key, int try_number);

}  // namespace millrace
