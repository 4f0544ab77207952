#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <sstream>

#include "tests/unit/worker/mapreduce/local_job.h"
#include "worker/mapreduce/combining.h"
#include "worker/mapreduce/lines.h"

namespace millrace::mapreduce {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Some 200 kB: other scripts, bytes that are no UTF-8, a NUL, a long line, and no newline at the end.
std::string SeededText() {
  const std::vector<std::string> words = {"the", "1", "1.0", "x", "дом", "水🌊", "\xff\xfe" "bad", std::string("a\0b", 3), "ß", "a", std::string("a\0", 2),
                                          "0123456789abcdef", "0123456789abcdefg", "0123456789abcdefh"};
  const std::vector<std::string> spaces = {" ", "\n", "\t", "  ", "\r\n", "\v", "\n\n"};
  std::uint64_t state = 42;
  const auto next = [&state](std::size_t bound) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(state >> 33) % bound;
  };
  std::string text = "first";
  for (int i = 0; i < 30000; ++i) {
    text += spaces[next(spaces.size())] + words[next(words.size())];
    if (next(4) == 0) text += words[next(words.size())];
  }
  return text + "\n" + std::string(100'000, 'y') + " end";
}

class WordCount : public LocalJob {
 protected:
  void SetUp() override {
    LocalJob::SetUp();
    ::signal(SIGPIPE, SIG_IGN);  // as in the runner
    const std::string text = SeededText();
    const std::size_t half = text.size() / 2;
    Write("text/a.txt", text.substr(0, half));
    Write("text/b.txt", text.substr(half));
    std::filesystem::create_directories(Path("lib"));
    std::filesystem::copy_file(MILLRACE_WORD_COUNT, Path("lib/libword_count.so"));
    for (const char* script : {"words.sh", "sum.awk"}) {
      std::filesystem::copy_file(std::string(MILLRACE_WORD_COUNT_SCRIPTS "/") + script, Path(script));
    }
  }
  static std::string Job(const std::string& steps, const std::string& format = "text") {
    return R"j({"inputs": {"text": {"path": "text/"}}, )j" + steps + R"j(, "output": {"path": "out/", "format": ")j" + format + "\"}}";
  }
  // "word TAB count", sorted, by coreutils over the same files.
  std::string ByCoreutils() {
    const std::string command = "cd '" + Path("text") +
                                "' && export LC_ALL=C && for f in a.txt b.txt; do tr -s '[:space:]' '\\n' < $f; echo; done | sed '/^$/d' | "
                                "sort | uniq -c | sed 's/^ *\\([0-9]*\\) \\(.*\\)$/\\2\\t\\1/' | sort > ../expected";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return Read("expected");
  }
  static std::int64_t TotalOf(const std::string& counts) {
    std::istringstream in(counts);
    std::int64_t total = 0;
    for (std::string line; std::getline(in, line);) total += std::stoll(line.substr(line.rfind('\t') + 1));
    return total;
  }
  std::string Read(const std::string& relative) {
    std::ostringstream text;
    text << std::ifstream(Path(relative), std::ios::binary).rdbuf();
    return text.str();
  }
  // All published lines, sorted.
  std::string Counted() {
    std::vector<std::string> lines;
    const auto files = lake::InputFiles(root_, "out/");
    EXPECT_TRUE(files.ok()) << files.status().ToString();
    for (const std::string& file : *files) {
      std::ifstream in(file, std::ios::binary);
      for (std::string line; std::getline(in, line);) lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
  }
};

const char* const kClasses = R"j("map": {"library": "lib/libword_count.so"}, "combine": {"library": "lib/libword_count.so"},
  "reduce": {"library": "lib/libword_count.so"})j";
const char* const kCommands = R"j("map": {"command": ["./words.sh"]}, "combine": {"command": ["awk", "-f", "sum.awk"]},
  "reduce": {"command": ["awk", "-f", "sum.awk"]})j";

TEST_F(WordCount, ClassesAgreeWithCoreutilsByteForByte) {
  RunDistributed(Job(kClasses), 3, 2);
  EXPECT_EQ(Counted(), ByCoreutils());
  EXPECT_THAT(log_, HasSubstr("counter word_count,lines = "));
}

TEST_F(WordCount, ChecksReadLinesThatAreNoUtf8) {
  std::string with = Job(kClasses);
  with.insert(with.size() - 1, R"j(, "checks": ["row_count > 5", "not_null(line)"])j");
  RunDistributed(with, 2, 1);
  EXPECT_EQ(Counted(), ByCoreutils());
}

TEST_F(WordCount, CommandsAgreeWithCoreutilsByteForByte) {
  RunDistributed(Job(kCommands), 3, 2);
  EXPECT_EQ(Counted(), ByCoreutils());
}

TEST_F(WordCount, WithoutACombinerAndWithStepsOfBothKindsTheResultIsTheSame) {
  RunDistributed(Job(R"j("map": {"command": ["./words.sh"]}, "reduce": {"library": "lib/libword_count.so", "class": "SumReducer"})j"), 2, 1);
  EXPECT_EQ(Counted(), ByCoreutils());
}

TEST_F(WordCount, TheReportTellsWhichKeyIsHeavyWhereNothingCombinesIt) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += (i % 2 == 0 ? "the" : i % 7 == 1 ? "\xff\xfe" : "w" + std::to_string(i % 997)) + "\n";
  Write("text/a.txt", text);
  Write("text/b.txt", text);
  cut_bytes_ = 200'000;
  const char* const map = R"j("map": {"library": "lib/libword_count.so"}, "reduce": {"library": "lib/libword_count.so"})j";
  RunDistributed(Job(map), 8, 2);
  EXPECT_THAT(report_, HasSubstr("the heaviest key is key=the with"));
  EXPECT_THAT(report_, HasSubstr("native code sees all values of a key"));
  const Value report = ParseJson(report_).value();
  const Value& skew = report.Find("skew")->as_list().at(0);
  const Value::List& keys = skew.Find("keys")->as_list();
  ASSERT_GE(keys.size(), 2u) << report_;
  // 4 + 3 and 4 + 1 bytes a pair, 60,000 pairs of "the".
  EXPECT_EQ(keys[0].Find("key")->as_string(), "key=the");
  EXPECT_NEAR(static_cast<double>(keys[0].Find("bytes")->as_int()), 720'000, 72'000);
  EXPECT_EQ(keys[1].Find("key")->as_string(), "key=\\xff\\xfe");
  EXPECT_GE(skew.Find("largest_bytes")->as_int(), 600'000);
  // As a stage among others, too.
  RunDistributed(R"j({"inputs": {"text": {"path": "text/"}}, "stages": [{"name": "words", )j" + std::string(map) +
                 R"j(}, {"name": "few", "sql": "SELECT * FROM words"}], "output": {"path": "out/", "format": "parquet"}})j", 8, 2);
  EXPECT_THAT(report_, HasSubstr("the heaviest key is key=the with"));
  // A combiner leaves nothing heavy.
  RunDistributed(Job(kClasses), 8, 2);
  EXPECT_EQ(report_.find("the heaviest key"), std::string::npos);
}

TEST_F(WordCount, SqlReducesWhatAMapperInCppWrote) {
  RunDistributed(Job(R"j("map": {"library": "lib/libword_count.so"}, "reduce":
    "SELECT key, sum(decode(value)::BIGINT)::BIGINT AS n FROM shuffled GROUP BY key")j", "parquet"), 2, 1);
  EXPECT_EQ(Sql("SELECT sum(n)::BIGINT FROM (" + Published("out") + ")").Integer(0, 0), TotalOf(ByCoreutils()));
}

TEST_F(WordCount, PairsAreWrittenAsParquetBytes) {
  RunDistributed(Job(kClasses, "parquet"), 2, 1);
  const sql::Result result = Sql("SELECT count(*), typeof(any_value(key)) FROM (" + Published("out") + ")");
  const std::string expected = ByCoreutils();
  EXPECT_EQ(result.Integer(0, 0), std::count(expected.begin(), expected.end(), '\n'));
  EXPECT_EQ(result.Text(1, 0), "BLOB");
}

TEST_F(WordCount, ACommandThatFailsFailsTheAttemptWithItsLastWords) {
  const std::string with = Job(R"j("map": {"command": ["sh", "-c", "echo oh no >&2; cat > /dev/null; exit 3"]})j");
  const JobPlan plan = Plan(with);
  const auto output = RunStageTask(MakeSite(with), {.plan = plan.stages.at(0), .inputs = plan.inputs, .splits = plan.splits}, fetcher_);
  ASSERT_FALSE(output.ok());
  EXPECT_THAT(output.status().message(), AllOf(HasSubstr("exit code 3"), HasSubstr("oh no")));
  EXPECT_THAT(log_, HasSubstr("oh no\n"));
}

TEST_F(WordCount, ACommandCountsByItsStderr) {
  RunDistributed(Job(R"j("map": {"command": ["sh", "-c", "echo reporter:counter:words,seen,5 >&2; cat > /dev/null"]})j"), 1, 1);
  EXPECT_THAT(log_, HasSubstr("counter words,seen = 5"));
  const std::string text = SeededText();
  EXPECT_THAT(report_, HasSubstr("\"input_rows\":" + std::to_string(std::count(text.begin(), text.end(), '\n') + 2) + ","))
      << "the lines that it was given: both files end without a line end";
}

TEST_F(WordCount, CancelEndsACommandThatWouldNot) {
  const std::string with = Job(R"j("map": {"command": ["sleep", "600"]})j");
  const JobPlan plan = Plan(with);
  cancellation_.Cancel();
  const auto output = RunStageTask(MakeSite(with), {.plan = plan.stages.at(0), .inputs = plan.inputs, .splits = plan.splits}, fetcher_);
  EXPECT_EQ(output.status().code(), Code::kCancelled);
}

TEST_F(WordCount, StepsThatDoNotFitTogetherAreRefused) {
  EXPECT_THAT(PlanError(Job(R"j("map": {"library": "lib/nosuch.so"})j")).message(), HasSubstr("nosuch.so"));
  EXPECT_THAT(PlanError(Job(R"j("map": {"library": "lib/libword_count.so", "class": "Nosuch"})j")).message(),
              AllOf(HasSubstr("Nosuch"), HasSubstr("WordMapper")));
  EXPECT_THAT(PlanError(Job(R"j("map": {"library": "../x.so"})j")).message(), HasSubstr("outside"));
  EXPECT_THAT(PlanError(Job(kClasses, "csv")).message(), HasSubstr("text or parquet"));
  EXPECT_THAT(PlanError(Job(R"j("map": {"command": ["cat"]}, "mode": "fused")j")).message(), HasSubstr("never fused"));
}

TEST(LinesWithin, GivesEveryLineOnceHoweverTheFileIsCut) {
  const std::string file = "a\n\nbcd\nefgh\n\n\nlast";
  for (std::size_t size = 1; size <= file.size(); ++size) {
    std::string together;
    for (std::size_t begin = 0; begin < file.size(); begin += size) {
      const std::string_view lines = LinesWithin(file, begin, begin + size);
      EXPECT_TRUE(lines.empty() || lines.back() == '\n' || lines.data() + lines.size() == file.data() + file.size());
      together += lines;
    }
    EXPECT_EQ(together, file) << size;
  }
}

// Emits all it gets: such a combiner must not make the table slow, nor lose anything.
class Keep : public api::Combiner {
 public:
  void Combine(std::string_view key, api::Values& values, api::Context& context) override {
    for (std::string_view value; values.Next(value);) context.Emit(key, value);
    context.Emit("other", "");
  }
};
class Collect : public PairSink {
 public:
  explicit Collect(std::size_t most = SIZE_MAX) : most_(most) {}
  bool Put(std::string_view key, std::string_view value) override {
    pairs.emplace_back(key, value);
    return pairs.size() < most_ || Check(ResourceExhausted("no more"));
  }
  Status Finish() override { return failed_; }
  std::vector<std::pair<std::string, std::string>> pairs;

 private:
  const std::size_t most_;
};

TEST(ClassCombining, KeepsWhatTheCombinerKeepsAndPassesOnOtherKeys) {
  Collect sink;
  LoggedCounters counters;
  ClassCombining combining(std::make_unique<Keep>(), sink, counters, 20'000);
  const std::string long_value(1000, 'v');
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(combining.Put("k" + std::to_string(i % 7), i % 3 == 0 ? long_value : "s"));
  ASSERT_TRUE(combining.Finish().ok());
  EXPECT_EQ(std::count_if(sink.pairs.begin(), sink.pairs.end(), [](const auto& pair) { return pair.first != "other"; }), 1000);
  EXPECT_EQ(std::count_if(sink.pairs.begin(), sink.pairs.end(), [&](const auto& pair) { return pair.second == long_value; }), 334);
  EXPECT_GT(std::count_if(sink.pairs.begin(), sink.pairs.end(), [](const auto& pair) { return pair.first == "other"; }), 6);
}

// Takes values one by one and in runs, by turns; emits them all.
class ByTurns final : public api::Combiner {
 public:
  void Combine(std::string_view key, api::Values& values, api::Context& context) override {
    std::string_view value;
    std::int64_t times = 1;
    for (bool run = true; run ? values.NextRun(value, times) : values.Next(value); run = !run, times = 1) {
      for (; times > 0; --times) context.Emit(key, value);
    }
  }
};

TEST(ClassCombining, KeysAndValuesOfAnyLengthComeBackAsOftenAsTheyWerePut) {
  std::vector<std::string> keys, values;
  for (std::size_t length = 0; length < 20; ++length) {
    keys.push_back(std::string(length, 'k'));
    keys.push_back(std::string(length, '\0'));
  }
  for (const std::size_t length : {0, 1, 2, 3, 4, 5, 7, 8, 9, 254, 255, 256, 3000}) values.push_back(std::string(length, 'v'));
  std::vector<std::pair<std::string, std::string>> put;
  std::uint64_t state = 7;
  const auto next = [&state](std::size_t bound) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(state >> 33) % bound;
  };
  Collect sink;
  LoggedCounters counters;
  ClassCombining combining(std::make_unique<ByTurns>(), sink, counters, 300'000);
  for (int i = 0; i < 4000; ++i) {
    const std::string& key = keys[next(keys.size())];
    const std::string& value = values[next(values.size())];
    for (std::size_t times = next(5) == 0 ? 400 : 1; times > 0; --times) {
      put.emplace_back(key, value);
      ASSERT_TRUE(combining.Put(key, value));
    }
  }
  ASSERT_TRUE(combining.Finish().ok());
  std::sort(put.begin(), put.end());
  std::sort(sink.pairs.begin(), sink.pairs.end());
  EXPECT_TRUE(put == sink.pairs);
}

TEST(ClassCombining, StopsWithTheErrorOfWhatComesAfterIt) {
  Collect sink(3);
  LoggedCounters counters;
  ClassCombining combining(std::make_unique<Keep>(), sink, counters, 20'000);
  int taken = 0;
  while (taken < 100'000 && combining.Put("key" + std::to_string(taken), "value")) ++taken;
  EXPECT_LT(taken, 100'000);
  EXPECT_FALSE(combining.Put("another", "value"));
  EXPECT_EQ(combining.Finish(), ResourceExhausted("no more"));
  EXPECT_EQ(sink.pairs.size(), 3U);
}

}  // namespace
}  // namespace millrace::mapreduce
