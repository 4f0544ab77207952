// Where records go that cannot be read, when their author says that some may be skipped: the readers tell, the statement's owner
// counts, keeps and refuses. Called by any of a statement's threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace millrace::readers {

class BadRecords {
 public:
  virtual ~BadRecords() = default;
  // `offset` is the record's in the file, of its bytes before compression. Not OK when they are too many.
  virtual Status Skip(const std::string& path, std::uint64_t offset, std::string_view record, const std::string& reason) = 0;
};

}  // namespace millrace::readers
