// Variables and connections in the clear: from the scheduler's environment (MILLRACE_VAR_<NAME>,
// MILLRACE_CONN_<NAME>), which wins and is everybody's, or from the store, where they are sealed and may belong to a
// team: then only its DAGs find them. The loop asks it for what
// templates name, the gateway for what an attempt may be handed, the API seals with it what people set. Any
// thread. What it answers belongs in no log, journal or message.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/model/connection.h"
#include "core/model/records.h"
#include "core/template/lookup.h"
#include "scheduler/auth/connections.h"
#include "scheduler/auth/keyring.h"
#include "scheduler/store/reader.h"

namespace millrace::auth {

class Vault final : public TeamValues, public ConnectionSource {
 public:
  // The readers outlive it. `environment` as main has it.
  Vault(Keyring keyring, const char* const* environment, store::VariableReader& variables,
        store::ConnectionReader& connections);

  // kVariable: its text. kConnection: its map. NOT_FOUND when there is none; everything else is not its own.
  StatusOr<Value> FindFor(const std::string& team, const TemplateNeed& need) override;
  // As a URI.
  StatusOr<std::string> GetFor(const std::string& team, std::string_view name) const override;

  VariableRecord Seal(const std::string& key, const std::string& value, const std::string& description) const;
  StatusOr<std::string> Open(const VariableRecord& record) const;
  ConnectionRecord Seal(const Connection& connection) const;  // with its team
  StatusOr<Connection> Open(const ConnectionRecord& record) const;

 private:
  StatusOr<Connection> FindConnection(const std::string& team, const std::string& name) const;

  const Keyring keyring_;
  const Connections given_;
  const std::map<std::string, std::string> given_variables_;  // by name in lower case
  store::VariableReader& variables_;
  store::ConnectionReader& connections_;
};

// The same for people: a mask instead of passwords, of members of extra whose names say that they are secret,
// and of variables with such names.
class ShownValues final : public TeamValues {
 public:
  explicit ShownValues(TeamValues& values) : values_(values) {}
  StatusOr<Value> FindFor(const std::string& team, const TemplateNeed& need) override;

 private:
  TeamValues& values_;
};

// A variable's text as people may see it.
std::string ShownVariable(const std::string& key, const std::string& text);

}  // namespace millrace::auth
