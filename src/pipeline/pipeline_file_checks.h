#pragma once

/// `checks` of a pipeline file: row rules, checks of the input and of the output.

#include "pipeline/pipeline_file_reader.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// Reads the section `checks` of the file, if there is one. `top` reads the keys of `root`.
void ReadChecks(const YamlNode& root, const MapReader& top, Pipeline* pipeline, Faults* faults);

}  // namespace tidemill
