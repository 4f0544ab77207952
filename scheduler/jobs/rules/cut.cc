#include "scheduler/jobs/rules/cut.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "core/model/partition.h"
#include "scheduler/jobs/rules/coalesce.h"
#include "scheduler/jobs/rules/heavy.h"

namespace millrace::jobs {
namespace {

constexpr double kHot = 1.25;  // times the median
// The least that is worth a task of its own: where the author gave the partitions, and where they are ours.
constexpr std::int64_t kLeastBytes = 16 << 10;
constexpr double kRate = 400e6;  // bytes that a slot reduces in a second
constexpr double kWorthSeconds = 0.05;  // more than a second barrier and some tasks take
constexpr std::int64_t kMostTasks = 256;  // of one partition, of which one side is divided
constexpr std::int64_t kMostGridTasks = 16'384;  // of all that are divided on both sides

// What each read has of each partition, and all of them together.
struct Sizes {
  std::vector<std::vector<PartitionSize>> by_read;
  std::vector<PartitionSize> all;
};

Sizes SizesOf(const std::vector<CutRead>& reads) {
  std::size_t count = 0;
  for (const CutRead& read : reads) {
    for (const MapResult* map : read.maps) count = std::max(count, map->partitions.size());
  }
  Sizes sizes{.by_read = {}, .all = std::vector<PartitionSize>(count)};
  for (const CutRead& read : reads) {
    std::vector<PartitionSize>& mine = sizes.by_read.emplace_back(count);
    for (const MapResult* map : read.maps) {
      for (std::size_t p = 0; p < map->partitions.size(); ++p) {
        for (PartitionSize* sum : {&mine[p], &sizes.all[p]}) {
          sum->bytes += map->partitions[p].bytes;
          sum->rows += map->partitions[p].rows;
        }
      }
    }
  }
  return sizes;
}

// Of those that have any rows.
std::int64_t Median(const std::vector<PartitionSize>& sizes) {
  std::vector<std::int64_t> used;
  for (const PartitionSize& size : sizes) {
    if (size.bytes > 0) used.push_back(size.bytes);
  }
  if (used.empty()) return 0;
  const auto middle = used.begin() + static_cast<std::ptrdiff_t>(used.size() / 2);
  std::nth_element(used.begin(), middle, used.end());
  return *middle;
}

std::int64_t Total(const std::vector<PartitionSize>& sizes) {
  std::int64_t total = 0;
  for (const PartitionSize& size : sizes) total += size.bytes;
  return total;
}

// The rows that a join gives in each partition by keys of which both sides tell that they are heavy: as far as is known.
std::vector<double> KnownPairs(const CutRead& a, const CutRead& b, const std::vector<PartitionSize>& of_a, const std::vector<PartitionSize>& of_b) {
  constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
  std::vector<double> pairs(of_a.size());
  std::map<std::uint64_t, double> in_b;
  for (const HeavyKey& key : Heaviest(b.maps, kAll)) in_b[key.hash] = static_cast<double>(key.bytes);
  const auto row_bytes = [](const PartitionSize& size) {
    return static_cast<double>(std::max<std::int64_t>(size.bytes, 1)) / static_cast<double>(std::max<std::int64_t>(size.rows, 1));
  };
  const auto plain = static_cast<std::int32_t>(pairs.size()) - a.salted_partitions;
  for (const HeavyKey& key : Heaviest(a.maps, kAll)) {
    const auto other = in_b.find(key.hash);
    if (other == in_b.end() || plain <= 0) continue;
    SaltedKey place{.hash = key.hash, .first = static_cast<std::int32_t>(PartitionOf(key.hash, static_cast<std::uint32_t>(plain))), .count = 1};
    for (const SaltedKey& salt : a.salts) place = salt.hash == key.hash ? salt : place;
    // Of a salted key one side is dealt to its partitions, and the other is whole in each.
    const double product = static_cast<double>(key.bytes) * other->second / place.count;
    for (std::int32_t i = place.first; i < place.first + place.count; ++i) {
      const auto p = static_cast<std::size_t>(i);
      if (p < pairs.size()) pairs[p] += product / (row_bytes(of_a[p]) * row_bytes(of_b[p]));
    }
  }
  return pairs;
}

// Grids grow with the product of their sides: beyond kMostGridTasks their tasks have more than they should.
std::int64_t Coarser(std::int64_t goal) { return goal + goal / 4 + 1; }

// How the tasks of one hot partition divide it.
struct Pieces {
  std::int64_t parts = 1;
  std::int64_t other_parts = 1;  // of the other side; 1: each task reads it whole
  std::int64_t task = 0;         // bytes of the largest task, about
  std::int64_t replicated = 0;
};

// `rest` is read whole by each.
Pieces OfOneSide(std::int64_t divided, std::int64_t rest, std::int64_t limit) {
  // Where what every task reads whole is large itself, more of them help less and less: a piece is no smaller than a quarter of it,
  // so that what is read more than once stays in proportion to what is gained.
  const std::int64_t piece = std::max({limit - rest, limit / 4, rest / 4, std::int64_t{1}});
  Pieces pieces{.parts = std::min((divided + piece - 1) / piece, kMostTasks)};
  pieces.task = pieces.parts > 0 ? rest + divided / pieces.parts : rest;
  pieces.replicated = rest * (pieces.parts - 1);
  return pieces;
}

// As few tasks as have at most `goal` each: about half of that is of either side.
Pieces Grid(std::int64_t divided, std::int64_t other, std::int64_t goal) {
  Pieces grid;
  do {
    grid.other_parts = std::max<std::int64_t>((2 * other + goal / 2) / goal, 2);
    const std::int64_t room = std::max<std::int64_t>(goal - other / grid.other_parts, 1);
    grid.parts = std::max<std::int64_t>((divided + room - 1) / room, 2);
    goal = Coarser(goal);
  } while (grid.parts * grid.other_parts > kMostGridTasks);
  grid.task = divided / grid.parts + other / grid.other_parts;
  grid.replicated = divided * (grid.other_parts - 1) + other * (grid.parts - 1);
  return grid;
}

// The places that divide what the maps wrote of a partition, one after the other, into `tasks` equal parts.
std::vector<CutPoint> Points(const std::vector<const MapResult*>& maps, std::size_t partition, std::int64_t tasks) {
  std::int64_t total = 0;
  for (const MapResult* map : maps) total += map->partitions[partition].bytes;
  std::vector<CutPoint> points;
  std::int64_t before = 0;
  std::int64_t next = 1;
  for (const MapResult* map : maps) {
    const std::int64_t bytes = map->partitions[partition].bytes;
    for (; next < tasks && total * next / tasks < before + bytes; ++next) {
      points.push_back({map->output.map_index, total * next / tasks - before});
    }
    before += bytes;
  }
  return points;
}

std::string Times(std::int64_t bytes, std::int64_t usual) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(bytes) / static_cast<double>(std::max<std::int64_t>(usual, 1)));
  return text;
}

std::string Size(std::int64_t bytes) { return Bytes(static_cast<double>(bytes)); }

// Divides hot partitions, one by one.
class Cutter {
 public:
  Cutter(const std::vector<CutRead>& reads, const Sizes& sizes, std::int64_t limit) : reads_(reads), sizes_(sizes), limit_(limit) {
    // Both of two may be divided only in an inner join: a row meets every row of the other side in exactly one task of the grid.
    const bool both = reads.size() == 2 && reads[0].may_cut && reads[1].may_cut;
    if (both) pairs_ = KnownPairs(reads[0], reads[1], sizes.by_read[0], sizes.by_read[1]);
  }

  // Nothing: it is not worth it, or may not be.
  std::optional<HotPartition> Divide(std::size_t p, std::int64_t goal) const {
    std::size_t largest = reads_.size();
    for (std::size_t i = 0; i < reads_.size(); ++i) {
      if (reads_[i].may_cut && (largest == reads_.size() || sizes_.by_read[i][p].bytes > sizes_.by_read[largest][p].bytes)) largest = i;
    }
    if (largest == reads_.size()) return std::nullopt;
    const PartitionSize& size = sizes_.all[p];
    const std::int64_t divided = sizes_.by_read[largest][p].bytes;
    const std::int64_t rest = size.bytes - divided;
    Pieces pieces = OfOneSide(divided, rest, limit_);
    // Of a small other side nothing is gained when it is read in halves.
    if (pieces.task > goal && 2 * rest > goal && !pairs_.empty()) {
      const Pieces grid = Grid(divided, rest, goal);
      const std::int64_t rows = sizes_.by_read[largest][p].rows;
      if (grid.task < pieces.task && Worth(grid, p, rows, size.rows - rows)) pieces = grid;
    }
    if (pieces.parts < 2 || pieces.task > size.bytes * 4 / 5) return std::nullopt;
    HotPartition hot{.partition = static_cast<std::int32_t>(p), .size = size, .read = reads_[largest].read};
    hot.points = Points(reads_[largest].maps, p, pieces.parts);
    if (pieces.other_parts > 1) {
      hot.other_read = reads_[1 - largest].read;
      hot.other_points = Points(reads_[1 - largest].maps, p, pieces.other_parts);
    }
    hot.largest_task_bytes = pieces.task;
    hot.replicated_bytes = pieces.replicated;
    return hot;
  }

 private:
  // Rows are read many times over: no more of them than the join gives by the keys that make it hot.
  bool Worth(const Pieces& grid, std::size_t p, std::int64_t rows, std::int64_t other_rows) const {
    return pairs_[p] >= static_cast<double>(rows) * static_cast<double>(grid.other_parts) + static_cast<double>(other_rows) * static_cast<double>(grid.parts);
  }

  const std::vector<CutRead>& reads_;
  const Sizes& sizes_;
  std::int64_t limit_;
  std::vector<double> pairs_;  // by partition; empty: not both sides may be divided
};

// What was done about hot partitions, where there is something.
void Describe(CutChoice& choice, const std::vector<PartitionSize>& sizes, std::int64_t limit, const std::string& hot) {
  std::vector<std::int64_t> largest;  // by partition
  for (const PartitionSize& size : sizes) largest.push_back(size.bytes);
  std::int64_t tasks = 0;
  std::int64_t replicated = 0;
  std::int64_t whole = 0;  // the largest that each task of a partition reads
  std::int64_t grids = 0;
  const HotPartition* grid = nullptr;  // of most tasks
  for (const HotPartition& partition : choice.hot) {
    largest[static_cast<std::size_t>(partition.partition)] = partition.largest_task_bytes;
    tasks += partition.tasks();
    replicated += partition.replicated_bytes;
    if (partition.other_read < 0) {
      whole = std::max(whole, partition.replicated_bytes / static_cast<std::int64_t>(partition.points.size()));
      continue;
    }
    ++grids;
    if (grid == nullptr || partition.tasks() > grid->tasks()) grid = &partition;
  }
  choice.largest_task_bytes = *std::max_element(largest.begin(), largest.end());
  choice.decision = {"cut", std::to_string(choice.hot.size()) + " hot partitions in " + std::to_string(tasks) + " tasks",
                     hot + "; the largest task has about " + Size(choice.largest_task_bytes) + " instead"};
  std::string& why = choice.decision.why;
  if (replicated > 0) why += ", " + Size(replicated) + " are read more than once";
  if (grid != nullptr) {
    why += "; both sides of " + std::to_string(grids) + " are hot by the same keys and divided, partition " + std::to_string(grid->partition) + " into " +
           std::to_string(grid->points.size() + 1) + " x " + std::to_string(grid->other_points.size() + 1) + " pieces";
  }
  if (whole > limit) why += "; the other side, which each task reads whole, is hot there, too, with " + Size(whole);
}

}  // namespace

std::vector<TaskShare> SharesOf(const HotPartition& partition, std::int32_t group) {
  struct Piece {
    CutPoint from;
    CutPoint to;
  };
  const auto pieces = [](const std::vector<CutPoint>& points) {
    std::vector<Piece> all;
    CutPoint from;
    for (const CutPoint& to : points) all.push_back({std::exchange(from, to), to});
    all.push_back({from, {.map = std::numeric_limits<std::int32_t>::max()}});
    return all;
  };
  std::vector<TaskShare> shares;
  for (const Piece& piece : pieces(partition.points)) {
    TaskShare share{.group = group, .begin = partition.partition, .end = partition.partition + 1, .cut_read = partition.read,
                    .from = piece.from, .to = piece.to};
    if (partition.other_read < 0) {
      shares.push_back(share);
      continue;
    }
    share.other_read = partition.other_read;
    for (const Piece& other : pieces(partition.other_points)) {
      share.other_from = other.from;
      share.other_to = other.to;
      shares.push_back(share);
    }
  }
  return shares;
}

std::int64_t BytesOf(const std::vector<CutRead>& reads, const TaskShare& share) {
  std::int64_t bytes = 0;
  for (const CutRead& read : reads) {
    CutPoint from;
    CutPoint to{.map = std::numeric_limits<std::int32_t>::max()};
    if (read.read == share.cut_read) from = share.from, to = share.to;
    if (read.read == share.other_read) from = share.other_from, to = share.other_to;
    for (const MapResult* map : read.maps) {
      const std::int32_t index = map->output.map_index;
      const auto end = std::min(static_cast<std::size_t>(share.end), map->partitions.size());
      for (auto p = static_cast<std::size_t>(share.begin); p < end && from.map <= index && index <= to.map; ++p) {
        const std::int64_t all = map->partitions[p].bytes;
        const std::int64_t first = index == from.map ? from.byte : 0;
        bytes += std::max<std::int64_t>((index == to.map ? std::min(to.byte, all) : all) - first, 0);
      }
    }
  }
  return bytes;
}

CutChoice Cut(const std::vector<CutRead>& reads, const StageCut& cut, bool fixed, std::int32_t slots, std::int64_t slot_bytes) {
  const Sizes measured = SizesOf(reads);
  const std::vector<PartitionSize>& sizes = measured.all;
  const std::size_t count = sizes.size();
  CutChoice choice;
  const std::int64_t median = Median(sizes);
  const std::int64_t total = Total(sizes);
  const std::int64_t share = total / std::max(slots, 1);
  choice.usual_bytes = median;
  // Where partitions are ours, tasks are not made smaller than others are put together to be.
  if (!fixed) choice.usual_bytes = std::max(CoalesceTarget(total, slots, slot_bytes), std::min(median, share));
  auto limit = static_cast<std::int64_t>(kHot * static_cast<double>(choice.usual_bytes));
  if (fixed) limit = std::max(limit, kLeastBytes);
  if (cut.bytes > 0) limit = cut.bytes;
  std::size_t hottest = 0;
  for (std::size_t p = 0; p < count; ++p) {
    if (sizes[p].bytes > sizes[hottest].bytes) hottest = p;
  }
  if (count == 0 || sizes[hottest].bytes <= limit) return choice;
  choice.largest_bytes = sizes[hottest].bytes;
  choice.largest_task_bytes = limit;
  const std::string hot = "partition " + std::to_string(hottest) + " has " + Size(choice.largest_bytes) + ", " +
                          Times(choice.largest_bytes, median) + " x the median of " + Size(median);
  const double saved = static_cast<double>(choice.largest_bytes - std::max(limit, share)) / kRate;
  if (!cut.never.empty()) {
    choice.decision = {"cut", "nothing is cut", hot + "; " + cut.never};
    return choice;
  }
  if (!fixed && cut.bytes == 0 && saved < kWorthSeconds) {
    char text[64];
    std::snprintf(text, sizeof text, "; cutting it would save %.3f s", std::max(saved, 0.0));
    choice.decision = {"cut", "nothing is cut", hot + text};
    return choice;
  }
  const Cutter cutter(reads, measured, limit);
  for (std::int64_t goal = limit;; goal = Coarser(goal)) {
    std::int64_t of_grids = 0;
    choice.hot.clear();
    for (std::size_t p = 0; p < count; ++p) {
      if (sizes[p].bytes <= limit) continue;
      std::optional<HotPartition> partition = cutter.Divide(p, goal);
      if (!partition) continue;
      of_grids += partition->other_read >= 0 ? partition->tasks() : 0;
      choice.hot.push_back(*std::move(partition));
    }
    if (of_grids <= kMostGridTasks) break;
  }
  if (choice.hot.empty()) {
    choice.largest_task_bytes = choice.largest_bytes;
    choice.decision = {"cut", "nothing is cut", hot + "; the other side of the join, which each task would read, is as large"};
    return choice;
  }
  Describe(choice, sizes, limit, hot);
  return choice;
}

}  // namespace millrace::jobs
