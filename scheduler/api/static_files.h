// The dashboard's files, read into memory once at start: a path either is a key of that map or it is not, so
// nothing outside the folder can be asked for. Any thread.
#pragma once

#include <map>
#include <string>

#include "core/base/status.h"
#include "scheduler/http/message.h"

namespace millrace::api {

class StaticFiles {
 public:
  // An empty folder name gives no files. Links are not followed; at most 64 MiB in all.
  static StatusOr<StaticFiles> Load(const std::string& folder);

  // A file, or index.html for the dashboard's own addresses ("/dags/etl"). 404 for what belongs to the API.
  http::Response Handle(const http::Request& request) const;

 private:
  struct File {
    std::string content;
    std::string type;
  };
  std::map<std::string, File> files_;  // "static/index-B3x9.js"
};

}  // namespace millrace::api
