#pragma once

/// How a pass is cut into tasks.
///
/// A few tasks per slot of the scheduler, so that a slow one at the end does not hold up
/// everything; none so small that what surrounds it outweighs it, none so large that losing one is
/// a loss.

#include <cstdint>
#include <vector>

#include "distributed/pass_task.h"
#include "engine/bucket.h"
#include "tidemill/tasks.h"

namespace tidemill {

/// Bytes that a task may use if the scheduler does not know.
constexpr int64_t kUsualTaskMemory = 1'000'000'000;

/// Cuts the morsels of a plan into tasks, in order; one more reads the entities that have a row
/// anyway. Row groups of one file stay together as long as
/// that does not make a task too large.
std::vector<ScanTask> CutScan(const Plan& plan, const TaskSizes& sizes, int slots);

/// Cuts the tiles of `files`, each with rows, into ranges of entities. `memory` is what a task may
/// use.
std::vector<Bucket> CutWindows(const Plan& plan, const TileLayout& layout,
                               const std::vector<TileFile>& files, const TaskSizes& sizes,
                               int slots, int64_t memory);

}  // namespace tidemill
