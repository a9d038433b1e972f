#pragma once

/// The metrics of input checks on their way from a task to the pass. They have a file of their own:
/// the sets behind unique() and count(distinct) can be large.

#include <string>

#include <arrow/status.h>

#include "engine/frame_metrics.h"
#include "storage/location.h"

namespace tidemill {

arrow::Status WriteMetrics(const FrameMetrics& metrics, const Location& work,
                           const std::string& path);

/// Adds what is in the file to `metrics`.
arrow::Status MergeMetrics(const Location& work, const std::string& path, FrameMetrics* metrics);

}  // namespace tidemill
