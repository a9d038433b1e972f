#pragma once

/// What a source is made of, whichever pipelines read it: listed once, each footer read once.

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

/// Not for several threads at a time.
class SourceFiles {
 public:
  /// Lists the directory, or a version of the Delta table. Errors: a missing or empty source, a
  /// version that is not there (kRunFailed); versions of what is no Delta table (kInvalid).
  static arrow::Result<std::shared_ptr<SourceFiles>> List(const Pipeline& pipeline);
  /// The same for a place of which is known what lies there.
  static arrow::Result<std::shared_ptr<SourceFiles>> List(const SourceSpec& spec, Location root,
                                                          bool is_delta);

  const Location& root() const { return root_; }
  const HiveListing& listing() const { return delta_ ? delta_->listing : listing_; }
  const DeltaListing* delta() const { return delta_ ? &*delta_ : nullptr; }

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

/// Sources that are the same wherever pipelines name the same one.
class SourcePool {
 public:
  /// Lists the source of a pipeline, unless it was already. Errors as of SourceFiles::List.
  arrow::Result<std::shared_ptr<SourceFiles>> Find(const Pipeline& pipeline);

 private:
  std::map<std::string, std::shared_ptr<SourceFiles>> sources_;
};

}  // namespace tidemill
