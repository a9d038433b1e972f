#pragma once

/// The small notations inside a pipeline file: windows, partition terms and orders of rows.

#include <optional>
#include <string>
#include <vector>

#include "pipeline/pipeline_file_reader.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// "31d" (at grain hour also "6h"); nothing, and a fault that calls it `name`, for other text.
std::optional<WindowLength> ReadWindow(const LocatedText& text, const std::string& name,
                                       Grain grain, Faults* faults);

/// `output.partition_by`: feature_date (at grain hour feature_date, feature_hour) or year, month,
/// day; then columns and bucket(n, column). Terms that are wrong are reported and left out.
std::vector<PartitionTerm> ReadPartitionTerms(const YamlNode& list, Grain grain, Faults* faults);

/// `output.cluster_by`: sort(a, b), zorder(a, b) or hilbert(a, b). Columns that `partition_by`
/// makes directories of are faults. After a fault the spec is kNone.
ClusterSpec ReadClusterSpec(const YamlNode& value, const std::vector<PartitionTerm>& partition_by,
                            Faults* faults);

}  // namespace tidemill
