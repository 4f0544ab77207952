#include "scheduler/dagbag/archive.h"

#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "scheduler/dagbag/folder_reader.h"

namespace millrace::dagbag {
namespace {

namespace fs = std::filesystem;

constexpr zip_int64_t kMostFiles = 10'000;
constexpr zip_uint64_t kMostBytes = 256 << 20;  // of all files, unpacked

bool LeadsOut(const fs::path& path) {
  return path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end();
}

Status Damaged(std::string_view what) { return DataLoss("the archive is damaged: " + std::string(what)); }

}  // namespace

struct Archive::Zip {
  std::string bytes;  // `archive` reads from them
  zip_t* archive = nullptr;

  ~Zip() {
    if (archive != nullptr) zip_discard(archive);
  }
};

Archive::Archive(std::unique_ptr<Zip> zip) : zip_(std::move(zip)) {}
Archive::~Archive() = default;

StatusOr<std::unique_ptr<Archive>> Archive::Open(std::string bytes) {
  // An empty archive has its end all the same; without it somebody is about to write one.
  if (bytes.empty()) return Damaged("it is empty");
  auto zip = std::make_unique<Zip>();
  zip->bytes = std::move(bytes);
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(zip->bytes.data(), zip->bytes.size(), 0, &error);
  if (source != nullptr) zip->archive = zip_open_from_source(source, ZIP_RDONLY, &error);
  if (zip->archive == nullptr) {
    const Status status = Damaged(zip_error_strerror(&error));
    if (source != nullptr) zip_source_free(source);
    zip_error_fini(&error);
    return status;
  }
  std::unique_ptr<Archive> opened(new Archive(std::move(zip)));
  RETURN_IF_ERROR(opened->Look());
  return opened;
}

Status Archive::Look() {
  const zip_int64_t count = zip_get_num_entries(zip_->archive, 0);
  if (count > kMostFiles)
    return ResourceExhausted("the archive has " + std::to_string(count) + " files, and may have 10,000");
  std::set<std::string_view> names;
  zip_uint64_t total = 0;
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t facts;
    if (zip_stat_index(zip_->archive, static_cast<zip_uint64_t>(i), 0, &facts) != 0 || facts.name == nullptr)
      return Damaged(zip_strerror(zip_->archive));
    const std::string_view name = facts.name;
    const std::string quoted = "'" + std::string(name) + "'";
    if (LeadsOut(fs::path(name)))
      return PermissionDenied("the archive has a file " + quoted + ", which leads out of it");
    if (!names.insert(name).second) return InvalidArgument("the archive has two files " + quoted);
    if (facts.encryption_method != ZIP_EM_NONE)
      return InvalidArgument("the archive is encrypted (" + quoted + "), and DAG files are read without a password");
    if (facts.size > kMostBytes || (total += facts.size) > kMostBytes)
      return ResourceExhausted("the archive has more than 256 MiB when it is unpacked");
    if (name.find('/') == std::string_view::npos && IsDagFileName(name) && !IsLeftOut(name))
      dag_files_.emplace_back(name);
  }
  std::sort(dag_files_.begin(), dag_files_.end());
  return OkStatus();
}

StatusOr<std::string> Archive::Read(std::string_view path) const {
  const fs::path normal = fs::path(path).lexically_normal();
  if (LeadsOut(normal)) return PermissionDenied("it leaves the archive");
  const zip_int64_t place = zip_name_locate(zip_->archive, normal.c_str(), 0);
  if (place < 0) return NotFound("the archive has no such file");
  if (normal.native().ends_with('/')) return InvalidArgument("it is no file");
  const auto index = static_cast<zip_uint64_t>(place);
  zip_stat_t facts;
  if (zip_stat_index(zip_->archive, index, 0, &facts) != 0) return Damaged(zip_strerror(zip_->archive));
  if (facts.size > kLargestFile) return ResourceExhausted("it is larger than 16 MiB");
  zip_file_t* file = zip_fopen_index(zip_->archive, index, 0);
  if (file == nullptr) return Damaged(zip_strerror(zip_->archive));
  // One byte more than it says it has: reading to the end is what compares its checksum.
  std::string content(facts.size + 1, '\0');
  std::size_t have = 0;
  zip_int64_t got = 0;
  while (have < content.size() && (got = zip_fread(file, content.data() + have, content.size() - have)) > 0)
    have += static_cast<std::size_t>(got);
  const Status status = got < 0               ? Damaged(zip_file_strerror(file))
                        : have != facts.size ? Damaged("a file is not as long as the archive says")
                                              : OkStatus();
  zip_fclose(file);
  RETURN_IF_ERROR(status);
  content.resize(have);
  return content;
}

bool IsArchiveName(std::string_view path) { return path.ends_with(".zip"); }

}  // namespace millrace::dagbag
