#include "worker/readers/header.h"

#include "worker/readers/bad_records.h"
#include "worker/readers/record_reader.h"
#include "worker/readers/values.h"

namespace millrace::readers {
namespace {

constexpr std::size_t kWindow = std::size_t{4} << 10;

class NoCast final : public OtherCast {
 public:
  bool Cast(const ValueType&, std::string_view, void*) override { return false; }
};

// Of the first record alone anything is asked here.
class AfterHeader final : public BadRecords {
 public:
  Status Skip(const std::string& path, std::uint64_t offset, std::string_view, const std::string& reason) override {
    constexpr std::uint64_t kByteOrderMark = 3;
    return offset > kByteOrderMark ? OkStatus() : FailedPrecondition(path + ": the header is " + reason);
  }
};

}  // namespace

StatusOr<std::vector<std::string>> HeaderOf(const Dialect& dialect, const std::string& path) {
  Dialect names = dialect;
  names.header = false;
  names.nulls = false;
  ASSIGN_OR_RETURN(const FileBytes file, FileBytes::Open(path));
  AfterHeader others;
  RecordReader reader(names, kWindow, &others);
  RETURN_IF_ERROR(reader.Open({path, 0, file.size()}));
  Window window;
  ASSIGN_OR_RETURN(const bool any, reader.Next(window));
  std::vector<std::string> header;
  NoCast none;
  for (std::uint32_t column = 0; any && column < names.columns; ++column) {
    Text text{};
    ColumnTarget target;
    target.values = &text;
    RETURN_IF_ERROR(ReadColumn(names, window, column, {}, "header", 0, 1, none, target));
    const std::uint32_t length = text.inlined.length;
    header.emplace_back(length <= sizeof text.inlined.text ? text.inlined.text : text.pointer.text, length);
  }
  return header;
}

}  // namespace millrace::readers
