#include "worker/shuffle/host.h"

#include <cstdio>
#include <fstream>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace::shuffle {

std::string HostIdentity() {
  std::string machine;
  std::string boot;
  std::getline(std::ifstream("/etc/machine-id"), machine);
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
  if (boot.empty()) return "";  // a machine-id alone is often copied with its image
  const std::string both = machine + "/" + boot;
  const XXH128_hash_t hash = XXH3_128bits(both.data(), both.size());
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

std::string SchedulerIdentity(std::string_view shuffle_secret) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(shuffle_secret.data(), shuffle_secret.size())));
  return text;
}

}  // namespace millrace::shuffle
