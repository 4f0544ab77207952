// Which DAGs a filter lets through, on the real store.
#include <gmock/gmock.h>

#include <memory>

#include "tests/support/dag_builder.h"
#include "tests/unit/scheduler/store/store_fixture.h"

namespace millrace::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DagListsTest : public StoreTest {
 protected:
  DagListsTest() {
    Open();
    Batch batch;
    Add(batch, "clicks", {"daily", "ads"}, "web", "c0ffee");
    Add(batch, "orders", {"daily", "sales"}, "", "");
    Add(batch, "stock", {"sales"}, "dags-folder", "");
    Commit(batch);
  }

  static void Add(Batch& batch, const char* id, std::vector<std::string> tags, const char* bundle, const char* commit) {
    DagRow row;
    row.dag_id = id;
    row.version = 1;
    batch.dags.push_back(row);
    auto dag = std::make_shared<Dag>(*test::DagBuilder(id).Add("a").Build());
    dag->tags = std::move(tags);
    dag->bundle = bundle;
    dag->bundle_version = commit;
    batch.dag_versions.push_back({id, 1, WallFromMicros(1), dag});
  }

  std::vector<std::string> Ids(const DagFilter& filter) {
    const StatusOr<Listing<DagEntry>> listing = readers_->dags().ListDags(filter);
    if (!listing.ok()) return {listing.status().ToString()};
    std::vector<std::string> ids;
    for (const DagEntry& entry : listing->rows) ids.push_back(entry.row.dag_id);
    EXPECT_EQ(listing->total, static_cast<std::int64_t>(ids.size()));
    return ids;
  }
};

TEST_F(DagListsTest, OfSeveralTagsAnyIsEnoughOrAllAreNeeded) {
  EXPECT_THAT(Ids({.tags = {"daily", "sales"}}), ElementsAre("clicks", "orders", "stock"));
  EXPECT_THAT(Ids({.tags = {"daily", "sales"}, .all_tags = true}), ElementsAre("orders"));
  EXPECT_THAT(Ids({.tags = {"sales", "sales"}, .all_tags = true}), ElementsAre("orders", "stock"));
  EXPECT_THAT(Ids({.tags = {"ads", "sales"}, .all_tags = true}), IsEmpty());
}

TEST_F(DagListsTest, ThoseOfABundleAreThoseThatNameItOrOfTheFolderThatAreOfNoOther) {
  EXPECT_THAT(Ids({.bundle = "web"}), ElementsAre("clicks"));
  EXPECT_THAT(Ids({.bundle = "dags-folder"}), ElementsAre("orders", "stock"));
  EXPECT_THAT(Ids({.bundle_version = "c0ffee"}), ElementsAre("clicks"));
  EXPECT_THAT(Ids({.tags = {"daily"}, .bundle = "web", .bundle_version = "decaf"}), IsEmpty());
}

}  // namespace
}  // namespace millrace::store
