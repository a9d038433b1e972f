#pragma once

/// What makes published features out of date besides their input: a pipeline that means something
/// else.

#include <string>

#include "pipeline/bound_pipeline.h"

namespace tidemill {

/// Hash of what the pipeline computes, hexadecimal: equal for files that mean the same. Comments,
/// descriptions, order of keys and thread or memory settings do not count.
std::string DefinitionHash(const BoundPipeline& pipeline);

/// Hash of one feature's meaning.
std::string FeatureHash(const BoundFeature& feature);

}  // namespace tidemill
