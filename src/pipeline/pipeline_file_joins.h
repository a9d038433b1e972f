#pragma once

/// `source.join`: the dimensions of a pipeline file.

#include <vector>

#include "pipeline/pipeline_file_reader.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// Reads a list of joins, or a single one. What is wrong is reported, and the rest read.
std::vector<JoinSpec> ReadJoins(const YamlNode& value, Faults* faults);

}  // namespace tidemill
