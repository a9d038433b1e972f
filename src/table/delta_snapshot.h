#pragma once

/// A version of a Delta table: its files, schema and properties, as its log tells them.
///
/// The log is read by the bridge (rust/delta_bridge). Whether this house may read or write the
/// table is decided in delta_features.h.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "storage/location.h"
#include "storage/object_store.h"

namespace tidemill {

/// A file of the table. Names of columns are those of the log (physical names under column
/// mapping).
struct DeltaFile {
  std::string path;  ///< as in the log: relative and percent-encoded, or a URI
  int64_t size = 0;
  int64_t mtime_ms = 0;
  std::string partition_values;  ///< JSON object: column -> text or null
  std::string stats;             ///< JSON; may be empty
  std::string deletion_vector;   ///< JSON of its descriptor; empty: none
};

/// What the log says of the table as a whole.
struct DeltaMetadata {
  std::string id;
  std::string name;
  std::string schema_string;  ///< JSON
  std::vector<std::string> partition_columns;
  std::map<std::string, std::string> configuration;
  int min_reader_version = 1;
  int min_writer_version = 2;
  std::vector<std::string> reader_features;
  std::vector<std::string> writer_features;
  std::string metadata_json;  ///< the metaData action's content
  std::string protocol_json;  ///< the protocol action's content

  /// A property, or `fallback`.
  std::string Property(const std::string& name, const std::string& fallback) const;
};

/// Which version to open.
struct DeltaVersion {
  std::optional<int64_t> version;
  std::optional<int64_t> timestamp_ms;  ///< the latest one not after it
};

/// Thread-safe.
class DeltaSnapshot {
 public:
  /// Nothing if there is no Delta table. Errors (kRunFailed): a damaged log, a version that is not
  /// there, a reader feature that nobody here knows.
  static arrow::Result<std::unique_ptr<DeltaSnapshot>> Open(const Location& table,
                                                            const DeltaVersion& which = {});
  ~DeltaSnapshot();
  DeltaSnapshot(const DeltaSnapshot&) = delete;
  DeltaSnapshot& operator=(const DeltaSnapshot&) = delete;

  /// Moves on to the latest version.
  arrow::Status Update();

  int64_t version() const;
  DeltaMetadata metadata() const;

  arrow::Result<std::vector<DeltaFile>> Files() const;
  /// Numbers of the rows that a deletion vector marks, ascending.
  arrow::Result<std::vector<int64_t>> DeletedRows(const std::string& deletion_vector) const;
  /// The version of the last transaction of an application; -1 if there is none.
  arrow::Result<int64_t> Transaction(const std::string& app_id) const;
  arrow::Status WriteCheckpoint() const;
  /// Paths of files that no version of the last `retention_ms` needs; removed if `apply`.
  arrow::Result<std::vector<std::string>> Vacuum(int64_t retention_ms, bool apply) const;

 private:
  DeltaSnapshot(std::unique_ptr<ObjectStore> store, tdb_snapshot* snapshot)
      : store_(std::move(store)), snapshot_(snapshot) {}

  arrow::Status Describe();
  arrow::Status Failed(tdb_code code, char* error) const;

  std::unique_ptr<ObjectStore> store_;
  mutable std::mutex mutex_;
  tdb_snapshot* snapshot_;
  int64_t version_ = -1;
  DeltaMetadata metadata_;
};

/// Whether `_delta_log` exists in a location.
arrow::Result<bool> IsDeltaTable(const Location& table);

}  // namespace tidemill
