// What a shuffle costs: 10 million rows of four columns grouped by DuckDB alone, and through map output,
// partitions and reduce SQL, with the same two threads. Each row of the report is one whole job; compare the
// times beside each other.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "worker/shuffle/grpc.h"
#include "worker/shuffle/local.h"
#include "worker/sql/shuffle_copy.h"
#include "worker/sql/shuffle_scan.h"

namespace millrace {
namespace {

constexpr int kThreads = 2;
constexpr char kRows[] = "SELECT k, a, b, c FROM rows";
const shuffle::OutputKey kKey{{{RunKey{1}, 0}, 1}, 0, 0};
const Fence kFence{1, 1};

template <typename T>
T Must(StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
    std::exit(1);
  }
  return std::move(*value);
}

// An instance with the rows in it, made once a number of keys.
class World {
 public:
  explicit World(std::int64_t keys) : keys_(keys) {
    folder_ = std::filesystem::temp_directory_path() / ("millrace-bench-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    instance_ = Must(sql::Instance::Open({.threads = kThreads, .folders = {folder_}}));
    connection_ = Must(instance_->Connect());
    Must(connection_->Run(
        "CREATE TABLE rows AS SELECT (hash(i) % " + std::to_string(keys) +
        ")::BIGINT AS k, i AS a, i / 3.0 AS b, (i % 1000)::INTEGER AS c FROM range(10000000) t(i)"));
    columns_ = Must(connection_->Describe(kRows));
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() {
    connection_.reset();
    instance_.reset();
    std::filesystem::remove_all(folder_);
  }

  static World& WithKeys(std::int64_t keys) {
    static std::unique_ptr<World> world;
    if (world == nullptr || world->keys_ != keys) {
      world.reset();
      world = std::make_unique<World>(keys);
    }
    return *world;
  }

  std::int64_t GroupBy(const std::string& rows) {
    const sql::Result result = Must(connection_->Run(
        "SELECT count(*), sum(n), sum(s), sum(f), max(m) FROM (SELECT k, count(*) AS n, sum(a) AS "
        "s, sum(b) AS f, max(c) AS m FROM (" +
        rows + ") GROUP BY k)"));
    return result.Integer(0, 0);
  }
  shuffle::FinishedOutput Map(const std::string& select, std::uint32_t partitions) {
    sql::MapFragment fragment;
    fragment.select = select;
    fragment.keys = {"k"};
    fragment.partitions = partitions;
    fragment.folder = folder_;
    return Must(sql::RunMapFragment(*connection_, fragment, kKey, kFence));
  }
  std::int64_t Reduce(shuffle::Fetcher& fetcher, const MapOutput& source, shuffle::PartitionRange range) {
    std::vector<sql::MapBlocks> blocks;
    blocks.push_back({0, Must(fetcher.Fetch(kKey.job, 0, source, range))});
    const auto input = Must(sql::OpenShuffleInput(*connection_, "shuffled", columns_, std::move(blocks)));
    return GroupBy("FROM shuffled");
  }
  const std::string& folder() const { return folder_; }

 private:
  std::int64_t keys_;
  std::string folder_;
  std::unique_ptr<sql::Instance> instance_;
  std::unique_ptr<sql::Connection> connection_;
  std::vector<Column> columns_;
};

void DuckDbAlone(benchmark::State& state) {
  World& world = World::WithKeys(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(world.GroupBy(kRows));
}

void MapOnly(benchmark::State& state) {
  World& world = World::WithKeys(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(world.Map(kRows, static_cast<std::uint32_t>(state.range(1))));
  }
}

void ShuffleBy(benchmark::State& state, bool local) {
  World& world = World::WithKeys(state.range(0));
  const auto partitions = static_cast<std::uint32_t>(state.range(1));
  const std::int64_t expected = world.GroupBy(kRows);
  shuffle::BlockStore store({.memory_bytes = std::uint64_t{4} << 30, .folder = world.folder()});
  const auto socket = Must(shuffle::LocalBlockServer::Start(world.folder() + "/s", "secret", store));
  const auto server = Must(shuffle::GrpcBlockServer::Start("127.0.0.1:0", "secret", store));
  const MapOutput source{0, 0, kFence, {}, server->address(), world.folder() + "/s", ""};
  shuffle::LocalFetcher by_socket("secret");
  shuffle::GrpcFetcher by_grpc("secret");
  shuffle::Fetcher& fetcher = local ? static_cast<shuffle::Fetcher&>(by_socket) : by_grpc;
  for (auto _ : state) {
    shuffle::FinishedOutput output = world.Map(kRows, partitions);
    state.counters["MB"] = static_cast<double>(output.bytes) / 1e6;
    if (const Status put = store.Put(kKey, kFence, std::move(output.file)); !put.ok()) std::exit(1);
    // Partitions are coalesced to eight reduce tasks, as the planner would.
    const std::uint32_t step = std::max<std::uint32_t>(1, partitions / 8);
    std::int64_t groups = 0;
    for (std::uint32_t p = 0; p < partitions; p += step) {
      groups += world.Reduce(fetcher, source, {p, std::min(partitions, p + step)});
    }
    if (groups != expected) {
      state.SkipWithError("the shuffle lost or split groups");
      break;
    }
  }
}

void ShuffleOnOneHost(benchmark::State& state) { ShuffleBy(state, true); }
void ShuffleByGrpc(benchmark::State& state) { ShuffleBy(state, false); }

void Arguments(benchmark::internal::Benchmark* bench) {
  bench->UseRealTime()->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond)->MinTime(2);
}

#define KEYS(keys)                                                  \
  BENCHMARK(DuckDbAlone)->Arg(keys)->Apply(Arguments);              \
  BENCHMARK(MapOnly)->Args({keys, 8})->Apply(Arguments);            \
  BENCHMARK(MapOnly)->Args({keys, 200})->Apply(Arguments);          \
  BENCHMARK(MapOnly)->Args({keys, 2000})->Apply(Arguments);         \
  BENCHMARK(ShuffleOnOneHost)->Args({keys, 8})->Apply(Arguments);   \
  BENCHMARK(ShuffleOnOneHost)->Args({keys, 200})->Apply(Arguments); \
  BENCHMARK(ShuffleByGrpc)->Args({keys, 8})->Apply(Arguments)

KEYS(100);
KEYS(100'000);
KEYS(3'000'000);

}  // namespace
}  // namespace millrace

BENCHMARK_MAIN();
