// The suite on the fake that unit tests, scenarios and the simulator stand on.
#include "tests/contract/store_contract.h"
#include "tests/support/fake_store.h"

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

INSTANTIATE_TEST_SUITE_P(FakeStore, StoreContract, ::testing::Values(std::pair<std::string, MakeStoreSubject>("fake", [] {
                           return std::make_unique<FakeSubject>();
                         })));

}  // namespace
}  // namespace millrace::test
