#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "worker/shuffle/local.h"
#include "worker/shuffle/local_wire.h"

namespace millrace::shuffle {
namespace {

// A server that answers from memory and does not within this is gone or stopped.
constexpr timeval kPatience{10, 0};

Status NoAnswer(const std::string& path, int error) {
  return Unavailable("Worker does not answer on its shuffle socket " + path + ": " + std::strerror(error));
}

StatusOr<Descriptor> Connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return InvalidArgument("Shuffle socket's path is too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  Descriptor peer(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!peer.valid()) return ErrnoStatus(errno, "make a socket");
  ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(peer.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  if (::connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return NoAnswer(path, errno);
  }
  return peer;
}

// The descriptor that answers `request`.
StatusOr<Descriptor> Ask(int peer, const std::string& path, const LocalRequest& request,
                         const std::string& secret) {
  std::string packet(reinterpret_cast<const char*>(&request), sizeof request);
  packet += secret;
  if (::send(peer, packet.data(), packet.size(), MSG_NOSIGNAL) < 0) return NoAnswer(path, errno);

  char text[1024];
  LocalReply reply;
  iovec parts[2] = {{&reply, sizeof reply}, {text, sizeof text}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got;
  do {
    got = ::recvmsg(peer, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return NoAnswer(path, errno);
  Descriptor file;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    int fd;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    file = Descriptor(fd);
  }
  const auto size = static_cast<std::size_t>(got);
  if (size < sizeof reply || reply.magic != kLocalMagic) return NoAnswer(path, ECONNRESET);
  const auto code = static_cast<Code>(reply.code);
  if (code != Code::kOk) return Status(code, std::string(text, size - sizeof reply));
  if (!file.valid()) return NoAnswer(path, EBADF);
  return file;
}

}  // namespace

StatusOr<BlockBytes> LocalFetcher::Fetch(const JobKey& job, std::int32_t stage, const MapOutput& source,
                                         PartitionRange range) {
  LocalRequest request;
  request.secret_bytes = static_cast<std::uint32_t>(secret_.size());
  request.run = ToInt(job.instance.run);
  request.index = job.instance.index;
  request.try_number = job.try_number;
  request.stage = stage;
  request.map_index = source.map_index;
  request.term = source.fence.term;
  request.counter = source.fence.counter;
  ASSIGN_OR_RETURN(const Descriptor peer, Connect(source.shuffle_socket));
  ASSIGN_OR_RETURN(const Descriptor file, Ask(peer.get(), source.shuffle_socket, request, secret_));
  ASSIGN_OR_RETURN(const MapFileHead head, ReadMapFileHead(file.get()));
  const OutputKey key{job, stage, source.map_index};
  if (head.key != key || head.fence != source.fence) return LostOutput(key, source.fence);
  return BlockBytes::Map(file.get(), head, range);
}

}  // namespace millrace::shuffle
