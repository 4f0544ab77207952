// Folders of attempts, used again by the next one: an emptied folder costs a rename, a new one up to half a
// millisecond where folders come and go. What is kept is empty and as it was made; whatever is not is
// removed. Called on attempts' threads; a runner's spares are its own.
#pragma once

#include <string>
#include <string_view>

namespace millrace::tasks {

// Makes the folder, out of the spare of this name in `place` if there is one; whoever writes there is told
// why it cannot. `place` is the folder of all attempts' folders.
void TakeFolder(const std::string& path, const std::string& place, std::string_view spare);

// The folder and all that is in it are gone from where it was.
void DropFolder(const std::string& path, const std::string& place, std::string_view spare);

}  // namespace millrace::tasks
