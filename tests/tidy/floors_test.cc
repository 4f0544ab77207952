// The libraries that this build compiled and linked against are at least as new as scripts/dependencies.txt
// says, and every library that the table names is asked.
#include <curl/curl.h>
#include <duckdb.h>
#include <fmt/core.h>
#include <google/protobuf/stubs/common.h>
#include <grpcpp/version_info.h>
#include <gtest/gtest.h>
#include <lz4.h>
#include <sodium.h>
#include <spdlog/version.h>
#include <sqlite3.h>
#include <xxhash.h>
#include <zip.h>
#include <zlib.h>
#include <zstd.h>

#include <CLI/Version.hpp>
#include <boost/version.hpp>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/detail/abi_macros.hpp>
#include <sstream>
#include <string>
#include <vector>

// Declared in grpcpp/grpcpp.h, which is all of gRPC.
namespace grpc {
std::string Version();
}

namespace {

using Version = std::vector<int>;

// "v1.5.6-r.1" -> 1.5.6: digits and dots, up to the first thing that is neither.
Version Parse(const std::string& text) {
  Version version;
  size_t at = text.find_first_of("0123456789");
  while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
    size_t used = 0;
    version.push_back(std::stoi(text.substr(at), &used));
    at += used;
    if (at < text.size() && text[at] == '.') {
      ++at;
    } else {
      break;
    }
  }
  return version;
}

std::string Dotted(unsigned major, unsigned minor, unsigned patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

// What the library itself says at run time where it can, else what its headers say, else what CMake found.
std::map<std::string, std::string> Linked() {
  const auto protobuf = static_cast<unsigned>(GOOGLE_PROTOBUF_VERSION);
  const unsigned xxhash = XXH_versionNumber();
  return {
      {"benchmark", BENCHMARK_FOUND},
      {"boost", Dotted(BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100)},
      {"cli11", CLI11_VERSION},
      {"curl", curl_version_info(CURLVERSION_NOW)->version},
      {"duckdb", duckdb_library_version()},
      {"fmt", Dotted(FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"googletest", GTEST_FOUND},
      {"grpc", grpc::Version()},
      {"httplib", HTTPLIB_FOUND},
      {"libzip", zip_libzip_version()},
      {"lz4", LZ4_versionString()},
      {"nlohmann-json",
       Dotted(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
      {"prometheus", PROMETHEUS_FOUND},
      {"protobuf", Dotted(protobuf / 1000000, protobuf / 1000 % 1000, protobuf % 1000)},
      {"simdjson", SIMDJSON_FOUND},
      {"sodium", sodium_version_string()},
      {"spdlog", Dotted(SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH)},
      {"sqlite", sqlite3_libversion()},
      {"xxhash", Dotted(xxhash / 10000, xxhash / 100 % 100, xxhash % 100)},
      {"yaml-cpp", YAML_CPP_FOUND},
      {"zlib", zlibVersion()},
      {"zstd", ZSTD_versionString()},
  };
}

// The table's floors of libraries: `apt PACKAGE FLOOR LIBRARY` and `floor LIBRARY VERSION`.
std::map<std::string, std::string> Floors() {
  std::ifstream file(DEPENDENCIES);
  std::map<std::string, std::string> floors;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string kind, first, second, third;
    words >> kind >> first >> second >> third;
    if (kind == "apt" && !third.empty()) {
      const size_t epoch = second.find(':');
      floors[third] = epoch == std::string::npos ? second : second.substr(epoch + 1);
    } else if (kind == "floor") {
      floors[first] = second;
    }
  }
  return floors;
}

TEST(Floors, EveryLinkedLibraryIsAsNewAsTheTableSays) {
  const auto linked = Linked();
  for (const auto& [library, floor] : Floors()) {
    const auto found = linked.find(library);
    ASSERT_NE(found, linked.end()) << library
                                   << " has a floor, and this test does not ask it for its version";
    EXPECT_GE(Parse(found->second), Parse(floor))
        << library << " " << found->second << " is older than its floor " << floor;
    std::printf("%s %s, at least %s\n", library.c_str(), found->second.c_str(), floor.c_str());
  }
}

TEST(Floors, EveryLibraryAskedHasAFloor) {
  const auto floors = Floors();
  for (const auto& [library, version] : Linked()) {
    EXPECT_TRUE(floors.contains(library))
        << library << " " << version << " has no floor in scripts/dependencies.txt";
    EXPECT_FALSE(Parse(version).empty()) << library << ": '" << version << "' is no version";
  }
}

TEST(Floors, VersionsCompareAsNumbers) {
  EXPECT_LT(Parse("1.9.10"), Parse("1.51"));
  EXPECT_LT(Parse("1.9"), Parse("1.10"));
  EXPECT_GE(Parse("v1.5.6-r.1"), Parse("1.5.6"));
  EXPECT_LT(Parse("3.40.1"), Parse("3.51.3"));
}

TEST(Floors, CompiledAndLinkedAreTheSameLibrary) {
  EXPECT_STREQ(sqlite3_libversion(), SQLITE_VERSION);
  EXPECT_EQ(grpc::Version(), GRPC_CPP_VERSION_STRING);
  GOOGLE_PROTOBUF_VERIFY_VERSION;  // aborts when the header and the library differ
}

}  // namespace
