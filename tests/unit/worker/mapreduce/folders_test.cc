// Inputs of many files: folders whose names are columns, files that nobody can want rows of, and small ones that are one split.
#include <gmock/gmock.h>

#include <set>

#include "tests/unit/worker/mapreduce/local_job.h"
#include "worker/mapreduce/inputs.h"

namespace millrace::mapreduce {
namespace {

using testing::HasSubstr;

class Folders : public LocalJob {
 protected:
  static constexpr const char* kRows =
      "SELECT i AS k, (DATE '2001-01-01' + (i % 4)::INTEGER) AS day, CASE WHEN i % 3 = 0 THEN 'CA' WHEN i % 3 = 1 THEN 'a b/c=%' END AS st, "
      "i % 7 AS v FROM range(2000) t(i)";
  // lake/day=.../st=.../file, as DuckDB lays them out.
  void MakeLake(const std::string& format) {
    std::filesystem::remove_all(Path("lake"));
    const std::string extension = format == "json" ? "jsonl" : format;
    Sql(std::string("CREATE OR REPLACE TEMP TABLE whole AS ") + kRows);
    const sql::Result folders = Sql("SELECT DISTINCT day::VARCHAR, coalesce(st, '-') FROM whole");
    for (std::uint64_t i = 0; i < folders.row_count(); ++i) {
      const std::string day(folders.Text(0, i));
      const std::string state(folders.Text(1, i));
      const std::string encoded = state == "-" ? "__HIVE_DEFAULT_PARTITION__" : state == "CA" ? "CA" : "a%20b%2Fc%3D%25";
      const std::string folder = Path("lake/day=" + day + "/st=" + encoded);
      std::filesystem::create_directories(folder);
      Sql("COPY (SELECT k, v FROM whole WHERE day = '" + day + "' AND coalesce(st, '-') = " + sql::QuoteText(state) + ") TO " +
          sql::QuoteText(folder + "/part." + extension) + " (FORMAT " + format + ")");
    }
  }
  // Of a job over the lake whose map has this condition.
  static std::string Job(const std::string& where, const std::string& more = "") {
    return R"j({"inputs": {"lake": {"path": "lake/")j" + more + R"j(}}, "stages": [{"name": "wanted", "sql": "SELECT k, v, st, day FROM lake )j" + where +
           R"j("}, {"name": "totals", "aggregate": {"by": ["st", "day"], "select": {"n": "count(*)", "total": "sum(k * v)"}}}],
              "output": {"path": "out/"}})j";
  }
  std::string Expected(const std::string& where) {
    return "SELECT st, day, count(*) AS n, sum(k * v) AS total FROM (SELECT k, v, st, day FROM whole AS lake " + where + ") GROUP BY ALL";
  }
};

TEST_F(Folders, NamesOfFoldersAreColumnsInEveryFormatAndOnlyTheWantedFilesAreRead) {
  struct Case {
    std::string where;
    std::size_t files;  // of twelve
  };
  const Case cases[] = {{"", 12},
                        {"WHERE day = '2001-01-02'", 3},
                        {"WHERE day >= DATE '2001-01-02' AND st = 'CA'", 3},
                        {"WHERE day > '2001-01-02' OR st IS NULL", 8},
                        {"WHERE st LIKE 'a b/%' AND v > 2", 4},
                        {"WHERE upper(st) IN ('CA', 'X') AND k < 900", 4},
                        {"WHERE st = 'CA' AND extract(day FROM day) = 3", 4},
                        {"WHERE k = 7 AND day IS NOT NULL", 12},
                        {"WHERE st = 'nowhere'", 1}};
  for (const char* format : {"parquet", "csv", "json"}) {
    MakeLake(format);
    for (const Case& one : cases) {
      const JobPlan plan = Plan(Job(one.where));
      ASSERT_EQ(plan.inputs.size(), 1u);
      const InputFacts& input = plan.inputs.front();
      EXPECT_EQ(input.path_columns, (std::vector<std::string>{"day", "st"}));
      EXPECT_EQ(input.paths.size(), one.files) << format << " " << one.where;
      EXPECT_EQ(static_cast<std::size_t>(input.pruned_files), 12 - one.files);
      const bool fused = one.files != 12 && one.files != 3;  // both are done of each format
      fused ? RunFused(Job(one.where)) : RunDistributed(Job(one.where), 2);
      EXPECT_EQ(Difference(Published("out/"), Expected(one.where)), 0) << format << " " << one.where;
    }
  }
}

TEST_F(Folders, WhereFoldersMeetNoFileIsLeftOut) {
  MakeLake("csv");
  // A join of the lake with itself: of one folder alone there is nothing to find.
  const std::string self = R"j({"inputs": {"lake": {"path": "lake/", "read": "split"}, "again": {"path": "lake/", "read": "broadcast"}},
    "map": "SELECT lake.k, again.k AS other FROM lake JOIN again ON again.day = lake.day + 1 AND again.v = lake.v", "output": {"path": "out/"}})j";
  EXPECT_EQ(Plan(self).inputs[0].paths.size(), 12u);
  // Rows that are seen together.
  const std::string latest = R"j({"inputs": {"lake": {"path": "lake/"}}, "map": "SELECT v, max(day) AS d FROM lake GROUP BY v HAVING max(day) = '2001-01-04'",
    "shuffle": {"by": ["v"]}, "reduce": "SELECT v, max(d) AS d FROM shuffled GROUP BY v", "output": {"path": "out/"}})j";
  EXPECT_EQ(Plan(latest).inputs[0].paths.size(), 12u);
  // Two stages want different folders: both are read.
  const std::string two = R"j({"inputs": {"lake": {"path": "lake/"}}, "stages": [{"name": "a", "inputs": ["lake"], "sql": "SELECT k FROM lake WHERE day = '2001-01-01'"},
    {"name": "b", "inputs": ["lake"], "sql": "SELECT k FROM lake WHERE day = '2001-01-02'"}, {"name": "c", "union": ["a", "b"]}], "output": {"path": "out/"}})j";
  EXPECT_EQ(Plan(two).inputs[0].paths.size(), 6u);
  RunDistributed(two, 2);
  EXPECT_EQ(Difference(Published("out/"), "SELECT k FROM whole WHERE day < '2001-01-03'"), 0);
}

TEST_F(Folders, TheAuthorSaysATypeAndAFileSaysItsOwn) {
  MakeLake("csv");
  const JobPlan plan = Plan(Job("WHERE day = '2001-01-02'", R"j(, "columns": {"day": "VARCHAR", "k": "INTEGER"})j"));
  EXPECT_EQ(plan.inputs[0].columns, (std::vector<Column>{{"k", "INTEGER"}, {"v", "BIGINT"}, {"day", "VARCHAR"}, {"st", "VARCHAR"}}));
  EXPECT_EQ(plan.inputs[0].paths.size(), 3u);
  Write("own/day=2001-01-01/a.csv", "k,day\n1,1999-01-01\n");
  Write("own/day=2001-01-02/a.csv", "k,day\n2,1999-01-02\n");
  const auto own = FindInput(*connection_, root_, {.name = "rows", .path = "own/"});
  EXPECT_TRUE(own->path_columns.empty());
  Write("mixed/day=2001-01-01/a.csv", "k\n1\n");
  Write("mixed/a.csv", "k\n2\n");
  EXPECT_TRUE(FindInput(*connection_, root_, {.name = "rows", .path = "mixed/"})->path_columns.empty());
  Write("text/n=7/a.txt", "x\ny\n");
  Write("text/n=08/a.txt", "z\n");
  const auto text = FindInput(*connection_, root_, {.name = "rows", .path = "text/*/a.txt"});
  EXPECT_EQ(text->columns, (std::vector<Column>{{"line", "VARCHAR"}, {"n", "BIGINT"}}));
  InputViews views;
  ASSERT_TRUE(CreateInputView(*connection_, {.name = "rows"}, *text, {}, views).ok());
  EXPECT_EQ(Sql("SELECT string_agg(line || n, ',' ORDER BY line) FROM rows").Text(0, 0), "x7,y7,z8");
}

TEST_F(Folders, ManySmallFilesAreFewSplitsAndEveryRowComesOnce) {
  std::filesystem::create_directories(Path("in"));
  Sql("COPY (SELECT i % 600 AS f, i AS k FROM range(6000) t(i)) TO " + sql::QuoteText(Path("in")) +
      " (FORMAT parquet, PARTITION_BY (f), OVERWRITE_OR_IGNORE true)");
  std::string big;
  for (int i = 0; i < 600; ++i) {
    std::string text;
    for (int k = i; k < 6000; k += 600) text += "{\"k\":" + std::to_string(k) + "}\n";
    Write("json/" + std::to_string(i) + ".jsonl", i % 10 == 3 ? "" : text);
    Write("lines/" + std::to_string(i) + ".txt", text);
    if (i % 10 == 3) big += text;
  }
  Write("json/big.jsonl", big);
  for (const char* folder : {"in/", "json/"}) {
    const std::string job = R"j({"inputs": {"rows": {"path": ")j" + std::string(folder) + R"j("}}, "map": "SELECT k % 10 AS g, k FROM rows",
      "aggregate": {"by": ["g"], "select": {"n": "count(*)", "total": "sum(k)"}}, "output": {"path": "out/"}})j";
    const JobPlan plan = Plan(job);
    EXPECT_GT(plan.splits.size(), 200u) << folder;
    EXPECT_LT(plan.splits.size(), 400u) << folder;
    std::int64_t files = 0;
    for (const Split& split : plan.splits) files += split.files;
    EXPECT_LE(files, 601);
    RunDistributed(job, 3);
    EXPECT_THAT(report_, HasSubstr("\"input_rows\":6000")) << folder;
    const std::string expected = "SELECT i % 10 AS g, count(*) AS n, sum(i) AS total FROM range(6000) t(i) GROUP BY g";
    EXPECT_EQ(Difference(Published("out/"), expected), 0) << folder;
    RunFused(job);
    EXPECT_EQ(Difference(Published("out/"), expected), 0) << folder;
  }
  const std::string native = R"j({"inputs": {"rows": {"path": "lines/"}}, "map": {"command": ["cat"]}, "output": {"path": "out/", "format": "text"}})j";
  EXPECT_LT(Plan(native).splits.size(), 400u);
  RunDistributed(native, 2);
  EXPECT_EQ(Sql("SELECT count(DISTINCT line) FROM (" + std::string("FROM read_csv([") + sql::QuoteText(lake::InputFiles(root_, "out/")->front()) + ", " +
                sql::QuoteText(lake::InputFiles(root_, "out/")->back()) + "], columns={'line': 'VARCHAR'}, header=false, delim=E'\\x01', quote=''))")
                .Integer(0, 0),
            6000);
}

TEST_F(Folders, NativeCodeReadsCompressedLines) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += "word" + std::to_string(i % 1000) + "\n";
  Write("in/a.txt", text);
  ASSERT_EQ(std::system(("gzip -k '" + Path("in/a.txt") + "' && mkdir '" + Path("z") + "' && mv '" + Path("in/a.txt.gz") + "' '" + Path("z") + "'").c_str()), 0);
  const auto job = [](const char* folder) {
    return R"j({"inputs": {"rows": {"path": ")j" + std::string(folder) + R"j("}}, "map": {"command": ["cat"]}, "reduce": {"command": ["uniq -c"]},
      "output": {"path": "out/", "format": "text"}})j";
  };
  EXPECT_EQ(Plan(job("z/")).splits.size(), 1u);
  std::string outputs[2];
  for (int i = 0; i < 2; ++i) {
    RunDistributed(job(i == 0 ? "in/" : "z/"), 2);
    const auto files = lake::InputFiles(root_, "out/");
    for (const std::string& file : *files) {
      std::ifstream in(file);
      outputs[i].append(std::istreambuf_iterator<char>(in), {});
    }
  }
  EXPECT_THAT(outputs[0], HasSubstr("300 word7"));
  EXPECT_EQ(outputs[0], outputs[1]);
}

}  // namespace
}  // namespace millrace::mapreduce
