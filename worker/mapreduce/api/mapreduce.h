// What native code of a `mapreduce` task includes: the only header it needs, and it needs nothing else of Millrace. Build a
// shared object, name it in the DAG file, and say which step it is for:
//
//   map: {library: lib/libword_count.so}
//   combine: {library: lib/libword_count.so}
//   reduce: {library: lib/libword_count.so}
//
// A library that has several classes for one step says which: {library: ..., class: Sum}. An object lives as long as its
// stage task and belongs to one thread. Keys and values are bytes; nothing looks at their encoding. An exception fails the
// attempt with its text. Views that are handed in are valid until the call returns.
//
// Compile with the compiler and standard library of the worker: classes with virtual functions cross this border.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace millrace::api {

// Numbers that the whole job adds up; the log shows them at the end of each attempt.
class Counters {
 public:
  virtual ~Counters() = default;
  virtual void Add(std::string_view group, std::string_view name, std::int64_t amount) = 0;
};

class Context {
 public:
  virtual ~Context() = default;
  virtual void Emit(std::string_view key, std::string_view value) = 0;
  virtual Counters& counters() = 0;
};

// The values of one key, each once.
class Values {
 public:
  virtual ~Values() = default;
  virtual bool Next(std::string_view& value) = 0;
  // The next value and how often it stands there in a row: who counts or adds need not look at each.
  virtual bool NextRun(std::string_view& value, std::int64_t& times) {
    times = 1;
    return Next(value);
  }
};

class Mapper {
 public:
  virtual ~Mapper() = default;
  // `line` has no newline.
  virtual void Map(std::string_view line, Context& context) = 0;
  // After the last line.
  virtual void Finish(Context&) {}
};

// Runs on some of a key's values at the map side, any number of times: what it emits is combined again and then reduced.
class Combiner {
 public:
  virtual ~Combiner() = default;
  virtual void Combine(std::string_view key, Values& values, Context& context) = 0;
};

// Keys come in the order of their bytes.
class Reducer {
 public:
  virtual ~Reducer() = default;
  virtual void Reduce(std::string_view key, Values& values, Context& context) = 0;
  virtual void Finish(Context&) {}
};

// Instead of the hash of the key's bytes. Used when the map's library has one.
class Partitioner {
 public:
  virtual ~Partitioner() = default;
  // Less than `partitions`.
  virtual std::uint32_t Partition(std::string_view key, std::uint32_t partitions) = 0;
};

enum class Kind : std::uint32_t { kMapper = 1, kCombiner = 2, kReducer = 3, kPartitioner = 4 };

struct Registration {
  const char* name;
  Kind kind;
  void* (*make)();  // a new object, as a pointer to its kind's class
};

// What the library answers when it is loaded. The function's name has the version of this header's classes in it.
struct Registrations {
  const Registration* first;
  std::size_t count;
};

// Hidden, so that every library has a list of its own.
__attribute__((visibility("hidden"))) inline std::vector<Registration> registered;

struct Registrar {
  Registrar(const char* name, Kind kind, void* (*make)()) { registered.push_back({name, kind, make}); }
};

}  // namespace millrace::api

extern "C" __attribute__((weak, visibility("default"))) millrace::api::Registrations millrace_mapreduce_v1() {
  return {millrace::api::registered.data(), millrace::api::registered.size()};
}

#define MILLRACE_REGISTER(base, kind_name, class_name)                         \
  static const ::millrace::api::Registrar millrace_registrar_##class_name(     \
      #class_name, ::millrace::api::Kind::kind_name,                           \
      []() -> void* { return static_cast<::millrace::api::base*>(new class_name()); })

// In a .cc file, after the class: its name as the DAG file says it.
#define MILLRACE_MAPPER(class_name) MILLRACE_REGISTER(Mapper, kMapper, class_name)
#define MILLRACE_COMBINER(class_name) MILLRACE_REGISTER(Combiner, kCombiner, class_name)
#define MILLRACE_REDUCER(class_name) MILLRACE_REGISTER(Reducer, kReducer, class_name)
#define MILLRACE_PARTITIONER(class_name) MILLRACE_REGISTER(Partitioner, kPartitioner, class_name)
