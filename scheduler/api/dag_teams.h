// Which DAGs belong to which team, as of the last commit, and what of them somebody is told. Any thread; told of commits
// on the loop's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/model/batch.h"
#include "scheduler/auth/identity.h"
#include "scheduler/store/reader.h"

namespace millrace::api {

// Of DAGs that belong to a team; of all others there is nothing to know.
struct TeamsOfDags {
  std::map<std::string, std::string, std::less<>> of_dag;
  std::set<std::string, std::less<>> teams;  // that have any
};

// What one caller is told, for as long as one request takes.
class Scope {
 public:
  Scope() = default;  // nothing
  Scope(auth::Identity who, std::shared_ptr<const TeamsOfDags> teams);

  // Nothing is hidden from them: they are an admin, or all there is belongs to their teams or to none.
  bool sees_all() const { return sees_all_; }
  bool Sees(std::string_view dag_id) const;
  bool SeesTeam(std::string_view team) const { return sees_all_ || auth::SeesTeam(who_, team); }
  // For the readers' filters.
  store::TeamsSeen teams() const;

 private:
  auth::Identity who_;
  std::shared_ptr<const TeamsOfDags> teams_;
  bool sees_all_ = false;
};

class DagTeams {
 public:
  // `dags` outlives it.
  explicit DagTeams(store::DagReader& dags) : dags_(dags) {}

  // Read from the store by whoever asks first; then followed. UNAVAILABLE while it cannot be read: nobody but an admin
  // is told anything then.
  StatusOr<Scope> ScopeOf(const auth::Identity& who);
  // The same for one that was made before: what it sees now.
  StatusOr<std::shared_ptr<const TeamsOfDags>> Current();
  // For somebody from whom something is hidden: NOT_FOUND, with the same words for one that is not there and for one
  // that is not theirs to see. Asks the store, which knows of a commit before anybody is told of it.
  Status Find(const Scope& scope, const std::string& dag_id);

  // In order; where one was left out (the loop had to load again), the store is read anew.
  void Committed(const Batch& batch);

 private:
  static void Set(TeamsOfDags& teams, const std::string& dag_id, const std::string& team);
  static void Count(TeamsOfDags& teams);

  store::DagReader& dags_;
  std::mutex mutex_;
  std::shared_ptr<const TeamsOfDags> current_ = std::make_shared<const TeamsOfDags>();  // copied when it changes
  bool loaded_ = false;
  std::uint64_t sequence_ = 0;                    // of the last commit
  std::map<std::string, std::string> committed_;  // until it is loaded: newer than what is read
};

}  // namespace millrace::api
