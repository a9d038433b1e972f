#pragma once

/// Frames cut down to some of their rows, and back.

#include <cstdint>
#include <memory>
#include <vector>

#include "sql/evaluate.h"

namespace tidemill {

/// The rows of `frame` whose byte in `mask` is 1; `selected` is how many there are.
arrow::Result<Frame> FilterFrame(const Frame& frame, const std::vector<uint8_t>& mask,
                                 int64_t selected);

/// `values` put at the rows whose byte in `mask` is 1, NULL elsewhere.
arrow::Result<std::shared_ptr<arrow::Array>> Scatter(const arrow::Array& values,
                                                     const std::vector<uint8_t>& mask);

}  // namespace tidemill
