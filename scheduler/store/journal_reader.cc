#include "scheduler/store/journal_reader.h"

#include "core/model/codec.h"
#include "scheduler/store/listing.h"
#include "scheduler/store/transitions.h"

namespace millrace::store {
namespace {

class Journal : public JournalReader {
 public:
  explicit Journal(ReadPool& pool) : pool_(pool) {}

  StatusOr<std::vector<JournalEntry>> ReadAfter(std::uint64_t sequence, int limit) override {
    return pool_.Read<std::vector<JournalEntry>>(
        [&](Database& database) -> StatusOr<std::vector<JournalEntry>> {
          Query query("SELECT sequence, transitions FROM journal");
          query.Where("sequence > ?")
              .Add(static_cast<std::int64_t>(sequence))
              .Tail("ORDER BY sequence LIMIT ?")
              .Add(limit);
          ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
          return All<JournalEntry>(statement, [](const Statement& row) -> StatusOr<JournalEntry> {
            ASSIGN_OR_RETURN(std::vector<Transition> transitions, DecodeTransitions(row.Text(1)));
            return JournalEntry{.sequence = static_cast<std::uint64_t>(row.Int(0)),
                                .transitions = std::move(transitions)};
          });
        });
  }

  StatusOr<std::uint64_t> NewestSequence() override {
    return pool_.Read<std::uint64_t>([](Database& database) {
      return One<std::uint64_t>(database, Query("SELECT value FROM meta WHERE name = 'sequence'"),
                                "the store lacks its sequence",
                                [](const Statement& row) { return static_cast<std::uint64_t>(row.Int(0)); });
    });
  }

 private:
  ReadPool& pool_;
};

}  // namespace

std::unique_ptr<JournalReader> MakeJournalReader(ReadPool& pool) { return std::make_unique<Journal>(pool); }

}  // namespace millrace::store
