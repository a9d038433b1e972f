#pragma once

/// A table known by its path alone, as `tidemill table` finds it.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "storage/hive_listing.h"
#include "storage/parquet_source.h"
#include "table/delta_listing.h"
#include "table/table.h"

namespace tidemill {

/// Parses and resolves the path. An error (kRunFailed) if there is nothing.
arrow::Result<Location> LocateTable(const std::string& path);

/// The table, to read its ledger and to change single dates; what it is partitioned by is taken
/// from the ledger, not from here.
arrow::Result<Table> OpenForUpkeep(const Location& location);

/// Whether there is a ledger.
arrow::Result<bool> HasLedger(const Location& location);

/// The files of a table in any format, with what a reader sees of them.
struct TableContents {
  bool is_delta = false;
  std::optional<DeltaListing> delta;
  HiveListing listing;                    ///< with deletion vectors
  std::vector<ParquetFooter> footers;     ///< one per file, columns by the table's names
  std::shared_ptr<arrow::Schema> schema;  ///< of the columns in files
};

/// Lists a table and reads its footers. `narrow`, if given, takes files out of the listing before
/// any is opened; one is kept for the schema where that leaves none.
arrow::Result<TableContents> ReadContents(
    const Location& location, int threads,
    const std::function<arrow::Status(bool is_delta, HiveListing*)>& narrow = {});

/// "feature_date=2026-03-02/country=de": the partition columns of a file with their values.
std::string PartitionOf(const HiveListing& listing, const DataFile& file);

}  // namespace tidemill
