#pragma once

/// Checks of a pipeline file -> conditions over the aggregates of a frame.

#include <vector>

#include "pipeline/bound_pipeline.h"

namespace tidemill {

/// Binds the checks of one frame with columns `frame`, but for those that are row rules
/// (bind_row_rules.h). Errors (kInvalid) carry every fault found.
arrow::Result<FrameChecks> BindChecks(const Pipeline& pipeline, const std::vector<CheckSpec>& specs,
                                      const arrow::Schema& frame);

}  // namespace tidemill
