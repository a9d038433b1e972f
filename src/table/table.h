#pragma once

/// A table of feature dates: what it is, its ledger, and the way to publish to it.
///
///     Table ── Begin ──> TableWriter ── Lock(date) ──> DateLock
///                             │                           │
///                             ├── Stage(lock, schema) ──> StagedPartition: Write..., Close, Audit
///                             └── Publish(lock, staged, state) ──> Publication
///
/// There are three kinds of writers, one for each way in which a partition can be replaced at once:
/// local_writer.h (Parquet on a local disk, by an exchange of directories), object_writer.h
/// (Parquet in an object store, by a conditional put of the ledger's entry) and delta_writer.h
/// (Delta Lake on either, by a commit).

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "storage/location.h"
#include "table/ledger.h"
#include "table/partition_layout.h"
#include "table/publication.h"
#include "table/table_writer.h"

namespace tidemill {

struct TableOptions {
  enum class Format { kParquet, kDelta };
  enum class Mode { kOverwrite, kMerge };

  Format format = Format::kParquet;
  Mode mode = Mode::kOverwrite;
  std::string pipeline;             ///< name, for the transaction ids of Delta
  std::vector<std::string> entity;  ///< columns that, with the feature date, are the key of kMerge
  std::string scratch;  ///< where files wait for their upload; empty: $TMPDIR, else /tmp
};

class Table {
 public:
  /// Creates nothing; symbolic links in the path are resolved. Errors (kInvalid) for the root
  /// directory and for a table of another format at this place.
  static arrow::Result<Table> Open(const Location& location, PartitionLayout layout,
                                   TableOptions options = {});

  const Location& location() const { return location_; }
  /// As shown to people.
  const std::string& path() const { return location_.uri; }
  const PartitionLayout& layout() const { return layout_; }
  const TableOptions& options() const { return options_; }
  const Ledger& ledger() const { return ledger_; }

  /// Takes a date for a run.
  arrow::Result<DateLock> Lock(TableWriter* writer, Slot slot) const {
    return writer->Lock(layout_.calendar().Format(slot), layout_.DatePath(slot));
  }

  /// Begins a run that may publish. Publications that dead runs left half done are finished or
  /// dropped, and their staged files removed.
  arrow::Result<std::unique_ptr<TableWriter>> Begin(const std::string& run_id,
                                                    PublishProbe probe = {}) const;

 private:
  Table(Location location, PartitionLayout layout, TableOptions options, Ledger ledger)
      : location_(std::move(location)),
        layout_(std::move(layout)),
        options_(std::move(options)),
        ledger_(std::move(ledger)) {}

  Location location_;
  PartitionLayout layout_;
  TableOptions options_;
  Ledger ledger_;
};

}  // namespace tidemill
