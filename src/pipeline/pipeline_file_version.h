#pragma once

/// Whole numbers of a pipeline file, and which version of a table it wants.

#include <cstdint>
#include <optional>
#include <string>

#include "pipeline/pipeline_file_reader.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// A whole number of at least `least`; nothing, and a fault that calls it `key`, for other text.
std::optional<int64_t> ReadCount(const LocatedText& text, int64_t least, const std::string& key,
                                 const std::string& meaning, Faults* faults);

/// Reads `version` and `timestamp` of a table that faults call `name`; both together are a fault.
void ReadTableVersion(const MapReader& map, const std::string& name, TableSpec* spec,
                      Faults* faults);

}  // namespace tidemill
