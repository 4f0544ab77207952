#include "worker/agent/log_stream.h"

#include <grpcpp/grpcpp.h>

#include <chrono>

#include "proto/convert/worker.h"
#include "proto/worker.grpc.pb.h"
#include "worker/agent/dial.h"

namespace millrace::agent {
namespace {

constexpr std::size_t kMaxChunk = 256U << 10;
constexpr std::chrono::milliseconds kPause{250};

}  // namespace

struct LogStream::Stream {
  grpc::ClientContext context;
};

LogStream::LogStream(const ConnectOptions& options, LogSink& log, std::size_t max_bytes)
    : options_(options), log_(log), max_bytes_(max_bytes) {}

LogStream::~LogStream() { Stop(); }

void LogStream::Start() {
  thread_ = std::thread([this] { Run(); });
}

void LogStream::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (stream_ != nullptr) stream_->context.TryCancel();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LogStream::SetSession(SessionId session) {
  const std::lock_guard lock(mutex_);
  if (session_ == session) return;
  session_ = session;
  next_number_ = 1;
  for (v1::LogChunk& chunk : chunks_) chunk.set_number(next_number_++);
  if (stream_ != nullptr) stream_->context.TryCancel();
  changed_.notify_all();
}

void LogStream::Begin(const Fence& fence, const TaskInstanceKey& instance, std::int32_t try_number) {
  const std::lock_guard lock(mutex_);
  attempts_[fence] = {instance, try_number};
}

void LogStream::End(const Fence& fence) {
  const std::lock_guard lock(mutex_);
  attempts_.erase(fence);
  if (blocked_ > 0) changed_.notify_all();
}

void LogStream::Append(const Fence& fence, std::string data) {
  std::unique_lock lock(mutex_);
  ++blocked_;
  changed_.wait(lock, [&] { return bytes_ < max_bytes_ || stopped_ || !attempts_.contains(fence); });
  --blocked_;
  const auto attempt = attempts_.find(fence);
  if (stopped_ || attempt == attempts_.end()) return;
  bytes_ += data.size();
  if (sent_ < chunks_.size() && convert::FromWire(chunks_.back().fence()) == fence &&
      chunks_.back().data().size() + data.size() <= kMaxChunk) {
    chunks_.back().mutable_data()->append(data);
  } else {
    v1::LogChunk& chunk = chunks_.emplace_back();
    convert::ToWire(fence, chunk.mutable_fence());
    chunk.set_run(ToInt(attempt->second.instance.run));
    chunk.set_index(attempt->second.instance.index);
    chunk.set_try_number(attempt->second.try_number);
    chunk.set_number(next_number_++);
    *chunk.mutable_data() = std::move(data);
  }
  changed_.notify_all();
}

void LogStream::Drop() {
  const std::lock_guard lock(mutex_);
  attempts_.clear();
  changed_.notify_all();
}

void LogStream::Flush(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return chunks_.empty() || stopped_; });
}

bool LogStream::NextChunk(v1::LogChunk& chunk) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return sent_ < chunks_.size() || stopped_ || broken_; });
  if (stopped_ || broken_) return false;
  chunk = chunks_[sent_++];
  chunk.set_session(ToInt(session_));
  return true;
}

void LogStream::Acknowledged(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  while (sent_ > 0 && chunks_.front().number() <= number) {
    bytes_ -= chunks_.front().data().size();
    chunks_.pop_front();
    --sent_;
  }
  changed_.notify_all();
}

void LogStream::Run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      // Nothing to say: no stream is needed.
      changed_.wait(lock, [this] { return stopped_ || (session_ != SessionId{} && !chunks_.empty()); });
      if (stopped_) return;
    }
    Serve();
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPause, [this] { return stopped_; });
  }
}

void LogStream::Serve() {
  const StatusOr<std::string> bearer = ReadBearer(options_.token_file);
  if (!bearer.ok()) return;
  const std::shared_ptr<grpc::Channel> channel = Dial(options_.scheduler);
  if (!AwaitConnected(*channel)) return;
  const std::unique_ptr<v1::WorkerService::Stub> stub = v1::WorkerService::NewStub(channel);
  Stream opened;
  opened.context.AddMetadata("authorization", *bearer);
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    stream_ = &opened;
    sent_ = 0;
    broken_ = false;
  }
  const auto stream = stub->Logs(&opened.context);
  std::thread writer([&] {
    v1::LogChunk chunk;
    while (NextChunk(chunk)) {
      if (!stream->Write(chunk)) break;
    }
    stream->WritesDone();
  });
  v1::LogAck ack;
  while (stream->Read(&ack)) Acknowledged(ack.number());
  {
    const std::lock_guard lock(mutex_);
    broken_ = true;
  }
  changed_.notify_all();
  writer.join();
  const grpc::Status status = stream->Finish();
  const std::lock_guard lock(mutex_);
  stream_ = nullptr;
  sent_ = 0;
  if (!status.ok() && !stopped_) {
    log_.Log(LogLevel::kDebug, "Log stream broke (error=" + status.error_message() + ")");
  }
}

}  // namespace millrace::agent
