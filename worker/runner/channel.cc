#include "worker/runner/channel.h"

#include <google/protobuf/message_lite.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace millrace::runner {
namespace {

constexpr std::size_t kMaxFrame = 64U << 20;
constexpr std::size_t kMaxPosted = 64U << 20;
constexpr std::size_t kHeader = 4;
constexpr std::size_t kReadAhead = 64U << 10;

Status Frame(const google::protobuf::MessageLite& message, std::string& frame) {
  const std::size_t size = message.ByteSizeLong();
  if (size > kMaxFrame)
    return InvalidArgument("message too large for a runner: " + std::to_string(size) + " bytes");
  frame.reserve(frame.size() + kHeader + size);
  for (unsigned i = 0; i < kHeader; ++i) frame.push_back(static_cast<char>((size >> (8 * i)) & 0xff));
  if (!message.AppendToString(&frame)) return Internal("message cannot be serialised");
  return OkStatus();
}

}  // namespace

Status MakeSocketPair(Descriptor& agent_end, Descriptor& runner_end) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return ErrnoStatus(errno, "socketpair");
  agent_end = Descriptor(pair[0]);
  runner_end = Descriptor(pair[1]);
  return OkStatus();
}

Channel::Channel(Descriptor socket)
    : socket_(std::move(socket)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), buffer_(kReadAhead) {}

Status Channel::WriteSome(std::string_view& bytes, int flags, int descriptor) {
  msghdr header{};
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (descriptor >= 0) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &descriptor, sizeof(int));
  }
  const ssize_t written = ::sendmsg(socket_.get(), &header, flags | MSG_NOSIGNAL);
  if (written < 0) {
    if (errno == EINTR || errno == EAGAIN) return OkStatus();
    return ErrnoStatus(errno, "write to runner socket");
  }
  bytes.remove_prefix(static_cast<std::size_t>(written));
  return OkStatus();
}

Status Channel::Send(const google::protobuf::MessageLite& message, int descriptor) {
  std::string frame;
  RETURN_IF_ERROR(Frame(message, frame));
  const std::lock_guard lock(write_mutex_);
  if (!posted_.empty()) RETURN_IF_ERROR(WriteAll(std::exchange(posted_, {}), -1));
  return WriteAll(frame, descriptor);
}

Status Channel::SendHeld() {
  const std::lock_guard lock(write_mutex_);
  return WriteAll(std::exchange(posted_, {}), -1);
}

// With write_mutex_ held, as the next.
Status Channel::WriteAll(std::string_view bytes, int descriptor) {
  while (!bytes.empty()) {
    const std::size_t before = bytes.size();
    RETURN_IF_ERROR(WriteSome(bytes, 0, descriptor));
    if (bytes.size() != before) descriptor = -1;
  }
  return OkStatus();
}

Status Channel::PushLocked() {
  if (posted_.empty() || stuck_) return OkStatus();
  std::string_view rest = posted_;
  const Status status = WriteSome(rest, MSG_DONTWAIT, -1);
  posted_.erase(0, posted_.size() - rest.size());
  stuck_ = status.ok() && !posted_.empty();
  if (stuck_) ::eventfd_write(wake_.get(), 1);
  return status;
}

Status Channel::Hold(const google::protobuf::MessageLite& message) {
  const std::lock_guard lock(write_mutex_);
  if (posted_.size() > kMaxPosted) return ResourceExhausted("a runner does not read its socket");
  return Frame(message, posted_);
}

Status Channel::Push() {
  const std::lock_guard lock(write_mutex_);
  return PushLocked();
}

Status Channel::Post(const google::protobuf::MessageLite& message) {
  RETURN_IF_ERROR(Hold(message));
  return Push();
}

Status Channel::Flush() {
  const std::lock_guard lock(write_mutex_);
  std::string_view rest = posted_;
  const Status status = rest.empty() ? OkStatus() : WriteSome(rest, MSG_DONTWAIT, -1);
  posted_.erase(0, posted_.size() - rest.size());
  stuck_ = !posted_.empty();
  return status;
}

// Reads at least one byte, flushing what is posted meanwhile.
Status Channel::Fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  while (true) {
    msghdr header{};
    iovec part{buffer_.data() + end_, buffer_.size() - end_};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(16 * sizeof(int))> control{};
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got == 0) return NotFound("the peer closed its socket");
    if (got > 0) {
      for (cmsghdr* rights = CMSG_FIRSTHDR(&header); rights != nullptr;
           rights = CMSG_NXTHDR(&header, rights)) {
        if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
          int fd = -1;
          std::memcpy(&fd, CMSG_DATA(rights) + i * sizeof(int), sizeof(int));
          descriptors_.emplace_back(fd);
        }
      }
      end_ += static_cast<std::size_t>(got);
      return OkStatus();
    }
    if (errno == ECONNRESET || errno == EPIPE) return NotFound("the peer closed its socket");
    if (errno != EAGAIN && errno != EINTR) return ErrnoStatus(errno, "read from runner socket");

    bool waiting = false;
    {
      const std::lock_guard lock(write_mutex_);
      waiting = stuck_;
    }
    std::array<pollfd, 2> polled{
        pollfd{socket_.get(), static_cast<short>(POLLIN | (waiting ? POLLOUT : 0)), 0},
        pollfd{wake_.get(), POLLIN, 0}};
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR)
      return ErrnoStatus(errno, "poll runner socket");
    if ((polled[1].revents & POLLIN) != 0) {
      eventfd_t count = 0;
      ::eventfd_read(wake_.get(), &count);
    }
    if (waiting) RETURN_IF_ERROR(Flush());
  }
}

std::size_t Channel::NextSize() const {
  std::size_t size = 0;
  for (unsigned i = 0; i < kHeader; ++i) {
    size |= static_cast<std::size_t>(static_cast<unsigned char>(buffer_[begin_ + i])) << (8 * i);
  }
  return size;
}

bool Channel::HasMessage() const { return end_ - begin_ >= kHeader && end_ - begin_ - kHeader >= NextSize(); }

Status Channel::Receive(google::protobuf::MessageLite& message) {
  while (end_ - begin_ < kHeader) RETURN_IF_ERROR(Fill());
  const std::size_t size = NextSize();
  if (size > kMaxFrame) return DataLoss("frame of " + std::to_string(size) + " bytes on a runner socket");
  if (buffer_.size() < kHeader + size) buffer_.resize(kHeader + size);
  while (end_ - begin_ < kHeader + size) RETURN_IF_ERROR(Fill());
  const bool parsed = message.ParseFromArray(buffer_.data() + begin_ + kHeader, static_cast<int>(size));
  begin_ += kHeader + size;
  if (begin_ == end_ && buffer_.size() > kReadAhead) {
    begin_ = end_ = 0;
    std::vector<char>(kReadAhead).swap(buffer_);
  }
  return parsed ? OkStatus() : DataLoss("a message on a runner socket cannot be parsed");
}

Descriptor Channel::TakeDescriptor() {
  if (descriptors_.empty()) return Descriptor();
  Descriptor oldest = std::move(descriptors_.front());
  descriptors_.pop_front();
  return oldest;
}

void Channel::Shutdown() { ::shutdown(socket_.get(), SHUT_RDWR); }

}  // namespace millrace::runner
