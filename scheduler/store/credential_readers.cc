#include "scheduler/store/credential_readers.h"

#include "scheduler/store/listing.h"
#include "scheduler/store/rows.h"

namespace millrace::store {
namespace {

// A row of a table of named things, and a page of them.
template <typename Row, typename ReadRow>
StatusOr<Row> ByName(ReadPool& pool, const std::string& columns, const std::string& table,
                     const std::string& name, const std::string& missing, ReadRow read_row) {
  return pool.Read<Row>([&](Database& database) {
    Query query("SELECT " + columns + " FROM " + table);
    query.Where("name = ?").Add(name);
    return One<Row>(database, query, missing, read_row);
  });
}

template <typename Row, typename ReadRow>
StatusOr<Listing<Row>> Named(ReadPool& pool, const std::string& columns, const std::string& table,
                             const NameFilter& filter, ReadRow read_row) {
  return pool.Read<Listing<Row>>([&](Database& database) {
    const auto conditions = [&filter](Query& query) {
      if (!filter.pattern.empty()) query.Where("name LIKE ?").Add(filter.pattern);
      if (!filter.teams) return;
      std::string in = "team IN (''";
      for (const std::string& team : *filter.teams) {
        in += ",?";
        query.Add(team);
      }
      query.Where(in + ")");
    };
    return ListPage<Row>(database, columns, table, conditions, filter.descending ? "name DESC" : "name",
                         filter.page, read_row);
  });
}

class Variables final : public VariableReader {
 public:
  explicit Variables(ReadPool& pool) : pool_(pool) {}
  StatusOr<VariableRecord> GetVariable(const std::string& key) override {
    return ByName<VariableRecord>(pool_, kVariableColumns, "variable", key,
                                  "The Variable with key: `" + key + "` was not found", ReadVariable);
  }
  StatusOr<Listing<VariableRecord>> ListVariables(const NameFilter& filter) override {
    return Named<VariableRecord>(pool_, kVariableColumns, "variable", filter, ReadVariable);
  }

 private:
  ReadPool& pool_;
};

class Connections final : public ConnectionReader {
 public:
  explicit Connections(ReadPool& pool) : pool_(pool) {}
  StatusOr<ConnectionRecord> GetConnection(const std::string& id) override {
    return ByName<ConnectionRecord>(pool_, kConnectionColumns, "connection", id,
                                    "The Connection with connection_id: `" + id + "` was not found",
                                    ReadConnection);
  }
  StatusOr<Listing<ConnectionRecord>> ListConnections(const NameFilter& filter) override {
    return Named<ConnectionRecord>(pool_, kConnectionColumns, "connection", filter, ReadConnection);
  }

 private:
  ReadPool& pool_;
};

}  // namespace

std::unique_ptr<VariableReader> MakeVariableReader(ReadPool& pool) {
  return std::make_unique<Variables>(pool);
}

std::unique_ptr<ConnectionReader> MakeConnectionReader(ReadPool& pool) {
  return std::make_unique<Connections>(pool);
}

}  // namespace millrace::store
