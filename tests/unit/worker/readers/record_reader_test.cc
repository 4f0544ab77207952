#include "worker/readers/record_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "tests/unit/worker/readers/no_cast.h"
#include "worker/readers/separators.h"
#include "worker/readers/values.h"

namespace millrace::readers {
namespace {

using testing::HasSubstr;
using Rows = std::vector<std::vector<std::string>>;  // a NULL is "\0"

const std::string kNull(1, '\0');

std::string TextOf(const Text& text) {
  const std::uint32_t length = text.inlined.length;
  return {length <= 12 ? text.inlined.text : text.pointer.text, length};
}

class RecordReaderTest : public testing::Test {
 protected:
  RecordReaderTest() : path_(testing::TempDir() + "millrace-records-" + std::to_string(::getpid()) + ".csv") {}
  ~RecordReaderTest() override { std::filesystem::remove(path_); }

  void Write(const std::string& bytes) { std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes; }

  // All columns as texts.
  StatusOr<Rows> Read(const Dialect& dialect, const std::vector<Piece>& pieces, std::size_t window_bytes) {
    RecordReader reader(dialect, window_bytes);
    Rows rows;
    for (const Piece& piece : pieces) {
      RETURN_IF_ERROR(reader.Open(piece));
      Window window;
      for (;;) {
        ASSIGN_OR_RETURN(const bool more, reader.Next(window));
        if (!more) break;
        for (std::size_t first = 0; first < window.rows; first += kMaxBatch) {
          RETURN_IF_ERROR(ReadBatch(dialect, window, first, rows));
        }
      }
    }
    return rows;
  }
  StatusOr<Rows> ReadWhole(const Dialect& dialect, const std::string& bytes) {
    Write(bytes);
    if (bytes.empty()) return Rows();
    return Read(dialect, {{path_, 0, bytes.size()}}, RecordReader::kWindowBytes);
  }
  StatusOr<Rows> ReadInPieces(const Dialect& dialect, std::uint64_t piece_bytes, std::size_t window_bytes) {
    ASSIGN_OR_RETURN(const std::vector<Piece> pieces, CutFile(dialect, path_, piece_bytes));
    std::uint64_t at = 0;
    for (const Piece& piece : pieces) {
      EXPECT_EQ(piece.begin, at);
      at = piece.end;
    }
    EXPECT_EQ(at, std::filesystem::file_size(path_));
    return Read(dialect, pieces, window_bytes);
  }

  const std::string path_;

 private:
  static Status ReadBatch(const Dialect& dialect, const Window& window, std::size_t first, Rows& rows) {
    const std::size_t count = std::min(window.rows - first, kMaxBatch);
    const std::size_t before = rows.size();
    rows.resize(before + count);
    NoCast none;
    std::vector<Text> texts(kMaxBatch);
    for (std::uint32_t column = 0; column < dialect.columns; ++column) {
      ColumnTarget target;
      target.values = texts.data();
      RETURN_IF_ERROR(ReadColumn(dialect, window, column, {}, "column", first, count, none, target));
      for (std::size_t i = 0; i < count; ++i) {
        const bool null = target.nulls && (target.valid[i / 64] >> i % 64 & 1) == 0;
        rows[before + i].push_back(null ? kNull : TextOf(texts[i]));
      }
    }
    return OkStatus();
  }
};

Dialect Columns(std::uint32_t columns) { return {.nulls = false, .null_text = {}, .columns = columns}; }

TEST_F(RecordReaderTest, FieldsAreAsRfc4180Says) {
  const Dialect two = Columns(2);
  EXPECT_EQ(*ReadWhole(two, "a,b\nc,d\n"), (Rows{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(*ReadWhole(two, "a,b\r\nc,d"), (Rows{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(*ReadWhole(two, "\"a,\"\"x\"\"\n\",b\n,\"\"\n"), (Rows{{"a,\"x\"\n", "b"}, {"", ""}}));
  EXPECT_EQ(*ReadWhole(two, "\n\na,b\n\r\n\nc,d\n\n"), (Rows{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(*ReadWhole(two, "\xef\xbb\xbf" "a,b\n"), (Rows{{"a", "b"}}));
  EXPECT_EQ(*ReadWhole(two, ""), Rows());
  EXPECT_EQ(*ReadWhole(two, "\n"), Rows());
  EXPECT_EQ(*ReadWhole(Columns(1), "a\n\nb"), (Rows{{"a"}, {""}, {"b"}}));
}

TEST_F(RecordReaderTest, WhatRfc4180LeavesOpenIsReadAsDuckDbReadsIt) {
  const Dialect two = Columns(2);
  EXPECT_EQ(*ReadWhole(two, "5\" pipe,a \"b\"\n\"x\" , \"y\"\n"), (Rows{{"5\" pipe", "a \"b\""}, {"x", "y"}}));
  EXPECT_EQ(*ReadWhole(two, "  \"x\", y \n"), (Rows{{"  \"x\"", " y "}}));
  EXPECT_EQ(*ReadWhole(two, "a,b,,\"\"\nc,d\n"), (Rows{{"a", "b"}, {"c", "d"}}));
}

TEST_F(RecordReaderTest, HeaderAndNullsAreTheDialects) {
  Dialect dialect{.header = true, .null_text = "NA", .columns = 2};
  EXPECT_EQ(*ReadWhole(dialect, "\"k\nk\",v\nNA,\"NA\"\nNAx,\n"), (Rows{{kNull, kNull}, {"NAx", ""}}));
  EXPECT_EQ(*ReadWhole(dialect, "k,v"), Rows());
  dialect.null_text.clear();
  EXPECT_EQ(*ReadWhole(dialect, "k,v\n,\"\"\n"), (Rows{{kNull, kNull}}));
}

TEST_F(RecordReaderTest, LinesAreBytesUpToANewline) {
  EXPECT_EQ(*ReadWhole(Dialect::Lines(), "a \"b\n\n,c\rd\r\nlast"), (Rows{{"a \"b"}, {""}, {",c\rd"}, {"last"}}));
}

TEST_F(RecordReaderTest, BadRecordsAreErrorsThatSayWhereAndWhy) {
  const Dialect two = Columns(2);
  const auto error = [&](const std::string& bytes) { return ReadWhole(two, bytes).status().message(); };
  EXPECT_THAT(error("a,b\nc\n"), HasSubstr("line 2, byte 4: a record with 1 fields instead of 2: c"));
  EXPECT_THAT(error("a,b\nc,d,e\n"), HasSubstr("byte 4: a record with 3 fields instead of 2: c,d,e"));
  EXPECT_THAT(error("a,b\n\"c\"x,d\n"), HasSubstr("byte 7: text after a closing quote"));
  EXPECT_THAT(error("a,b\n\"c,d\n"), HasSubstr("byte 4: a quote is opened in this record and never closed"));
  EXPECT_THAT(error("a,b\rc,d\n"), HasSubstr("byte 3: a carriage return that no newline follows"));
  EXPECT_THAT(error("a,\xff\n"), HasSubstr("line 1, byte 2: column: '?' is not written in UTF-8"));
  EXPECT_THAT(error("a,\"" + std::string(kMaxRecordBytes, 'x') + "\"\n"), HasSubstr("a record of more than"));
  EXPECT_THAT(error("a,b\n"), "");
}

TEST_F(RecordReaderTest, AFileCutShortWhileItIsReadIsAnError) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += "some,text\n";
  Write(bytes);
  RecordReader reader(Columns(2), 4096);
  ASSERT_TRUE(reader.Open({path_, 0, bytes.size()}).ok());
  Window window;
  ASSERT_TRUE(*reader.Next(window));
  std::filesystem::resize_file(path_, 5000);
  StatusOr<bool> more = true;
  while (more.ok() && *more) more = reader.Next(window);
  ASSERT_FALSE(more.ok());
  EXPECT_THAT(more.status().message(), HasSubstr("ends at byte 5000 now"));
  EXPECT_THAT(RecordReader(Columns(2)).Open({path_, 0, 6000}).message(), HasSubstr("has 5000 bytes; when the job was planned"));
}

TEST_F(RecordReaderTest, RecordsNearlyTooLongSurviveAnyCut) {
  const std::string field(kMaxRecordBytes - 100, 'x');
  const std::string newlines(kMaxRecordBytes - 100, '\n');
  const std::string bytes = "a," + field + "\nb,\"" + newlines + "\"\nc,d\n";
  const Rows whole = *ReadWhole(Columns(2), bytes);
  ASSERT_EQ(whole.size(), 3u);
  EXPECT_EQ(*ReadInPieces(Columns(2), 600'000, 1000), whole);
}

// Random files: fields of all kinds, with more of what is special than any real file has.
class RandomFile {
 public:
  explicit RandomFile(unsigned seed) : random_(seed) {}
  unsigned Below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  std::string Make(const Dialect& dialect) {
    std::string bytes;
    const std::string newline = Below(2) == 0 ? "\n" : "\r\n";
    const unsigned quoting = Below(4);
    if (Below(8) == 0) bytes += "\xef\xbb\xbf";
    const unsigned rows = Below(30);
    for (unsigned row = 0; row < rows; ++row) {
      for (std::uint32_t column = 0; column < dialect.columns; ++column) {
        if (column != 0) bytes += dialect.delimiter;
        bytes += Below(4) < quoting ? Quoted(dialect) : Plain();
      }
      if (row + 1 < rows || Below(2) == 0) bytes += newline;
      if (Below(10) == 0) bytes += newline;
    }
    return bytes;
  }

 private:
  std::string Quoted(const Dialect& dialect) {
    static const char* const kParts[] = {"a", ",", "\n", "\"\"", " ", "\r\n", "ä€😀", ";", ",\n", "some longer text than twelve", "\r"};
    std::string field = "\"";
    for (unsigned parts = Below(5); parts > 0; --parts) field += kParts[Below(std::size(kParts))];
    field += "\"";
    if (Below(200) == 0) field.insert(1, std::string(Below(5000), dialect.delimiter));
    return field;
  }
  std::string Plain() {
    static const char* const kFields[] = {"", "a", "12", "-3.5", "text of many letters", "é", "5\" pipe", "x\"", " y ", "NA"};
    return kFields[Below(std::size(kFields))];
  }
  std::mt19937 random_;
};

TEST_F(RecordReaderTest, CutAnywhereAFileHasTheRowsOfOneWholeRead) {
  int read = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    RandomFile random(seed);
    Dialect dialect = Columns(1 + random.Below(4));
    dialect.header = random.Below(2) == 0;
    const std::string bytes = random.Make(dialect);
    const auto whole = ReadWhole(dialect, bytes);
    if (bytes.empty() || !whole.ok()) continue;  // "x" as the only field of the last line, opened by chance
    ++read;
    for (std::uint64_t piece = 1; piece < bytes.size() && piece < 150; ++piece) {
      const auto pieces = ReadInPieces(dialect, piece, 64 + piece);
      ASSERT_TRUE(pieces.ok()) << "seed " << seed << ", pieces of " << piece << ": " << pieces.status().ToString();
      ASSERT_EQ(*pieces, *whole) << "seed " << seed << ", pieces of " << piece;
    }
  }
  EXPECT_GT(read, 250);
}

TEST_F(RecordReaderTest, ADamagedFileIsReadOrRefusedAndCutsNeverChangeItsRows) {
  int refused = 0;
  for (unsigned seed = 1000; seed < 1400; ++seed) {
    RandomFile random(seed);
    const Dialect dialect = Columns(1 + random.Below(4));
    std::string bytes = random.Make(dialect);
    if (bytes.empty()) continue;
    for (unsigned i = random.Below(4) + 1; i > 0; --i) {
      char& byte = bytes[random.Below(static_cast<unsigned>(bytes.size()))];
      byte = random.Below(2) == 0 ? "\",\n\r \xff"[random.Below(6)] : static_cast<char>(byte ^ 1 << random.Below(8));
    }
    if (random.Below(3) == 0) bytes.resize(random.Below(static_cast<unsigned>(bytes.size())));
    if (bytes.empty()) continue;
    const auto whole = ReadWhole(dialect, bytes);
    refused += whole.ok() ? 0 : 1;
    for (const std::uint64_t piece : {3, 17, 60}) {
      const auto pieces = ReadInPieces(dialect, piece, 100);
      if (!whole.ok()) {
        EXPECT_FALSE(pieces.ok()) << "seed " << seed << ": " << whole.status().ToString();
      } else if (pieces.ok()) {
        EXPECT_EQ(*pieces, *whole) << "seed " << seed << ", pieces of " << piece;
      } else {
        ADD_FAILURE() << "seed " << seed << ", pieces of " << piece << ": " << pieces.status().ToString();
      }
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(Separators, AreTheSameWithAndWithoutWideInstructions) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::string bytes(random() % 300, ' ');
    for (char& byte : bytes) byte = "ab,\n\"\r\x80"[random() % (round % 2 == 0 ? 4 : 7)];
    const Dialect dialect = round % 5 == 0 ? Dialect::Lines() : Columns(2);
    std::vector<std::uint32_t> fast(bytes.size() + 64);
    std::vector<std::uint32_t> slow(bytes.size() + 64);
    const Separators a = FindSeparators(dialect, bytes.data(), bytes.size(), fast.data());
    const Separators b = FindSeparatorsPortably(dialect, bytes.data(), bytes.size(), slow.data());
    ASSERT_EQ(a.count, b.count);
    EXPECT_EQ(a.newlines, b.newlines);
    EXPECT_EQ(a.plain, b.plain);
    EXPECT_EQ(a.ascii, b.ascii);
    EXPECT_TRUE(std::equal(fast.begin(), fast.begin() + static_cast<std::ptrdiff_t>(a.count), slow.begin()));
  }
}

}  // namespace
}  // namespace millrace::readers
