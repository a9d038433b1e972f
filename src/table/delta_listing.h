#pragma once

/// The files of a Delta table as a source of rows.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "base/calendar.h"
#include "storage/hive_listing.h"
#include "storage/parquet_source.h"
#include "table/delta_schema.h"
#include "table/delta_snapshot.h"

namespace tidemill {

struct DeltaListing {
  HiveListing listing;                         ///< files without their deletion vectors
  std::shared_ptr<arrow::Schema> file_schema;  ///< columns that are in files; readable types
  int64_t version = 0;
  std::vector<DeltaFile> logged;  ///< the same files as the log has them
  std::vector<DeltaField> fields;
  bool maps_by_id = false;
  std::shared_ptr<const DeltaSnapshot> snapshot;
};

/// Lists a version of the table. Errors (kRunFailed): no Delta table, a version that is not there,
/// a feature that is not read here.
arrow::Result<DeltaListing> ListDelta(const Location& table, const DeltaVersion& which);

/// A file of the log as a file of the storage, without its partition values and deletion vector.
arrow::Result<DataFile> DataFileOf(const Location& table, const DeltaFile& logged);

/// The days that values of a column (date, timestamp) in a file can fall on, a day more on either
/// side; nothing if its statistics do not tell.
std::optional<std::pair<CivilDay, CivilDay>> DaysFromStats(const DeltaListing& delta, size_t file,
                                                           const std::string& column);

/// Reads the deletion vector of a file of the listing into `data_file`, if it has one.
arrow::Status LoadDeletedRows(const DeltaListing& delta, size_t file, DataFile* data_file);

/// Gives the columns of a file of the table the names that the table has for them. Columns that the
/// table no longer has get names that nobody can ask for.
void NameColumns(const DeltaListing& delta, ParquetFooter* footer);

}  // namespace tidemill
