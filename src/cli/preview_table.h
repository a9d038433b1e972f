#pragma once

/// Features of some entities on a terminal.

#include <string>

#include <arrow/table.h>

namespace tidemill {

/// A table with a column for each feature; where that is wider than `width`, a block of lines for
/// each entity.
std::string RenderPreview(const arrow::Table& features, int width, bool has_colour);

}  // namespace tidemill
