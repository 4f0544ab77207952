#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "worker/shuffle/grpc.h"
#include "worker/shuffle/local.h"
#include "worker/sql/shuffle_copy.h"
#include "worker/sql/shuffle_scan.h"

namespace millrace::sql {
namespace {

using testing::HasSubstr;

const shuffle::OutputKey kKey{{{RunKey{1}, 0}, 1}, 0, 0};

class Shuffle : public testing::Test {
 protected:
  void SetUp() override {
    std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(test.begin(), test.end(), '/', '_');
    folder_ = testing::TempDir() + "millrace-shuffle-" + std::to_string(::getpid()) + "-" + test;
    std::filesystem::create_directories(folder_);
    instance_ = Instance::Open({.threads = 3, .folders = {folder_}}).value();
    connection_ = instance_->Connect().value();
  }
  void TearDown() override {
    connection_.reset();
    instance_.reset();
    std::filesystem::remove_all(folder_);
  }

  MapFragment Fragment(const std::string& select, std::vector<std::string> keys, std::uint32_t partitions) {
    MapFragment fragment;
    fragment.select = select;
    fragment.keys = std::move(keys);
    fragment.partitions = partitions;
    fragment.folder = folder_;
    return fragment;
  }
  shuffle::FinishedOutput Map(const MapFragment& fragment) {
    auto output = RunMapFragment(*connection_, fragment, kKey, {1, 1});
    EXPECT_TRUE(output.ok()) << output.status().ToString();
    return std::move(*output);
  }
  std::unique_ptr<ShuffleInput> Open(const std::string& select, const shuffle::FinishedOutput& output,
                                     shuffle::PartitionRange range) {
    auto head = shuffle::ReadMapFileHead(output.file.get());
    EXPECT_TRUE(head.ok()) << head.status().ToString();
    std::vector<MapBlocks> blocks;
    blocks.push_back({0, shuffle::BlockBytes::Map(output.file.get(), *head, range).value()});
    auto input =
        OpenShuffleInput(*connection_, "shuffled", connection_->Describe(select).value(), std::move(blocks));
    EXPECT_TRUE(input.ok()) << input.status().ToString();
    return std::move(*input);
  }
  std::int64_t Number(const std::string& sql) {
    auto result = connection_->Run(sql);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? result->Integer(0, 0) : -1;
  }
  // Rows that are in one and not in the other, counted.
  std::int64_t Difference(const std::string& a, const std::string& b) {
    return Number("SELECT count(*) FROM ((FROM (" + a + ") EXCEPT ALL FROM (" + b + ")) UNION ALL (FROM (" +
                  b + ") EXCEPT ALL FROM (" + a + ")))");
  }

  std::string folder_;
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<Connection> connection_;
};

// Every layout, with NULLs in all but the key, 30,000 rows: several chunks, runs and threads.
const char* const kManyTypes = R"(
  SELECT i % 1000 AS k,
    i % 2 = 0 AS c_bool, CASE WHEN i % 3 <> 0 THEN (i % 100)::TINYINT END AS c_i8, (i % 1000)::SMALLINT AS c_i16,
    CASE WHEN i % 5 <> 0 THEN i::INTEGER END AS c_i32, i::UBIGINT * 1000003 AS c_u64, (i * i)::HUGEINT * 1000000007000 AS c_i128,
    CASE WHEN i % 7 <> 0 THEN i / 3.0 END AS c_double, (i / 7)::FLOAT AS c_float,
    (i / 100)::DECIMAL(4,1) AS c_d4, (i / 100.0)::DECIMAL(9,2) AS c_d9, (i * 1.5)::DECIMAL(18,3) AS c_d18,
    CASE WHEN i % 11 <> 0 THEN (i * 1.25)::DECIMAL(38,6) END AS c_d38,
    DATE '2001-01-01' + (i % 365)::INTEGER AS c_date, TIMESTAMP '2001-01-01' + INTERVAL (i) SECOND AS c_ts,
    CASE WHEN i % 4 <> 0 THEN TIMESTAMPTZ '2001-01-01 00:00:00+00' + INTERVAL (i) MINUTE END AS c_tstz,
    TIME '00:00:00' + INTERVAL (i) SECOND AS c_time, INTERVAL (i) DAY AS c_interval,
    md5(i::VARCHAR)::UUID AS c_uuid, ['a', 'b', 'c'][1 + i % 3]::ENUM('a', 'b', 'c') AS c_enum,
    CASE WHEN i % 6 <> 0 THEN repeat('é', (i % 30)::INTEGER) || i END AS c_text, ''::VARCHAR AS c_empty,
    encode('blob' || i) AS c_blob, ('{"a":' || i || '}')::JSON AS c_json,
    CASE WHEN i % 9 <> 0 THEN range(i % 5) END AS c_list,
    CASE WHEN i % 8 <> 0 THEN {'a': i, 'b': CASE WHEN i % 3 = 0 THEN 'text of row ' || i END} END AS c_struct,
    MAP {'k' || i: i, 'z': NULL} AS c_map,
    CASE WHEN i % 10 <> 0 THEN [['x' || i, NULL], [], NULL, ['a longer string than twelve ' || i]] END AS c_lists,
    NULL AS c_null
  FROM range(30000) t(i))";

class ShuffleInto : public Shuffle, public testing::WithParamInterface<std::uint32_t> {};

TEST_P(ShuffleInto, PartitionsGivesBackEveryRowOfEveryType) {
  const shuffle::FinishedOutput output = Map(Fragment(kManyTypes, {"k"}, GetParam()));
  std::uint64_t rows = 0;
  for (const auto& partition : output.partitions) rows += partition.rows;
  EXPECT_EQ(rows, 30000u);
  const auto input = Open(kManyTypes, output, {0, GetParam()});
  EXPECT_EQ(input->rows(), 30000u);
  EXPECT_EQ(Number("SELECT count(*) FROM shuffled"), 30000);
  EXPECT_EQ(Difference("FROM shuffled", kManyTypes), 0);
  // Projection: some columns, in another order.
  EXPECT_EQ(
      Difference("SELECT c_text, k FROM shuffled", "SELECT c_text, k FROM (" + std::string(kManyTypes) + ")"),
      0);
}

TEST_P(ShuffleInto, PartitionsKeepsTheRowsOfAKeyTogether) {
  const std::string select = "SELECT i % 777 AS a, (i % 3)::VARCHAR AS b, i AS v FROM range(20000) t(i)";
  const shuffle::FinishedOutput output = Map(Fragment(select, {"a", "b"}, GetParam()));
  std::string all =
      "SELECT NULL::BIGINT AS p, NULL::BIGINT AS a, NULL::VARCHAR AS b, NULL::BIGINT AS s WHERE false";
  connection_->Run("CREATE TABLE reduced AS " + all).value();
  for (std::uint32_t p = 0; p < GetParam(); ++p) {
    const auto input = Open(select, output, {p, p + 1});
    EXPECT_EQ(input->rows(), output.partitions[p].rows);
    connection_
        ->Run("INSERT INTO reduced SELECT " + std::to_string(p) +
              ", a, b, sum(v) FROM shuffled GROUP BY a, b")
        .value();
  }
  EXPECT_EQ(Difference("SELECT a, b, s FROM reduced",
                       "SELECT a, b, sum(v)::BIGINT FROM (" + select + ") GROUP BY a, b"),
            0);
}

INSTANTIATE_TEST_SUITE_P(Counts, ShuffleInto, testing::Values(1, 8, 200));

TEST_F(Shuffle, HeavyKeysAreToldInWordsWithAboutTheirBytes) {
  // 300,000 rows of 24 bytes: a third one key, a tenth a NULL, the others about 180,000 keys.
  const std::string select =
      "SELECT CASE WHEN i % 3 = 0 THEN DATE '2001-02-03' WHEN i % 10 = 1 THEN NULL ELSE DATE '1800-01-01' + (i // 2)::INTEGER END AS day, "
      "CASE WHEN i % 3 = 0 THEN 'CA' ELSE 'NY' END AS state, i AS v, i * 2 AS w FROM range(300000) t(i)";
  MapFragment fragment = Fragment(select, {"day", "state"}, 8);
  std::vector<HeavyKey> heavy;
  fragment.heavy = &heavy;
  (void)Map(fragment);
  ASSERT_EQ(heavy.size(), 2u);
  EXPECT_EQ(heavy[0].text, "day=2001-02-03, state=CA");
  EXPECT_NEAR(static_cast<double>(heavy[0].bytes), 100'000.0 * 26, 100'000.0 * 26 / 5);
  EXPECT_EQ(heavy[1].text, "day=NULL, state=NY");
}

TEST_F(Shuffle, TwoThousandPartitionsWork) {
  const std::string select = "SELECT i AS k, 'value ' || i AS v FROM range(100000) t(i)";
  const shuffle::FinishedOutput output = Map(Fragment(select, {"k"}, 2000));
  for (const auto& partition : output.partitions) EXPECT_NEAR(static_cast<double>(partition.rows), 50, 45);
  const auto input = Open(select, output, {0, 2000});
  EXPECT_EQ(Difference("FROM shuffled", select), 0);
}

TEST_F(Shuffle, AnEmptyResultIsEmptyPartitions) {
  const std::string select = "SELECT i AS k, 'x' AS v FROM range(10) t(i) WHERE i > 10";
  const shuffle::FinishedOutput output = Map(Fragment(select, {"k"}, 4));
  for (const auto& partition : output.partitions) EXPECT_EQ(partition.rows, 0u);
  const auto input = Open(select, output, {0, 4});
  EXPECT_EQ(Number("SELECT count(*) FROM shuffled"), 0);
}

TEST_F(Shuffle, WithoutKeysAllRowsShareAPartition) {
  const std::string select = "SELECT i AS v FROM range(1000) t(i)";
  const shuffle::FinishedOutput output = Map(Fragment(select, {}, 4));
  std::vector<std::uint64_t> rows;
  for (const auto& partition : output.partitions) rows.push_back(partition.rows);
  EXPECT_EQ(std::count(rows.begin(), rows.end(), 1000u), 1);
}

TEST_F(Shuffle, NullNegativeZeroAndNanAreGroupedAsDuckDbGroupsThem) {
  const std::string select =
      "SELECT CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN 0.0::DOUBLE WHEN 2 THEN -(0.0::DOUBLE) WHEN 3 THEN "
      "'nan'::DOUBLE "
      "WHEN 4 THEN -('nan'::DOUBLE) ELSE i END AS k, 1 AS v FROM range(600) t(i)";
  const shuffle::FinishedOutput output = Map(Fragment(select, {"k"}, 16));
  connection_->Run("CREATE TABLE reduced(k DOUBLE, n HUGEINT)").value();
  for (std::uint32_t p = 0; p < 16; ++p) {
    const auto input = Open(select, output, {p, p + 1});
    connection_->Run("INSERT INTO reduced SELECT k, sum(v) FROM shuffled GROUP BY k").value();
  }
  EXPECT_EQ(Number("SELECT count(*) FROM reduced"),
            Number("SELECT count(DISTINCT k) + 1 FROM (" + select + ")"));
  EXPECT_EQ(Number("SELECT n FROM reduced WHERE k IS NULL"), 100);
  EXPECT_EQ(Number("SELECT n FROM reduced WHERE k = 0"), 200);
  EXPECT_EQ(Number("SELECT n FROM reduced WHERE isnan(k)"), 200);
}

TEST_F(Shuffle, StringsOfAMegabyteArriveWhole) {
  const std::string select =
      "SELECT i AS k, repeat(chr(97 + i::INTEGER), 1000000 + i::INTEGER) AS v FROM range(20) t(i)";
  const shuffle::FinishedOutput output = Map(Fragment(select, {"k"}, 3));
  const auto input = Open(select, output, {0, 3});
  EXPECT_EQ(Difference("FROM shuffled", select), 0);
  // A result outlives the blocks its strings came from.
  auto result = connection_->Run("SELECT v FROM shuffled WHERE k = 3").value();
  EXPECT_EQ(result.Text(0, 0), std::string(1000003, 'd'));
}

TEST_F(Shuffle, SpilledOutputsGiveBackTheSameRowsAndTheSameDigest) {
  MapFragment fragment = Fragment(kManyTypes, {"k"}, 8);
  const shuffle::FinishedOutput whole = Map(fragment);
  fragment.buffer_bytes = 1 << 20;
  fragment.memory_bytes = 0;
  const shuffle::FinishedOutput spilled = Map(fragment);
  EXPECT_GT(spilled.spilled_bytes, 0u);
  EXPECT_TRUE(whole.in_memory);
  EXPECT_FALSE(spilled.in_memory);
  EXPECT_EQ(shuffle::FoldedDigest(spilled.partitions), shuffle::FoldedDigest(whole.partitions));
  const auto input = Open(kManyTypes, spilled, {0, 8});
  EXPECT_EQ(Difference("FROM shuffled", kManyTypes), 0);
}

TEST_F(Shuffle, TheDigestTellsOtherRowsApart) {
  const auto digest = [&](const std::string& select) {
    return shuffle::FoldedDigest(Map(Fragment(select, {"k"}, 4)).partitions);
  };
  const std::string rows = "SELECT i AS k, 'v' || i AS v FROM range(5000) t(i)";
  EXPECT_EQ(digest(rows), digest(rows + " ORDER BY v DESC"));
  EXPECT_NE(digest(rows),
            digest("SELECT k, CASE WHEN k = 77 THEN v || 'x' ELSE v END AS v FROM (" + rows + ")"));
  EXPECT_NE(digest(rows), digest(rows + " UNION ALL SELECT 1, 'v1'"));
}

TEST_F(Shuffle, ATypeThatCannotBeShuffledIsNamedBeforeAnythingRuns) {
  const auto output = RunMapFragment(
      *connection_,
      Fragment("SELECT 1 AS k, [1,2]::INTEGER[2] AS arr, error('it ran')::VARCHAR AS e", {"k"}, 2), kKey,
      {1, 1});
  ASSERT_FALSE(output.ok());
  EXPECT_EQ(output.status().code(), Code::kUnimplemented);
  EXPECT_THAT(output.status().message(), HasSubstr("\"arr\""));
  EXPECT_THAT(output.status().message(), HasSubstr("cast it to"));
}

TEST_F(Shuffle, TwoColumnsOfOneNameAreRefused) {
  const auto output = RunMapFragment(*connection_, Fragment("SELECT 1 AS k, 2 AS K", {"k"}, 2), kKey, {1, 1});
  EXPECT_EQ(output.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(output.status().message(), HasSubstr("\"K\""));
}

TEST_F(Shuffle, AnErrorInTheSqlIsTheFragmentsError) {
  const auto output = RunMapFragment(
      *connection_,
      Fragment("SELECT i AS k, CASE WHEN i = 9000 THEN error('bad row') END AS v FROM range(10000) t(i)",
               {"k"}, 2),
      kKey, {1, 1});
  ASSERT_FALSE(output.ok());
  EXPECT_THAT(output.status().message(), HasSubstr("bad row"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(Shuffle, ACorruptBlockFailsTheStatementAndNamesItsMap) {
  const std::string select = "SELECT i AS k FROM range(10000) t(i)";
  const shuffle::FinishedOutput output = Map(Fragment(select, {"k"}, 1));
  const auto head = shuffle::ReadMapFileHead(output.file.get()).value();
  const auto good = shuffle::BlockBytes::Map(output.file.get(), head, {0, 1}).value();
  std::vector<std::byte> bytes(good.bytes().begin(), good.bytes().end());
  bytes[bytes.size() / 2] ^= std::byte{4};
  std::vector<MapBlocks> blocks;
  blocks.push_back({42, shuffle::BlockBytes::Own(std::move(bytes))});
  const auto input =
      OpenShuffleInput(*connection_, "shuffled", connection_->Describe(select).value(), std::move(blocks))
          .value();
  const Status status = connection_->Run("SELECT sum(k) FROM shuffled").status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("Map 42"));
  EXPECT_THAT(input->corrupt_maps(), testing::ElementsAre(42));

  std::vector<std::int32_t> corrupt;
  std::vector<MapBlocks> cut;
  cut.push_back({7, shuffle::BlockBytes::Own({good.bytes().begin(), good.bytes().end() - 1})});
  EXPECT_EQ(OpenShuffleInput(*connection_, "shuffled", connection_->Describe(select).value(), std::move(cut),
                             &corrupt)
                .status()
                .code(),
            Code::kDataLoss);
  EXPECT_THAT(corrupt, testing::ElementsAre(7));
}

// A job in small: two map tasks on two workers, each partition reduced by itself, through the socket and
// through gRPC.
TEST_F(Shuffle, MapsOnTwoWorkersAreReducedThroughEitherFetcher) {
  const std::string half = " FROM range(50000) t(i)";
  const std::string maps[] = {"SELECT i % 999 AS k, i AS v, 'name ' || (i % 999) AS n" + half,
                              "SELECT i % 999 AS k, i * 3 AS v, 'name ' || (i % 999) AS n" + half};
  std::vector<std::unique_ptr<shuffle::BlockStore>> stores;
  std::vector<std::unique_ptr<shuffle::LocalBlockServer>> sockets;
  std::vector<std::unique_ptr<shuffle::GrpcBlockServer>> servers;
  std::vector<MapOutput> sources;
  for (std::int32_t map = 0; map < 2; ++map) {
    const shuffle::OutputKey key{kKey.job, 0, map};
    const Fence fence{1, static_cast<std::uint64_t>(map) + 10};
    const std::string socket = folder_ + "/" + std::to_string(map) + ".sock";
    auto output = RunMapFragment(*connection_, Fragment(maps[map], {"k"}, 4), key, fence);
    ASSERT_TRUE(output.ok()) << output.status().ToString();
    stores.push_back(std::make_unique<shuffle::BlockStore>(shuffle::BlockStoreOptions{.folder = folder_}));
    ASSERT_TRUE(stores.back()->Put(key, fence, std::move(output->file)).ok());
    sockets.push_back(shuffle::LocalBlockServer::Start(socket, "secret", *stores.back()).value());
    servers.push_back(shuffle::GrpcBlockServer::Start("127.0.0.1:0", "secret", *stores.back()).value());
    sources.push_back({0, map, fence, {}, servers.back()->address(), socket, "host"});
  }
  shuffle::LocalFetcher local("secret");
  shuffle::GrpcFetcher remote("secret");
  for (shuffle::Fetcher* fetcher :
       {static_cast<shuffle::Fetcher*>(&local), static_cast<shuffle::Fetcher*>(&remote)}) {
    connection_->Run("CREATE OR REPLACE TABLE reduced(k BIGINT, n VARCHAR, rows BIGINT, total HUGEINT)")
        .value();
    for (std::uint32_t p = 0; p < 4; ++p) {
      std::vector<MapBlocks> blocks;
      for (const MapOutput& source : sources) {
        auto fetched = fetcher->Fetch(kKey.job, 0, source, {p, p + 1});
        ASSERT_TRUE(fetched.ok()) << fetched.status().ToString();
        blocks.push_back({source.map_index, std::move(*fetched)});
      }
      const auto input = OpenShuffleInput(*connection_, "shuffled", connection_->Describe(maps[0]).value(),
                                          std::move(blocks))
                             .value();
      connection_->Run("INSERT INTO reduced SELECT k, n, count(*), sum(v) FROM shuffled GROUP BY k, n")
          .value();
    }
    EXPECT_EQ(Difference("FROM reduced", "SELECT k, n, count(*), sum(v) FROM (" + maps[0] + " UNION ALL " +
                                             maps[1] + ") GROUP BY k, n"),
              0);
  }
}

TEST_F(Shuffle, ReduceSqlReadsSeveralMapsAndWritesParquet) {
  const std::string select = "SELECT i % 100 AS k, i AS v FROM range(10000) t(i)";
  const shuffle::FinishedOutput first = Map(Fragment(select, {"k"}, 4));
  const shuffle::FinishedOutput second = Map(Fragment(select, {"k"}, 4));
  std::vector<MapBlocks> blocks;
  for (const auto* output : {&first, &second}) {
    const auto head = shuffle::ReadMapFileHead(output->file.get()).value();
    blocks.push_back({0, shuffle::BlockBytes::Map(output->file.get(), head, {0, 4}).value()});
  }
  const auto input =
      OpenShuffleInput(*connection_, "shuffled", connection_->Describe(select).value(), std::move(blocks))
          .value();
  connection_
      ->Run("COPY (SELECT k, count(*) AS n, sum(v) AS s FROM shuffled GROUP BY k) TO '" + folder_ +
            "/out.parquet' (FORMAT parquet)")
      .value();
  EXPECT_EQ(Difference("FROM '" + folder_ + "/out.parquet'",
                       "SELECT k, 2 * count(*) AS n, 2 * sum(v) AS s FROM (" + select + ") GROUP BY k"),
            0);
}

}  // namespace
}  // namespace millrace::sql
