// A zip archive that lies in the DAG folder (Airflow's packaged DAGs), as files: what DAGs in it name is looked for in it
// and nowhere else. Used by DagBag on its thread and by dagctl; one thread at a time. It is made of bytes, opens no file and
// unpacks nothing to disk.
//
// An archive that is damaged, encrypted, beyond the bounds or has names that lead out of it is refused whole when it is
// opened, so that its DAGs never come in part.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/dagbag/load.h"

namespace millrace::dagbag {

constexpr std::size_t kLargestArchive = 64 << 20;  // as it lies there

class Archive final : public FileReader {
 public:
  static StatusOr<std::unique_ptr<Archive>> Open(std::string bytes);
  ~Archive() override;

  StatusOr<std::string> Read(std::string_view path) const override;
  // DAG files at its root, sorted. As in Airflow, folders in it hold what these name.
  const std::vector<std::string>& dag_files() const { return dag_files_; }

 private:
  struct Zip;
  explicit Archive(std::unique_ptr<Zip> zip);
  Status Look();

  const std::unique_ptr<Zip> zip_;
  std::vector<std::string> dag_files_;
};

// Ends in .zip.
bool IsArchiveName(std::string_view path);

}  // namespace millrace::dagbag
