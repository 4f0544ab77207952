// An Inbox that answers at once, from a thread of the caller's. Records commands; a test says how they end.
// Records (users, tokens, audit) become rows of an in-memory AccountReader, as they would once committed.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/inbox.h"
#include "scheduler/store/reader.h"

namespace millrace::test {

class FakeAccounts : public store::AccountReader, public store::AuditReader {
 public:
  StatusOr<UserRecord> GetUser(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    ++reads_;
    const auto found = users_.find(name);
    if (found == users_.end()) return NotFound("User not found: " + name);
    return found->second;
  }
  StatusOr<TokenRecord> GetToken(const std::string& hash) override {
    const std::lock_guard lock(mutex_);
    ++reads_;
    const auto found = tokens_.find(hash);
    if (found == tokens_.end()) return NotFound("Token not found");
    return found->second;
  }
  StatusOr<std::vector<UserRecord>> ListUsers() override {
    const std::lock_guard lock(mutex_);
    std::vector<UserRecord> users;
    for (const auto& [name, user] : users_) users.push_back(user);
    return users;
  }
  StatusOr<std::vector<std::string>> ListTeams() override {
    const std::lock_guard lock(mutex_);
    return std::vector<std::string>(teams_.begin(), teams_.end());
  }
  // Of users alone, and what a test says besides.
  StatusOr<std::vector<store::TeamUse>> ListUses(const std::string& team) override {
    const std::lock_guard lock(mutex_);
    std::vector<store::TeamUse> uses;
    for (const auto& [name, user] : users_) {
      const bool member = std::find(user.teams.begin(), user.teams.end(), team) != user.teams.end();
      if (member && !user.deleted) uses.push_back({"user", name});
    }
    if (const auto found = other_uses.find(team); found != other_uses.end())
      uses.insert(uses.end(), found->second.begin(), found->second.end());
    return uses;
  }
  StatusOr<store::AuditEntry> GetAudit(std::int64_t id) override {
    const std::lock_guard lock(mutex_);
    if (id < 1 || static_cast<std::size_t>(id) > audit_.size())
      return NotFound("Event log not found: " + std::to_string(id));
    return store::AuditEntry{id, audit_[static_cast<std::size_t>(id - 1)]};
  }
  // The newest first, whatever the filter says of order and page.
  StatusOr<store::Listing<store::AuditEntry>> ListAudit(const store::AuditFilter& filter) override {
    const std::lock_guard lock(mutex_);
    store::Listing<store::AuditEntry> found;
    for (std::size_t i = audit_.size(); i > 0; --i) {
      const AuditRecord& record = audit_[i - 1];
      const bool beneath = (record.object + "/").starts_with(filter.object + "/") || filter.object.empty();
      if (beneath && (filter.user.empty() || record.user == filter.user) &&
          (filter.action.empty() || record.action == filter.action)) {
        found.rows.push_back({static_cast<std::int64_t>(i), record});
      }
    }
    found.total = static_cast<std::int64_t>(found.rows.size());
    return found;
  }
  void Apply(const std::vector<Record>& records) {
    const std::lock_guard lock(mutex_);
    for (const Record& record : records) {
      if (const auto* user = std::get_if<UserRecord>(&record)) users_[user->name] = *user;
      if (const auto* token = std::get_if<TokenRecord>(&record)) tokens_[token->hash] = *token;
      if (const auto* team = std::get_if<TeamRecord>(&record)) {
        if (team->deleted) teams_.erase(team->name);
        if (!team->deleted) teams_.insert(team->name);
      }
      if (const auto* audit = std::get_if<AuditRecord>(&record)) audit_.push_back(*audit);
    }
  }
  std::vector<TokenRecord> tokens() const {
    const std::lock_guard lock(mutex_);
    std::vector<TokenRecord> tokens;
    for (const auto& [hash, token] : tokens_) tokens.push_back(token);
    return tokens;
  }
  int reads() const {
    const std::lock_guard lock(mutex_);
    return reads_;
  }

  std::map<std::string, std::vector<store::TeamUse>> other_uses;  // by team; set before anyone asks

 private:
  mutable std::mutex mutex_;
  int reads_ = 0;
  std::map<std::string, UserRecord> users_;
  std::map<std::string, TokenRecord> tokens_;
  std::set<std::string> teams_;
  std::vector<AuditRecord> audit_;
};

class FakeInbox : public Inbox {
 public:
  explicit FakeInbox(FakeAccounts& accounts) : accounts_(accounts) {}

  Status Put(Event) override { return OkStatus(); }
  Status Submit(Command command, std::function<void(CommandReply)> done) override {
    CommandReply reply = CommandResult{};
    {
      const std::lock_guard lock(mutex_);
      if (!refuse.ok()) return refuse;
      if (const auto* records = std::get_if<WriteRecords>(&command)) {
        accounts_.Apply(records->records);
        if (on_records) on_records(*records);
      } else {
        commands_.push_back(command);
        if (answer) reply = answer(command);
      }
      if (silent) return OkStatus();
    }
    done(std::move(reply));
    return OkStatus();
  }
  Status Ask(Question question, std::function<void(Answer)> done) override {
    if (answer_question) done(answer_question(question));
    return OkStatus();
  }

  std::vector<Command> commands() const {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

  // Set before anyone asks.
  std::function<CommandReply(const Command&)> answer;
  std::function<Answer(const Question&)> answer_question;
  std::function<void(const WriteRecords&)> on_records;
  Status refuse;
  bool silent = false;  // never answers

 private:
  FakeAccounts& accounts_;
  mutable std::mutex mutex_;
  std::vector<Command> commands_;
};

}  // namespace millrace::test
