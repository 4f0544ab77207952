// JSON Lines, however a file is cut: pieces have the rows and the bad lines of the whole, whatever its bytes are.
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"
#include "worker/readers/batch_reader.h"

namespace millrace::readers {
namespace {

class NoCast final : public OtherCast {
 public:
  bool Cast(const ValueType&, std::string_view, void*) override { return false; }
};

class Skipped final : public BadRecords {
 public:
  Status Skip(const std::string&, std::uint64_t offset, std::string_view record, const std::string& reason) override {
    text += std::to_string(offset) + " " + std::string(record) + " " + reason + "\n";
    return OkStatus();
  }
  std::string text;
};

// All rows as text, and the bad lines.
std::string Read(const FileFormat& format, const std::vector<Piece>& pieces, std::size_t window_bytes) {
  std::vector<std::uint32_t> wanted;
  for (std::uint32_t i = 0; i < format.columns.size(); ++i) wanted.push_back(i);
  Skipped bad;
  BatchReader reader(format, wanted, &bad, window_bytes);
  std::vector<std::vector<std::uint64_t>> memory(wanted.size(), std::vector<std::uint64_t>(2 * kMaxBatch));
  std::vector<ColumnTarget> targets(wanted.size());
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i].values = memory[i].data();
  NoCast none;
  std::string rows;
  for (const Piece& piece : pieces) {
    fuzz::Check(reader.Open(piece).ok(), "a piece can be opened");
    for (;;) {
      const StatusOr<std::size_t> count = reader.Next(none, targets);
      fuzz::Check(count.ok(), "bad lines are skipped");
      if (*count == 0) break;
      for (std::size_t row = 0; row < *count; ++row) {
        for (std::size_t i = 0; i < targets.size(); ++i) {
          const std::size_t bytes = format.columns[i].type.bytes();
          if (targets[i].nulls && (targets[i].valid[row / 64] >> row % 64 & 1) == 0) {
            rows += "-;";
          } else if (format.columns[i].type.kind == ValueKind::kText) {
            const Text& text = reinterpret_cast<const Text*>(memory[i].data())[row];
            rows += std::string(text.inlined.length <= 12 ? text.inlined.text : text.pointer.text, text.inlined.length) + ";";
          } else {
            rows += std::string(reinterpret_cast<const char*>(memory[i].data()) + row * bytes, bytes) + ";";
          }
        }
        rows += "\n";
      }
    }
  }
  return rows + bad.text;
}

}  // namespace
}  // namespace millrace::readers

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace::readers;
  millrace::fuzz::Choices choices(data, size);
  const std::uint64_t piece_bytes = 1 + choices.Below(200);
  const std::size_t window_bytes = 64 + choices.Below(200);
  ValueType type{.kind = static_cast<ValueKind>(choices.Below(14))};
  const bool json = choices.Below(2) == 1;
  const std::string_view text = choices.rest();
  if (text.empty()) return 0;
  const FileFormat format{.dialect = Dialect::Lines(),
                          .json = true,
                          .columns = {{.name = "a", .type = type, .json = json && type.kind == ValueKind::kText, .called = "a"},
                                      {.name = "b", .type = {}, .json = false, .called = "b"},
                                      {.name = "c", .type = {}, .json = true, .called = "c"}}};
  const int file = ::memfd_create("jsonl", MFD_CLOEXEC);
  millrace::fuzz::Check(::write(file, text.data(), text.size()) == static_cast<::ssize_t>(text.size()), "the file can be written");
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  const auto cut = CutFile(format.dialect, path, piece_bytes);
  millrace::fuzz::Check(cut.ok(), "every file can be cut");
  const std::string whole = Read(format, {{path, 0, text.size()}}, RecordReader::kWindowBytes);
  millrace::fuzz::Check(Read(format, *cut, window_bytes) == whole, "pieces have the rows and the bad lines of the whole");
  ::close(file);
  return 0;
}
