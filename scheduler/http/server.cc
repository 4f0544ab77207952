#include "scheduler/http/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "scheduler/http/connection.h"
#include "scheduler/http/exchange.h"
#include "scheduler/http/listener.h"
#include "scheduler/http/request_head.h"

namespace millrace::http {
namespace {

constexpr std::uint64_t kListener = 0;
constexpr std::uint64_t kWake = 1;
constexpr auto kSweep = std::chrono::milliseconds(100);
constexpr auto kLinger = std::chrono::seconds(2);
constexpr std::size_t kLingerBytes = 4 * 1024 * 1024;

using Phase = Connection::Phase;

// What a worker is given.
struct Job {
  std::uint64_t connection = 0;
  std::string request;
  std::size_t head_bytes = 0;
  std::string peer;
  bool keep_alive = true;
};

// What other threads tell the I/O thread about a connection.
struct Note {
  enum class Kind : std::uint8_t { kResponse, kStreamHead, kStreamData, kStreamEnd };
  Kind kind = Kind::kResponse;
  std::uint64_t connection = 0;
  std::string bytes;
  bool close = false;
};

std::string Refusal(int status, std::string_view detail) {
  const std::string body = "{\"detail\":" + JsonQuoted(detail) + "}";
  return "HTTP/1.1 " + std::to_string(status) +
         " Refused\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n" + (status == 503 ? "Retry-After: 1\r\n" : "") + "\r\n" + body;
}

}  // namespace

class Server::Impl : public StreamSink {
 public:
  Impl(ServerOptions options, Handler handler, const Clock& clock, LogSink& log)
      : options_(std::move(options)), handler_(std::move(handler)), clock_(clock), log_(log) {
    limits_.hosts = {"localhost", "127.0.0.1", "[::1]", options_.address};
    limits_.hosts.insert(limits_.hosts.end(), options_.hosts.begin(), options_.hosts.end());
  }
  ~Impl() override { Stop(); }

  Status Start() {
    ASSIGN_OR_RETURN(listener_, Listen(options_.address, options_.port, &port_));
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (epoll_ < 0 || wake_ < 0) return ErrnoStatus(errno, "HTTP cannot make its event descriptors");
    Watch(listener_, kListener, EPOLLIN, EPOLL_CTL_ADD);
    Watch(wake_, kWake, EPOLLIN, EPOLL_CTL_ADD);
    io_ = std::thread([this] { Io(); });
    for (int i = 0; i < options_.threads; ++i) workers_.emplace_back([this] { Work(); });
    return OkStatus();
  }

  int port() const { return port_; }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    jobs_waiting_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    if (io_.joinable()) {
      io_stopping_ = true;
      Wake();
      io_.join();
    }
    for (int* fd : {&listener_, &epoll_, &wake_}) {
      if (*fd >= 0) close(*fd);
      *fd = -1;
    }
  }

  bool Write(StreamId stream, std::string_view data) override {
    {
      const std::lock_guard lock(mutex_);
      const auto found = streams_.find(static_cast<std::uint64_t>(stream));
      if (found == streams_.end()) return false;
      found->second += static_cast<std::int64_t>(data.size());
      if (found->second > options_.max_stream_backlog) {
        streams_.erase(found);
        notes_.push_back({Note::Kind::kStreamEnd, static_cast<std::uint64_t>(stream), "", true});
      } else {
        notes_.push_back(
            {Note::Kind::kStreamData, static_cast<std::uint64_t>(stream), std::string(data), false});
      }
    }
    Wake();
    return true;
  }

  void End(StreamId stream) override {
    Tell({Note::Kind::kStreamEnd, static_cast<std::uint64_t>(stream), "", false});
  }

 private:
  void Watch(int fd, std::uint64_t id, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    epoll_ctl(epoll_, operation, fd, &event);
  }

  void Wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
  }

  void Tell(Note note) {
    {
      const std::lock_guard lock(mutex_);
      notes_.push_back(std::move(note));
    }
    Wake();
  }

  // ---- worker threads

  void Work() {
    Exchange exchange(handler_, log_);
    std::unique_lock lock(mutex_);
    while (true) {
      jobs_waiting_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      Exchange::Result result = exchange.Run(job.request, job.head_bytes, job.peer, job.keep_alive);
      lock.lock();
      if (result.stream == nullptr) {
        notes_.push_back({Note::Kind::kResponse, job.connection, std::move(result.bytes), result.close});
      } else if (stopping_ || static_cast<int>(streams_.size()) >= options_.max_streams) {
        notes_.push_back(
            {Note::Kind::kResponse, job.connection, Refusal(503, "too many live streams"), true});
      } else {
        streams_.emplace(job.connection, 0);
        notes_.push_back({Note::Kind::kStreamHead, job.connection, std::move(result.bytes), true});
        lock.unlock();
        result.stream(*this, StreamId{job.connection});
        lock.lock();
      }
      Wake();
    }
  }

  // ---- the I/O thread

  void Io() {
    std::array<epoll_event, 128> events;
    while (!io_stopping_) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(std::chrono::milliseconds(kSweep).count()));
      now_ = clock_.now().boot;
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kListener) {
          Accept();
        } else if (event.data.u64 == kWake) {
          std::uint64_t drained = 0;
          [[maybe_unused]] const ssize_t got = read(wake_, &drained, sizeof(drained));
        } else {
          Ready(event.data.u64, event.events);
        }
      }
      TakeNotes();
      Sweep();
    }
    TakeNotes();  // answers that were finished while stopping
    connections_.clear();
    const std::lock_guard lock(mutex_);
    streams_.clear();
  }

  void Accept() {
    while (true) {
      sockaddr_storage address{};
      socklen_t size = sizeof(address);
      const int fd =
          accept4(listener_, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        // Out of descriptors: somebody who only waits must go, or nobody new gets in.
        if ((errno == EMFILE || errno == ENFILE) && Evict("")) continue;
        return;
      }
      std::string peer = PeerName(address);
      const bool full = static_cast<int>(connections_.size()) >= options_.max_connections;
      const bool too_many = per_ip_[peer] >= options_.max_connections_per_ip;
      if ((full || too_many) && !Evict(too_many ? peer : "")) {
        close(fd);
        if (per_ip_[peer] == 0) per_ip_.erase(peer);
        continue;
      }
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      const std::uint64_t id = next_id_++;
      ++per_ip_[peer];
      Connection& connection =
          *connections_.emplace(id, std::make_unique<Connection>(fd, peer)).first->second;
      connection.interest = EPOLLIN;
      Watch(fd, id, EPOLLIN, EPOLL_CTL_ADD);
      Await(connection);
    }
  }

  // Makes room: the connection that has owed a request longest goes.
  bool Evict(const std::string& peer) {
    const Connection* longest = nullptr;
    std::uint64_t longest_id = 0;
    for (const auto& [id, connection] : connections_) {
      if (connection->phase != Phase::kReading && connection->phase != Phase::kLingering) continue;
      if (!peer.empty() && connection->peer != peer) continue;
      if (longest == nullptr || connection->waiting_since < longest->waiting_since) {
        longest = connection.get();
        longest_id = id;
      }
    }
    if (longest == nullptr) return false;
    Close(longest_id);
    return true;
  }

  void Await(Connection& connection) {
    connection.phase = Phase::kReading;
    connection.head.reset();
    connection.waiting_since = now_;
    connection.deadline = now_ + (connection.in.empty() ? options_.idle_deadline : options_.head_deadline);
  }

  void Close(std::uint64_t id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    const Connection& connection = *found->second;
    if (connection.head && connection.phase == Phase::kReading) {
      body_bytes_ -= static_cast<std::int64_t>(connection.head->body_bytes);
    }
    if (--per_ip_[connection.peer] == 0) per_ip_.erase(connection.peer);
    {
      // Before the client can see its end: who writes from then on is told.
      const std::lock_guard lock(mutex_);
      streams_.erase(id);
    }
    connections_.erase(found);
  }

  void Ready(std::uint64_t id, std::uint32_t events) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    Connection& connection = *found->second;
    if ((events & EPOLLERR) != 0) return Close(id);
    if ((events & EPOLLOUT) != 0 && !Flush(id, connection)) return;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP)) == 0) return;
    switch (connection.phase) {
      case Phase::kReading: {
        const bool idle = connection.in.empty();
        const auto got = connection.Read(64 * 1024);
        if (idle && !connection.in.empty()) connection.deadline = now_ + options_.head_deadline;
        if (!Advance(id, connection)) return;
        // A client may shut its side down right after the request; a worker has it then.
        if (got == Connection::Io::kClosed && connection.phase == Phase::kReading) Close(id);
        return;
      }
      case Phase::kLingering:
        if (connection.Read(64 * 1024) == Connection::Io::kClosed || connection.discarded > kLingerBytes)
          Close(id);
        return;
      case Phase::kStreaming: {
        const auto got = connection.Read(4096);
        if (got == Connection::Io::kClosed || connection.in.size() > limits_.head_bytes) Close(id);
        return;
      }
      case Phase::kHandling:
      case Phase::kWriting:
        if ((events & EPOLLHUP) != 0) Close(id);
        return;
    }
  }

  // Looks at what has been read; hands a whole request to the workers. False when the connection is gone.
  bool Advance(std::uint64_t id, Connection& connection) {
    if (!connection.head) {
      const HeadVerdict verdict = CheckHead(connection.in, limits_);
      if (std::holds_alternative<HeadIncomplete>(verdict)) return true;
      if (const auto* refused = std::get_if<HeadRefused>(&verdict)) {
        return Refuse(id, connection, refused->status, refused->detail);
      }
      const auto& accepted = std::get<HeadAccepted>(verdict);
      if (body_bytes_ + static_cast<std::int64_t>(accepted.body_bytes) > options_.max_body_bytes_in_flight) {
        return Refuse(id, connection, 503, "too many large requests at once");
      }
      connection.head = accepted;
      connection.deadline = now_ + options_.body_deadline;
      body_bytes_ += static_cast<std::int64_t>(accepted.body_bytes);
    }
    const HeadAccepted& head = *connection.head;
    if (connection.in.size() < head.bytes + head.body_bytes) return true;
    body_bytes_ -= static_cast<std::int64_t>(head.body_bytes);
    Job job{id, connection.in.substr(0, head.bytes + head.body_bytes), head.bytes, connection.peer,
            head.keep_alive};
    connection.in.erase(0, head.bytes + head.body_bytes);
    connection.head.reset();
    connection.phase = Phase::kHandling;
    bool accepted = false;
    {
      const std::lock_guard lock(mutex_);
      accepted = !stopping_ && static_cast<int>(jobs_.size()) < options_.max_waiting_requests;
      if (accepted) jobs_.push_back(std::move(job));
    }
    if (!accepted) return Refuse(id, connection, 503, "the scheduler is busy; try again");
    jobs_waiting_.notify_one();
    Interest(id, connection, 0);
    return true;
  }

  bool Refuse(std::uint64_t id, Connection& connection, int status, std::string_view detail) {
    connection.in.clear();
    connection.phase = Phase::kLingering;
    connection.deadline = now_ + kLinger;
    connection.Send(Refusal(status, detail));
    return Flush(id, connection);
  }

  // Writes; decides what comes after. False when the connection is gone.
  bool Flush(std::uint64_t id, Connection& connection) {
    const std::size_t before = connection.unsent();
    const auto written = connection.Write();
    if (connection.phase == Phase::kStreaming) {
      const std::lock_guard lock(mutex_);
      const auto stream = streams_.find(id);
      if (stream != streams_.end()) stream->second -= static_cast<std::int64_t>(before - connection.unsent());
    }
    if (written == Connection::Io::kClosed) {
      Close(id);
      return false;
    }
    const bool more = written == Connection::Io::kAgain;
    switch (connection.phase) {
      case Phase::kStreaming:
        if (!more && connection.stream_ended) {
          Close(id);
          return false;
        }
        Interest(id, connection, EPOLLIN | (more ? EPOLLOUT : 0U));
        return true;
      case Phase::kLingering:
        if (!more) connection.HalfClose();
        Interest(id, connection, EPOLLIN | (more ? EPOLLOUT : 0U));
        return true;
      default:
        break;
    }
    if (more) {
      Interest(id, connection, EPOLLOUT);
      return true;
    }
    if (connection.close_after) {
      connection.phase = Phase::kLingering;
      connection.deadline = now_ + kLinger;
      connection.HalfClose();
      Interest(id, connection, EPOLLIN);
      return true;
    }
    Await(connection);
    Interest(id, connection, EPOLLIN);
    return Advance(id, connection);
  }

  void Interest(std::uint64_t id, Connection& connection, std::uint32_t events) {
    if (connection.interest == events) return;
    connection.interest = events;
    Watch(connection.fd(), id, events, EPOLL_CTL_MOD);
  }

  void TakeNotes() {
    std::vector<Note> notes;
    {
      const std::lock_guard lock(mutex_);
      notes.swap(notes_);
    }
    for (Note& note : notes) {
      const auto found = connections_.find(note.connection);
      if (found == connections_.end()) {
        const std::lock_guard lock(mutex_);
        streams_.erase(note.connection);  // the client left while its handler ran
        continue;
      }
      Connection& connection = *found->second;
      connection.Send(note.bytes);
      switch (note.kind) {
        case Note::Kind::kResponse:
          connection.phase = Phase::kWriting;
          connection.close_after = note.close;
          connection.deadline = now_ + options_.write_deadline;
          break;
        case Note::Kind::kStreamHead: {
          connection.phase = Phase::kStreaming;
          connection.deadline = now_ + options_.stream_lifetime;
          const std::lock_guard lock(mutex_);
          const auto stream = streams_.find(note.connection);
          if (stream != streams_.end()) stream->second += static_cast<std::int64_t>(note.bytes.size());
          break;
        }
        case Note::Kind::kStreamData:
          break;
        case Note::Kind::kStreamEnd:
          if (note.close) connection.ClearOutput();  // too slow: what waits is dropped
          connection.stream_ended = true;
          break;
      }
      Flush(note.connection, connection);
    }
  }

  void Sweep() {
    if (now_ < next_sweep_) return;
    next_sweep_ = now_ + kSweep;
    std::vector<std::uint64_t> late;
    for (const auto& [id, connection] : connections_) {
      if (connection->phase != Phase::kHandling && now_ >= connection->deadline) late.push_back(id);
    }
    for (const std::uint64_t id : late) {
      Connection& connection = *connections_.at(id);
      if (connection.phase == Phase::kReading && !connection.in.empty()) {
        if (connection.head) body_bytes_ -= static_cast<std::int64_t>(connection.head->body_bytes);
        connection.head.reset();
        Refuse(id, connection, 408, "the request took too long to arrive");
      } else {
        Close(id);
      }
    }
  }

  const ServerOptions options_;
  const Handler handler_;
  const Clock& clock_;
  LogSink& log_;
  HeadLimits limits_;
  int listener_ = -1;
  int epoll_ = -1;
  int wake_ = -1;
  int port_ = 0;
  std::thread io_;
  std::vector<std::thread> workers_;
  std::atomic<bool> io_stopping_ = false;

  // Of the I/O thread alone.
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::map<std::string, int> per_ip_;
  std::uint64_t next_id_ = 2;
  std::int64_t body_bytes_ = 0;
  BootTime now_{};
  BootTime next_sweep_{};

  std::mutex mutex_;
  std::condition_variable jobs_waiting_;
  bool stopping_ = false;
  std::deque<Job> jobs_;
  std::vector<Note> notes_;
  std::map<std::uint64_t, std::int64_t> streams_;  // live ones, and how many bytes wait
};

Server::Server(ServerOptions options, Handler handler, const Clock& clock, LogSink& log)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler), clock, log)) {}
Server::~Server() = default;
Status Server::Start() { return impl_->Start(); }
int Server::port() const { return impl_->port(); }
void Server::Stop() { impl_->Stop(); }

}  // namespace millrace::http
