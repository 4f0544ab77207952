// Blocks into SQL: a view over shuffle_scan(), a table function of DuckDB's C API that reads the blocks of
// any number of map outputs, a block a thread at a time. Reduce stage tasks call it, on the connection's
// thread. Where blocks come from is shuffle::Fetcher's business.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "worker/shuffle/map_file.h"
#include "worker/sql/instance.h"

namespace millrace::sql {

struct ScanSource;

// Blocks of one map output, as fetched.
struct MapBlocks {
  std::int32_t map_index = 0;
  shuffle::BlockBytes blocks;
};

// A readable view; drop it after the last statement that reads it, before the connection.
class ShuffleInput {
 public:
  ShuffleInput(const ShuffleInput&) = delete;
  ShuffleInput& operator=(const ShuffleInput&) = delete;
  ~ShuffleInput();

  std::uint64_t rows() const;
  // From now on the view has the rows for which `condition`, SQL over the columns, is true; "": all.
  Status Narrow(const std::string& condition);
  // After a statement failed: maps whose blocks turned out corrupt, sorted. They are lost, and must be made
  // again.
  std::vector<std::int32_t> corrupt_maps() const;

 private:
  friend StatusOr<std::unique_ptr<ShuffleInput>> OpenShuffleInput(Connection&, const std::string&,
                                                                  const std::vector<Column>&,
                                                                  std::vector<MapBlocks>,
                                                                  std::vector<std::int32_t>*);
  ShuffleInput(Connection& connection, std::string view, std::unique_ptr<ScanSource> source,
               std::uint64_t handle);
  Connection& connection_;
  std::string view_;
  std::unique_ptr<ScanSource> source_;
  std::uint64_t handle_;
};

// Makes the temporary view `view` (replacing an older one) with `columns`, the ones the map side described.
// DATA_LOSS when blocks are corrupt as far as their headers go; then `corrupt`, when given, says of which
// maps.
StatusOr<std::unique_ptr<ShuffleInput>> OpenShuffleInput(Connection& connection, const std::string& view,
                                                         const std::vector<Column>& columns,
                                                         std::vector<MapBlocks> blocks,
                                                         std::vector<std::int32_t>* corrupt = nullptr);

}  // namespace millrace::sql
