#include "scheduler/api/static_files.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "scheduler/http/router.h"

namespace millrace::api {
namespace {

constexpr std::uintmax_t kMaxBytes = 64 * 1024 * 1024;
// Where Vite puts a hash of the content into the names (webui/vite.config.ts); not assets/, which is a page.
constexpr std::string_view kHashed = "static";

std::string TypeOf(const std::string& name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kTypes = {{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"},
      {".webmanifest", "application/manifest+json"},
  }};
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) return std::string(type);
  }
  return "application/octet-stream";
}

}  // namespace

StatusOr<StaticFiles> StaticFiles::Load(const std::string& folder) {
  StaticFiles loaded;
  if (folder.empty()) return loaded;
  namespace fs = std::filesystem;
  std::error_code error;
  std::uintmax_t total = 0;
  fs::recursive_directory_iterator entry(folder, error);
  if (error) return NotFound("The dashboard's folder cannot be read: " + folder + ": " + error.message());
  for (; entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (error) return NotFound("The dashboard's folder cannot be read: " + folder + ": " + error.message());
    if (!fs::is_regular_file(entry->symlink_status(error)) || error) continue;
    total += entry->file_size(error);
    if (error || total > kMaxBytes)
      return ResourceExhausted("The dashboard's folder is too large: " + folder);
    std::ifstream input(entry->path(), std::ios::binary);
    std::ostringstream content;
    content << input.rdbuf();
    const std::string name = entry->path().lexically_relative(folder).generic_string();
    loaded.files_.emplace(name, File{std::move(content).str(), TypeOf(name)});
  }
  return loaded;
}

http::Response StaticFiles::Handle(const http::Request& request) const {
  const auto path = http::DecodePath(request.path);
  if (!path) return http::ErrorResponse(404, "Not Found");
  if (request.method != "GET" && request.method != "HEAD")
    return http::ErrorResponse(405, "Method Not Allowed");
  std::string name;
  for (const std::string& segment : *path) name += (name.empty() ? "" : "/") + segment;
  const std::string_view first = path->empty() ? std::string_view() : std::string_view(path->front());
  auto found = files_.find(name);
  if (found == files_.end() && first != "api" && first != "millrace" && first != "auth" &&
      first != kHashed) {
    found = files_.find("index.html");
  }
  if (found == files_.end()) return http::ErrorResponse(404, "Not Found");
  http::Response response;
  response.headers.emplace_back("Content-Type", found->second.type);
  response.headers.emplace_back("Cache-Control",
                                first == kHashed ? "public, max-age=31536000, immutable" : "no-cache");
  response.body = found->second.content;
  return response;
}

}  // namespace millrace::api
