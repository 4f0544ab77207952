#include "scheduler/api/dag_teams.h"

#include <algorithm>
#include <utility>

namespace millrace::api {

Scope::Scope(auth::Identity who, std::shared_ptr<const TeamsOfDags> teams)
    : who_(std::move(who)), teams_(std::move(teams)) {
  sees_all_ = !auth::TeamsSeenBy(who_) ||
              (teams_ != nullptr && std::all_of(teams_->teams.begin(), teams_->teams.end(),
                                                [&](const std::string& team) { return auth::SeesTeam(who_, team); }));
}

bool Scope::Sees(std::string_view dag_id) const {
  if (sees_all_) return true;
  if (teams_ == nullptr) return false;
  const auto team = teams_->of_dag.find(dag_id);
  return team == teams_->of_dag.end() || auth::SeesTeam(who_, team->second);
}

store::TeamsSeen Scope::teams() const {
  if (sees_all_) return std::nullopt;
  return auth::TeamsSeenBy(who_);
}

StatusOr<Scope> DagTeams::ScopeOf(const auth::Identity& who) {
  if (!auth::TeamsSeenBy(who)) return Scope(who, nullptr);
  ASSIGN_OR_RETURN(std::shared_ptr<const TeamsOfDags> teams, Current());
  return Scope(who, std::move(teams));
}

StatusOr<std::shared_ptr<const TeamsOfDags>> DagTeams::Current() {
  {
    const std::lock_guard lock(mutex_);
    if (loaded_) return current_;
  }
  // Not under the lock, which the loop's thread takes: what it commits meanwhile is newer than what is read here.
  ASSIGN_OR_RETURN(const auto rows, dags_.ListTeamsOfDags());
  const std::lock_guard lock(mutex_);
  if (loaded_) return current_;
  TeamsOfDags teams;
  for (const auto& [dag_id, team] : rows) Set(teams, dag_id, team);
  for (const auto& [dag_id, team] : committed_) Set(teams, dag_id, team);
  Count(teams);
  committed_.clear();
  current_ = std::make_shared<const TeamsOfDags>(std::move(teams));
  loaded_ = true;
  return current_;
}

Status DagTeams::Find(const Scope& scope, const std::string& dag_id) {
  const StatusOr<store::DagEntry> entry = dags_.GetDag(dag_id);
  if (!entry.ok() && entry.status().code() != Code::kNotFound) return entry.status();
  if (entry.ok() && scope.SeesTeam(entry->row.team)) return OkStatus();
  return NotFound("DAG not found: " + dag_id);
}

void DagTeams::Committed(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  if (sequence_ != 0 && batch.sequence != sequence_ + 1) {
    loaded_ = false;
    committed_.clear();
  }
  sequence_ = batch.sequence;
  std::shared_ptr<TeamsOfDags> changed;
  for (const DagRow& row : batch.dags) {
    if (!loaded_) {
      committed_[row.dag_id] = row.team;
      continue;
    }
    const TeamsOfDags& now = changed != nullptr ? *changed : *current_;
    const auto known = now.of_dag.find(row.dag_id);
    // Most rows that are committed say where a timetable stands.
    if (known == now.of_dag.end() ? row.team.empty() : known->second == row.team) continue;
    if (changed == nullptr) changed = std::make_shared<TeamsOfDags>(*current_);
    Set(*changed, row.dag_id, row.team);
  }
  if (changed == nullptr) return;
  Count(*changed);
  current_ = std::move(changed);
}

void DagTeams::Set(TeamsOfDags& teams, const std::string& dag_id, const std::string& team) {
  if (team.empty()) {
    teams.of_dag.erase(dag_id);
  } else {
    teams.of_dag.insert_or_assign(dag_id, team);
  }
}

void DagTeams::Count(TeamsOfDags& teams) {
  teams.teams.clear();
  for (const auto& [dag, of_dag] : teams.of_dag) teams.teams.insert(of_dag);
}

}  // namespace millrace::api
