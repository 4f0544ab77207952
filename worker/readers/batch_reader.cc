#include "worker/readers/batch_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "worker/readers/path_columns.h"

namespace millrace::readers {

BatchReader::BatchReader(const FileFormat& format, std::vector<std::uint32_t> wanted, BadRecords* bad, std::size_t window_bytes)
    : format_(format), wanted_(std::move(wanted)), bad_(bad), reader_(format.dialect, window_bytes, bad) {
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (format.columns[wanted_[i]].from_path) constants_.push_back({.target = i});
  }
  if (!format.json) return;
  std::vector<JsonColumn> columns;
  for (const std::uint32_t column : wanted_) columns.push_back(format.columns[column]);
  json_ = std::make_unique<JsonLines>(std::move(columns), bad);
}

Status BatchReader::Open(const Piece& piece) {
  window_ = {};
  row_ = 0;
  return reader_.Open(piece);
}

StatusOr<std::size_t> BatchReader::Next(OtherCast& other, std::vector<ColumnTarget>& targets) {
  for (;;) {
    while (row_ == window_.rows) {
      row_ = 0;
      ASSIGN_OR_RETURN(const bool more, reader_.Next(window_));
      if (!more) {
        window_ = {};
        return std::size_t{0};
      }
    }
    ASSIGN_OR_RETURN(const std::size_t rows, json_ != nullptr ? json_->Read(window_, row_, other, targets) : FromWindow(other, targets));
    if (rows == 0) continue;
    if (!constants_.empty() && path_ != *window_.path) RETURN_IF_ERROR(ReadPath(*window_.path, other));
    FillFromPath(rows, targets);
    return rows;
  }
}

// A batch of records column by column. Where one is bad, the rows before it are a batch of their own.
StatusOr<std::size_t> BatchReader::FromWindow(OtherCast& other, std::vector<ColumnTarget>& targets) {
  std::size_t rows = std::min(window_.rows - row_, kMaxBatch);
  BadField field;
  for (std::size_t i = 0; i < wanted_.size();) {
    const JsonColumn& column = format_.columns[wanted_[i]];
    if (column.from_path) {
      ++i;
      continue;
    }
    const Status read = ReadColumn(format_.dialect, window_, wanted_[i], column.type, column.called, row_, rows, other, targets[i],
                                   bad_ != nullptr ? &field : nullptr);
    ++i;
    if (read.ok()) continue;
    if (bad_ == nullptr) return read;
    field.Restore();
    if (field.row == 0) {
      RETURN_IF_ERROR(SkipRow(field));
      return std::size_t{0};
    }
    rows = field.row;
    i = 0;
  }
  row_ += rows;
  return rows;
}

// The values of the file's folders.
Status BatchReader::ReadPath(const std::string& path, OtherCast& other) {
  const std::vector<PathValue> values = PathValuesOf(path);
  for (Constant& constant : constants_) {
    const JsonColumn& column = format_.columns[wanted_[constant.target]];
    constant.null = true;
    for (const PathValue& value : values) {  // the innermost counts
      if (value.name != column.name) continue;
      constant.null = !value.value;
      constant.text = value.value.value_or("");
    }
    if (constant.null) continue;
    const std::size_t length = constant.text.size();
    constant.text.append(16, '\0');
    const std::string_view text(constant.text.data(), length);
    if (column.type.kind == ValueKind::kText) {
      Text laid_out{};
      SetText(laid_out, text);
      std::memcpy(constant.value, &laid_out, sizeof laid_out);
    } else if (!ReadValue(column.type, text, other, constant.value)) {
      return FailedPrecondition(path + ": " + column.called + ": the folder's '" + Shown(text) + "' is no such value");
    }
  }
  path_ = path;
  return OkStatus();
}

void BatchReader::FillFromPath(std::size_t rows, std::vector<ColumnTarget>& targets) const {
  for (const Constant& constant : constants_) {
    ColumnTarget& target = targets[constant.target];
    target.nulls = constant.null;
    if (constant.null) std::memset(target.valid, 0, sizeof target.valid);
    const std::size_t bytes = format_.columns[wanted_[constant.target]].type.bytes();
    for (std::size_t row = 0; row < rows; ++row) std::memcpy(static_cast<char*>(target.values) + row * bytes, constant.value, bytes);
  }
}

Status BatchReader::SkipRow(const BadField& field) {
  const std::size_t first = row_++ * window_.columns;
  const std::uint32_t begin = window_.begins != nullptr ? window_.begins[first] : window_.ends[static_cast<std::ptrdiff_t>(first) - 1] + 1;
  const std::uint32_t end = window_.ends[first + window_.columns - 1];
  return bad_->Skip(*window_.path, window_.offset + begin, {window_.data + begin, end - begin}, field.reason);
}

}  // namespace millrace::readers
