#include "worker/mapreduce/library.h"

#include <dlfcn.h>

#include <exception>
#include <span>

namespace millrace::mapreduce {
namespace {

constexpr const char* kEntry = "millrace_mapreduce_v1";

const char* NameOf(api::Kind kind) {
  switch (kind) {
    case api::Kind::kMapper: return "mapper";
    case api::Kind::kCombiner: return "combiner";
    case api::Kind::kReducer: return "reducer";
    case api::Kind::kPartitioner: return "partitioner";
  }
  return "class";
}

template <typename Class>
StatusOr<std::unique_ptr<Class>> Make(const StatusOr<const api::Registration*>& found) {
  if (!found.ok()) return found.status();
  try {
    return std::unique_ptr<Class>(static_cast<Class*>((*found)->make()));
  } catch (const std::exception& error) {
    return InvalidArgument(std::string("the class ") + (*found)->name + " could not be made: " + error.what());
  }
}

}  // namespace

StatusOr<std::shared_ptr<Library>> Library::Load(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return InvalidArgument(std::string("the library cannot be loaded: ") + ::dlerror());
  std::shared_ptr<Library> library(new Library(path, handle));
  void* entry = ::dlsym(handle, kEntry);
  if (entry == nullptr) {
    return InvalidArgument("the library " + path + " is not made for this worker: it has no " + kEntry +
                           " (include worker/mapreduce/api/mapreduce.h)");
  }
  library->registrations_ = reinterpret_cast<api::Registrations (*)()>(entry)();
  if (library->registrations_.count == 0) {
    return InvalidArgument("the library " + path + " registers no class: MILLRACE_MAPPER(Name), ...");
  }
  return library;
}

Library::~Library() { ::dlclose(handle_); }

StatusOr<const api::Registration*> Library::Find(api::Kind kind, const std::string& name) const {
  const api::Registration* found = nullptr;
  std::string names;
  int count = 0;
  for (const api::Registration& item : std::span(registrations_.first, registrations_.count)) {
    if (item.kind != kind) continue;
    names += (names.empty() ? "" : ", ") + std::string(item.name);
    if (!name.empty() && name != item.name) continue;
    found = &item;
    ++count;
  }
  if (count == 1) return found;
  std::string message = "the library " + path_ + " has ";
  if (count > 1) return InvalidArgument(message + "several " + NameOf(kind) + "s (" + names + "): say which with 'class'");
  message += name.empty() ? std::string("no ") + NameOf(kind) : std::string("no ") + NameOf(kind) + " '" + name + "'";
  return InvalidArgument(message + (names.empty() ? "" : "; it has " + names));
}

StatusOr<std::unique_ptr<api::Mapper>> Library::MakeMapper(const std::string& name) const {
  return Make<api::Mapper>(Find(api::Kind::kMapper, name));
}
StatusOr<std::unique_ptr<api::Combiner>> Library::MakeCombiner(const std::string& name) const {
  return Make<api::Combiner>(Find(api::Kind::kCombiner, name));
}
StatusOr<std::unique_ptr<api::Reducer>> Library::MakeReducer(const std::string& name) const {
  return Make<api::Reducer>(Find(api::Kind::kReducer, name));
}
std::unique_ptr<api::Partitioner> Library::MakePartitioner() const {
  StatusOr<std::unique_ptr<api::Partitioner>> made = Make<api::Partitioner>(Find(api::Kind::kPartitioner, ""));
  return made.ok() ? *std::move(made) : nullptr;
}
StatusOr<std::unique_ptr<api::Partitioner>> Library::MakePartitioner(const std::string& name) const {
  return Make<api::Partitioner>(Find(api::Kind::kPartitioner, name));
}

}  // namespace millrace::mapreduce
