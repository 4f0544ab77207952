#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <semaphore>
#include <utility>

#include "proto/shuffle.grpc.pb.h"
#include "worker/shuffle/block.h"
#include "worker/shuffle/grpc.h"

namespace millrace::shuffle {
namespace {

constexpr int kStreamBytes = 1 << 20;    // that a peer may send ahead on one stream
constexpr std::ptrdiff_t kStreams = 48;  // so at most 48 MiB are under way
constexpr std::int64_t kPatienceSeconds = 600;
constexpr int kPingMillis = 20'000;  // a peer that is cut off is noticed within two of these

class StreamPermit {
 public:
  explicit StreamPermit(std::counting_semaphore<kStreams>& free) : free_(free) { free_.acquire(); }
  StreamPermit(const StreamPermit&) = delete;
  StreamPermit& operator=(const StreamPermit&) = delete;
  ~StreamPermit() { free_.release(); }

 private:
  std::counting_semaphore<kStreams>& free_;
};

Status FromGrpc(const grpc::Status& status, const std::string& address) {
  const auto code = static_cast<Code>(status.error_code());
  if (code == Code::kUnavailable || code == Code::kDeadlineExceeded || code == Code::kCancelled) {
    return Unavailable("Worker does not answer at its shuffle address " + address + ": " +
                       status.error_message());
  }
  return {code, status.error_message()};
}

bool Resize(std::vector<std::byte>& bytes, std::int64_t size) {
  try {
    bytes.resize(static_cast<std::uint64_t>(std::max<std::int64_t>(0, size)));
    return true;
  } catch (const std::exception&) {  // the number is the peer's
    return false;
  }
}

// That the bytes are whole blocks of the range, as far as their heads say.
Status CheckBlocks(std::span<const std::byte> rest, PartitionRange range) {
  std::uint32_t partition = range.begin;
  while (!rest.empty()) {
    ASSIGN_OR_RETURN(const BlockHead head, ReadBlockHead(rest));
    if (head.partition < partition || head.partition >= range.end) {
      return DataLoss(
          "Shuffle blocks are of another partition than asked for; their map output must be made again");
    }
    partition = head.partition;
    rest = rest.subspan(head.bytes);
  }
  return OkStatus();
}

}  // namespace

class GrpcFetcher::Peers {
 public:
  v1::ShuffleService::Stub& Stub(const std::string& address) {
    const std::lock_guard lock(mutex_);
    auto& stub = stubs_[address];
    if (stub == nullptr) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kStreamBytes);
      arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // it would raise what a stream may send ahead
      arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kPingMillis);
      arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingMillis);
      arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
      stub = v1::ShuffleService::NewStub(
          grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
    }
    return *stub;
  }
  std::counting_semaphore<kStreams>& streams() { return streams_; }

 private:
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<v1::ShuffleService::Stub>> stubs_;  // guarded by mutex_
  std::counting_semaphore<kStreams> streams_{kStreams};
};

GrpcFetcher::GrpcFetcher(std::string secret)
    : secret_(std::move(secret)), peers_(std::make_unique<Peers>()) {}
GrpcFetcher::~GrpcFetcher() = default;

StatusOr<BlockBytes> GrpcFetcher::Fetch(const JobKey& job, std::int32_t stage, const MapOutput& source,
                                        PartitionRange range) {
  v1::FetchRequest request;
  request.mutable_job()->set_run(ToInt(job.instance.run));
  request.mutable_job()->set_index(job.instance.index);
  request.mutable_job()->set_try_number(job.try_number);
  request.set_stage(stage);
  request.set_map_index(source.map_index);
  request.set_term(source.fence.term);
  request.set_counter(source.fence.counter);
  request.set_partition_begin(static_cast<std::int32_t>(range.begin));
  request.set_partition_end(static_cast<std::int32_t>(range.end));
  request.set_cut_begin(range.cut_begin);
  request.set_cut_end(range.cut_end);

  const StreamPermit permit(peers_->streams());
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + secret_);
  context.set_deadline(gpr_time_from_seconds(kPatienceSeconds, GPR_TIMESPAN));
  const auto reader = peers_->Stub(source.shuffle_address).Fetch(&context, request);
  std::vector<std::byte> bytes;
  std::uint64_t filled = 0;
  bool fits = true;
  v1::FetchSlice slice;
  for (bool first = true; reader->Read(&slice); first = false) {
    if (first && !Resize(bytes, slice.total())) {
      return ResourceExhausted("Out of memory for " + std::to_string(slice.total()) +
                               " bytes of shuffle blocks");
    }
    fits = slice.data().size() <= bytes.size() - filled;
    if (!fits) {
      context.TryCancel();
      break;
    }
    if (slice.data().empty()) continue;
    std::memcpy(bytes.data() + filled, slice.data().data(), slice.data().size());
    filled += slice.data().size();
  }
  const grpc::Status status = reader->Finish();
  if (fits && !status.ok()) return FromGrpc(status, source.shuffle_address);
  if (!fits || filled != bytes.size()) return DataLoss("Shuffle blocks came in another size than announced");
  RETURN_IF_ERROR(CheckBlocks(bytes, range));
  return BlockBytes::Own(std::move(bytes));
}

}  // namespace millrace::shuffle
