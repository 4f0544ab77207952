// The store's suite on the fake that unit tests, scenarios and the simulator stand on, and on the one that
// users have.
#include "tests/contract/store_contract.h"

#include <cstdlib>
#include <filesystem>

#include "scheduler/store/sqlite_readers.h"
#include "scheduler/store/sqlite_store.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_clock.h"

namespace millrace::test {
namespace {

class FakeSubject final : public StoreSubject {
 public:
  OpenedStore Open() override {
    auto store = std::make_unique<FakeStore>(rows_);
    store::RunLoader* loader = store.get();
    return {std::move(store), loader};
  }

 private:
  StoredRows rows_;
};

INSTANTIATE_TEST_SUITE_P(FakeStore, StoreContract,
                         ::testing::Values(std::pair<std::string, MakeStoreSubject>("fake", [] {
                           return std::make_unique<FakeSubject>();
                         })));

class SqliteSubject final : public StoreSubject {
 public:
  SqliteSubject() {
    std::string pattern = ::testing::TempDir() + "millrace-contract-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~SqliteSubject() override {
    readers_.reset();
    std::filesystem::remove_all(folder_);
  }
  OpenedStore Open() override {
    readers_.reset();
    StatusOr<std::unique_ptr<store::Store>> store = store::OpenSqliteStore(folder_, log_);
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    if (!store.ok()) return {};
    StatusOr<std::unique_ptr<store::SqliteReaders>> readers = store::SqliteReaders::Open(folder_, clock_);
    EXPECT_TRUE(readers.ok()) << readers.status().ToString();
    if (!readers.ok()) return {};
    readers_ = std::move(readers).value();
    return {std::move(store).value(), &readers_->loader()};
  }

 private:
  std::string folder_;
  RecordingLog log_;
  ManualClock clock_;
  std::unique_ptr<store::SqliteReaders> readers_;
};

INSTANTIATE_TEST_SUITE_P(SqliteStore, StoreContract,
                         ::testing::Values(std::pair<std::string, MakeStoreSubject>("sqlite", [] {
                           return std::make_unique<SqliteSubject>();
                         })));

}  // namespace
}  // namespace millrace::test
