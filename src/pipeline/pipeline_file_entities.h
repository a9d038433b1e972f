#pragma once

/// `output.entities` of a pipeline file.

#include "pipeline/pipeline_file_reader.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// Reads the mapping `node`, which stands at `position`; the entity of the pipeline is known.
void ReadEntities(const YamlNode& node, SourcePosition position, Pipeline* pipeline,
                  Faults* faults);

}  // namespace tidemill
