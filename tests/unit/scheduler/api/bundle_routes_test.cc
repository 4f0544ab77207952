#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

class BundleRoutesTest : public ApiTest {
 protected:
  // daily_flights is one of a repository's.
  void Move() {
    store::DagEntry& entry = rows_.dags.at("daily_flights");
    auto dag = std::make_shared<Dag>(*entry.dag);
    dag->bundle = "sales";
    dag->bundle_version = "c0ffee";
    dag->file = "etl.yaml";
    entry.dag = dag;
    for (DagVersionRow& version : rows_.versions) version.dag = dag;
  }
};

TEST_F(BundleRoutesTest, BundlesAreListedWithTheirCommitTheirDagsAndWhatTheyFailWith) {
  Move();
  bundles_.all = {{.name = "dags-folder", .kind = "local", .place = "/srv/dags"},
                  {.name = "sales",
                   .kind = "git",
                   .place = "https://github.com/team/dags.git",
                   .ref = "main",
                   .team = "selling",
                   .commit = "c0ffee",
                   .refreshed_at = kStart,
                   .failure = "no route to host"}};
  rows_.import_errors.push_back({".", kStart, {{"bundle dags-folder", {}, "cannot be read", ""}}, "dags-folder"});
  Start();
  const Answered bundles = Ask("GET", "/millrace/v1/bundles", Token("admin"));
  ASSERT_EQ(bundles.status, 200) << bundles.text;
  EXPECT_EQ(bundles.At("bundles.0.path"), Value("/srv/dags"));
  EXPECT_EQ(bundles.At("bundles.0.version"), Value());
  EXPECT_EQ(bundles.At("bundles.0.failure"), Value("cannot be read"));
  EXPECT_EQ(bundles.At("bundles.0.dags"), Value(0));
  EXPECT_EQ(bundles.At("bundles.1.url"), Value("https://github.com/team/dags.git"));
  EXPECT_EQ(bundles.At("bundles.1.version"), Value("c0ffee"));
  EXPECT_EQ(bundles.At("bundles.1.team_name"), Value("selling"));
  EXPECT_EQ(bundles.At("bundles.1.last_refreshed"), Value("2001-03-01T00:00:00Z"));
  EXPECT_EQ(bundles.At("bundles.1.failure"), Value("no route to host"));
  EXPECT_EQ(bundles.At("bundles.1.dags"), Value(1));
}

TEST_F(BundleRoutesTest, OnlyARepositoryIsFetched) {
  bundles_.all = {{.name = "dags-folder", .kind = "local", .place = "/srv/dags"}, {.name = "sales", .kind = "git", .place = ""}};
  Start();
  const std::string admin = Token("admin");
  EXPECT_EQ(Ask("POST", "/millrace/v1/bundles/sales/refresh", admin, "{}").status, 200);
  EXPECT_EQ(Ask("POST", "/millrace/v1/bundles/none/refresh", admin, "{}").status, 404);
  EXPECT_GE(Ask("POST", "/millrace/v1/bundles/dags-folder/refresh", admin, "{}").status, 400);
  EXPECT_EQ(Ask("POST", "/millrace/v1/bundles/sales/refresh", Token("viewer"), "{}").status, 403);
}

TEST_F(BundleRoutesTest, DagsVersionsAndImportErrorsSayTheirBundle) {
  Move();
  rows_.import_errors.push_back({"etl.yaml", kStart, {{"etl.yaml", {1, 1}, "bad", ""}}, "dags-folder"});
  Start();
  const Answered dag = Get("/api/v2/dags/daily_flights");
  EXPECT_EQ(dag.At("bundle_name"), Value("sales"));
  EXPECT_EQ(dag.At("bundle_version"), Value("c0ffee"));
  EXPECT_EQ(dag.At("has_import_errors"), Value(false));  // the file of that name is another bundle's
  const Answered versions = Get("/api/v2/dags/daily_flights/dagVersions");
  EXPECT_EQ(versions.At("dag_versions.0.bundle_name"), Value("sales"));
  EXPECT_EQ(versions.At("dag_versions.0.bundle_version"), Value("c0ffee"));
  EXPECT_EQ(Get("/api/v2/importErrors").At("import_errors.0.bundle_name"), Value("dags-folder"));
}

TEST_F(BundleRoutesTest, ADagOfAFolderHasNoBundleVersion) {
  Start();
  const Answered dag = Get("/api/v2/dags/daily_flights");
  EXPECT_EQ(dag.At("bundle_name"), Value("dags-folder"));
  EXPECT_EQ(dag.At("bundle_version"), Value());
}

}  // namespace
}  // namespace millrace::api
