// Variables and connections as a store would keep them, in maps. One thread at a time writes, before or
// between reads.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "core/model/batch.h"
#include "scheduler/store/reader.h"
#include "tests/support/fake_readers.h"

namespace millrace::test {

class FakeCredentials final : public store::VariableReader, public store::ConnectionReader {
 public:
  void Apply(const std::vector<Record>& records) {
    const std::lock_guard lock(mutex_);
    for (const Record& record : records) {
      if (const auto* variable = std::get_if<VariableRecord>(&record)) {
        variables.insert_or_assign(variable->key, *variable);
        if (variable->deleted) variables.erase(variable->key);
      }
      if (const auto* connection = std::get_if<ConnectionRecord>(&record)) {
        connections.insert_or_assign(connection->id, *connection);
        if (connection->deleted) connections.erase(connection->id);
      }
    }
  }

  StatusOr<VariableRecord> GetVariable(const std::string& key) override { return Find(variables, key); }
  StatusOr<store::Listing<VariableRecord>> ListVariables(const store::NameFilter& filter) override {
    return List(variables, filter);
  }
  StatusOr<ConnectionRecord> GetConnection(const std::string& id) override { return Find(connections, id); }
  StatusOr<store::Listing<ConnectionRecord>> ListConnections(const store::NameFilter& filter) override {
    return List(connections, filter);
  }

  std::map<std::string, VariableRecord> variables;
  std::map<std::string, ConnectionRecord> connections;

 private:
  template <typename Row>
  StatusOr<Row> Find(const std::map<std::string, Row>& rows, const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = rows.find(name);
    if (found == rows.end()) return NotFound("`" + name + "` was not found");
    return found->second;
  }
  template <typename Row>
  StatusOr<store::Listing<Row>> List(const std::map<std::string, Row>& rows,
                                     const store::NameFilter& filter) {
    const std::lock_guard lock(mutex_);
    std::vector<Row> found;
    for (const auto& [name, row] : rows) {
      if (!IsTold(filter.teams, row.team)) continue;
      if (filter.pattern.empty() || Like(name, filter.pattern)) found.push_back(row);
    }
    if (filter.descending) std::reverse(found.begin(), found.end());
    return PageOf(std::move(found), filter.page);
  }

  std::mutex mutex_;
};

}  // namespace millrace::test
