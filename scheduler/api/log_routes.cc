// Logs of task instances, in pieces: JSON with a token to go on, NDJSON or plain text, as the client asks.
#include <charconv>

#include "core/model/json.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"

namespace millrace::api {
namespace {

constexpr std::int64_t kPiece = 256 * 1024;
constexpr std::int64_t kFull = 8 * 1024 * 1024;
constexpr Duration kSettle = std::chrono::seconds(1);

struct Piece {
  std::string data;
  std::int64_t next = 0;
  bool over = false;  // nothing more will come
};

StatusOr<Piece> ReadPiece(Context& context, const TaskInstanceKey& key, std::int32_t try_number,
                          std::int64_t from, std::int64_t size) {
  ASSIGN_OR_RETURN(const TaskInstance instance, context.readers.task_instances.GetTaskInstance(key));
  if (try_number > instance.try_number) return NotFound("The task instance has not had this try yet");
  // Logs travel beside the reports, so the last lines may come a moment after the end.
  const bool settled = !instance.ended_at || context.clock.now().wall - *instance.ended_at > kSettle;
  const bool ended = try_number < instance.try_number || (!HasAttempt(instance.state) && settled);
  Piece piece;
  piece.next = from;
  bool end = false;
  while (!end && static_cast<std::int64_t>(piece.data.size()) < size) {
    ASSIGN_OR_RETURN(const store::LogSlice slice,
                     context.readers.logs.Read(key, try_number, piece.next,
                                               size - static_cast<std::int64_t>(piece.data.size())));
    if (slice.next <= piece.next && !slice.end) return DataLoss("The log does not go on");
    piece.data += slice.data;
    piece.next = slice.next;
    end = slice.end;
  }
  piece.over = end && ended;
  return piece;
}

Value::List Lines(std::string_view data) {
  Value::List lines;
  while (!data.empty()) {
    const std::size_t end = data.find('\n');
    lines.emplace_back(Value::Map{{"timestamp", Value()}, {"event", data.substr(0, end)}});
    data = end == std::string_view::npos ? std::string_view() : data.substr(end + 1);
  }
  return lines;
}

// Keeps whole lines, so that the next piece starts with a line; a line longer than a piece is cut.
void CutToLines(Piece* piece) {
  if (piece->over) return;
  const std::size_t end = piece->data.rfind('\n');
  if (end == std::string::npos) {
    if (static_cast<std::int64_t>(piece->data.size()) >= kPiece) return;
    piece->next -= static_cast<std::int64_t>(piece->data.size());
    piece->data.clear();
    return;
  }
  piece->next -= static_cast<std::int64_t>(piece->data.size() - end - 1);
  piece->data.resize(end + 1);
}

http::Response GetLog(Context& context, const Call& call) {
  QueryInput query(call.request);
  const auto map_index = static_cast<std::int32_t>(query.Int("map_index", -1, -1, 1'000'000));
  const bool full = query.Bool("full_content").value_or(false);
  const std::int64_t from = query.Int("token", 0, 0, std::int64_t{1} << 60U);
  if (auto problems = query.Problems()) return *problems;
  const std::string_view text = call.request.Param("try_number");
  std::int32_t try_number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), try_number);
  if (error != std::errc() || end != text.data() + text.size() || try_number < 1) {
    return http::ErrorResponse(404, "Tries are numbered from 1");
  }
  ASSIGN_OR_ANSWER(const Located at,
                   context.LocateInstance(call.request.Param("dag_id"), call.request.Param("dag_run_id"),
                                          call.request.Param("task_id"), map_index));
  ASSIGN_OR_ANSWER(Piece piece, ReadPiece(context, at.key, try_number, from, full ? kFull : kPiece));
  CutToLines(&piece);
  const Value token = piece.over ? Value() : Value(std::to_string(piece.next));
  if (Wants(call.request, "text/plain") || Wants(call.request, "application/x-ndjson")) {
    http::Response response;
    if (Wants(call.request, "text/plain")) {
      // Shown as text whatever is in it.
      response = TextAnswer(std::move(piece.data));
      response.headers.emplace_back("Content-Security-Policy", "sandbox; default-src 'none'");
    } else {
      std::string lines;
      for (const Value& line : Lines(piece.data)) lines += ToJson(line) + "\n";
      response = TextAnswer(std::move(lines), "application/x-ndjson");
    }
    if (!token.is_null()) response.headers.emplace_back("X-Continuation-Token", token.as_string());
    return response;
  }
  return JsonAnswer(Value::Map{{"content", Lines(piece.data)}, {"continuation_token", token}});
}

}  // namespace

void AddLogRoutes(RouteTable& table, Context& context) {
  table.Add({"GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}",
             Needs(auth::Verb::kRead, auth::Resource::kDag), 200, "A try's log, piece by piece",
             [&context](const Call& call) { return GetLog(context, call); }});
}

}  // namespace millrace::api
