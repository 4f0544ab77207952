// Owners of libcurl's objects, for the .cc files of this room alone.
#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/clock.h"

namespace millrace::connect {

struct EasyCleanup {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyCleanup>;

struct ListCleanup {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListCleanup>;

// Null when libcurl cannot be set up. Signals are left alone.
inline Easy NewEasy() {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  Easy easy(global == CURLE_OK ? curl_easy_init() : nullptr);
  if (easy != nullptr) curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  return easy;
}

// The transfer ends by itself after `timeout` (a millisecond at least), and soon after `cancelled`, which must outlive it, is set.
inline void Bound(CURL* easy, Duration timeout, const std::atomic<bool>& cancelled) {
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(1, millis)));
  const curl_xferinfo_callback stop = [](void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<const std::atomic<bool>*>(user)->load() ? 1 : 0;
  };
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, stop);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&cancelled));
}

inline void Append(List& list, const std::string& text) {
  curl_slist* head = list.release();
  curl_slist* longer = curl_slist_append(head, text.c_str());
  list.reset(longer == nullptr ? head : longer);
}

}  // namespace millrace::connect
