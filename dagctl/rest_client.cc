#include "dagctl/rest_client.h"

#include <curl/curl.h>

#include <algorithm>

#include "core/base/url_text.h"
#include "core/model/json.h"

namespace millrace::dagctl {
namespace {

constexpr long kConnectSeconds = 5;
constexpr long kAnswerSeconds = 60;
constexpr std::size_t kPage = 100;  // the server's most

std::size_t Append(char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

// FastAPI's two forms: a text, or a list of places with messages.
std::string Detail(const std::string& body) {
  const StatusOr<Value> value = ParseJson(body);
  const Value* detail = value.ok() ? value->Find("detail") : nullptr;
  if (detail == nullptr) return body.substr(0, 500);
  if (detail->is_string()) return detail->as_string();
  if (!detail->is_list()) return ToJson(*detail);
  std::string text;
  for (const Value& issue : detail->as_list()) {
    const Value* message = issue.Find("msg");
    const Value* place = issue.Find("loc");
    text += text.empty() ? "" : "; ";
    if (place != nullptr && place->is_list() && !place->as_list().empty() && place->as_list().back().is_string()) {
      text += place->as_list().back().as_string() + ": ";
    }
    text += message != nullptr && message->is_string() ? message->as_string() : ToJson(issue);
  }
  return text;
}

Status FromHttp(long code, const std::string& body) {
  const std::string detail = Detail(body);
  switch (code) {
    case 400:
    case 422: return InvalidArgument(detail);
    case 401: return Unauthenticated(detail + " (give a token by MILLRACE_TOKEN or --state)");
    case 403: return PermissionDenied(detail);
    case 404: return NotFound(detail);
    case 409: return AlreadyExists(detail);
    case 429: return ResourceExhausted(detail);
    case 503: return Unavailable(detail);
    default: return Internal("HTTP " + std::to_string(code) + ": " + detail);
  }
}

}  // namespace

struct RestClient::Handle {
  CURL* curl = curl_easy_init();
  ~Handle() { curl_easy_cleanup(curl); }
};

RestClient::RestClient(std::string url, std::string token)
    : handle_(std::make_unique<Handle>()), url_(std::move(url)), token_(std::move(token)) {
  while (url_.ends_with('/')) url_.pop_back();
}

RestClient::~RestClient() = default;

StatusOr<Value> RestClient::Get(const std::string& path, const QueryParameters& query) { return Send("GET", path, query, ""); }
StatusOr<Value> RestClient::Post(const std::string& path, const Value& body) { return Send("POST", path, {}, ToJson(body)); }
StatusOr<Value> RestClient::Patch(const std::string& path, const Value& body) { return Send("PATCH", path, {}, ToJson(body)); }
StatusOr<Value> RestClient::Put(const std::string& path, const Value& body, const QueryParameters& query) {
  return Send("PUT", path, query, ToJson(body));
}
StatusOr<Value> RestClient::Delete(const std::string& path, const QueryParameters& query) { return Send("DELETE", path, query, ""); }

StatusOr<Value::List> RestClient::All(const std::string& path, const std::string& member, QueryParameters query, std::size_t most) {
  Value::List rows;
  // By offset only the first ten thousand can be reached.
  const bool by_cursor = path.ends_with("/dagRuns") || path.ends_with("/taskInstances");
  std::string cursor;
  while (rows.size() < most) {
    QueryParameters page = query;
    page.emplace_back("limit", std::to_string(std::min(kPage, most - rows.size())));
    page.emplace_back(by_cursor ? "cursor" : "offset", by_cursor ? cursor : std::to_string(rows.size()));
    ASSIGN_OR_RETURN(const Value answer, Get(path, page));
    const Value* list = answer.Find(member);
    if (list == nullptr || !list->is_list()) return Internal("the scheduler's answer has no " + member);
    rows.insert(rows.end(), list->as_list().begin(), list->as_list().end());
    if (list->as_list().size() < std::min(kPage, most)) break;
    const Value* next = answer.Find("next_cursor");
    if (by_cursor && (next == nullptr || !next->is_string())) break;
    if (by_cursor) cursor = next->as_string();
  }
  return rows;
}

StatusOr<Value> RestClient::Send(const std::string& method, const std::string& path, const QueryParameters& query,
                                 const std::string& body) {
  CURL* curl = handle_->curl;
  curl_easy_reset(curl);  // keeps the connection
  std::string url = url_ + path;
  for (std::size_t i = 0; i < query.size(); ++i) {
    url += (i == 0 ? "?" : "&") + Segment(query[i].first) + "=" + Segment(query[i].second);
  }
  std::string answer;
  curl_slist* headers = curl_slist_append(nullptr, "Accept: application/json");
  headers = curl_slist_append(headers, ("Authorization: Bearer " + token_).c_str());
  if (!body.empty()) headers = curl_slist_append(headers, "Content-Type: application/json");
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kAnswerSeconds);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  if (!body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  }
  const CURLcode result = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  if (result != CURLE_OK) {
    return Unavailable("cannot reach the scheduler at " + url_ + ": " + curl_easy_strerror(result) +
                       " (is it running? dagctl up starts one)");
  }
  long code = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  if (code < 200 || code > 299) return FromHttp(code, answer);
  if (answer.empty()) return Value();
  return ParseJson(answer);
}

std::string Segment(std::string_view text) { return UrlEncoded(text); }

std::string DagPath(std::string_view dag_id) { return "/api/v2/dags/" + Segment(dag_id); }
std::string RunPath(std::string_view dag_id, std::string_view run_id) { return DagPath(dag_id) + "/dagRuns/" + Segment(run_id); }
TaskName ParseTaskName(std::string_view text) {
  const std::size_t bracket = text.find('[');
  if (bracket == text.npos || !text.ends_with("]")) return {std::string(text), ""};
  return {std::string(text.substr(0, bracket)), std::string(text.substr(bracket + 1, text.size() - bracket - 2))};
}

std::string TaskPath(std::string_view dag_id, std::string_view run_id, std::string_view task_id) {
  const TaskName name = ParseTaskName(task_id);
  return RunPath(dag_id, run_id) + "/taskInstances/" + Segment(name.id) +
         (name.map_index.empty() ? "" : "/" + Segment(name.map_index));
}

}  // namespace millrace::dagctl
