// Structs as JSON text, for codec.cc: each struct lists its members once, in Describe(), and Writer and
// Reader walk the same list. Describe() stands in this namespace too, where calls from here find it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/status.h"
#include "core/model/json.h"
#include "core/model/schedule.h"

namespace millrace::codec {

class Writer;
class Reader;

template <typename T>
void Write(const T& in, Value& out);
template <typename T>
void Read(const Value& in, T& out);

class Writer {
 public:
  explicit Writer(Value& out) : out_(out) { out_ = Value(Value::Map()); }
  template <typename T>
  void operator()(const char* name, const T& member) {
    Value value;
    Write(member, value);
    out_.as_map().emplace_back(name, std::move(value));
  }
  // A member that the first format had not: left out at its default, so that the hash of a DAG that does not
  // use it (its version's identity) is what it was before there was such a member.
  template <typename T, typename Struct>
  void Later(const char* name, const T& x, Struct member) {
    static const T kDefault;
    Value value;
    Write(x.*member, value);
    Value otherwise;
    Write(kDefault.*member, otherwise);
    if (value != otherwise) out_.as_map().emplace_back(name, std::move(value));
  }

 private:
  Value& out_;
};

class Reader {
 public:
  explicit Reader(const Value& in) : in_(in) {}
  template <typename T>
  void operator()(const char* name, T& member) {
    if (const Value* value = in_.Find(name)) Read(*value, member);
  }
  template <typename T, typename Member>
  void Later(const char* name, T& x, Member member) {
    (*this)(name, x.*member);
  }

 private:
  const Value& in_;
};

template <typename T, typename Struct>
concept Is = std::is_same_v<std::remove_const_t<T>, Struct>;

template <typename T>
concept Described = requires(Writer& writer, const T& x) {
  Describe(writer, x);
};

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsOptional<Boxed<T>> : std::true_type {};

template <typename T>
void Write(const T& in, Value& out) {
  if constexpr (std::is_same_v<T, Value> || std::is_same_v<T, std::string> || std::is_same_v<T, bool> ||
                std::is_same_v<T, double>) {
    out = in;
  } else if constexpr (std::is_same_v<T, Catchup>) {
    out = in == Catchup::kNone ? Value("none") : Value(in == Catchup::kAll);  // once it was yes or no
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    out = Value(static_cast<std::int64_t>(in));
  } else if constexpr (std::is_same_v<T, Duration>) {
    out = Value(static_cast<std::int64_t>(in.count()));
  } else if constexpr (std::is_same_v<T, WallTime>) {
    out = Value(ToMicros(in));
  } else if constexpr (IsOptional<T>::value) {
    if (in) Write(*in, out);
  } else if constexpr (IsVector<T>::value) {
    out = Value(Value::List());
    for (const auto& item : in) Write(item, out.as_list().emplace_back());
  } else {
    static_assert(Described<T>);
    Writer writer(out);
    Describe(writer, in);
  }
}

template <typename T>
void Read(const Value& in, T& out) {
  if constexpr (std::is_same_v<T, Value>) {
    out = in;
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (in.is_string()) out = in.as_string();
  } else if constexpr (std::is_same_v<T, bool>) {
    if (in.is_bool()) out = in.as_bool();
  } else if constexpr (std::is_same_v<T, double>) {
    if (in.is_number()) out = in.as_double();
  } else if constexpr (std::is_same_v<T, Catchup>) {
    out = in.is_string() ? Catchup::kNone : in.is_bool() && in.as_bool() ? Catchup::kAll : Catchup::kLast;
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    if (in.is_int()) out = static_cast<T>(in.as_int());
  } else if constexpr (std::is_same_v<T, Duration>) {
    if (in.is_int()) out = Duration(in.as_int());
  } else if constexpr (std::is_same_v<T, WallTime>) {
    if (in.is_int()) out = WallFromMicros(in.as_int());
  } else if constexpr (IsOptional<T>::value) {
    if (!in.is_null()) Read(in, out.emplace());
  } else if constexpr (IsVector<T>::value) {
    if (!in.is_list()) return;
    out.clear();
    out.reserve(in.as_list().size());
    for (const Value& item : in.as_list()) Read(item, out.emplace_back());
  } else {
    Reader reader(in);
    Describe(reader, out);
  }
}

template <typename T>
std::string Encode(const T& in) {
  Value value;
  Write(in, value);
  return ToJson(value);
}

template <typename T>
StatusOr<T> Decode(std::string_view text) {
  ASSIGN_OR_RETURN(Value value, ParseJson(text));
  T out;
  Read(value, out);
  return out;
}

}  // namespace millrace::codec
