#pragma once

/// The `features` section of a pipeline file.

#include <vector>

#include "pipeline/pipeline_file_reader.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// Features in file order, long forms expanded to one per window. Reports names that stand twice
/// after that; what is wrong is left out.
std::vector<FeatureSpec> ReadFeatures(const YamlNode& features, Grain grain, Faults* faults);

}  // namespace tidemill
