#pragma once

/// What a Delta table may ask of those who read and write it (Delta Transaction Log Protocol,
/// "Table Features"), and what of that is done here.

#include <string>
#include <vector>

#include <arrow/status.h>

#include "table/delta_schema.h"
#include "table/delta_snapshot.h"

namespace tidemill {

/// An error (kRunFailed) that names the features which rows are not read right without.
arrow::Status CheckDeltaReadable(const DeltaMetadata& metadata, const std::string& table);

/// An error (kRunFailed) that names the features and properties which rows are not written right
/// without. `fields` is the table's schema.
arrow::Status CheckDeltaWritable(const DeltaMetadata& metadata,
                                 const std::vector<DeltaField>& fields, const std::string& table);

/// The protocol action of a new table whose columns have these Delta types.
std::string NewDeltaProtocol(const std::vector<std::string>& types);

/// The protocol action that a table needs for a feature that it lacks; empty if it has it.
std::string ProtocolWithFeature(const DeltaMetadata& metadata, const std::string& feature);

}  // namespace tidemill
