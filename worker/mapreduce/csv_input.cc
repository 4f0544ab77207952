#include "worker/mapreduce/csv_input.h"

#include <algorithm>
#include <filesystem>

#include "worker/readers/byte_stream.h"
#include "worker/readers/file_bytes.h"
#include "worker/readers/header.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteText;

constexpr const char* kIsoDate = "%Y-%m-%d";
// The sniffer fills one buffer of 32 MB unless told otherwise, which takes longer than looking at its sample; a line has at most 2 MB.
constexpr const char* kSniffBuffer = ", buffer_size=4194304";

bool IsCompressed(const std::string& path) { return readers::CompressionOf(path) != readers::Compression::kNone; }

std::string AuthorsOptions(const InputSpec& spec) {
  std::string options;
  if (!spec.delimiter.empty()) options += ", delim=" + QuoteText(spec.delimiter);
  if (spec.header) options += std::string(", header=") + (*spec.header ? "true" : "false");
  if (spec.null_text) options += ", nullstr=" + QuoteText(*spec.null_text);
  if (spec.bad_rows_limit > 0) options += ", ignore_errors=true";  // else one among the first of a file hides its columns
  if (spec.columns.empty()) return options;
  std::string types;
  for (const auto& [name, type] : spec.columns) types += (types.empty() ? "" : ", ") + QuoteText(name) + ": " + QuoteText(type);
  return options + ", types={" + types + "}";  // of some columns by name; the others are guessed
}

struct Sniffed {
  CsvDialect dialect;
  std::string newline;
  std::vector<Column> columns;
};

StatusOr<Sniffed> Sniff(sql::Connection& connection, const std::string& path, const std::string& options) {
  ASSIGN_OR_RETURN(const sql::Result rows,
                   connection.Run("SELECT Delimiter, Quote, Escape, Comment, coalesce(DateFormat, ''), coalesce(TimestampFormat, ''), "
                                  "NewLineDelimiter, SkipRows::BIGINT, HasHeader, unnest(Columns, recursive := true) FROM sniff_csv(" +
                                  QuoteText(path) + options + kSniffBuffer + ")"));
  if (rows.row_count() == 0) return FailedPrecondition(path + ": no columns were found");
  const auto text = [&rows](std::uint64_t column) {
    const std::string_view found = rows.Text(column, 0);
    return found == "(empty)" ? std::string() : std::string(found);
  };
  Sniffed sniffed;
  sniffed.dialect = {.delimiter = text(0),
                     .quote = text(1),
                     .escape = text(2),
                     .comment = text(3),
                     .date_format = text(4),
                     .timestamp_format = text(5),
                     .null_text = "",
                     .skip = rows.Integer(7, 0),
                     .header = rows.Integer(8, 0) != 0};
  sniffed.newline = text(6);
  for (std::uint64_t row = 0; row < rows.row_count(); ++row) {
    sniffed.columns.push_back({std::string(rows.Text(9, row)), std::string(rows.Text(10, row))});
  }
  return sniffed;
}

StatusOr<bool> BeginsWithoutQuotes(const std::string& path) {
  ASSIGN_OR_RETURN(const readers::FileBytes file, readers::FileBytes::Open(path));
  std::string head(static_cast<std::size_t>(std::min(file.size(), kSampledBytes)), '\0');
  RETURN_IF_ERROR(file.Read(0, head.data(), head.size()));
  return head.find('"') == std::string::npos;
}

// The sniffer says that there are no quotes when its sample has none; further on there may be some. Where the sample has quotes and
// they are none, they stay letters.
Status SettleQuote(sql::Connection& connection, const std::string& path, const std::string& options, Sniffed& sniffed) {
  CsvDialect& dialect = sniffed.dialect;
  if (dialect.quote.empty()) {
    bool quotes_fit = false;
    if (!IsCompressed(path)) {
      ASSIGN_OR_RETURN(quotes_fit, BeginsWithoutQuotes(path));
    }
    if (!quotes_fit) {
      const StatusOr<Sniffed> again = Sniff(connection, path, options + ", quote='\"'");
      quotes_fit = again.ok() && again->columns == sniffed.columns && again->dialect.delimiter == dialect.delimiter;
    }
    if (quotes_fit) dialect.quote = "\"";
  }
  if (dialect.escape.empty()) dialect.escape = dialect.quote;
  // Dates as everybody writes them, which DuckDB's own cast reads, without what its strptime makes of 'infinity'.
  if (dialect.date_format == kIsoDate) dialect.date_format.clear();
  return OkStatus();
}

// Why our reader cannot; empty: it can.
std::string WhyDuckDb(const InputFacts& input, const std::string& newline) {
  const CsvDialect& dialect = input.csv;
  if (dialect.delimiter.size() != 1) return "the delimiter has more than one byte";
  if (dialect.quote.size() > 1) return "the quote has more than one byte";
  if (dialect.escape != dialect.quote) return "quotes are escaped by " + dialect.escape;
  if (!dialect.comment.empty()) return "it has comments";
  if (dialect.skip != 0) return "lines before the first record are skipped";
  if (newline == "\\r") return "lines end with carriage returns alone";
  if (!dialect.date_format.empty()) return "dates are written as " + dialect.date_format;
  if (!dialect.timestamp_format.empty()) return "timestamps are written as " + dialect.timestamp_format;
  return "";
}

// Files are read by position: all must have the first one's names.
Status CheckHeaders(const InputFacts& input) {
  const readers::Dialect dialect = ReaderDialect(input);
  std::vector<std::string> first;
  for (const std::string& path : input.paths) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, readers::HeaderOf(dialect, path));
    if (first.empty()) first = names;
    for (std::size_t i = 0; i < std::min(first.size(), names.size()); ++i) {
      if (names[i] == first[i]) continue;
      return FailedPrecondition(path + ": column " + std::to_string(i + 1) + " is called '" + names[i] + "', but '" + first[i] + "' in " +
                                input.paths.front() + "; the files of an input must have the same columns in the same order");
    }
  }
  return OkStatus();
}

// Whose first records tell the dialect.
const std::string& Sample(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    std::error_code error;
    if (std::filesystem::file_size(path, error) > 0 && !error) return path;
  }
  return paths.front();
}

}  // namespace

Status FindCsv(sql::Connection& connection, const InputSpec& spec, InputFacts& input) {
  const std::string options = AuthorsOptions(spec);
  const std::string& sample = Sample(input.paths);
  ASSIGN_OR_RETURN(Sniffed sniffed, Sniff(connection, sample, options));
  RETURN_IF_ERROR(SettleQuote(connection, sample, options, sniffed));
  input.columns = std::move(sniffed.columns);
  input.csv = std::move(sniffed.dialect);
  input.csv.null_text = spec.null_text.value_or("");
  if (input.paths.size() > 1) {  // types that fit the first files, not only the first
    std::string list;
    for (const std::string& path : input.paths) list += (list.empty() ? "" : ", ") + QuoteText(path);
    ASSIGN_OR_RETURN(input.columns, connection.Describe("FROM read_csv([" + list + "]" + options + ", hive_partitioning=false)"));
  }
  input.reader_reason = WhyDuckDb(input, sniffed.newline);
  input.own_reader = input.reader_reason.empty();
  if (input.own_reader && input.csv.header && input.paths.size() > 1) return CheckHeaders(input);
  return OkStatus();
}

void FindText(InputFacts& input) {
  input.columns = {{"line", "VARCHAR"}};
  input.own_reader = true;
}

readers::Dialect ReaderDialect(const InputFacts& input) {
  if (input.format != "csv") return readers::Dialect::Lines();
  return {.delimiter = input.csv.delimiter.empty() ? ',' : input.csv.delimiter.front(),
          .quote = input.csv.quote.empty() ? '\0' : input.csv.quote.front(),
          .header = input.csv.header,
          .null_text = input.csv.null_text,
          .columns = static_cast<std::uint32_t>(input.columns.size() - input.path_columns.size())};
}

sql::FileReading ReadingOf(const InputFacts& input, readers::BadRecords* bad) {
  return {.dialect = ReaderDialect(input), .json = input.format == "jsonl", .bad = bad, .path_columns = input.path_columns};
}

std::string PinnedCsvOptions(const InputFacts& input) {
  const CsvDialect& dialect = input.csv;
  std::string options = ", auto_detect=false, delim=" + QuoteText(dialect.delimiter) +
                        ", quote=" + QuoteText(dialect.quote) + ", escape=" + QuoteText(dialect.escape) +
                        ", nullstr=" + QuoteText(dialect.null_text) + ", skip=" + std::to_string(dialect.skip) +
                        ", header=" + (dialect.header ? "true" : "false");
  if (!dialect.comment.empty()) options += ", comment=" + QuoteText(dialect.comment);
  if (!dialect.date_format.empty()) options += ", dateformat=" + QuoteText(dialect.date_format);
  if (!dialect.timestamp_format.empty()) options += ", timestampformat=" + QuoteText(dialect.timestamp_format);
  return options;
}

}  // namespace millrace::mapreduce
