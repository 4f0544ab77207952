// Letters of the world, as far as Python's str methods ask about them: which have two cases (Latin, Greek,
// Cyrillic, Armenian), which are letters at all. Tables, not the machine's locale: a template renders the
// same everywhere. Private to this room.
#pragma once

namespace millrace::jinja {

// The other case of a letter; itself where there is none, or where it is more than one letter (ß).
char32_t UpperOf(char32_t c);
char32_t LowerOf(char32_t c);
bool IsCased(char32_t c);
// Scripts without cases too.
bool IsAlphabetic(char32_t c);

}  // namespace millrace::jinja
