// logs.h on files: one segment a run (logs/<run / 1000>/<run>.log), chunks of all its attempts in arrival order, each with a
// header that names its attempt. What lies where is indexed in memory when a segment is first used. Any thread.
#pragma once

#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "scheduler/store/logs.h"

namespace millrace::store {

class LogSegments : public LogWriter, public LogReader, public LogCleaner {
 public:
  // Makes the folder. A torn chunk at a segment's end (a crash) is cut off when the segment is next opened.
  static StatusOr<std::unique_ptr<LogSegments>> Open(const std::string& folder);
  ~LogSegments() override;

  Status Append(const TaskInstanceKey& instance, std::int32_t try_number, const Fence& fence, std::string_view data) override;
  StatusOr<LogSlice> Read(const TaskInstanceKey& instance, std::int32_t try_number, std::int64_t from,
                          std::int64_t max_bytes) override;
  Status RemoveLogs(RunKey run) override;

 private:
  struct Extent {
    std::int64_t offset = 0;  // of the data, in the segment
    std::int64_t start = 0;   // of the data, in the try's log
    std::int64_t size = 0;
  };
  struct Segment {
    ~Segment();
    std::mutex mutex;
    int descriptor = -1;
    std::int64_t end = 0;
    bool dirty = false;
    std::map<std::pair<std::int32_t, std::int32_t>, std::vector<Extent>> extents;  // by index and try
  };

  explicit LogSegments(std::string folder);
  StatusOr<std::shared_ptr<Segment>> Find(RunKey run, bool create);
  Status Index(Segment& segment);
  void SyncEverySecond();

  const std::string folder_;
  std::mutex mutex_;
  std::map<RunKey, std::shared_ptr<Segment>> segments_;
  std::list<RunKey> opened_;  // oldest first; only so many stay open
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread syncer_;
};

}  // namespace millrace::store
