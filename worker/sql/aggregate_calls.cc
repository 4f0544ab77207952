#include "worker/sql/aggregate_calls.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace millrace::sql {
namespace {

using nlohmann::json;

constexpr std::string_view kSelect = "SELECT ";

bool Is(const json& node, const char* key, const char* text) {
  const auto found = node.find(key);
  return found != node.end() && *found == text;
}

// DuckDB 1 has an argument's expressions beneath "children", DuckDB 2 beneath "arguments".
std::size_t Arguments(const json& call) {
  for (const char* key : {"children", "arguments"}) {
    if (const auto found = call.find(key); found != call.end()) return found->size();
  }
  return 0;
}

bool IsCall(const json& node, const std::set<std::string, std::less<>>& functions) {
  if (!node.is_object() || !Is(node, "class", "FUNCTION") || node.value("is_operator", true)) return false;
  const auto name = node.find("function_name");
  const auto orders = node.find("order_bys");
  return name != node.end() && name->is_string() && functions.contains(name->get<std::string>()) &&
         !node.value("distinct", true) && Arguments(node) <= 1 && orders != node.end() && orders->is_object() &&
         orders->value("orders", json::array()).empty();
}

json ColumnNode(const std::string& name, const json& instead_of) {
  json node = {{"class", "COLUMN_REF"}, {"type", "COLUMN_REF"}, {"alias", ""}, {"column_names", {name}}};
  for (const char* key : {"query_location", "query_location_length"}) {
    if (const auto found = instead_of.find(key); found != instead_of.end()) node[key] = *found;
  }
  return node;
}

// Of one expression each, in DuckDB's spelling.
StatusOr<std::vector<std::string>> TextsOf(Connection& connection, json statement, const std::vector<json>& nodes) {
  std::string list;
  for (const json& node : nodes) {
    statement["statements"][0]["node"]["select_list"] = json::array({node});
    list += (list.empty() ? "" : ", ") + ("json_deserialize_sql(" + QuoteText(statement.dump()) + ")");
  }
  ASSIGN_OR_RETURN(const Result result, connection.Run("SELECT " + list));
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::string_view text = result.Text(i, 0);
    if (!text.starts_with(kSelect)) return Internal("DuckDB's json_deserialize_sql gave " + std::string(text));
    texts.emplace_back(text.substr(kSelect.size()));
  }
  return texts;
}

}  // namespace

StatusOr<TakenApart> TakeApart(Connection& connection, const std::string& expression, const std::string& name,
                               const std::set<std::string, std::less<>>& functions) {
  ASSIGN_OR_RETURN(const Result serialised,
                   connection.Run("SELECT json_serialize_sql(" + QuoteText(std::string(kSelect) + expression) + ")::VARCHAR"));
  json statement = json::parse(serialised.Text(0, 0), nullptr, false);
  if (!statement.is_object() || statement.value("error", true) || statement["statements"].size() != 1) {
    return FailedPrecondition("'" + expression + "' is not one expression");
  }
  json& list = statement["statements"][0]["node"]["select_list"];
  if (list.size() != 1) return FailedPrecondition("'" + expression + "' is not one expression");
  std::vector<json> calls;
  const bool alone = IsCall(list[0], functions);
  std::vector<json*> pending = {&list[0]};
  while (!pending.empty()) {
    json& node = *pending.back();
    pending.pop_back();
    if (node.is_object() && Is(node, "class", "SUBQUERY")) return FailedPrecondition("'" + expression + "' has a subquery");
    if (IsCall(node, functions)) {
      json column = ColumnNode(name + "." + std::to_string(calls.size() + 1), node);
      calls.push_back(std::exchange(node, std::move(column)));
    } else if (node.is_structured()) {
      for (json& child : node) pending.push_back(&child);
    }
  }
  if (calls.empty()) return FailedPrecondition("'" + expression + "' has no such call");
  std::vector<json> nodes = calls;
  nodes.push_back(list[0]);
  ASSIGN_OR_RETURN(std::vector<std::string> texts, TextsOf(connection, statement, nodes));
  TakenApart apart;
  apart.rest = alone ? "" : std::move(texts.back());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const std::size_t open = texts[i].find('(');
    if (open == std::string::npos) return Internal("'" + texts[i] + "' is no call");
    apart.calls.push_back({calls[i]["function_name"], texts[i], texts[i].substr(open)});
  }
  return apart;
}

}  // namespace millrace::sql
