// Drives a fuzz program where there is no libFuzzer: inputs from a corpus, changed at random from a seed, so that a run can be repeated.
// It sees no coverage; the corpus shows it the way in. Takes libFuzzer's names:
//
//   fuzz_csv [-seed=1] [-runs=10000] [-max_total_time=SECONDS] CORPUS_FOLDER     (-runs=0: until the time is up)
//   fuzz_csv FILE...                                                            one run each, to repeat a failure
//
// The input at which a run died, or took longer than ten seconds, is left in ./crash-SEED.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"

extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());

namespace {

constexpr unsigned kLongestRun = 10;  // seconds
constexpr std::size_t kMaxBytes = 4096;

std::string current;  // what the handlers write down
std::string crash_file;

void KeepInput() {
  const int file = ::open(crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return;
  const auto written = ::write(file, current.data(), current.size());
  static_cast<void>(written);
  ::close(file);
}

void Die(int signal) {
  KeepInput();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void Run(std::string input) {
  current = std::move(input);
  ::alarm(kLongestRun);
  // A copy of exactly its size, so that a sanitizer sees a read beyond the end.
  const std::vector<std::uint8_t> bytes(current.begin(), current.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  ::alarm(0);
}

class Mutator {
 public:
  Mutator(std::vector<std::string> corpus, unsigned seed) : corpus_(std::move(corpus)), random_(seed) {}

  std::string Next() {
    std::string input = Pick();
    for (std::size_t changes = 1 + Below(6); changes > 0; --changes) Change(input);
    if (input.size() > kMaxBytes) input.resize(kMaxBytes);
    return input;
  }

 private:
  std::size_t Below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  const std::string& Pick() { return corpus_[Below(corpus_.size())]; }
  char Byte() {
    static constexpr char kSpecial[] = "\0\n\r\"'\\,;:{}[]()%#*-+.|&<>=!0197aA \t\xff\x80\xc3\xef";
    return Below(2) == 0 ? kSpecial[Below(sizeof kSpecial - 1)] : static_cast<char>(random_());
  }
  std::string PartOf(const std::string& text) {
    const std::size_t begin = Below(text.size() + 1);
    return text.substr(begin, 1 + Below(std::min<std::size_t>(text.size() - begin + 1, 40)));
  }

  void Change(std::string& input) {
    const std::size_t at = Below(input.size() + 1);
    switch (Below(9)) {
      case 0:
        if (at < input.size()) input[at] = Byte();
        break;
      case 1:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ 1 << Below(8));
        break;
      case 2:
        input.insert(at, 1, Byte());
        break;
      case 3:
        input.erase(at, 1 + Below(8));
        break;
      case 4:
        input.insert(at, PartOf(Pick()));
        break;
      case 5:
        input.insert(at, PartOf(input));
        break;
      case 6:
        input = input.substr(0, at) + PartOf(Pick());
        break;
      case 7: {  // a long run of one thing
        const std::string part = PartOf(input);
        std::string run;
        for (std::size_t times = 1 + Below(200); times > 0 && run.size() < kMaxBytes; --times) run += part;
        input.insert(at, run);
        break;
      }
      default:
        input.resize(at);
    }
  }

  std::vector<std::string> corpus_;
  std::mt19937 random_;
};

std::string Content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// "-seed=7"
bool Flag(std::string_view argument, std::string_view name, std::uint64_t& value) {
  if (!argument.starts_with(name)) return false;
  argument.remove_prefix(name.size());
  return std::from_chars(argument.data(), argument.data() + argument.size(), value).ec == std::errc();
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  std::uint64_t runs = 10'000;
  std::uint64_t seconds = 0;
  std::vector<std::string> corpus = {""};
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (Flag(argument, "-seed=", seed) || Flag(argument, "-runs=", runs) || Flag(argument, "-max_total_time=", seconds)) continue;
    if (!std::filesystem::is_directory(argument)) {
      files.push_back(argument);
      continue;
    }
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(argument)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) corpus.push_back(Content(path));
  }
  crash_file = "crash-" + std::to_string(seed);
  for (const int signal : {SIGABRT, SIGALRM}) std::signal(signal, &Die);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(&KeepInput);
  for (const std::string& file : files) Run(Content(file));
  if (!files.empty()) return 0;
  for (const std::string& input : corpus) Run(input);
  Mutator mutator(corpus, static_cast<unsigned>(seed));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  std::uint64_t done = 0;
  while ((runs == 0 || done < runs) && (seconds == 0 || std::chrono::steady_clock::now() < until)) {
    Run(mutator.Next());
    ++done;
  }
  std::printf("%llu runs from seed %llu\n", static_cast<unsigned long long>(done), static_cast<unsigned long long>(seed));
}
