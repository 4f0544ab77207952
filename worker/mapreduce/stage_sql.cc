#include "worker/mapreduce/stage_sql.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "worker/mapreduce/bind.h"
#include "worker/mapreduce/site.h"

namespace millrace::mapreduce {
namespace {

using sql::FoldCase;
using sql::QuoteName;
using sql::QuoteText;

constexpr const char* kProbe = "millrace.probe";

std::string Upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// What DuckDB compares instead of a text with this collation ("nocase.noaccent"; names of ICU are one word).
std::string CollationKey(std::string text, const std::string& collation) {
  for (std::size_t begin = 0; begin < collation.size();) {
    const std::size_t end = std::min(collation.find('.', begin), collation.size());
    const std::string name = FoldCase(collation.substr(begin, end - begin));
    if (name == "nocase") {
      text = "lower(" + text + ")";
    } else if (name == "noaccent") {
      text = "strip_accents(" + text + ")";
    } else if (name == "nfc") {
      text = "nfc_normalize(" + text + ")";
    } else if (name != "binary" && name != "c" && name != "posix") {
      text = "icu_sort_key(" + text + ", " + QuoteText(name) + ")";
    }
    begin = end + 1;
  }
  return text;
}

// Takes the last word off; "" when it is not one of `words`.
std::string TakeLast(std::string& text, const std::vector<std::string>& words) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
  const std::string upper = Upper(text);
  for (const std::string& word : words) {
    if (!upper.ends_with(word) || upper.size() <= word.size()) continue;
    if (std::isspace(static_cast<unsigned char>(upper[upper.size() - word.size() - 1])) == 0) continue;
    text.resize(text.size() - word.size());
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
    return word;
  }
  return "";
}

std::string Joined(const std::vector<std::string>& parts, const char* between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

}  // namespace

std::string KeySql(const KeyColumn& key, const std::string& relation) {
  std::string text = (relation.empty() ? "" : QuoteName(relation) + ".") + QuoteName(key.column);
  return key.cast.empty() ? text : "CAST(" + text + " AS " + key.cast + ")";
}

std::string HashSql(const std::vector<KeyColumn>& keys, const std::vector<Column>& columns, bool keep_nulls) {
  std::vector<std::string> parts;
  std::vector<std::string> nulls;
  bool plain = !keep_nulls;
  for (const KeyColumn& key : keys) {
    plain = plain && key.cast.empty() && key.collation.empty();
    parts.push_back(CollationKey(KeySql(key), key.collation));
    nulls.push_back(QuoteName(key.column) + " IS NULL");
  }
  if (plain || keys.empty()) return "";
  const std::string hash = "hash(" + Joined(parts, ", ") + ")";
  if (!keep_nulls) return hash;
  std::vector<std::string> all;
  for (const Column& column : columns) all.push_back(QuoteName(column.name));
  return "CASE WHEN " + Joined(nulls, " OR ") + " THEN hash(" + Joined(all, ", ") + ") ELSE " + hash + " END";
}

std::string NoNullSql(const std::vector<KeyColumn>& keys) {
  std::vector<std::string> parts;
  for (const KeyColumn& key : keys) parts.push_back(QuoteName(key.column) + " IS NOT NULL");
  return Joined(parts, " AND ");
}

StatusOr<std::string> ComparisonType(sql::Connection& connection, const std::string& left,
                                     const std::string& right) {
  if (left == right) return left;
  // Text is compared as what it meets.
  if (left == "VARCHAR") return right;
  if (right == "VARCHAR") return left;
  const auto columns =
      connection.Describe("SELECT coalesce(CAST(NULL AS " + left + "), CAST(NULL AS " + right + ")) AS k");
  if (!columns.ok()) return columns.status();
  return columns->front().type;
}

StatusOr<std::map<std::string, std::string>> FindCollations(sql::Connection& connection,
                                                            const std::string& view) {
  ASSIGN_OR_RETURN(const std::vector<Column> columns, connection.Describe("FROM " + QuoteName(view)));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < columns.size(); ++i) names.push_back("c" + std::to_string(i));
  RETURN_IF_ERROR(connection
                      .Run("CREATE OR REPLACE TEMP TABLE " + QuoteName(kProbe) + " AS SELECT * FROM (FROM " +
                           QuoteName(view) + ") AS probed(" + Joined(names, ", ") + ") LIMIT 0")
                      .status());
  ASSIGN_OR_RETURN(const sql::Result made,
                   connection.Run("SELECT sql FROM duckdb_tables() WHERE table_name = " + QuoteText(kProbe)));
  const std::string definition = made.row_count() == 0 ? "" : std::string(made.Text(0, 0));
  std::map<std::string, std::string> found;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string before = names[i] + " VARCHAR COLLATE ";
    const std::size_t at = definition.find(before);
    if (at == std::string::npos || (at > 0 && definition[at - 1] != '(' && definition[at - 1] != ' '))
      continue;
    const std::size_t begin = at + before.size();
    const std::size_t end = definition.find_first_of(",) ;", begin);
    std::string name = definition.substr(begin, end - begin);
    std::erase(name, '"');
    found[columns[i].name] = name;
  }
  return found;
}

std::string CollateSql(const std::string& view, const std::map<std::string, std::string>& collations) {
  std::vector<std::string> replaced;
  for (const auto& [column, collation] : collations) {
    if (!collation.empty())
      replaced.push_back(QuoteName(column) + " COLLATE " + collation + " AS " + QuoteName(column));
  }
  return "SELECT * REPLACE (" + Joined(replaced, ", ") + ") FROM " + QuoteName(view);
}

std::string WindowSql(const WindowSpec& window, const std::string& input) {
  std::string added;
  for (const auto& [column, function] : window.select)
    added += ", " + function + " OVER millrace AS " + QuoteName(column);
  std::vector<std::string> by;
  for (const std::string& column : window.by) by.push_back(QuoteName(column));
  const std::string partition = by.empty() ? "" : "PARTITION BY " + Joined(by, ", ");
  return "SELECT *" + added + " FROM " + QuoteName(input) + " WINDOW millrace AS (" + partition +
         OrderSql(window.order_by, -1) + ")";
}

std::string OrderSql(const std::vector<std::string>& order_by, std::int64_t limit) {
  std::string text = order_by.empty() ? "" : " ORDER BY " + Joined(order_by, ", ");
  return limit < 0 ? text : text + " LIMIT " + std::to_string(limit);
}

StatusOr<std::string> SortKeySql(sql::Connection& connection, const std::string& what,
                                 const std::vector<std::string>& order_by, const std::string& input,
                                 const std::map<std::string, std::string>& collations) {
  std::vector<std::string> parts;
  for (const std::string& item : order_by) {
    std::string text = item;
    const std::string nulls = TakeLast(text, {"FIRST", "LAST"});
    if (!nulls.empty() && TakeLast(text, {"NULLS"}).empty()) text = item;  // a column of that name
    const std::string direction = TakeLast(text, {"ASC", "DESC"});
    if (std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; }))
      return InvalidArgument(what + ": order_by: '" + item + "' is a number; name the column");
    std::string collation;
    const std::size_t collate = Upper(text).rfind(" COLLATE ");
    if (collate != std::string::npos && text.find_first_of(")'\"", collate) == std::string::npos) {
      collation = text.substr(collate + 9);
      text.resize(collate);
    }
    for (const auto& [column, own] : collations) {
      if (collation.empty() && (text == column || text == QuoteName(column))) collation = own;
    }
    parts.push_back(CollationKey("(" + text + ")", collation));
    parts.push_back(
        QuoteText((direction.empty() ? "ASC" : direction) + " NULLS " + (nulls.empty() ? "LAST" : nulls)));
  }
  std::string key = "create_sort_key(" + Joined(parts, ", ") + ")";
  const auto bound = connection.Describe("SELECT " + key + " AS k FROM " + QuoteName(input));
  if (!bound.ok()) return InvalidArgument(what + ": order_by: " + OneLine(bound.status().message()));
  return key;
}

StatusOr<std::string> JoinSql(const JoinSpec& join, const std::vector<KeyColumn>& left_keys,
                              const std::vector<KeyColumn>& right_keys, const std::vector<Column>& left,
                              const std::vector<Column>& right) {
  std::string on;
  for (std::size_t i = 0; i < left_keys.size(); ++i) {
    on += (on.empty() ? "" : " AND ") + KeySql(left_keys[i], join.left) + " = " +
          KeySql(right_keys[i], join.right);
  }
  const auto key_of_both = [&](const std::string& name) -> int {
    for (std::size_t i = 0; i < left_keys.size(); ++i) {
      if (left_keys[i].column == name && right_keys[i].column == name) return static_cast<int>(i);
    }
    return -1;
  };
  std::vector<std::string> list;
  for (const Column& column : left) {
    const std::string mine = QuoteName(join.left) + "." + QuoteName(column.name);
    const int key = key_of_both(column.name);
    if (key < 0 || (join.type != "right" && join.type != "full")) {
      list.push_back(mine);
    } else {
      const auto i = static_cast<std::size_t>(key);
      list.push_back("coalesce(" + KeySql(left_keys[i], join.left) + ", " +
                     KeySql(right_keys[i], join.right) + ") AS " + QuoteName(column.name));
    }
  }
  const bool left_only = join.type == "semi" || join.type == "anti";
  for (const Column& column : left_only ? std::vector<Column>{} : right) {
    if (key_of_both(column.name) >= 0) continue;
    const auto same = [&](const Column& other) { return FoldCase(other.name) == FoldCase(column.name); };
    if (join.select.empty() && std::any_of(left.begin(), left.end(), same)) {
      return InvalidArgument("join: both sides have a column '" + column.name +
                             "': say in 'select' what comes out");
    }
    list.push_back(QuoteName(join.right) + "." + QuoteName(column.name));
  }
  const std::string select = join.select.empty() ? Joined(list, ", ") : join.select;
  return "SELECT " + select + " FROM " + QuoteName(join.left) + " " + Upper(join.type) + " JOIN " +
         QuoteName(join.right) + " ON " + on;
}

StatusOr<std::string> NeedsRowsTogether(sql::Connection& connection, const std::string& sql,
                                        const std::vector<std::string>& functions) {
  const std::vector<std::string> words = BareWords(sql);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string next = i + 1 < words.size() ? words[i + 1] : "";
    const std::string before = i > 0 ? words[i - 1] : "";
    if ((words[i] == "group" || words[i] == "order") && next == "by") return Upper(words[i]) + " BY";
    if (words[i] == "distinct" && (next != "from" || (before != "is" && before != "not")))
      return std::string("DISTINCT");
    for (const char* word : {"limit", "offset", "over", "having", "qualify", "intersect", "except"}) {
      if (words[i] == word) return Upper(word);
    }
  }
  if (functions.empty()) return std::string();
  ASSIGN_OR_RETURN(const std::set<std::string>* aggregates, connection.instance().AggregateFunctions(connection));
  for (const std::string& function : functions) {
    if (aggregates->contains(function)) return function + "()";
  }
  return std::string();
}

}  // namespace millrace::mapreduce
