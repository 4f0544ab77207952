#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "worker/shuffle/local.h"
#include "worker/shuffle/local_wire.h"

namespace millrace::shuffle {
namespace {

constexpr std::size_t kMaxPeers = 512;

// One packet, with a descriptor when `file` is valid. False when the peer is gone or does not read.
bool SendReply(int peer, Code code, std::string_view text, const Descriptor& file) {
  LocalReply reply;
  reply.code = static_cast<std::uint32_t>(code);
  iovec parts[2] = {{&reply, sizeof reply}, {const_cast<char*>(text.data()), text.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (file.valid()) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = file.get();
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  return ::sendmsg(peer, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

bool SameUser(int peer) {
  ucred who{};
  socklen_t size = sizeof who;
  return ::getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
         (who.uid == ::geteuid() || who.uid == 0);
}

}  // namespace

class LocalBlockServer::Loop {
 public:
  Loop(std::string path, std::string secret, const BlockStore& store)
      : path_(std::move(path)), secret_(std::move(secret)), store_(store) {}

  ~Loop() {
    const std::uint64_t one = 1;
    if (thread_.joinable()) {
      const ssize_t woken = ::write(wake_.get(), &one, sizeof one);
      static_cast<void>(woken);  // an eventfd takes it
      thread_.join();
    }
    if (listener_.valid()) ::unlink(path_.c_str());
  }

  Status Start() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) {
      return InvalidArgument("Shuffle socket's path is too long for the kernel (at most " +
                             std::to_string(sizeof address.sun_path - 1) +
                             " bytes); choose a shorter folder: " + path_);
    }
    std::memcpy(address.sun_path, path_.c_str(), path_.size());
    Descriptor listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener.valid()) return ErrnoStatus(errno, "make the shuffle socket");
    ::unlink(path_.c_str());  // of a worker that was killed; the folder is this one's alone
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return ErrnoStatus(errno, "bind the shuffle socket " + path_);
    }
    if (::chmod(path_.c_str(), 0600) != 0 || ::listen(listener.get(), 128) != 0) {
      return ErrnoStatus(errno, "listen on the shuffle socket " + path_);
    }
    wake_ = Descriptor(::eventfd(0, EFD_CLOEXEC));
    if (!wake_.valid()) return ErrnoStatus(errno, "make an eventfd");
    listener_ = std::move(listener);
    thread_ = std::thread([this] { Run(); });
    return OkStatus();
  }

 private:
  void Run() {
    std::vector<Descriptor> peers;
    for (;;) {
      // At the limit new peers wait in the backlog until one leaves.
      std::vector<pollfd> polls = {{wake_.get(), POLLIN, 0}};
      polls.push_back({peers.size() < kMaxPeers ? listener_.get() : -1, POLLIN, 0});
      for (const Descriptor& peer : peers) polls.push_back({peer.get(), POLLIN, 0});
      if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) return;
      if (polls[0].revents != 0) return;
      for (std::size_t i = peers.size(); i-- > 0;) {
        if (polls[i + 2].revents != 0 && !Answer(peers[i].get()))
          peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (polls[1].revents == 0) continue;
      Descriptor peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (peer.valid() && SameUser(peer.get())) peers.push_back(std::move(peer));
    }
  }

  // False: the peer is done with.
  bool Answer(int peer) {
    char packet[sizeof(LocalRequest) + kMaxSecret];
    const ssize_t got = ::recv(peer, packet, sizeof packet, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    LocalRequest request;
    const auto size = static_cast<std::size_t>(got);
    if (size < sizeof request) return false;
    std::memcpy(&request, packet, sizeof request);
    if (request.magic != kLocalMagic || request.secret_bytes != size - sizeof request) return false;
    if (!SecretsMatch({packet + sizeof request, request.secret_bytes}, secret_)) {
      SendReply(peer, Code::kUnauthenticated, "The shuffle secret is wrong", {});
      return false;
    }
    const OutputKey key{
        {{RunKey{request.run}, request.index}, request.try_number}, request.stage, request.map_index};
    const auto file = store_.Find(key, {request.term, request.counter});
    if (!file.ok()) return SendReply(peer, file.status().code(), file.status().message(), {});
    return SendReply(peer, Code::kOk, "", *file);
  }

  std::string path_;
  std::string secret_;
  const BlockStore& store_;
  Descriptor listener_;
  Descriptor wake_;
  std::thread thread_;
};

LocalBlockServer::LocalBlockServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
LocalBlockServer::~LocalBlockServer() = default;

StatusOr<std::unique_ptr<LocalBlockServer>> LocalBlockServer::Start(const std::string& socket_path,
                                                                    std::string secret,
                                                                    const BlockStore& store) {
  if (secret.empty() || secret.size() > kMaxSecret) {
    return InvalidArgument("The shuffle secret must have 1 to " + std::to_string(kMaxSecret) + " bytes");
  }
  auto loop = std::make_unique<Loop>(socket_path, std::move(secret), store);
  RETURN_IF_ERROR(loop->Start());
  return std::unique_ptr<LocalBlockServer>(new LocalBlockServer(std::move(loop)));
}

}  // namespace millrace::shuffle
