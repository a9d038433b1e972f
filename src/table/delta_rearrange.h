#pragma once

/// Other files for the same rows of a partition of a Delta table, in one commit that changes no
/// data.

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "storage/scratch_folder.h"
#include "table/delta_commits.h"
#include "table/delta_listing.h"
#include "table/staged_partition.h"
#include "table/staging.h"

namespace tidemill {

class DeltaRearranger {
 public:
  /// `scratch` is where files for an object store are written first.
  static arrow::Result<std::unique_ptr<DeltaRearranger>> Begin(const Location& location,
                                                               const std::string& run_id,
                                                               const std::string& scratch);

  /// A place for the rows of a partition whose files lie in `folder`.
  arrow::Result<std::unique_ptr<StagedPartition>> Stage(const std::string& folder,
                                                        const std::shared_ptr<arrow::Schema>& rows,
                                                        FileOptions options);

  /// Replaces files of the listing, which are all those of one partition, by what was staged. An
  /// error (kConflict) if somebody else changed the partition since it was listed.
  arrow::Status Publish(const StagedPartition& staged, const DeltaListing& listing,
                        const std::vector<size_t>& files, const std::string& cluster_by);

 private:
  DeltaRearranger(const Location& location, std::string run_id, const std::string& scratch)
      : location_(location), run_id_(std::move(run_id)), scratch_(scratch) {}

  Location location_;
  std::string run_id_;
  ScratchFolder scratch_;
  std::unique_ptr<StagingFolder> staging_;  ///< on a local disk
  std::shared_ptr<TableFiles> files_;
  std::unique_ptr<DeltaCommits> commits_;
  int staged_ = 0;
};

}  // namespace tidemill
