// Rows that the engine carries but does not decide about. They pass the loop so that one connection writes everything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/model/dag.h"
#include "core/model/run.h"
#include "core/model/state_store.h"

namespace millrace {

struct UserRecord {
  std::string name;
  std::string password_hash;  // argon2id, encoded
  std::string role;           // viewer, user, op, admin, or worker
  bool deleted = false;
  std::vector<std::string> teams = {};  // that the user is a member of
};

// A name that users, DAGs, pools, variables and connections may belong to.
struct TeamRecord {
  std::string name;
  bool deleted = false;
};

struct TokenRecord {
  std::string hash;  // SHA-256 of the token, hex
  std::string user;
  std::string role;
  WallTime expires_at{};
  bool revoked = false;
};

struct AuditRecord {
  WallTime at{};
  std::string user;
  std::string action;  // "trigger", "login"
  std::string object;
  std::string detail;  // JSON; never a secret
};

// Replaces what was known of the file; no problems means it is fine again.
struct ImportErrorRecord {
  ImportError error;
};

// Set or removed by hand.
struct XComRecord {
  XComRow row;
};

// Of a state store: written by an attempt, through the engine, or by hand. In the order of the loop, whoever wrote.
struct TaskStateRecord {
  TaskStateRow row;
};
struct DatasetStateRecord {
  DatasetStateRow row;
};

// What somebody writes about a task instance; "" takes it away.
struct NoteRecord {
  TaskInstanceKey instance;
  std::string text;
  std::string user;
  WallTime at{};
};

// A named limit; unlike the others here the engine keeps it in mind.
struct PoolRow {
  std::string name;
  std::int32_t slots = 0;  // -1: without limit
  std::string description;
  bool include_deferred = false;
  bool deleted = false;
  std::string team = {};  // whose tasks alone may use it; "": everybody's
  friend bool operator==(const PoolRow&, const PoolRow&) = default;
};

// Retention: journal rows and audit lines from before `before`, values of state stores that have expired at `now`; at most
// `limit` of each.
struct PruneRecord {
  WallTime before{};
  std::int64_t limit = 0;
  WallTime now{};
};

// A named value. `sealed`: encrypted by scheduler/auth, which alone can open it; so is it here and in the store.
struct VariableRecord {
  std::string key;
  std::string sealed;
  std::string description;
  bool deleted = false;
  std::string team = {};  // as of a pool
  friend bool operator==(const VariableRecord&, const VariableRecord&) = default;
};

// A named credential. Its password and extra are in `sealed`.
struct ConnectionRecord {
  std::string id;
  std::string type;
  std::string description;
  std::string host;
  std::string login;
  std::string schema;
  std::optional<std::int32_t> port;
  std::string sealed;
  bool deleted = false;
  std::string team = {};  // as of a pool
  friend bool operator==(const ConnectionRecord&, const ConnectionRecord&) = default;
};

// A DAG that somebody has marked as one of theirs, or no longer.
struct FavoriteRecord {
  std::string user;
  std::string dag_id;
  bool deleted = false;
};

using Record = std::variant<UserRecord, TokenRecord, AuditRecord, ImportErrorRecord, XComRecord, PoolRow,
                            PruneRecord, NoteRecord, VariableRecord, ConnectionRecord, FavoriteRecord,
                            TaskStateRecord, DatasetStateRecord, TeamRecord>;

}  // namespace millrace
