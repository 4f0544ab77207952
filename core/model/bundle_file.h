// A file of a bundle as one text: what import errors are kept by, and what messages call it. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace millrace {

// The bundle of `millrace-scheduler --dags`; also meant where a DAG of an earlier version names none.
inline constexpr std::string_view kDagsFolder = "dags-folder";

// "etl.yaml" of dags-folder, "/NAME/etl.yaml" of any other: a path within a folder never begins with '/', so no two are the same.
std::string BundleFile(std::string_view bundle, std::string_view file);
// The bundle and the file again.
std::pair<std::string, std::string> SplitBundleFile(std::string_view text);

// The same, when none is named.
inline std::string_view BundleOr(std::string_view bundle) { return bundle.empty() ? kDagsFolder : bundle; }

}  // namespace millrace
