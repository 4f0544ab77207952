#include "worker/tasks/state_socket.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "core/model/json.h"

namespace millrace::tasks {
namespace {

using shuffle::Descriptor;

constexpr std::size_t kMaxHead = 8U << 10;  // key and dataset, escaped
constexpr std::size_t kMaxPacket = kMaxHead + kMaxStateValueBytes + 1;
constexpr std::size_t kMaxClients = 64;
constexpr int kSendBuffer = 256 << 10;  // a whole answer, so that it never waits
constexpr double kMostSeconds = 4e9;

struct Address {
  sockaddr_un name{};
  socklen_t size = sizeof(sockaddr_un);
};

// By way of the folder's descriptor, because an address has room for 107 bytes only.
Address AddressOf(const Descriptor& folder, std::string_view file) {
  Address address;
  address.name.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + std::string(file);
  std::copy_n(path.c_str(), std::min(path.size() + 1, sizeof address.name.sun_path - 1), address.name.sun_path);
  return address;
}

// Folder and file.
StatusOr<std::pair<Descriptor, std::string>> OpenFolder(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash + 1 == path.size())
    return InvalidArgument("not a path of a socket: " + path);
  Descriptor folder(::open(path.substr(0, slash + 1).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return ErrnoStatus(errno, "open the folder of " + path);
  return std::pair(std::move(folder), path.substr(slash + 1));
}

StatusOr<Descriptor> MakePacketSocket(int flags) {
  Descriptor made(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
  if (!made.valid()) return ErrnoStatus(errno, "make a socket");
  ::setsockopt(made.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  return made;
}

StatusOr<Duration> RetentionOf(const Value& head) {
  const Value* retention = head.Find("retention");
  if (retention == nullptr || retention->is_null()) return Duration(0);
  if (retention->is_string() && retention->as_string() == "never") return kForEver;
  if (!retention->is_number()) return InvalidArgument("a retention is a number of seconds, or \"never\"");
  const double seconds = retention->as_double();
  if (!(seconds > 0) || seconds > kMostSeconds)
    return InvalidArgument("a retention is longer than nothing and shorter than 100 years");
  return std::max(Duration(1), Duration(static_cast<std::int64_t>(seconds * 1e6)));
}

StatusOr<StateRequest> RequestIn(std::string_view packet) {
  const std::size_t line = packet.find('\n');
  if (line == std::string_view::npos) return InvalidArgument("the request has no line of its own");
  ASSIGN_OR_RETURN(const Value head, ParseJson(packet.substr(0, line)));
  StateRequest request;
  const std::string op = TextOf(head, "op");
  if (op == "set") {
    request.op = StateOp::kSet;
  } else if (op == "delete") {
    request.op = StateOp::kDelete;
  } else if (op == "clear") {
    request.op = StateOp::kClear;
  } else if (op != "get") {
    return InvalidArgument("`op` is get, set, delete or clear, not '" + op + "'");
  }
  request.dataset = TextOf(head, "dataset");
  request.key = TextOf(head, "key");
  if (request.op == StateOp::kSet) request.json = packet.substr(line + 1);
  ASSIGN_OR_RETURN(request.retention, RetentionOf(head));
  RETURN_IF_ERROR(CheckStateRequest(request));
  return request;
}

std::string PacketOf(const StateRequest& request) {
  static constexpr std::array<const char*, 4> kOps = {"get", "set", "delete", "clear"};
  Value head;
  head.Set("op", kOps[static_cast<std::size_t>(request.op)]);
  head.Set("dataset", request.dataset);
  head.Set("key", request.key);
  if (request.retention == kForEver) {
    head.Set("retention", "never");
  } else if (request.retention != Duration(0)) {
    head.Set("retention", static_cast<double>(request.retention.count()) / 1e6);
  }
  return ToJson(head) + "\n" + request.json;
}

std::string PacketOf(const StateAnswer& answer) {
  return ToJson(Value::Map{{"found", answer.found}, {"error", answer.error}}) + "\n" + answer.json;
}

}  // namespace

// One connection. Answered on any thread, at most one question at a time.
class StateSocket::Client {
 public:
  explicit Client(Descriptor socket) : socket_(std::move(socket)) {}
  int get() const { return socket_.get(); }
  bool waits() const { return waits_; }
  void Begin() { waits_ = true; }

  void Answer(const StateAnswer& answer) {
    const std::string packet = PacketOf(answer);
    waits_ = false;
    // A client that asks and does not read is let go; it must not keep the runner's reading thread.
    if (::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
      ::shutdown(socket_.get(), SHUT_RDWR);
  }
  void Refuse(const std::string& why) { Answer({SessionId{}, {}, 0, false, "", why}); }

 private:
  const Descriptor socket_;
  std::atomic<bool> waits_ = false;
};

StatusOr<std::unique_ptr<StateSocket>> StateSocket::Open(TaskContext& context) {
  std::unique_ptr<StateSocket> opened(new StateSocket(context));
  opened->path_ = context.scratch() + ".state";
  ASSIGN_OR_RETURN(auto place, OpenFolder(opened->path_));
  const std::string file = std::move(place.second);
  opened->folder_ = std::move(place.first);
  ASSIGN_OR_RETURN(opened->listener_, MakePacketSocket(SOCK_NONBLOCK));
  const Address address = AddressOf(opened->folder_, file);
  ::unlinkat(opened->folder_.get(), file.c_str(), 0);  // a sensor's look before this one has had one
  // Nobody can connect before it listens, and then only who runs as the worker does.
  if (::bind(opened->listener_.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size) != 0 ||
      ::fchmodat(opened->folder_.get(), file.c_str(), 0600, 0) != 0 ||
      ::listen(opened->listener_.get(), static_cast<int>(kMaxClients)) != 0)
    return ErrnoStatus(errno, "listen at " + opened->path_);
  opened->events_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = opened->listener_.get();
  if (::epoll_ctl(opened->events_.get(), EPOLL_CTL_ADD, opened->listener_.get(), &event) != 0)
    return ErrnoStatus(errno, "watch a socket");
  return opened;
}

StateSocket::~StateSocket() {
  if (folder_.valid()) ::unlinkat(folder_.get(), path_.substr(path_.rfind('/') + 1).c_str(), 0);
}

void StateSocket::Serve() {
  std::array<epoll_event, 16> events{};
  const int ready = ::epoll_wait(events_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < ready; ++i) {
    const int socket = events[static_cast<std::size_t>(i)].data.fd;
    if (socket == listener_.get()) {
      Accept();
      continue;
    }
    const auto client = clients_.find(socket);
    if (client != clients_.end() && !Take(client->second)) Drop(socket);
  }
}

void StateSocket::Accept() {
  Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket.valid()) return;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  const int number = socket.get();
  const auto client = std::make_shared<Client>(std::move(socket));
  if (clients_.size() >= kMaxClients) {
    client->Refuse("more than " + std::to_string(kMaxClients) + " connections to this attempt's state store");
    return;
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = number;
  if (::epoll_ctl(events_.get(), EPOLL_CTL_ADD, number, &event) == 0) clients_[number] = client;
}

// An answer that is still to come holds the descriptor, so nobody else gets its number meanwhile.
void StateSocket::Drop(int client) {
  ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, client, nullptr);
  clients_.erase(client);
}

bool StateSocket::Take(const std::shared_ptr<Client>& client) {
  std::vector<char> packet(kMaxPacket);
  const ssize_t got = ::recv(client->get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  if (static_cast<std::size_t>(got) > packet.size()) {
    client->Refuse("the request has " + std::to_string(got) + " bytes: a value has at most " +
                   std::to_string(kMaxStateValueBytes) + ", write a file and keep its path");
  } else if (client->waits()) {
    return false;  // it does not keep to the rules
  } else {
    Ask(client, {packet.data(), static_cast<std::size_t>(got)});
  }
  return true;
}

void StateSocket::Ask(const std::shared_ptr<Client>& client, std::string_view packet) {
  StatusOr<StateRequest> request = RequestIn(packet);
  if (!request.ok()) return client->Refuse(request.status().message());
  const auto waiting = std::count_if(clients_.begin(), clients_.end(), [](const auto& one) { return one.second->waits(); });
  if (static_cast<std::size_t>(waiting) >= kMaxStateRequests) {
    return client->Refuse("this attempt has " + std::to_string(kMaxStateRequests) +
                          " requests to state stores under way: wait for their answers");
  }
  client->Begin();
  context_.AskState(*std::move(request), [client](const StateAnswer& answer) { client->Answer(answer); });
}

StatusOr<StateAnswer> AskStateSocket(const std::string& path, const StateRequest& request) {
  ASSIGN_OR_RETURN(const auto place, OpenFolder(path));
  ASSIGN_OR_RETURN(const Descriptor socket, MakePacketSocket(0));
  const Address address = AddressOf(place.first, place.second);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size) != 0)
    return Unavailable(std::string("the state store does not answer: ") + std::strerror(errno));
  const std::string packet = PacketOf(request);
  ssize_t moved = 0;
  while ((moved = ::send(socket.get(), packet.data(), packet.size(), MSG_NOSIGNAL)) < 0 && errno == EINTR) continue;
  std::vector<char> room(kMaxPacket);
  if (moved >= 0) {
    while ((moved = ::recv(socket.get(), room.data(), room.size(), 0)) < 0 && errno == EINTR) continue;
  }
  if (moved < 0) return Unavailable(std::string("the state store does not answer: ") + std::strerror(errno));
  const std::string_view said(room.data(), static_cast<std::size_t>(moved));
  const std::size_t line = said.find('\n');
  if (line == std::string_view::npos) return Unavailable("the state store has closed: the attempt is over");
  ASSIGN_OR_RETURN(const Value head, ParseJson(said.substr(0, line)));
  const Value* found = head.Find("found");
  StateAnswer answer;
  answer.found = found != nullptr && found->is_bool() && found->as_bool();
  answer.error = TextOf(head, "error");
  answer.json = said.substr(line + 1);
  return answer;
}

}  // namespace millrace::tasks
