// A CSV or text file, read whole and in pieces: the same rows or no rows, whatever the bytes.
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"
#include "worker/readers/boundaries.h"
#include "worker/readers/record_reader.h"
#include "worker/readers/values.h"

namespace millrace::readers {
namespace {

class NoCast final : public OtherCast {
 public:
  bool Cast(const ValueType&, std::string_view, void*) override { return false; }
};

std::string TextOf(const Text& text) {
  const std::uint32_t length = text.inlined.length;
  return {length <= sizeof text.inlined.text ? text.inlined.text : text.pointer.text, length};
}

// Fields as texts, one after the other, each behind its length; "-" is NULL. The first column is also read as a value of `type`.
StatusOr<std::string> Read(const Dialect& dialect, const std::vector<Piece>& pieces, std::size_t window_bytes, const ValueType& type) {
  RecordReader reader(dialect, window_bytes);
  std::string rows;
  NoCast none;
  std::vector<Text> texts(kMaxBatch);
  for (const Piece& piece : pieces) {
    RETURN_IF_ERROR(reader.Open(piece));
    Window window;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, reader.Next(window));
      if (!more) break;
      for (std::size_t first = 0; first < window.rows; first += kMaxBatch) {
        const std::size_t count = std::min(window.rows - first, kMaxBatch);
        std::vector<std::string> batch(count);
        for (std::uint32_t column = 0; column < dialect.columns; ++column) {
          ColumnTarget target;
          target.values = texts.data();
          const bool typed = column == 0 && type.kind != ValueKind::kText;
          const Status read = ReadColumn(dialect, window, column, typed ? type : ValueType{}, "c", first, count, none, target);
          if (typed) continue;  // any value may be bad
          RETURN_IF_ERROR(read);
          for (std::size_t i = 0; i < count; ++i) {
            const bool null = target.nulls && (target.valid[i / 64] >> i % 64 & 1) == 0;
            const std::string text = null ? "-" : TextOf(texts[i]);
            batch[i] += (null ? "" : std::to_string(text.size())) + text + "\n";
          }
        }
        for (const std::string& row : batch) rows += row;
      }
    }
  }
  return rows;
}

}  // namespace
}  // namespace millrace::readers

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace::readers;
  millrace::fuzz::Choices choices(data, size);
  Dialect dialect{.delimiter = ",;|\t :"[choices.Below(6)], .null_text = {}};
  const unsigned how = choices.Below(64);
  dialect.header = (how & 1) != 0;
  dialect.nulls = (how & 2) != 0;
  if ((how & 4) != 0) dialect.null_text = "NA";
  if ((how & 24) == 24) dialect.quote = '\0';
  if ((how & 56) == 32) dialect = Dialect::Lines();
  if (!dialect.lines()) dialect.columns = 1 + choices.Below(4);
  const std::uint64_t piece_bytes = 1 + choices.Below(200);
  const std::size_t window_bytes = 64 + choices.Below(200);
  ValueType type{.kind = static_cast<ValueKind>(choices.Below(18))};
  if (type.kind >= ValueKind::kDecimal16) type = *ValueTypeOf(type.kind == ValueKind::kDecimal128 ? "DECIMAL(38,5)" : "DECIMAL(9,2)");
  const std::string_view text = choices.rest();
  if (text.empty()) return 0;

  const int file = ::memfd_create("csv", MFD_CLOEXEC);
  millrace::fuzz::Check(::write(file, text.data(), text.size()) == static_cast<::ssize_t>(text.size()), "the file can be written");
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  const auto whole = Read(dialect, {{path, 0, text.size()}}, RecordReader::kWindowBytes, type);
  const auto cut = CutFile(dialect, path, piece_bytes);
  millrace::fuzz::Check(cut.ok(), "every file can be cut");
  const auto pieces = Read(dialect, *cut, window_bytes, type);
  millrace::fuzz::Check(whole.ok() == pieces.ok(), "pieces are refused exactly where the whole is");
  if (whole.ok()) millrace::fuzz::Check(*whole == *pieces, "pieces have the rows of the whole");
  ::close(file);
  return 0;
}
