#include "worker/tasks/attempt.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "worker/tasks/spare_folder.h"

namespace millrace::tasks {
namespace {

constexpr std::size_t kMaxMessage = 1000;
constexpr std::size_t kChunk = 64U << 10;

std::vector<std::string> AllSecrets(const convert::Enclosed& enclosed) {
  std::vector<std::string> secrets = enclosed.secrets;
  for (const auto& [name, uri] : enclosed.connections) {
    for (std::string& secret : SecretsOf(uri)) secrets.push_back(std::move(secret));
  }
  return secrets;
}

// One line, of bytes that may stand in a protobuf string: anything else would break the stream that carries
// it.
std::string OneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  text.erase(text.find_last_not_of(' ') + 1);
  if (text.size() > kMaxMessage) text = text.substr(0, kMaxMessage) + "...";
  return text;
}

}  // namespace

Attempt::Attempt(const v1::Assignment& wire, const Workplace& workplace, LogOut log_out, std::size_t max_log,
                 StateOut state_out)
    : workplace_(workplace),
      assignment_(convert::FromWire(wire)),
      enclosed_(convert::EnclosedFromWire(wire)),
      log_out_(std::move(log_out)),
      state_out_(std::move(state_out)),
      max_log_(max_log),
      whole_(AllSecrets(enclosed_)),
      mask_(AllSecrets(enclosed_)) {}

Attempt::~Attempt() {
  if (scratch_.empty()) return;
  const std::string place = workplace_.folder + "/scratch";
  if (assignment_.stage != nullptr) {  // nothing of a job is kept
    std::error_code ignored;
    std::filesystem::remove_all(scratch_, ignored);
    return;
  }
  DropFolder(scratch_ + "/files", place, "files");
  DropFolder(scratch_, place, "scratch");
}

void Attempt::Emit(std::string data) {
  if (data.empty() || logged_ > max_log_) return;
  logged_ += data.size();
  if (logged_ > max_log_) {
    data.resize(data.size() - std::min(data.size(), logged_ - max_log_));
    data +=
        "\n[millrace] this log is longer than " + std::to_string(max_log_) + " bytes: the rest is not kept\n";
  }
  for (std::size_t at = 0; at < data.size(); at += kChunk) log_out_(data.substr(at, kChunk));
}

void Attempt::Log(std::string_view text) {
  const std::lock_guard lock(log_mutex_);
  Emit(mask_.Feed(text));
}

const std::string& Attempt::scratch() const {
  const std::lock_guard lock(mutex_);
  if (scratch_.empty()) {
    const std::string place = workplace_.folder + "/scratch";
    scratch_ = place + "/";
    // A job has one folder for all its attempts: what they share may touch that and no other.
    if (assignment_.stage != nullptr) scratch_ += assignment_.stage->folder + "/";
    scratch_ += ToString(assignment_.fence);
    TakeFolder(scratch_, place, "scratch");
  }
  return scratch_;
}

StatusOr<std::string> Attempt::Connection(std::string_view name) const {
  for (const auto& [known, uri] : enclosed_.connections) {
    if (known == name && !uri.empty()) return uri;
  }
  for (const auto& [known, reason] : enclosed_.withheld) {
    if (known == name) return PermissionDenied(reason);
  }
  std::string variable = "MILLRACE_CONN_";
  for (const char c : name) variable.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  return NotFound("connection is not defined: " + std::string(name) + " (dagctl connections add " +
                  std::string(name) + " --uri URI, or set " + variable + " in the scheduler's environment)");
}

StatusOr<std::string> Attempt::File(std::string_view path) const {
  for (const DagFile& file : enclosed_.files) {
    if (file.path == path) return file.content;
  }
  return NotFound("file does not belong to the DAG: " + std::string(path));
}

void Attempt::AskState(StateRequest request, std::function<void(const StateAnswer&)> answered) {
  request.fence = assignment_.fence;
  if (!state_out_) return TaskContext::AskState(std::move(request), std::move(answered));
  {
    const std::lock_guard lock(states_mutex_);
    request.id = ++last_state_;
    states_[request.id] = std::move(answered);
  }
  state_out_(request);
}

void Attempt::Answered(const StateAnswer& answer) {
  std::function<void(const StateAnswer&)> answered;
  {
    const std::lock_guard lock(states_mutex_);
    const auto waits = states_.extract(answer.id);
    if (waits.empty()) return;
    answered = std::move(waits.mapped());
  }
  answered(answer);
}

void Attempt::Stop(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (!stopped_) stop_reason_ = reason;
  stopped_ = true;
}

Report Attempt::Finish(TaskEnd end) {
  Report report;
  report.fence = assignment_.fence;
  report.ended = true;
  report.outcome = end.outcome;
  report.exit_code = end.exit_code;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ && end.outcome != Outcome::kSuccess) {
      report.outcome = Outcome::kKilled;
      end.message = stop_reason_;
    }
  }
  report.message = OneLine(whole_.Apply(end.message));
  std::size_t bytes = end.result.size();
  for (const XComValue& xcom : end.xcoms) bytes += xcom.key.size() + xcom.json.size();
  if (bytes > kMaxResultBytes) {
    report.outcome = report.outcome == Outcome::kSuccess ? Outcome::kFailFinal : report.outcome;
    report.message = std::string(end.xcoms.empty() ? "the result has " : "its XComs have ") +
                     std::to_string(bytes) + " bytes; at most " + std::to_string(kMaxResultBytes) +
                     " are kept: write it to a file and return its path";
  } else {
    report.result = whole_.Apply(end.result);
    for (const XComValue& xcom : end.xcoms) report.xcoms.push_back({xcom.key, whole_.Apply(xcom.json)});
  }
  report.error_class = std::move(end.error_class);
  report.stage = std::move(end.stage);
  const std::lock_guard lock(log_mutex_);
  Emit(mask_.Finish());
  return report;
}

}  // namespace millrace::tasks
