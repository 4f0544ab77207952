// A value while a template runs: Python's types as far as templates see them, with Python's text forms, truth
// and comparisons, because that is what Jinja templates are written against. Private to this room; the
// outside speaks Value.
//
// Lists and maps are shared between copies and never changed after they are made.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/value.h"
#include "core/template/relative_delta.h"

namespace millrace::jinja {

class Datum;
using List = std::vector<Datum>;
using Pairs = std::vector<std::pair<Datum, Datum>>;  // in insertion order

// What a name that means nothing evaluates to; using it is an error, `is defined` and `default` ask for it.
struct Undefined {
  std::string message;
};
struct None {};
// A function by name ("range", "macros.ds_add"), or a method ("strftime") bound to its receiver.
struct Callable {
  std::string name;
  std::shared_ptr<const Datum> receiver;
};

// Something whose members the renderer's caller looks up: "var.value", "var.json", "conn".
struct Outside {
  std::string name;
};

// State that lives in the evaluator, which knows it by its number: what a template changes in place.
struct Handle {
  enum class Kind : std::uint8_t { kMacro, kLoop, kNamespace, kCycler, kJoiner };
  Kind kind = Kind::kMacro;
  std::size_t id = 0;
  friend bool operator==(const Handle&, const Handle&) = default;
};

// How a time shows: pendulum's DateTime in UTC, Python's datetime without a zone, a date.
enum class TimeForm : std::uint8_t { kUtc, kNaive, kDate };

class Datum {
 public:
  Datum() : data_(None{}) {}
  Datum(Undefined undefined) : data_(std::move(undefined)) {}  // NOLINT: implicit, as values are
  Datum(bool value) : data_(value) {}                          // NOLINT
  Datum(std::int64_t value) : data_(value) {}                  // NOLINT
  Datum(double value) : data_(value) {}                        // NOLINT
  Datum(std::string value) : data_(std::move(value)) {}        // NOLINT
  Datum(WallTime value) : data_(value) {}                      // NOLINT
  Datum(Duration value) : data_(value) {}                      // NOLINT
  Datum(Callable value) : data_(std::move(value)) {}           // NOLINT
  Datum(Outside value) : data_(std::move(value)) {}            // NOLINT
  Datum(Handle value) : data_(value) {}                        // NOLINT
  Datum(RelativeDelta value)                                   // NOLINT
      : data_(std::make_shared<const RelativeDelta>(value)) {}
  Datum(WallTime value, TimeForm form) : data_(value), form_(form) {}
  static Datum OfList(List items) { return Sequence(std::move(items), /*tuple=*/false); }
  static Datum OfTuple(List items) { return Sequence(std::move(items), /*tuple=*/true); }
  // One of groupby: a tuple with the members `grouper` and `list`.
  static Datum OfGroup(Datum grouper, List items);
  static Datum OfMap(Pairs pairs);
  static Datum OfValue(const Value& value);

  bool is_undefined() const { return Holds<Undefined>(); }
  bool is_none() const { return Holds<None>(); }
  bool is_bool() const { return Holds<bool>(); }
  bool is_int() const { return Holds<std::int64_t>(); }  // a bool is none, unlike in Python: ask is_integral
  bool is_float() const { return Holds<double>(); }
  bool is_integral() const { return is_int() || is_bool(); }
  bool is_number() const { return is_integral() || is_float(); }
  bool is_string() const { return Holds<std::string>(); }
  bool is_list() const { return Holds<ListData>(); }  // tuples too
  bool is_tuple() const { return is_list() && std::get<ListData>(data_).tuple; }
  bool is_group() const { return is_list() && std::get<ListData>(data_).group; }
  bool is_map() const { return Holds<MapData>(); }
  bool is_time() const { return Holds<WallTime>(); }
  bool is_span() const { return Holds<Duration>(); }
  bool is_relative() const { return Holds<Relative>(); }
  bool is_callable() const { return Holds<Callable>(); }
  bool is_outside() const { return Holds<Outside>(); }
  bool is_handle() const { return Holds<Handle>(); }

  const Undefined& undefined() const { return std::get<Undefined>(data_); }
  std::int64_t integer() const {
    return is_bool() ? (std::get<bool>(data_) ? 1 : 0) : std::get<std::int64_t>(data_);
  }
  double number() const { return is_float() ? std::get<double>(data_) : static_cast<double>(integer()); }
  const std::string& string() const { return std::get<std::string>(data_); }
  const List& list() const { return *std::get<ListData>(data_).items; }
  const Pairs& map() const { return *std::get<MapData>(data_); }
  WallTime time() const { return std::get<WallTime>(data_); }
  Duration span() const { return std::get<Duration>(data_); }
  const RelativeDelta& relative() const { return *std::get<Relative>(data_); }
  const Callable& callable() const { return std::get<Callable>(data_); }
  const Outside& outside() const { return std::get<Outside>(data_); }
  const Handle& handle() const { return std::get<Handle>(data_); }
  TimeForm form() const { return form_; }

  // The member of a map with this key, or nullptr.
  const Datum* Find(const Datum& key) const;

  // How much there is to walk, print or compare, shared parts counted each time; and how deep it nests. The
  // evaluator refuses what is too large, so that every walk is short.
  std::int64_t weight() const;
  int depth() const { return depth_; }

  // Somebody other than the DAG's author can set this value (and so everything that is taken out of it) ...
  bool from_user() const { return from_user_; }
  void set_from_user() { from_user_ = true; }
  // ... or something inside it.
  bool holds_user_data() const { return from_user_ || holds_user_data_; }
  // Members that are not listed may exist (dag_run.conf): a check does not complain about them.
  bool open() const { return open_; }
  void set_open() { open_ = true; }
  // Text that is HTML already (of the filters e, safe, tojson): e leaves it as it is.
  bool markup() const { return markup_; }
  Datum AsMarkup() && {
    markup_ = true;
    return std::move(*this);
  }

 private:
  struct ListData {
    std::shared_ptr<const List> items;
    bool tuple;
    bool group = false;
  };
  using MapData = std::shared_ptr<const Pairs>;
  using Relative = std::shared_ptr<const RelativeDelta>;
  using Data = std::variant<Undefined, None, bool, std::int64_t, double, std::string, ListData, MapData,
                            WallTime, Duration, Callable, Outside, Handle, Relative>;

  explicit Datum(Data data) : data_(std::move(data)) {}
  static Datum Sequence(List items, bool tuple);
  void Count(const Datum& inside);
  template <typename T>
  bool Holds() const {
    return std::holds_alternative<T>(data_);
  }

  Data data_;
  std::int64_t weight_ = 1;
  int depth_ = 0;
  bool from_user_ = false;
  bool holds_user_data_ = false;
  bool open_ = false;
  bool markup_ = false;
  TimeForm form_ = TimeForm::kUtc;
};

// Python's names: "str", "int", "dict", "datetime".
std::string_view TypeName(const Datum& datum);
// str(x) and repr(x).
std::string ToText(const Datum& datum);
std::string ToRepr(const Datum& datum);
// isoformat, with a separator of choice.
std::string TimeText(const Datum& datum, char separator);
// A float as Python prints it.
std::string FloatText(double number);
bool IsTrue(const Datum& datum);
bool AreEqual(const Datum& a, const Datum& b);
// INVALID_ARGUMENT when Python would raise TypeError.
StatusOr<std::partial_ordering> Compare(const Datum& a, const Datum& b);
// x in container.
StatusOr<bool> Contains(const Datum& container, const Datum& item);
// What iterating yields: items, keys of a map, characters of a string.
StatusOr<List> Items(const Datum& datum);
StatusOr<std::int64_t> Length(const Datum& datum);

// The UTF-8 characters of a text (a stray byte counts as one).
std::vector<std::string_view> Characters(std::string_view text);

}  // namespace millrace::jinja
