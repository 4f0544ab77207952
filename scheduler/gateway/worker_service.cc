#include "scheduler/gateway/worker_service.h"

#include <chrono>
#include <condition_variable>
#include <thread>

#include "core/model/ids.h"
#include "platform/failpoint/failpoint.h"

namespace millrace::gateway {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr int kMaxSlots = 1024;
constexpr std::size_t kMaxText = 1024;
constexpr std::chrono::milliseconds kRetry{20};
constexpr std::chrono::milliseconds kFullDiskRetry{250};
constexpr std::chrono::seconds kFarewell{5};

grpc::Status ToGrpc(const Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), status.message()};
}

// What a worker says of itself is shown to people and stands in the store: bounded and plain.
Status CheckOffer(const WorkerOffer& offer) {
  if (!IsValidId(offer.name))
    return InvalidArgument("a worker's name is 1 to 128 letters, digits, '_', '.' or '-'");
  if (offer.slots < 1 || offer.slots > kMaxSlots) {
    return InvalidArgument("a worker has 1 to " + std::to_string(kMaxSlots) +
                           " slots: " + std::to_string(offer.slots));
  }
  bool too_long = offer.labels.size() > 64;
  for (const std::string* text : {&offer.hostname, &offer.version, &offer.shuffle_address,
                                  &offer.shuffle_socket, &offer.host_identity, &offer.engine_version}) {
    too_long = too_long || text->size() > kMaxText;
  }
  for (const std::string& label : offer.labels) too_long = too_long || label.size() > kMaxText;
  return too_long ? InvalidArgument("a worker's offer is too long") : OkStatus();
}

void BeforeSending(const v1::SchedulerMessage& message) {
  if (message.has_welcome()) Failpoint("gateway.before_welcome");
  if (message.has_assignments()) Failpoint("gateway.before_assign");
  if (message.has_reports_ack()) Failpoint("gateway.before_ack");
  if (message.has_job_ended()) Failpoint("gateway.before_job_ended");
}

void AfterSending(const v1::SchedulerMessage& message) {
  if (message.has_welcome()) Failpoint("gateway.after_welcome");
  if (message.has_assignments()) Failpoint("gateway.after_assign");
  if (message.has_reports_ack()) Failpoint("gateway.after_ack");
  if (message.has_job_ended()) Failpoint("gateway.after_job_ended");
}

// Ends a stream's registration however its handler is left.
class Registration {
 public:
  Registration(std::mutex& mutex, std::set<grpc::ServerContext*>& contexts, grpc::ServerContext* context)
      : mutex_(mutex), contexts_(contexts), context_(context) {
    const std::lock_guard lock(mutex_);
    contexts_.insert(context_);
  }
  ~Registration() {
    const std::lock_guard lock(mutex_);
    contexts_.erase(context_);
  }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  std::mutex& mutex_;
  std::set<grpc::ServerContext*>& contexts_;
  grpc::ServerContext* context_;
};

}  // namespace

WorkerServiceImpl::WorkerServiceImpl(const GatewayOptions& options, const GatewayParts& parts,
                                     Enclosures& enclosures)
    : options_(options),
      parts_(parts),
      enclosures_(enclosures),
      terms_{options.heartbeat, options.lease, options.shuffle_secret} {}

grpc::Status WorkerServiceImpl::CheckToken(const grpc::ServerContext& context) const {
  const auto found = context.client_metadata().find("authorization");
  std::string_view token;
  if (found != context.client_metadata().end()) token = {found->second.data(), found->second.size()};
  if (!token.starts_with(kBearer)) return ToGrpc(Unauthenticated("a worker's token is missing"));
  const StatusOr<auth::Identity> who = parts_.tokens.Verify(token.substr(kBearer.size()));
  if (!who.ok()) return ToGrpc(who.status());
  return ToGrpc(auth::Authorize(*who, auth::Verb::kJoin, {auth::Resource::kWorker, ""}));
}

grpc::Status WorkerServiceImpl::Control(grpc::ServerContext* context, ControlStream* stream) {
  if (const grpc::Status status = CheckToken(*context); !status.ok()) return status;
  const Registration registration(mutex_, contexts_, context);
  v1::WorkerMessage first;
  if (!stream->Read(&first)) return grpc::Status::CANCELLED;
  if (!first.has_join()) return ToGrpc(InvalidArgument("the first message must be a Join"));
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = next_stream_++;
  }
  WorkerJoined joined = convert::FromWire(first.join(), number);
  if (const Status status = CheckOffer(joined.offer); !status.ok()) return ToGrpc(status);
  Connection connection(number, terms_);
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return ToGrpc(Unavailable("the scheduler is stopping"));
    connections_[number] = &connection;
  }
  const Status status = parts_.inbox.Put(std::move(joined));
  if (status.ok()) {
    std::thread writer([&] { WriteControl(*context, *stream, connection); });
    ReadControl(*stream, connection);
    connection.Close();
    writer.join();
    // If it cannot be put, the lease ends the session.
    const SessionId session = connection.session();
    if (session != SessionId{}) (void)parts_.inbox.Put(WorkerDisconnected{session, number});
  }
  const std::lock_guard lock(mutex_);
  connections_.erase(number);
  const auto session = sessions_.find(connection.session());
  if (session != sessions_.end() && session->second == &connection) sessions_.erase(session);
  return ToGrpc(status);
}

void WorkerServiceImpl::ReadControl(ControlStream& stream, Connection& connection) {
  // What the inbox had no room for, in order: reports and questions to state stores. The worker bounds how
  // many there can be. While they wait, heartbeats pass.
  std::deque<Event> deferred;
  std::mutex mutex;
  std::condition_variable wake;
  bool done = false;
  std::thread retries;
  const auto put_deferred = [&] {
    while (!deferred.empty()) {
      Event copy = deferred.front();
      if (!parts_.inbox.Put(std::move(copy)).ok()) return;
      deferred.pop_front();
    }
  };
  const auto put_surely = [&](Event event) {
    const std::lock_guard lock(mutex);
    deferred.push_back(std::move(event));
    put_deferred();
    if (deferred.empty() || retries.joinable()) return;
    retries = std::thread([&] {
      std::unique_lock waiting(mutex);
      while (!done) {
        wake.wait_for(waiting, kRetry);
        put_deferred();
      }
    });
  };
  v1::WorkerMessage message;
  while (!connection.closed() && stream.Read(&message)) {
    const SessionId session = connection.session();
    if (session == SessionId{}) break;  // it must wait for its Welcome
    switch (message.message_case()) {
      case v1::WorkerMessage::kHeartbeat:
        (void)parts_.inbox.Put(Heartbeat{session, parts_.clock.now().boot, message.heartbeat().sent_at()});
        break;
      case v1::WorkerMessage::kReports: {
        Reported reported{session, {}};
        for (const v1::Report& report : message.reports().reports())
          reported.reports.push_back(convert::FromWire(report));
        Failpoint("gateway.report_received");
        put_surely(std::move(reported));
        break;
      }
      case v1::WorkerMessage::kStateRequest:
        put_surely(StateAsked{session, convert::FromWire(message.state_request())});
        break;
      case v1::WorkerMessage::kDraining:
        (void)parts_.inbox.Put(WorkerDraining{session, message.draining().left()});
        break;
      case v1::WorkerMessage::kJoin:
      case v1::WorkerMessage::MESSAGE_NOT_SET:
        break;
    }
  }
  {
    const std::lock_guard lock(mutex);
    done = true;
  }
  wake.notify_all();
  if (retries.joinable()) retries.join();
}

void WorkerServiceImpl::WriteControl(grpc::ServerContext& context, ControlStream& stream,
                                     Connection& connection) {
  while (std::optional<v1::SchedulerMessage> message = connection.Next(enclosures_)) {
    BeforeSending(*message);
    grpc::WriteOptions options;
    // One packet for an acknowledgement and what follows it.
    if (message->has_reports_ack() && connection.has_more()) options.set_buffer_hint();
    if (!stream.Write(*message, options)) break;
    AfterSending(*message);
    if (!connection.ended()) continue;
    // The worker closes its side when it has read this; one that does not is cut off.
    (void)connection.AwaitClosed(kFarewell);
    break;
  }
  connection.Close();
  context.TryCancel();
}

grpc::Status WorkerServiceImpl::Logs(grpc::ServerContext* context,
                                     grpc::ServerReaderWriter<v1::LogAck, v1::LogChunk>* stream) {
  if (const grpc::Status status = CheckToken(*context); !status.ok()) return status;
  const Registration registration(mutex_, contexts_, context);
  v1::LogChunk chunk;
  while (stream->Read(&chunk)) {
    const SessionId session{chunk.session()};
    if (!KnowsSession(session)) return ToGrpc(FailedPrecondition("no such session"));
    if (chunk.run() <= 0 || chunk.index() < 0 || chunk.try_number() < 0) {
      return ToGrpc(InvalidArgument("a log chunk names no attempt"));
    }
    if (!IsRepeated(session, chunk.number())) {
      const TaskInstanceKey instance{RunKey{chunk.run()}, chunk.index()};
      Failpoint("gateway.before_log");
      Status status =
          parts_.logs.Append(instance, chunk.try_number(), convert::FromWire(chunk.fence()), chunk.data());
      // A full disk: the worker keeps what it has, and slows down.
      while (status.code() == Code::kResourceExhausted && KeepTrying(*context)) {
        status =
            parts_.logs.Append(instance, chunk.try_number(), convert::FromWire(chunk.fence()), chunk.data());
      }
      if (!status.ok()) return ToGrpc(status);
      Failpoint("gateway.after_log");
      const std::lock_guard lock(mutex_);
      safe_chunks_[session] = chunk.number();
    }
    v1::LogAck ack;
    ack.set_number(chunk.number());
    if (!stream->Write(ack)) break;
  }
  return grpc::Status::OK;
}

bool WorkerServiceImpl::KeepTrying(const grpc::ServerContext& context) {
  std::unique_lock lock(mutex_);
  stopped_changed_.wait_for(lock, kFullDiskRetry, [this] { return stopped_; });
  return !stopped_ && !context.IsCancelled();
}

bool WorkerServiceImpl::KnowsSession(SessionId session) {
  const std::lock_guard lock(mutex_);
  return sessions_.contains(session);
}

bool WorkerServiceImpl::IsRepeated(SessionId session, std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto safe = safe_chunks_.find(session);
  return safe != safe_chunks_.end() && number <= safe->second;
}

void WorkerServiceImpl::Deliver(std::span<const Effect> effects) {
  const std::lock_guard lock(mutex_);
  std::set<Connection*> told;
  for (const Effect& effect : effects) {
    if (const auto* welcome = std::get_if<Welcome>(&effect)) {
      const auto found = connections_.find(welcome->stream);
      if (found == connections_.end()) continue;
      found->second->Push(effect);
      told.insert(found->second);
      if (!welcome->refused.empty()) continue;
      Connection*& current = sessions_[welcome->session];
      if (current != nullptr && current != found->second) current->Close();  // the stream it had is dead
      current = found->second;
      continue;
    }
    const SessionId session = std::visit(
        [](const auto& one) {
          if constexpr (requires { one.session; }) {
            return one.session;
          } else {
            return SessionId{};
          }
        },
        effect);
    if (const auto found = sessions_.find(session); found != sessions_.end()) {
      found->second->Push(effect);
      told.insert(found->second);
    }
    if (std::holds_alternative<EndSession>(effect)) {
      sessions_.erase(session);
      safe_chunks_.erase(session);
    }
  }
  for (Connection* connection : told) connection->Wake();
}

void WorkerServiceImpl::CloseAll(bool for_good) {
  const std::lock_guard lock(mutex_);
  stopped_ = stopped_ || for_good;
  for (const auto& [stream, connection] : connections_) connection->Close();
  for (grpc::ServerContext* context : contexts_) context->TryCancel();
  sessions_.clear();
  stopped_changed_.notify_all();
}

}  // namespace millrace::gateway
