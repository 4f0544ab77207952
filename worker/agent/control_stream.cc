#include "worker/agent/control_stream.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "platform/failpoint/failpoint.h"
#include "proto/worker.grpc.pb.h"
#include "worker/agent/dial.h"

namespace millrace::agent {
namespace {

constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{2000};

}  // namespace

StatusOr<std::string> ReadBearer(const std::string& token_file) {
  std::ifstream file(token_file);
  std::string token;
  if (!std::getline(file, token) || token.empty()) {
    return NotFound("no worker token in " + token_file + ": copy the scheduler's worker.token there");
  }
  return "Bearer " + token;
}

struct ControlStream::Dialled {
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<v1::WorkerMessage, v1::SchedulerMessage>> stream;
};

ControlStream::ControlStream(const ConnectOptions& options, LogSink& log, ControlPeer& peer)
    : options_(options), log_(log), peer_(peer) {}

ControlStream::~ControlStream() { Stop(); }

void ControlStream::Start() {
  thread_ = std::thread([this] { Run(); });
}

void ControlStream::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (dialled_ != nullptr) dialled_->context.TryCancel();
  }
  stopped_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ControlStream::Break() {
  const std::lock_guard lock(mutex_);
  if (dialled_ != nullptr) dialled_->context.TryCancel();
}

void ControlStream::Pause(int tries) {
  const auto pause = std::min(kLongestPause, kFirstPause * (1 << std::min(tries, 10)));
  std::unique_lock lock(mutex_);
  stopped_changed_.wait_for(lock, pause, [this] { return stopped_; });
}

void ControlStream::Run() {
  std::string last_error;
  for (int tries = 0;; ++tries) {
    const Status status = Serve();
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return;
    }
    if (welcomed_) tries = 0;
    // Once an error: a scheduler that is away for an hour is one line.
    if (status.ToString() != last_error) {
      log_.Log(LogLevel::kWarning,
               "Scheduler not reached (address=" + options_.scheduler + ", error=" + status.ToString() + ")");
    }
    last_error = welcomed_ ? "" : status.ToString();
    Pause(tries);
  }
}

Status ControlStream::Serve() {
  welcomed_ = false;
  ASSIGN_OR_RETURN(const std::string bearer, ReadBearer(options_.token_file));
  const std::shared_ptr<grpc::Channel> channel = Dial(options_.scheduler);
  if (!AwaitConnected(*channel)) {
    return Unavailable("no connection");
  }
  const std::unique_ptr<v1::WorkerService::Stub> stub = v1::WorkerService::NewStub(channel);
  Dialled dialled;
  dialled.context.AddMetadata("authorization", bearer);
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Cancelled("stopping");
    dialled_ = &dialled;
  }
  dialled.stream = stub->Control(&dialled.context);
  v1::WorkerMessage join;
  *join.mutable_join() = peer_.OnUp();
  std::atomic<bool> over = false;
  std::thread writer([&] {
    v1::WorkerMessage message;
    while (peer_.NextMessage(message, [&] { return over.load(); })) {
      if (message.has_reports()) Failpoint("agent.before_report");
      if (!dialled.stream->Write(message)) break;
      if (message.has_reports()) Failpoint("agent.after_report");
    }
    dialled.stream->WritesDone();
  });
  v1::SchedulerMessage message;
  // The writer waits for the peer, and the peer says nothing before the Welcome.
  if (dialled.stream->Write(join)) {
    while (dialled.stream->Read(&message)) {
      welcomed_ = welcomed_ || (message.has_welcome() && message.welcome().refused().empty());
      peer_.OnMessage(std::move(message));
      message.Clear();
    }
  }
  over = true;
  peer_.Wake();
  writer.join();
  const grpc::Status status = dialled.stream->Finish();
  {
    const std::lock_guard lock(mutex_);
    dialled_ = nullptr;
  }
  const Status result = status.ok() ? Unavailable("the scheduler closed the stream")
                                    : Status(static_cast<Code>(status.error_code()), status.error_message());
  peer_.OnDown(result);
  return result;
}

}  // namespace millrace::agent
