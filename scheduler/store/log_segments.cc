#include "scheduler/store/log_segments.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace millrace::store {
namespace {

constexpr std::size_t kOpenSegments = 128;
constexpr auto kSyncInterval = std::chrono::seconds(1);

// In front of each chunk, little-endian (docs/formats.md).
struct Header {
  std::uint32_t magic = 0x474f4c4d;  // "MLOG"
  std::uint32_t size = 0;
  std::int32_t index = 0;
  std::int32_t try_number = 0;
  std::uint32_t term = 0;
  std::uint32_t reserved = 0;
  std::uint64_t counter = 0;
};
static_assert(sizeof(Header) == 32);

}  // namespace

LogSegments::Segment::~Segment() {
  if (descriptor < 0) return;
  if (dirty) fdatasync(descriptor);
  close(descriptor);
}

LogSegments::LogSegments(std::string folder) : folder_(std::move(folder)), syncer_([this] { SyncEverySecond(); }) {}

LogSegments::~LogSegments() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  syncer_.join();
}

StatusOr<std::unique_ptr<LogSegments>> LogSegments::Open(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, "make the log folder " + folder);
  return std::unique_ptr<LogSegments>(new LogSegments(folder));
}

StatusOr<std::shared_ptr<LogSegments::Segment>> LogSegments::Find(RunKey run, bool create) {
  std::lock_guard lock(mutex_);
  const auto found = segments_.find(run);
  if (found != segments_.end()) return found->second;
  const std::string folder = folder_ + "/" + std::to_string(ToInt(run) / 1000);
  const std::string path = folder + "/" + std::to_string(ToInt(run)) + ".log";
  if (create && mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, "make " + folder);
  auto segment = std::make_shared<Segment>();
  segment->descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
  if (segment->descriptor < 0) return ErrnoStatus(errno, "open " + path);
  RETURN_IF_ERROR(Index(*segment));
  segments_.emplace(run, segment);
  opened_.push_back(run);
  if (opened_.size() > kOpenSegments) {
    segments_.erase(opened_.front());  // closes once nobody uses it
    opened_.pop_front();
  }
  return segment;
}

Status LogSegments::Index(Segment& segment) {
  struct stat file {};
  if (fstat(segment.descriptor, &file) != 0) return ErrnoStatus(errno, "stat a log segment");
  Header header;
  while (segment.end + static_cast<std::int64_t>(sizeof header) <= file.st_size) {
    if (pread(segment.descriptor, &header, sizeof header, segment.end) != sizeof header) break;
    const std::int64_t data = segment.end + static_cast<std::int64_t>(sizeof header);
    if (header.magic != Header().magic || data + header.size > file.st_size) break;
    std::vector<Extent>& extents = segment.extents[{header.index, header.try_number}];
    const std::int64_t start = extents.empty() ? 0 : extents.back().start + extents.back().size;
    extents.push_back({.offset = data, .start = start, .size = header.size});
    segment.end = data + header.size;
  }
  if (segment.end < file.st_size && ftruncate(segment.descriptor, segment.end) != 0) {
    return ErrnoStatus(errno, "cut a torn chunk off a log segment");
  }
  return OkStatus();
}

Status LogSegments::Append(const TaskInstanceKey& instance, std::int32_t try_number, const Fence& fence, std::string_view data) {
  if (data.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const std::shared_ptr<Segment> segment, Find(instance.run, true));
  Header header;
  header.size = static_cast<std::uint32_t>(data.size());
  header.index = instance.index;
  header.try_number = try_number;
  header.term = fence.term;
  header.counter = fence.counter;
  std::lock_guard lock(segment->mutex);
  const std::int64_t size = static_cast<std::int64_t>(sizeof header + data.size());
  const iovec parts[] = {{&header, sizeof header}, {const_cast<char*>(data.data()), data.size()}};
  const ssize_t written = pwritev(segment->descriptor, parts, 2, segment->end);
  if (written != size) {
    const int error = written < 0 ? errno : ENOSPC;  // a short write to a file means that the disk is full
    (void)!ftruncate(segment->descriptor, segment->end);
    return ErrnoStatus(error, "append to the log of run " + std::to_string(ToInt(instance.run)));
  }
  std::vector<Extent>& extents = segment->extents[{instance.index, try_number}];
  const std::int64_t start = extents.empty() ? 0 : extents.back().start + extents.back().size;
  const std::int64_t offset = segment->end + static_cast<std::int64_t>(sizeof header);
  extents.push_back({.offset = offset, .start = start, .size = static_cast<std::int64_t>(data.size())});
  segment->end += size;
  segment->dirty = true;
  return OkStatus();
}

StatusOr<LogSlice> LogSegments::Read(const TaskInstanceKey& instance, std::int32_t try_number, std::int64_t from,
                                     std::int64_t max_bytes) {
  StatusOr<std::shared_ptr<Segment>> found = Find(instance.run, false);
  if (found.status().code() == Code::kNotFound) return LogSlice{.next = from, .end = true};
  RETURN_IF_ERROR(found.status());
  Segment& segment = **found;
  std::lock_guard lock(segment.mutex);
  LogSlice slice{.next = std::max<std::int64_t>(from, 0)};
  const std::vector<Extent>& extents = segment.extents[{instance.index, try_number}];
  auto extent = std::upper_bound(extents.begin(), extents.end(), slice.next,
                                 [](std::int64_t position, const Extent& e) { return position < e.start + e.size; });
  for (; extent != extents.end() && static_cast<std::int64_t>(slice.data.size()) < max_bytes; ++extent) {
    const std::int64_t skip = slice.next - extent->start;
    const std::int64_t take = std::min(extent->size - skip, max_bytes - static_cast<std::int64_t>(slice.data.size()));
    const std::size_t before = slice.data.size();
    slice.data.resize(before + static_cast<std::size_t>(take));
    if (pread(segment.descriptor, slice.data.data() + before, static_cast<std::size_t>(take), extent->offset + skip) != take) {
      return ErrnoStatus(errno, "read the log of run " + std::to_string(ToInt(instance.run)));
    }
    slice.next += take;
    if (take < extent->size - skip) break;
  }
  slice.end = extents.empty() || slice.next >= extents.back().start + extents.back().size;
  return slice;
}

Status LogSegments::RemoveLogs(RunKey run) {
  std::lock_guard lock(mutex_);
  segments_.erase(run);
  opened_.remove(run);
  const std::string path =
      folder_ + "/" + std::to_string(ToInt(run) / 1000) + "/" + std::to_string(ToInt(run)) + ".log";
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return ErrnoStatus(errno, "remove " + path);
  return OkStatus();
}

void LogSegments::SyncEverySecond() {
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, kSyncInterval, [this] { return stopping_; })) {
    const auto segments = segments_;
    lock.unlock();
    for (const auto& [run, segment] : segments) {
      {
        std::lock_guard inner(segment->mutex);
        if (!std::exchange(segment->dirty, false)) continue;
      }
      fdatasync(segment->descriptor);
    }
    lock.lock();
  }
}

}  // namespace millrace::store
