// Variables, pools and connections as files: what goes out as JSON, what comes in as JSON or YAML. Called by
// the command line; one thread. What the scheduler never shows is never in a file: it is named instead.
#pragma once

#include <istream>
#include <string>

#include "core/base/status.h"
#include "core/model/value.h"
#include "dagctl/commands.h"

namespace millrace::dagctl {

// A map of names that a file holds; "-": standard input.
StatusOr<Value> ReadMap(const std::string& file, std::istream& input);
// As JSON; "-": to the output's stream. `what` is what it has so many of: "3 pools".
Status WriteMap(Output& output, const std::string& file, const Value& map, const std::string& what);

// Makes them at the scheduler, `path` being Airflow's collection. `on_existence`: overwrite, fail, skip, or
// lay_over (what an entity does not say stays as it is). How many.
StatusOr<std::size_t> MakeMany(Context& context, const std::string& path, const Value::List& entities,
                               const std::string& on_existence);

struct ImportOptions {
  std::string file;
  std::string on_existence = "overwrite";
};

// {"db": {"slots": 5, "description": "", "include_deferred": false}}, as Airflow has it.
Status ExportPools(Context& context, const std::string& file);
Status ImportPools(Context& context, const ImportOptions& options, std::istream& input);

// {"warehouse": {"conn_type": "postgres", "host": ...}} without passwords, and without extras that hold
// secrets: FAILED_PRECONDITION names whose were left out, once the file is written. In comes what Airflow
// exports, also URIs instead of objects. Overwriting lays it over the connection that is there: a password
// that the file does not have stays.
Status ExportConnections(Context& context, const std::string& file);
Status ImportConnections(Context& context, const ImportOptions& options, std::istream& input);

}  // namespace millrace::dagctl
