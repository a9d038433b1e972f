#pragma once

/// What a table is made of, before anybody chooses among its files: the source, the dimension of a
/// join, or the entities that have a row anyway. Listed once, each footer read once, whichever
/// pipelines read it.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "storage/hive_listing.h"
#include "storage/parquet_source.h"
#include "table/delta_listing.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// What a pipeline file wants a table for.
struct TableRole {
  std::string key;           ///< "source", "output.entities": what messages call it
  std::string if_empty;      ///< the way out where there are no files
  bool may_be_file = false;  ///< whether the path may be that of one file
};

/// Not for several threads at a time.
class ListedTable {
 public:
  /// Lists the directory, or a version of the Delta table. Errors: a missing or empty table, a
  /// version that is not there (kRunFailed); versions of what is no Delta table (kInvalid).
  static arrow::Result<std::shared_ptr<ListedTable>> List(const TableSpec& spec, Location root,
                                                          const TableRole& role);
  /// The same for a place of which is known what lies there.
  static arrow::Result<std::shared_ptr<ListedTable>> List(const TableSpec& spec, Location root,
                                                          const TableRole& role, bool is_delta);

  const Location& root() const { return root_; }
  const HiveListing& listing() const { return delta_ ? delta_->listing : listing_; }
  const DeltaListing* delta() const { return delta_ ? &*delta_ : nullptr; }
  /// Of a Delta table.
  std::optional<int64_t> version() const;

  /// A file of the listing with its deletion vector.
  arrow::Result<DataFile> WithDeletedRows(size_t file);

  /// The footers of some files of the listing, in their order, columns named as the table names
  /// them.
  arrow::Result<std::vector<ParquetFooter>> Footers(const std::vector<DataFile>& files,
                                                    int threads);

 private:
  Location root_;
  HiveListing listing_;  ///< of a directory
  std::optional<DeltaListing> delta_;
  std::map<size_t, DataFile> loaded_;             ///< files that have a deletion vector, with it
  std::map<std::string, ParquetFooter> footers_;  ///< by path
};

/// A table of which the files that are needed are open.
struct OpenedTable {
  Location root;
  std::vector<DataFile> files;                 ///< that are needed
  std::vector<ParquetFooter> footers;          ///< one per file
  std::shared_ptr<arrow::Schema> file_schema;  ///< of the files together
  std::shared_ptr<arrow::Schema> partition_schema;
  std::shared_ptr<arrow::Schema> schema;  ///< file columns, then partition columns (which win)
  std::optional<int64_t> version;         ///< of a Delta table
  std::vector<std::string> warnings;

  /// Of the files, deleted ones included.
  int64_t num_rows() const;
};

/// Reads the footers of `table->files`, files of `listed`, and fills in all that they tell. Where
/// no file is needed one is opened for its columns, unless a Delta log has them.
arrow::Status OpenFiles(ListedTable* listed, int threads, OpenedTable* table);

/// The columns of files, then those of partitions, which win over files' of the same name.
std::shared_ptr<arrow::Schema> CombineSchemas(const arrow::Schema& files,
                                              const arrow::Schema& partitions);

/// The source of a pipeline, listed.
arrow::Result<std::shared_ptr<ListedTable>> ListSource(const Pipeline& pipeline);

/// Sources that are the same wherever pipelines name the same one.
class SourcePool {
 public:
  /// Lists the source of a pipeline, unless it was already. Errors as of ListedTable::List.
  arrow::Result<std::shared_ptr<ListedTable>> Find(const Pipeline& pipeline);

 private:
  std::map<std::string, std::shared_ptr<ListedTable>> sources_;
};

}  // namespace tidemill
