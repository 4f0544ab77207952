// A shared object with native steps (api/mapreduce.h). Loaded once an attempt, into the runner; stays loaded as long as its
// objects live. One thread.
#pragma once

#include <memory>
#include <string>

#include "core/base/status.h"
#include "core/spec/mapreduce_spec.h"
#include "worker/mapreduce/api/mapreduce.h"

namespace millrace::mapreduce {

class Library {
 public:
  // `path` is absolute. INVALID_ARGUMENT says why it cannot be loaded, or that it registers nothing.
  static StatusOr<std::shared_ptr<Library>> Load(const std::string& path);
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library();

  // The class of that name, or with "" the only one of its kind; INVALID_ARGUMENT lists what there is.
  StatusOr<std::unique_ptr<api::Mapper>> MakeMapper(const std::string& name) const;
  StatusOr<std::unique_ptr<api::Combiner>> MakeCombiner(const std::string& name) const;
  StatusOr<std::unique_ptr<api::Reducer>> MakeReducer(const std::string& name) const;
  // Null when the library has none.
  std::unique_ptr<api::Partitioner> MakePartitioner() const;
  StatusOr<std::unique_ptr<api::Partitioner>> MakePartitioner(const std::string& name) const;

 private:
  Library(std::string path, void* handle) : path_(std::move(path)), handle_(handle) {}
  StatusOr<const api::Registration*> Find(api::Kind kind, const std::string& name) const;

  std::string path_;
  void* handle_;
  api::Registrations registrations_{};
};

}  // namespace millrace::mapreduce
