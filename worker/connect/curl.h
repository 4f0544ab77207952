// Owners of libcurl's objects, for the .cc files of this room alone.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

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

inline void Append(List& list, const std::string& text) {
  curl_slist* head = list.release();
  curl_slist* longer = curl_slist_append(head, text.c_str());
  list.reset(longer == nullptr ? head : longer);
}

}  // namespace millrace::connect
