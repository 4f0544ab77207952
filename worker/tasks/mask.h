// Takes secrets out of a text that comes in pieces, also where a secret lies across a border: what may be the
// beginning of one is held back until the next piece decides. One thread at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace::tasks {

// The texts to mask for a connection: its URI and the password in it, as written and percent-decoded.
std::vector<std::string> SecretsOf(std::string_view uri);

class Mask {
 public:
  // Secrets shorter than three characters are not masked: they would be found everywhere.
  explicit Mask(std::vector<std::string> secrets);

  // What can be shown now.
  std::string Feed(std::string_view piece);
  // The rest; nothing follows.
  std::string Finish();
  // A whole text.
  std::string Apply(std::string_view text) const;

 private:
  std::size_t HeldBack(std::string_view text) const;

  std::vector<std::string> secrets_;  // longest first
  std::string held_;
};

}  // namespace millrace::tasks
