#include "worker/mapreduce/bind.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "worker/mapreduce/site.h"

namespace millrace::mapreduce {
namespace {

// Another value at each call, or each run: a task that is made again would not repeat itself.
const std::set<std::string, std::less<>> kUnrepeatable = {
    "random",           "rand",          "uuid",       "gen_random_uuid",     "uuidv4",
    "uuidv7",           "setseed",       "now",        "get_current_timestamp", "transaction_timestamp",
    "current_timestamp", "current_date", "today",      "current_time",        "get_current_time",
    "current_localtime", "current_localtimestamp",     "nextval",             "currval",
    "txid_current",     "getenv",        "getvariable", "current_setting"};

// The same without parentheses, where SQL allows it.
const std::set<std::string, std::less<>> kUnrepeatableWords = {
    "current_timestamp", "current_date", "current_time", "localtime", "localtimestamp", "current_localtime",
    "current_localtimestamp"};

// Rows made from arguments alone; all others read something that is no input of the job.
const std::set<std::string, std::less<>> kPureTableFunctions = {"range", "generate_series", "unnest", "repeat", "repeat_row",
                                                               "json_each", "json_tree"};

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

Status Refuse(const std::string& step, const std::string& what) { return InvalidArgument(step + ": " + what); }

Status CheckRepeatable(const std::string& step, const sql::SelectFacts& facts, const std::vector<Column>& in_reach) {
  const auto refuse = [&](const std::string& word) {
    return Refuse(step, "'" + word +
                            "' gives another value each time, so a task that is made again would not repeat itself; "
                            "write the value into the SQL: {{ ts }}, {{ ds }}, or a hash of the row");
  };
  for (const std::string& function : facts.functions) {
    if (kUnrepeatable.contains(function)) return refuse(function + "()");
  }
  for (const std::string& word : BareWords(facts.text)) {
    const auto named = [&](const Column& column) { return sql::FoldCase(column.name) == word; };
    if (kUnrepeatableWords.contains(word) && std::none_of(in_reach.begin(), in_reach.end(), named)) return refuse(word);
  }
  return OkStatus();
}

Status CheckSources(const std::string& step, const sql::SelectFacts& facts) {
  for (const std::string& function : facts.table_functions) {
    if (!kPureTableFunctions.contains(sql::FoldCase(function))) {
      return Refuse(step, "'" + function + "' reads what is no input of the job; name it under 'inputs' and read it by its name");
    }
  }
  for (const std::string& table : facts.tables) {
    // DuckDB would take it for a file.
    if (table.find_first_of("./*") != std::string::npos) {
      return Refuse(step, "'" + table + "' is no input of the job; name it under 'inputs' and read it by its name");
    }
  }
  return OkStatus();
}

}  // namespace

bool HasOneSidedJoin(std::string_view sql) {
  static const std::set<std::string, std::less<>> kAlone = {"anti", "except", "intersect"};
  const std::vector<std::string> words = BareWords(sql);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const std::string next = i + 1 < words.size() ? words[i + 1] : "";
    const bool side = word == "left" || word == "right" || word == "full";
    if (kAlone.contains(word) || (side && (next == "join" || next == "outer"))) return true;
    if (word == "not" && (next == "exists" || next == "in")) return true;
  }
  return false;
}

std::vector<std::string> BareWords(std::string_view sql) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < sql.size();) {
    const char c = sql[i];
    if (c == '\'' || c == '"') {
      const std::size_t end = sql.find(c, i + 1);
      i = end == std::string_view::npos ? sql.size() : end + 1;
    } else if (sql.substr(i, 2) == "--") {
      i = std::min(sql.find('\n', i), sql.size());
    } else if (sql.substr(i, 2) == "/*") {
      const std::size_t end = sql.find("*/", i + 2);
      i = end == std::string_view::npos ? sql.size() : end + 2;
    } else if (IsWord(c)) {
      std::size_t end = i;
      while (end < sql.size() && IsWord(sql[end])) ++end;
      if (i == 0 || sql[i - 1] != '.') words.push_back(sql::FoldCase(sql.substr(i, end - i)));
      i = end;
    } else {
      ++i;
    }
  }
  return words;
}

StatusOr<BoundSelect> BindSelect(sql::Connection& connection, const std::string& step, const std::string& sql,
                                 const std::vector<Column>& columns_in_reach) {
  StatusOr<sql::SelectFacts> facts = connection.CheckSelect(sql);
  if (!facts.ok()) return Status(facts.status().code(), step + ": " + OneLine(facts.status().message()));
  RETURN_IF_ERROR(CheckRepeatable(step, *facts, columns_in_reach));
  RETURN_IF_ERROR(CheckSources(step, *facts));
  StatusOr<std::vector<Column>> columns = connection.Describe(facts->text);
  if (!columns.ok()) return Status(columns.status().code(), step + ": " + OneLine(columns.status().message()));
  std::set<std::string> names;
  for (const Column& column : *columns) {
    if (!names.insert(sql::FoldCase(column.name)).second) {
      return Refuse(step, "two columns are called '" + column.name + "'; give one another name with AS");
    }
  }
  return BoundSelect{.text = facts->text, .columns = *std::move(columns), .tables = facts->tables, .functions = facts->functions};
}

}  // namespace millrace::mapreduce
