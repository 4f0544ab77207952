// Our CSV reader, or of a .jsonl file that of JSON Lines, beside DuckDB's, in one process with two threads: the fastest of some
// rounds, in milliseconds. BIGINT columns.
//
//   csv_scan FILE "SELECT g, count(*) FROM rows GROUP BY g" k,g,v [ROUNDS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "worker/sql/file_scan.h"

namespace {

using Clock = std::chrono::high_resolution_clock;

template <typename Body>
double Best(int rounds, const Body& body) {
  double best = 1e18;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = Clock::now();
    const millrace::Status status = body();
    if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
    if (!status.ok()) std::exit(1);
    best = std::min(best, std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  namespace sql = millrace::sql;
  namespace readers = millrace::readers;
  if (argc < 4) return 2;
  const std::string path = argv[1];
  const std::string select = argv[2];
  const std::string names = argv[3];
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 5;
  std::vector<millrace::Column> columns;
  std::string types;
  for (std::size_t at = 0; at < names.size();) {
    const std::size_t end = std::min(names.find(',', at), names.size());
    columns.push_back({names.substr(at, end - at), "BIGINT"});
    types += (types.empty() ? "'" : ", '") + columns.back().name + "': 'BIGINT'";
    at = end + 1;
  }
  const bool json = path.ends_with(".jsonl");
  readers::Dialect dialect = readers::Dialect::Lines();
  if (!json) dialect = {.header = true, .null_text = {}};
  auto instance = sql::Instance::Open({.threads = 2, .sandboxed = false});
  if (!instance.ok()) return 1;
  const auto connection = (*instance)->Connect().value();
  std::vector<readers::Piece> pieces;
  const double cut = Best(rounds, [&] {
    auto found = readers::CutFile(dialect, path, std::uint64_t{4} << 20);
    if (found.ok()) pieces = *std::move(found);
    return found.status();
  });
  const auto input = sql::OpenFileInput(*connection, "rows", columns, {.dialect = dialect, .json = json}, pieces).value();
  const double ours = Best(rounds, [&] { return connection->Run(select).status(); });
  const double counted = Best(rounds, [&] { return connection->Run("SELECT count(*) FROM rows").status(); });
  connection->Run("DROP VIEW rows").value();
  const std::string theirs =
      json ? "read_json(" + sql::QuoteText(path) + ", format='newline_delimited', columns={" + types + "})"
           : "read_csv(" + sql::QuoteText(path) + ", auto_detect=false, delim=',', quote='\"', escape='\"', header=true, columns={" + types + "})";
  connection->Run("CREATE TEMP VIEW rows AS SELECT * FROM " + theirs).value();
  const double duckdb = Best(rounds, [&] { return connection->Run(select).status(); });
  std::printf("DuckDB %.0f ms, ours %.0f ms (%.2f times its speed), of that count(*) %.0f ms; to cut the file %.1f ms\n", duckdb, ours,
              duckdb / ours, counted, cut);
}
