#include "distributed/task_sizes.h"

#include <algorithm>

namespace tidemill {
namespace {

constexpr int64_t kTasksPerSlot = 4;
constexpr int64_t kLeastScan = 4'000'000;
constexpr int64_t kMostScan = 256'000'000;
/// Of tiles, counted once for every few dates that they are merged for.
constexpr int64_t kLeastWindows = 8'000'000;
constexpr int64_t kDatesPerWeight = 4;
/// Segments of a file that one range of entities takes, about: it reads one more than it needs.
constexpr int64_t kSegmentsPerRange = 4;

int64_t Tasks(int64_t work, int64_t least, int slots) {
  return std::clamp<int64_t>(work / least, 1, int64_t{std::max(slots, 1)} * kTasksPerSlot);
}

}  // namespace

std::vector<ScanTask> CutScan(const Plan& plan, const TaskSizes& sizes, int slots) {
  const std::vector<MorselRef>& morsels = plan.morsels;
  int64_t target = sizes.scan_bytes;
  if (target == 0) {
    target = std::min(plan.bytes / Tasks(plan.bytes, kLeastScan, slots) + 1, kMostScan);
  }
  std::vector<ScanTask> tasks;
  int64_t bytes = 0;
  for (size_t begin = 0; begin < morsels.size();) {
    // The rest of the file, or as much of it as a task takes.
    size_t end = begin;
    int64_t piece = 0;
    while (end < morsels.size() && morsels[end].file == morsels[begin].file && piece < target) {
      piece += morsels[end++].bytes;
    }
    const bool fits = !tasks.empty() && bytes + piece <= target + target / 4;
    if (!fits) {
      tasks.push_back({begin, begin, 0, false});
      bytes = 0;
    }
    tasks.back().end = end;
    bytes += piece;
    begin = end;
  }
  if (plan.universe != nullptr) tasks.push_back({morsels.size(), morsels.size(), 0, true});
  const int64_t ranges = int64_t{std::max(slots, 1)} * kTasksPerSlot;
  for (ScanTask& task : tasks) task.segments = ranges * kSegmentsPerRange;
  return tasks;
}

std::vector<Bucket> CutWindows(const Plan& plan, const TileLayout& layout,
                               const std::vector<TileFile>& files, const TaskSizes& sizes,
                               int slots, int64_t memory) {
  if (files.empty()) return {};
  int64_t tiles = 0;
  for (const TileFile& file : files) tiles += file.memory;
  int64_t target = sizes.window_bytes;
  if (target == 0) {
    const auto dates = static_cast<int64_t>(plan.dates.size());
    const int64_t weight = std::max<int64_t>(1, dates / kDatesPerWeight);
    target = std::min(tiles / Tasks(tiles * weight, kLeastWindows, slots) + 1, memory / 4);
  }
  return CutBuckets(layout, {}, files, std::max<int64_t>(target, 1));
}

}  // namespace tidemill
