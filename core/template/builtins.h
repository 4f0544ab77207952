// What templates can call: filters, tests, functions, and the attributes and methods of values. Each table is
// searched by name; a new entry is one function and one row. Private to this room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/template/datum.h"

namespace millrace::jinja {

// What one rendering has: how much it may still do, counted in values walked, so that no template can hold a
// thread for long; and its random numbers, which are the same whenever the same is rendered.
class Budget {
 public:
  explicit Budget(std::uint64_t seed) : random_(seed) {}

  static constexpr std::int64_t kMostWork = 2'000'000;
  static constexpr std::int64_t kLargestText = 1 << 20;

  Status Spend(std::int64_t work);
  std::uint64_t Draw();
  // Before a text of this size is made.
  static Status CheckSize(std::int64_t bytes);

 private:
  std::int64_t left_ = kMostWork;
  std::uint64_t random_;
};

// The arguments of a call, fetched in turn by position or by name: Take("width", 0) ... Done().
class Arguments {
 public:
  List positional;
  std::vector<std::pair<std::string, Datum>> named;

  // The argument, or nullptr.
  const Datum* Find(std::size_t position, std::string_view name) const;
  StatusOr<std::int64_t> Integer(std::size_t position, std::string_view name, std::int64_t fallback) const;
  StatusOr<std::string> Text(std::size_t position, std::string_view name, std::string_view fallback) const;
  bool Flag(std::size_t position, std::string_view name, bool fallback) const;
  const Datum& Or(std::size_t position, std::string_view name, const Datum& fallback) const;
  std::int64_t weight() const;
};

bool IsFilter(std::string_view name);
std::vector<std::string> FilterNames();
StatusOr<Datum> ApplyFilter(std::string_view name, const Datum& value, const Arguments& arguments,
                            Budget& budget);

bool IsTest(std::string_view name);
std::vector<std::string> TestNames();
StatusOr<bool> ApplyTest(std::string_view name, const Datum& value, const Arguments& arguments,
                         Budget& budget);

// range, dict, macros: what every template knows besides its context. Undefined when there is none.
Datum Global(std::string_view name);
std::vector<std::string> GlobalNames();

// value.name, as Jinja looks it up: methods before the members of a map. Undefined, with its message, when
// there is none.
Datum Attribute(const Datum& value, std::string_view name);
// What Attribute knows for such a value, for suggestions.
std::vector<std::string> AttributeNames(const Datum& value);
// value[key]: Undefined when there is none.
Datum Item(const Datum& value, const Datum& key);
StatusOr<Datum> Call(const Datum& callee, const Arguments& arguments, Budget& budget);

// Whether lists or dicts change by this method: append, update.
bool IsMutator(std::string_view method);
// namespace, cycler, joiner.
bool IsState(std::string_view name);
// Adds a member, or gives it another value.
void SetMember(Pairs& pairs, Datum key, Datum value);

// left op right: + - * / // % **, and ~.
StatusOr<Datum> Binary(std::string_view op, const Datum& left, const Datum& right);

}  // namespace millrace::jinja
