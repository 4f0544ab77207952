#include "worker/tasks/http.h"

#include <filesystem>
#include <fstream>

#include "core/model/json.h"
#include "worker/lake/path.h"
#include "worker/lake/staging.h"
#include "worker/tasks/database.h"
#include "worker/tasks/web.h"

namespace millrace::tasks {
namespace {

constexpr std::size_t kMaxKept = 32U << 10;  // of the body, in the result
constexpr std::size_t kMaxBody = 16U << 20;  // without a file to go to
constexpr std::size_t kMaxFile = 16ULL << 30;

// A file that is whole or absent, also after a power cut: written and synced beside its place, then renamed.
class WholeFile {
 public:
  Status Open(const std::string& path, const std::string& mark) {
    path_ = path;
    partial_ = path + "." + mark + ".part";
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    file_.open(partial_, std::ios::binary | std::ios::trunc);
    return file_ ? OkStatus() : Internal("cannot write " + path);
  }
  ~WholeFile() {
    std::error_code ignored;
    if (!partial_.empty()) std::filesystem::remove(partial_, ignored);
  }
  bool Write(std::string_view text) {
    file_.write(text.data(), static_cast<std::streamsize>(text.size()));
    bytes_ += text.size();
    return static_cast<bool>(file_);
  }
  Status Publish() {
    file_.close();
    if (!file_) return Internal("cannot write " + path_);
    RETURN_IF_ERROR(lake::SyncFile(partial_));
    std::error_code error;
    std::filesystem::rename(partial_, path_, error);
    if (error) return Internal("cannot write " + path_);
    partial_.clear();
    return lake::SyncFolder(std::filesystem::path(path_).parent_path().string());
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::string path_;
  std::string partial_;
  std::ofstream file_;
  std::size_t bytes_ = 0;
};

Value HeadersOf(const connect::HttpResponse& response) {
  Value headers(Value::Map{});
  for (const auto& [name, value] : response.headers) {
    if (name != "set-cookie") headers.Set(name, value.substr(0, 1000));
  }
  return headers;
}

bool IsJson(const connect::HttpResponse& response) {
  for (const auto& [name, value] : response.headers) {
    if (name == "content-type") return value.find("json") != std::string::npos;
  }
  return false;
}

std::string ShownLine(const std::string& text) {
  return text.substr(0, std::min<std::size_t>(text.find('\n'), 200));
}

}  // namespace

TaskEnd HttpTask::Run(TaskContext& context) {
  StatusOr<TaskEnd> end = Exchange(context);
  return end.ok() ? std::move(*end) : EndOf(context, end.status());
}

StatusOr<TaskEnd> HttpTask::Exchange(TaskContext& context) {
  ASSIGN_OR_RETURN(const Value with, ParseJson(context.assignment().with));
  ASSIGN_OR_RETURN(connect::HttpRequest request, RequestOf(context, with));
  const std::string to = TextOf(with, "to");
  WholeFile file;
  if (!to.empty()) {
    ASSIGN_OR_RETURN(const std::string path, lake::Beneath(context.root(), to));
    RETURN_IF_ERROR(file.Open(path, ToString(context.assignment().fence)));
  }
  request.max_body = to.empty() ? kMaxBody : kMaxFile;
  const std::string what = request.method + " " + ShownUrl(request.url);
  std::string head;
  const auto sink = [&](std::string_view text) {
    head.append(text.substr(0, kMaxKept + 1 - std::min(kMaxKept + 1, head.size())));
    return to.empty() || file.Write(text);
  };
  context.Log(what + "\n");
  StatusOr<connect::HttpResponse> response = connect::Send(request, cancelled_, sink);
  if (!response.ok()) return response.status().WithContext(what);
  context.Log("HTTP " + std::to_string(response->status) + "\n");
  TaskEnd end;
  if (!IsExpected(with, response->status)) {
    end.outcome = Outcome::kFailed;
    end.message =
        what + " answered " + std::to_string(response->status) + (head.empty() ? "" : ": " + ShownLine(head));
    context.Log(head.substr(0, kMaxKept) + "\n");
    return end;
  }
  Value result;
  result.Set("status", Value(response->status));
  result.Set("headers", HeadersOf(*response));
  if (!to.empty()) {
    RETURN_IF_ERROR(file.Publish());
    result.Set("file", to);
    result.Set("bytes", Value(static_cast<std::int64_t>(file.bytes())));
  } else if (head.size() > kMaxKept) {
    result.Set("body", head.substr(0, kMaxKept));
    result.Set("truncated", Value(true));
    context.Log("[millrace] the body is longer than " + std::to_string(kMaxKept) +
                " bytes: the result has its beginning; 'to' writes all of it to a file\n");
  } else {
    StatusOr<Value> parsed = IsJson(*response) ? ParseJson(head) : InvalidArgument("text");
    result.Set("body", parsed.ok() ? std::move(*parsed) : Value(std::move(head)));
  }
  end.result = ToJson(result);
  return end;
}

}  // namespace millrace::tasks
