#pragma once

/// The actions of a commit to a Delta log, as the lines of JSON that the log holds
/// (Delta Transaction Log Protocol, "Actions").

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "table/delta_snapshot.h"

namespace tidemill {

/// Column -> text; nothing is NULL.
using PartitionValues = std::map<std::string, std::optional<std::string>>;

/// The values in "feature_date=2026-03-02/country=a%20b/part-0.parquet".
PartitionValues PartitionValuesOf(const std::string& path);

/// The values of a file of the log, whose JSON may hold more columns.
arrow::Result<PartitionValues> ParsePartitionValues(const std::string& json);

/// A file to add.
struct DeltaAdd {
  std::string path;  ///< relative to the table, not encoded
  PartitionValues partition;
  int64_t bytes = 0;
  int64_t mtime_ms = 0;
  std::string stats;  ///< JSON
  bool data_change = true;
};

std::string AddAction(const DeltaAdd& add);
std::string RemoveAction(const DeltaFile& file, int64_t deleted_ms, bool data_change);
std::string TransactionAction(const std::string& app_id, int64_t version, int64_t now_ms);
std::string ProtocolAction(const std::string& protocol_json);
/// The metaData action of a new table.
std::string NewMetadataAction(const std::string& schema_string,
                              const std::vector<std::string>& partition_columns, int64_t now_ms);
/// A table's metaData action with another schema and a property set.
std::string ChangedMetadataAction(const DeltaMetadata& metadata, const std::string& schema_string,
                                  const std::map<std::string, std::string>& properties);

/// Who committed what.
struct DeltaCommitInfo {
  std::string operation;   ///< "WRITE" | "MERGE" | "OPTIMIZE"
  std::string parameters;  ///< JSON object of strings
  std::string attempt;     ///< tells this attempt from all others
  int64_t timestamp_ms = 0;
  std::string ledger_entry;  ///< JSON: what the ledger says once this commit is there; may be empty
};
std::string CommitInfoAction(const DeltaCommitInfo& info);

/// Statistics of a Parquet file of the local disk for its add action: rows, and of the first
/// `columns` columns (all if negative) NULLs and bounds. Bounds are left out where they would not
/// be sound: of columns named in `without_bounds`, and of long text.
arrow::Result<std::string> DeltaStatsOf(const std::string& local_path, int columns,
                                        const std::vector<std::string>& without_bounds);

}  // namespace tidemill
