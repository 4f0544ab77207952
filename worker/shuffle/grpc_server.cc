#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <semaphore>
#include <utility>

#include "proto/shuffle.grpc.pb.h"
#include "worker/shuffle/grpc.h"

namespace millrace::shuffle {
namespace {

constexpr std::uint64_t kSliceBytes = std::uint64_t{256} << 10;
constexpr std::ptrdiff_t kSlicesUnderWay = 192;  // 48 MiB
constexpr int kThreads = 64;

grpc::Status ToGrpc(const Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), status.message()};
}

bool IsLoopback(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("localhost:") || address.starts_with("[::1]:");
}

// Holds one slice's share of the memory for slices.
class SlicePermit {
 public:
  explicit SlicePermit(std::counting_semaphore<kSlicesUnderWay>& free) : free_(free) { free_.acquire(); }
  SlicePermit(const SlicePermit&) = delete;
  SlicePermit& operator=(const SlicePermit&) = delete;
  ~SlicePermit() { free_.release(); }

 private:
  std::counting_semaphore<kSlicesUnderWay>& free_;
};

}  // namespace

class GrpcBlockServer::Service : public v1::ShuffleService::Service {
 public:
  Service(std::string secret, const BlockStore& store) : wanted_("Bearer " + secret), store_(store) {}

  ~Service() override {
    // A deadline in the past: calls are cancelled, not waited for.
    if (server_ != nullptr) server_->Shutdown(gpr_inf_past(GPR_CLOCK_REALTIME));
  }

  // The port; 0 when the address cannot be had.
  int Listen(const std::string& address) {
    grpc::ServerBuilder builder;
    grpc::ResourceQuota quota("shuffle");
    quota.SetMaxThreads(kThreads);
    builder.SetResourceQuota(quota);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    int port = 0;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    return server_ == nullptr ? 0 : port;
  }

  grpc::Status Fetch(grpc::ServerContext* context, const v1::FetchRequest* request,
                     grpc::ServerWriter<v1::FetchSlice>* writer) override {
    const auto found = context->client_metadata().find("authorization");
    if (found == context->client_metadata().end() ||
        !SecretsMatch({found->second.data(), found->second.size()}, wanted_)) {
      return ToGrpc(Unauthenticated("The shuffle secret is wrong"));
    }
    const Status status = Send(*request, *writer);
    return status.ok() ? grpc::Status::OK : ToGrpc(status);
  }

 private:
  Status Send(const v1::FetchRequest& request, grpc::ServerWriter<v1::FetchSlice>& writer) {
    const OutputKey key{{{RunKey{request.job().run()}, request.job().index()}, request.job().try_number()},
                        request.stage(),
                        request.map_index()};
    ASSIGN_OR_RETURN(const Descriptor file, store_.Find(key, {request.term(), request.counter()}));
    ASSIGN_OR_RETURN(const MapFileHead head, ReadMapFileHead(file.get()));
    // What is negative becomes larger than any map output has.
    ASSIGN_OR_RETURN(const FileRange blocks,
                     FindBlocks(file.get(), head,
                                {static_cast<std::uint32_t>(request.partition_begin()),
                                 static_cast<std::uint32_t>(request.partition_end()), request.cut_begin(),
                                 request.cut_end()}));
    std::uint64_t at = blocks.begin;
    const std::uint64_t stop = blocks.end;
    v1::FetchSlice slice;
    slice.set_total(static_cast<std::int64_t>(stop - at));
    do {
      const SlicePermit permit(free_);
      std::string& data = *slice.mutable_data();
      data.resize(std::min(kSliceBytes, stop - at));
      RETURN_IF_ERROR(ReadAt(file.get(), std::as_writable_bytes(std::span(data)), at));
      at += data.size();
      if (!writer.Write(slice)) return Cancelled("The reader of shuffle blocks is gone");
      slice.clear_total();
    } while (at < stop);
    return OkStatus();
  }

  std::string wanted_;
  const BlockStore& store_;
  std::counting_semaphore<kSlicesUnderWay> free_{kSlicesUnderWay};
  std::unique_ptr<grpc::Server> server_;
};

GrpcBlockServer::GrpcBlockServer(std::unique_ptr<Service> service, std::string address)
    : service_(std::move(service)), address_(std::move(address)) {}
GrpcBlockServer::~GrpcBlockServer() = default;

StatusOr<std::unique_ptr<GrpcBlockServer>> GrpcBlockServer::Start(const std::string& address,
                                                                  std::string secret,
                                                                  const BlockStore& store) {
  if (secret.empty()) return InvalidArgument("The shuffle needs a secret");
  if (!IsLoopback(address)) {
    return InvalidArgument(
        "The shuffle is not encrypted, so it is served on a loopback address only, not on " + address);
  }
  auto service = std::make_unique<Service>(std::move(secret), store);
  const int port = service->Listen(address);
  if (port == 0) return Unavailable("The shuffle's address is taken or not of this machine: " + address);
  std::string dialled = address.substr(0, address.rfind(':') + 1) + std::to_string(port);
  return std::unique_ptr<GrpcBlockServer>(new GrpcBlockServer(std::move(service), std::move(dialled)));
}

}  // namespace millrace::shuffle
