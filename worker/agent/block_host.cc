#include "worker/agent/block_host.h"

#include <sys/random.h>

#include <array>
#include <cerrno>

#include "platform/failpoint/failpoint.h"
#include "proto/convert/worker.h"

namespace millrace::agent {
namespace {

StatusOr<std::string> RandomSecret() {
  std::array<unsigned char, 32> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return ErrnoStatus(errno, "getrandom");
  std::string text;
  for (const unsigned char byte : bytes) {
    text.push_back("0123456789abcdef"[byte >> 4]);
    text.push_back("0123456789abcdef"[byte & 15]);
  }
  return text;
}

}  // namespace

StatusOr<std::unique_ptr<BlockHost>> BlockHost::Start(const std::string& listen,
                                                      const std::string& socket_path,
                                                      shuffle::BlockStoreOptions options) {
  std::unique_ptr<BlockHost> host(new BlockHost(socket_path, std::move(options)));
  ASSIGN_OR_RETURN(host->secret_, RandomSecret());
  ASSIGN_OR_RETURN(host->remote_, shuffle::GrpcBlockServer::Start(listen, host->secret_, host->store_));
  host->address_ = host->remote_->address();
  return host;
}

Status BlockHost::Open(const std::string& secret) {
  const std::lock_guard lock(mutex_);
  if (secret == secret_ && local_ != nullptr) return OkStatus();
  secret_ = secret;
  local_.reset();
  ASSIGN_OR_RETURN(local_, shuffle::LocalBlockServer::Start(socket_path_, secret, store_));
  remote_.reset();  // first, to free the port
  ASSIGN_OR_RETURN(remote_, shuffle::GrpcBlockServer::Start(address_, secret, store_));
  return OkStatus();
}

Status BlockHost::Keep(const v1::BlocksReady& blocks, runner::Descriptor descriptor) {
  const shuffle::OutputKey key{convert::FromWire(blocks.job()), blocks.stage(), blocks.map_index()};
  Failpoint("agent.before_keep");
  const Status kept = store_.Put(key, convert::FromWire(blocks.fence()), std::move(descriptor));
  Failpoint("agent.after_keep");
  return kept;
}

}  // namespace millrace::agent
