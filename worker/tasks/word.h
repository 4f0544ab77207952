// What a shell can say of a value: one word. JSON as it stands; what is none, or a number that would lose digits, is text.
#pragma once

#include <string>

namespace millrace::tasks {

std::string JsonOfWord(const std::string& word);
// Texts without quotes, all else as JSON.
std::string WordOfJson(const std::string& json);

}  // namespace millrace::tasks
