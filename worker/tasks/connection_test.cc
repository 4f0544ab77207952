#include "worker/tasks/connection_test.h"

#include <filesystem>
#include <fstream>

#include "core/model/json.h"
#include "worker/connect/reach.h"
#include "worker/connect/smtp.h"
#include "worker/connect/uri.h"
#include "worker/lake/path.h"
#include "worker/tasks/web.h"

namespace millrace::tasks {
namespace {

constexpr Duration kPatience = std::chrono::seconds(6);  // of one step
constexpr const char* kName = "tested";

// The attempt, with the connection as the one that it names.
class Told final : public TaskContext {
 public:
  Told(TaskContext& attempt, std::string uri) : attempt_(attempt), uri_(std::move(uri)) {}
  const Assignment& assignment() const override { return attempt_.assignment(); }
  void Log(std::string_view) override {}
  const std::string& root() const override { return attempt_.root(); }
  const std::string& scratch() const override { return attempt_.scratch(); }
  StatusOr<std::string> Connection(std::string_view) const override { return uri_; }
  StatusOr<std::string> File(std::string_view) const override { return NotFound("no files"); }
  bool cancelled() const override { return attempt_.cancelled(); }

 private:
  TaskContext& attempt_;
  const std::string uri_;
};

StatusOr<std::string> TryHttp(const Told& told, const std::atomic<bool>& cancelled) {
  const Value with(Value::Map{{"connection", kName}, {"method", "HEAD"}});
  ASSIGN_OR_RETURN(connect::HttpRequest request, RequestOf(told, with));
  request.timeout = kPatience;
  const std::string where = ShownUrl(request.url);
  const StatusOr<connect::HttpResponse> response = connect::Send(request, cancelled);
  if (!response.ok()) return response.status().WithContext(where);
  const std::string answered = where + " answered " + std::to_string(response->status);
  if (response->status == 401 || response->status == 403)
    return PermissionDenied(answered + ": it does not take the login");
  if (response->status >= 500) return Unavailable(answered);
  return answered;  // that there is no page here, or none for HEAD, says nothing against it
}

StatusOr<std::string> TryMail(const connect::Uri& uri, const std::atomic<bool>& cancelled) {
  ASSIGN_OR_RETURN(connect::MailServer server, connect::MailServerOf(uri));
  server.timeout = kPatience;
  RETURN_IF_ERROR(connect::CheckMailServer(server, cancelled).WithContext(server.host));
  return server.host + (server.user.empty() ? " takes mail" : " takes the login");
}

// Beneath the root, as tasks would find it.
StatusOr<std::string> TryFile(const Told& told, const connect::Uri& uri) {
  ASSIGN_OR_RETURN(const std::string path, lake::Beneath(told.root(), uri.path));
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return NotFound("there is no " + uri.path + " beneath the worker's root");
  if (uri.scheme == "sqlite") {
    std::ifstream file(path, std::ios::binary);
    std::string head(16, '\0');
    file.read(head.data(), static_cast<std::streamsize>(head.size()));
    if (file.gcount() > 0 && head != std::string("SQLite format 3\0", 16))
      return InvalidArgument(uri.path + " is no SQLite database");
  }
  return uri.path + " is there";
}

StatusOr<std::string> TryPostgres(const connect::Uri& uri, const std::atomic<bool>& cancelled) {
  const int port = uri.port == 0 ? 5432 : uri.port;
  const std::string where = uri.host + ":" + std::to_string(port);
  RETURN_IF_ERROR(connect::Reach(uri.host, port, kPatience, cancelled).WithContext(where));
  return where + " takes connections; user, password and database were not tried";
}

}  // namespace

StatusOr<std::string> ConnectionTest::Try(TaskContext& context) {
  ASSIGN_OR_RETURN(const Value with, ParseJson(context.assignment().with));
  const std::string text = TextOf(with, "uri");
  ASSIGN_OR_RETURN(const connect::Uri uri, connect::ParseUri(text));
  Told told(context, text);
  const std::string& type = uri.scheme;
  const bool remote = type == "http" || type == "https" || type == "smtp" || type == "smtps" || type == "postgres" ||
                      type == "postgresql";
  if (remote && uri.host.empty()) return InvalidArgument("it names no host");
  if (type == "http" || type == "https") return TryHttp(told, cancelled_);
  if (type == "smtp" || type == "smtps") return TryMail(uri, cancelled_);
  if (type == "postgres" || type == "postgresql") return TryPostgres(uri, cancelled_);
  if (type == "duckdb") {
    RETURN_IF_ERROR(database_.Open(told, kName, true));
    RETURN_IF_ERROR(database_.Run(told, "SELECT 1").status());
    return uri.path + " can be opened";
  }
  if (type == "sqlite" || type == "file" || type == "fs") return TryFile(told, uri);
  return Unimplemented("connections of type '" + type +
                       "' cannot be tested; there are http, smtp, duckdb, sqlite, file and postgres");
}

TaskEnd ConnectionTest::Run(TaskContext& context) {
  const StatusOr<std::string> tried = Try(context);
  TaskEnd end;
  end.outcome = tried.ok() ? Outcome::kSuccess : cancelled_ ? Outcome::kKilled : Outcome::kFailFinal;
  end.message = tried.ok() ? *tried : tried.status().message();
  return end;
}

void ConnectionTest::Cancel() {
  cancelled_ = true;
  database_.Cancel();
}

}  // namespace millrace::tasks
