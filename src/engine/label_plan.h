#pragma once

/// What a pass over labels will read.

#include <memory>
#include <utility>

#include "engine/label_windows.h"
#include "engine/plan.h"

namespace tidemill {

/// The days whose partitions are read for windows in [span.first, span.second): those of the
/// instants and one more on either side, for events near midnight.
std::pair<CivilDay, CivilDay> DaysOfSpan(const Calendar& calendar,
                                         std::pair<int64_t, int64_t> span);

/// The plan of a pass whose windows end at labels. Every event of `source` whose event_time lies in
/// a window counts, whatever partition it lies in. `pipeline` has an event_time; checks do not run.
arrow::Result<Plan> MakeLabelPlan(std::shared_ptr<const BoundPipeline> pipeline,
                                  std::shared_ptr<const Source> source, Dimensions dimensions,
                                  std::shared_ptr<const Calendar> calendar,
                                  std::shared_ptr<const LabelWindows> labels);

}  // namespace tidemill
