#include "core/model/bundle_file.h"

namespace millrace {

std::string BundleFile(std::string_view bundle, std::string_view file) {
  if (BundleOr(bundle) == kDagsFolder) return std::string(file);
  return "/" + std::string(bundle) + "/" + std::string(file);
}

std::pair<std::string, std::string> SplitBundleFile(std::string_view text) {
  const std::size_t end = text.starts_with('/') ? text.find('/', 1) : std::string_view::npos;
  if (end == std::string_view::npos) return {std::string(kDagsFolder), std::string(text)};
  return {std::string(text.substr(1, end - 1)), std::string(text.substr(end + 1))};
}

}  // namespace millrace
