// Reads what a request brings, query and body, into typed values, and gathers everything that is wrong with
// it. Names that nobody asked for are refused: a filter that is silently ignored gives wrong answers. Used
// within one handler call.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/value.h"
#include "scheduler/api/answer.h"
#include "scheduler/http/message.h"
#include "scheduler/store/reader.h"

namespace millrace::api {

// Times as clients send them: RFC 3339, also "+0000" for the offset, a blank where "+" was, or no offset at
// all (UTC).
StatusOr<WallTime> ParseWireTime(std::string_view text);

class QueryInput {
 public:
  explicit QueryInput(const http::Request& request) : request_(request) {}

  std::string String(std::string_view name);
  std::vector<std::string> Strings(std::string_view name);
  std::optional<bool> Bool(std::string_view name);
  std::int64_t Int(std::string_view name, std::int64_t fallback, std::int64_t min, std::int64_t max);
  std::optional<double> Number(std::string_view name);
  std::optional<WallTime> Time(std::string_view name);
  // name_gte and name_gt as the inclusive lower end, name_lte and name_lt as the upper.
  void Range(std::string_view name, std::optional<WallTime>* from, std::optional<WallTime>* to);
  bool Has(std::string_view name) const;
  // limit (50, at most 100) and offset; together below 10,000. `by_cursor`: the list has a cursor for what lies beyond.
  store::Page Paging(bool by_cursor = false);
  // A SQL LIKE pattern; text without wildcards means "contains".
  std::string Pattern(std::string_view name);
  // Known to us and allowed to be there, but without effect.
  void Ignore(std::string_view name) { known_.emplace(name); }
  Issues& issues() { return issues_; }

  // Nothing when all is well. Last: every name that was not asked for is a problem.
  std::optional<http::Response> Problems();

 private:
  const http::Request& request_;
  std::set<std::string, std::less<>> known_;
  Issues issues_;
  std::optional<http::Response> refusal_;  // goes before whatever else is wrong
};

class BodyInput {
 public:
  explicit BodyInput(const http::Request& request);
  // A part of a body, read like one.
  explicit BodyInput(const Value& body) { Take(body); }

  bool Has(std::string_view name) const {
    return body_.Find(name) != nullptr && !body_.Find(name)->is_null();
  }
  std::string String(std::string_view name);
  bool Bool(std::string_view name, bool fallback);
  std::optional<bool> RequiredBool(std::string_view name);
  std::optional<WallTime> Time(std::string_view name);
  // note; "" when it is not there.
  std::string Note();
  // partition_key; "" when it is not there.
  std::string PartitionKey();
  // A member as it is; null when it is not there.
  Value Any(std::string_view name);
  // Says 422 when one of these is set: what we do not do is not silently left out.
  void Unsupported(std::string_view name);
  void UnsupportedTrue(std::string_view name);
  Issues& issues() { return issues_; }

  std::optional<http::Response> Problems();

 private:
  const Value* Take(std::string_view name);
  void Take(const Value& body);

  Value body_;
  bool readable_ = false;
  std::set<std::string, std::less<>> known_;
  Issues issues_;
};

}  // namespace millrace::api
