#include "worker/readers/json_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "tests/unit/worker/readers/no_cast.h"
#include "worker/readers/batch_reader.h"

namespace millrace::readers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Row = std::vector<std::string>;

class Skipped final : public BadRecords {
 public:
  Status Skip(const std::string&, std::uint64_t offset, std::string_view record, const std::string& reason) override {
    offsets.push_back(offset);
    records.emplace_back(record);
    reasons.push_back(reason);
    return OkStatus();
  }
  std::vector<std::uint64_t> offsets;
  std::vector<std::string> records;
  std::vector<std::string> reasons;
};

std::string Shown(const JsonColumn& column, const void* values, std::size_t row) {
  switch (column.type.kind) {
    case ValueKind::kText: {
      const Text& text = static_cast<const Text*>(values)[row];
      return {text.inlined.length <= 12 ? text.inlined.text : text.pointer.text, text.inlined.length};
    }
    case ValueKind::kBoolean: return static_cast<const bool*>(values)[row] ? "true" : "false";
    case ValueKind::kInt8: return std::to_string(static_cast<const std::int8_t*>(values)[row]);
    case ValueKind::kDouble: return std::to_string(static_cast<const double*>(values)[row]);
    case ValueKind::kDate: return std::to_string(static_cast<const std::int32_t*>(values)[row]);
    default: return std::to_string(static_cast<const std::int64_t*>(values)[row]);
  }
}

class JsonLinesTest : public testing::Test {
 protected:
  JsonLinesTest() : path_(testing::TempDir() + "millrace-json-" + std::to_string(::getpid()) + ".jsonl") {}
  ~JsonLinesTest() override { std::filesystem::remove(path_); }

  static JsonColumn Of(const std::string& name, ValueKind kind, bool json = false) {
    return {.name = name, .type = {.kind = kind}, .json = json, .called = "column " + name};
  }
  // NULL is "-".
  StatusOr<std::vector<Row>> Read(const std::vector<JsonColumn>& columns, const std::string& bytes, BadRecords* bad = nullptr,
                                  std::uint64_t piece_bytes = 1 << 30, std::size_t window_bytes = RecordReader::kWindowBytes) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    return ReadFile(columns, path_, bad, piece_bytes, window_bytes);
  }
  static StatusOr<std::vector<Row>> ReadFile(const std::vector<JsonColumn>& columns, const std::string& path, BadRecords* bad = nullptr,
                                             std::uint64_t piece_bytes = 1 << 30,
                                             std::size_t window_bytes = RecordReader::kWindowBytes) {
    const FileFormat format{.dialect = Dialect::Lines(), .json = true, .columns = columns};
    std::vector<std::uint32_t> wanted;
    std::vector<ColumnTarget> targets(columns.size());
    std::vector<std::vector<std::uint64_t>> memory;
    for (std::uint32_t i = 0; i < columns.size(); ++i) {
      wanted.push_back(i);
      memory.emplace_back(2 * kMaxBatch);
    }
    for (std::size_t i = 0; i < columns.size(); ++i) targets[i].values = memory[i].data();
    BatchReader reader(format, wanted, bad, window_bytes);
    NoCast none;
    std::vector<Row> rows;
    ASSIGN_OR_RETURN(const std::vector<Piece> pieces, CutFile(format.dialect, path, piece_bytes));
    for (const Piece& piece : pieces) {
      RETURN_IF_ERROR(reader.Open(piece));
      for (;;) {
        ASSIGN_OR_RETURN(const std::size_t count, reader.Next(none, targets));
        if (count == 0) break;
        for (std::size_t row = 0; row < count; ++row) {
          Row& shown = rows.emplace_back();
          for (std::size_t i = 0; i < columns.size(); ++i) {
            const bool null = targets[i].nulls && (targets[i].valid[row / 64] >> row % 64 & 1) == 0;
            shown.push_back(null ? "-" : Shown(columns[i], memory[i].data(), row));
          }
        }
      }
    }
    return rows;
  }
  std::string Error(const std::vector<JsonColumn>& columns, const std::string& bytes) { return Read(columns, bytes).status().message(); }

  const std::string path_;
};

TEST_F(JsonLinesTest, MembersAreColumnsInWhateverOrderTheyStand) {
  const std::vector<JsonColumn> columns = {Of("k", ValueKind::kInt64), Of("s", ValueKind::kText)};
  EXPECT_THAT(*Read(columns, "{\"k\":1,\"s\":\"a\"}\r\n\n  \n{ \"s\" : \"a longer text than twelve\" , \"other\":[1,{\"k\":7}], \"k\" :2 }\n{}\n"
                             "{\"k\":null}\n{\"k\":3,\"k\":4,\"\\u0073\":\"\\\"\\u00e9\\n\"}"),
              ElementsAre(Row{"1", "a"}, Row{"2", "a longer text than twelve"}, Row{"-", "-"}, Row{"-", "-"}, Row{"3", "\"é\n"}));
  EXPECT_THAT(*Read({}, "{\"k\":1}\n\n{}\n"), ElementsAre(Row{}, Row{}));
}

TEST_F(JsonLinesTest, ValuesAreReadAsTheColumnsType) {
  const std::vector<JsonColumn> columns = {Of("i", ValueKind::kInt8), Of("d", ValueKind::kDouble), Of("b", ValueKind::kBoolean),
                                           Of("s", ValueKind::kText), Of("j", ValueKind::kText, true), Of("t", ValueKind::kDate)};
  EXPECT_THAT(*Read(columns, R"({"i":-128,"d":1e3,"b":true,"s":12.50,"j":"x","t":"1970-01-03"}
{"i":"7","d":"0.5","b":"false","s":[1, {"a" : "b\"c"}],"j":{ "a" : [ ] , "b":null},"t":null}
{"i":2.5,"d":7,"b":0,"s":true,"j":1,"t":"1970-01-01"}
{"i":true,"d":false,"b":2,"s":"","j":[{}, [ 1 , 2 ]],"t":" 1970-01-02 "})"),
              ElementsAre(Row{"-128", "1000.000000", "true", "12.50", "\"x\"", "2"},
                          Row{"7", "0.500000", "false", "[1,{\"a\":\"b\\\"c\"}]", "{\"a\":[],\"b\":null}", "-"},
                          Row{"2", "7.000000", "false", "true", "1", "0"}, Row{"1", "0.000000", "true", "", "[{},[1,2]]", "1"}));
}

TEST_F(JsonLinesTest, ABadLineIsAnErrorThatSaysWhereAndWhy) {
  const std::vector<JsonColumn> columns = {Of("k", ValueKind::kInt8), Of("s", ValueKind::kText)};
  const auto error = [&](const std::string& line) { return Error(columns, "{\"k\":1}\n" + line + "\n{\"k\":2}\n"); };
  EXPECT_THAT(error("{\"k\":300}"), HasSubstr("line 2, byte 8: column k: 300 is no such value"));
  EXPECT_THAT(error("  {\"k\":{}}"), HasSubstr("line 2, byte 10: column k: { is no such value"));
  for (const char* bad :
       {"{\"k\":1", "{\"k\":1}}", "{\"k\":1} x", "[1]", "5", "{\"k\" 1}", "{\"k\":1,}", "{k:1}", "{\"k\":01}", "{\"k\":1.}", "{\"k\":+1}",
        "{\"s\":\"a\"b\"}", "{\"s\":tru}", "{\"s\":\"a\nb\"}", "{\"s\":\"\\x\"}", "{\"s\":\"\xff\"}", "{\"s\":[1,]}", "{\"s\":[1 2]}",
        "{\"s\":{\"a\":nul}}", "nonsense", "{\"k\":\"x\"}", "{\"s\":\"a\"b}", "{\"k\":}", "{\"k\":1 2}", "{", "}", "\""}) {
    EXPECT_THAT(error(bad), HasSubstr("line 2, byte 8: ")) << bad;
  }
  EXPECT_THAT(error(std::string(2000, '[')), HasSubstr("line 2, byte 8: "));
  EXPECT_THAT(error("{\"s\":" + std::string(500, '[') + std::string(500, ']') + "}"), HasSubstr("nested more than 200 deep"));
}

TEST_F(JsonLinesTest, ABadLineIsSkippedWhereThatIsAllowedAndCostsNoOther) {
  const std::vector<JsonColumn> columns = {Of("k", ValueKind::kInt8), Of("s", ValueKind::kText)};
  Skipped bad;
  EXPECT_THAT(*Read(columns, "{\"k\":1,\"s\":\"a\"}\n{\"s\":null,\"k\":300}\n{\"k\":2\n{\"k\":3,\"s\":\"b\"}\nx", &bad),
              ElementsAre(Row{"1", "a"}, Row{"3", "b"}));
  EXPECT_THAT(bad.offsets, ElementsAre(16, 35, 58));
  EXPECT_THAT(bad.records, ElementsAre("{\"s\":null,\"k\":300}", "{\"k\":2", "x"));
  EXPECT_THAT(bad.reasons[0], "column k: 300 is no such value");
}

TEST_F(JsonLinesTest, HoweverTheFileIsCutTheRowsAreThoseOfOneWholeRead) {
  const std::vector<JsonColumn> columns = {Of("k", ValueKind::kInt64), Of("s", ValueKind::kText)};
  std::string text = "\xef\xbb\xbf";
  for (int i = 0; i < 40; ++i) {
    text += i % 7 == 3 ? "\n{\"bad\n" : "";
    text += "{\"k\":" + std::to_string(i * i) + ",\"s\":\"line\\n" + std::string(static_cast<std::size_t>(i % 5), 'x') + "\"}" +
            (i % 3 == 0 ? "\r\n" : "\n");
  }
  Skipped whole;
  const std::vector<Row> rows = *Read(columns, text, &whole);
  EXPECT_EQ(rows.size(), 40u);
  EXPECT_EQ(whole.offsets.size(), 6u);
  for (std::uint64_t piece = 1; piece < text.size() + 2; ++piece) {
    Skipped cut;
    ASSERT_EQ(*ReadFile(columns, path_, &cut, piece, 64), rows) << piece;
    ASSERT_EQ(cut.offsets, whole.offsets) << piece;
    ASSERT_EQ(cut.records, whole.records) << piece;
  }
}

TEST_F(JsonLinesTest, MoreRowsThanABatchAndLinesLongerThanAWindow) {
  const std::vector<JsonColumn> columns = {Of("k", ValueKind::kInt64), Of("s", ValueKind::kText)};
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "{\"k\":" + std::to_string(i) + ",\"s\":\"\\t" + std::to_string(i) + "\"}\n";
  text += "{\"k\":10000,\"s\":\"" + std::string(600'000, 'y') + "\"}\n";
  const std::vector<Row> rows = *Read(columns, text);
  ASSERT_EQ(rows.size(), 10'001u);
  for (std::size_t i = 0; i < 10'000; ++i) ASSERT_EQ(rows[i], (Row{std::to_string(i), "\t" + std::to_string(i)}));
  EXPECT_EQ(rows.back()[1].size(), 600'000u);
}

class CompressedTest : public JsonLinesTest {
 protected:
  ~CompressedTest() override {
    std::filesystem::remove(path_ + ".gz");
    std::filesystem::remove(path_ + ".zst");
  }
  static std::string Gzip(const std::string& text) {
    z_stream state{};
    EXPECT_EQ(::deflateInit2(&state, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(::deflateBound(&state, text.size()) + 64, '\0');
    state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    state.avail_in = static_cast<uInt>(text.size());
    state.next_out = reinterpret_cast<Bytef*>(out.data());
    state.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(::deflate(&state, Z_FINISH), Z_STREAM_END);
    out.resize(state.total_out);
    ::deflateEnd(&state);
    return out;
  }
  static std::string Zstd(const std::string& text) {
    std::string out(::ZSTD_compressBound(text.size()), '\0');
    out.resize(::ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
  }
  static void Put(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes; }
};

TEST_F(CompressedTest, GzipAndZstdAreReadAsTheyComeOutAlsoWhenSeveralAreJoined) {
  const std::vector<JsonColumn> columns = {Of("k", ValueKind::kInt64)};
  std::string text;
  std::vector<Row> rows;
  for (int i = 0; i < 60'000; ++i) {
    text += "{\"k\":" + std::to_string(i) + "}\n";
    rows.push_back({std::to_string(i)});
  }
  const std::string head = text.substr(0, 333'333);
  const std::string tail = text.substr(333'333);
  Put(path_ + ".gz", Gzip(head) + Gzip("") + Gzip(tail));
  Put(path_ + ".zst", Zstd(head) + Zstd("") + Zstd(tail));
  for (const char* suffix : {".gz", ".zst"}) {
    const auto read = ReadFile(columns, path_ + suffix, nullptr, 1000, 1 << 12);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(*read, rows) << suffix;
  }
  Put(path_ + ".gz", Gzip(""));
  EXPECT_EQ(*ReadFile(columns, path_ + ".gz"), std::vector<Row>());
  Put(path_ + ".gz", "");
  EXPECT_EQ(*ReadFile(columns, path_ + ".gz"), std::vector<Row>());
}

TEST_F(CompressedTest, ADamagedOrShortenedFileIsAnErrorAndABadLineSaysWhichItIs) {
  const std::vector<JsonColumn> columns = {Of("k", ValueKind::kInt64)};
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "{\"k\":" + std::to_string(i * 7919) + "}\n";
  for (const auto& [suffix, whole] : {std::pair<std::string, std::string>{".gz", Gzip(text)}, {".zst", Zstd(text)}}) {
    for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{5}}) {
      Put(path_ + suffix, whole.substr(0, size));
      EXPECT_THAT(ReadFile(columns, path_ + suffix).status().message(), HasSubstr("the compressed file is cut short")) << suffix << size;
    }
    Put(path_ + suffix, "{\"k\":1}\n");
    EXPECT_THAT(ReadFile(columns, path_ + suffix).status().message(), HasSubstr("the compressed file is damaged")) << suffix;
    Put(path_ + suffix, suffix == ".gz" ? Gzip(text + "{\"k\":x}\n") : Zstd(text + "{\"k\":x}\n"));
    EXPECT_THAT(ReadFile(columns, path_ + suffix).status().message(), HasSubstr("line 5001, byte " + std::to_string(text.size()) + ": "));
  }
}

TEST_F(CompressedTest, BadCsvRowsAreSkippedWithWhatTheyWereBeforeTheyWereRead) {
  Put(path_, "1,\"a\"\"b\"\n2\nx,\"c\"\"d\"\n3,\"e\"\"f\"\n4,\xff\n5,g,h\n6,i\n");
  const FileFormat format{.dialect = {.columns = 2}, .columns = {Of("k", ValueKind::kInt64), Of("s", ValueKind::kText)}};
  for (const std::vector<std::uint32_t>& wanted : {std::vector<std::uint32_t>{0, 1}, std::vector<std::uint32_t>{1, 0}}) {
    Skipped bad;
    BatchReader reader(format, wanted, &bad);
    std::vector<std::uint64_t> memory[2] = {std::vector<std::uint64_t>(2 * kMaxBatch), std::vector<std::uint64_t>(2 * kMaxBatch)};
    std::vector<ColumnTarget> targets(2);
    for (std::size_t i = 0; i < 2; ++i) targets[i].values = memory[i].data();
    ASSERT_TRUE(reader.Open({path_, 0, std::filesystem::file_size(path_)}).ok());
    NoCast none;
    std::string rows;
    for (;;) {
      const auto count = reader.Next(none, targets);
      ASSERT_TRUE(count.ok()) << count.status().ToString();
      if (*count == 0) break;
      for (std::size_t row = 0; row < *count; ++row) {
        for (std::size_t i = 0; i < 2; ++i) rows += Shown(format.columns[wanted[i]], memory[i].data(), row) + (i == 0 ? "," : ";");
      }
    }
    EXPECT_EQ(rows, wanted[0] == 0 ? "1,a\"b;3,e\"f;6,i;" : "a\"b,1;e\"f,3;i,6;");
    EXPECT_THAT(bad.offsets, testing::UnorderedElementsAre(9, 11, 29, 33));
    EXPECT_THAT(bad.records, testing::UnorderedElementsAre("2", "x,\"c\"\"d\"", "4,\xff", "5,g,h"));
  }
}

}  // namespace
}  // namespace millrace::readers
