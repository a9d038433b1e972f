#pragma once

/// What a commit for one feature date will say, worked out on one view of the table.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "table/delta_actions.h"
#include "table/delta_merge.h"
#include "table/delta_schema.h"
#include "table/delta_snapshot.h"
#include "table/table.h"

namespace tidemill {

/// A table at one version; -1 and no snapshot: there is none yet.
struct DeltaView {
  int64_t version = -1;
  std::shared_ptr<const DeltaSnapshot> snapshot;
  DeltaMetadata metadata;
  std::vector<DeltaFile> files;
};

/// How a table has to change, as a whole, to hold rows of a schema.
struct DeltaTableChange {
  std::shared_ptr<arrow::Schema> stored;  ///< the rows' columns in the types that files get
  std::string actions;                    ///< protocol and metaData; empty: none
  std::string schema_string;              ///< the table's, afterwards
};

/// Errors: other partition columns, types that do not fit (with a list of them), features of the
/// table that cannot be honoured.
arrow::Result<DeltaTableChange> PlanTableChange(const Table& table, const DeltaView& view,
                                                const arrow::Schema& rows);

/// A data file on its way into the table.
struct PlacedFile {
  std::string local_path;
  std::string path;  ///< in the table
  PartitionValues partition;
  int64_t rows = 0;
  int64_t bytes = 0;
  std::string hash;
  std::string stats;
};

struct DeltaDatePlan {
  std::string lines;  ///< of the commit
  std::string attempt;
  PublishedState state;  ///< as the ledger will have it
};

/// Plans one date, as often as the table changes under it. Files that were placed for one plan
/// serve the next.
class DeltaDatePlanner {
 public:
  DeltaDatePlanner(const Table& table, std::string run_id, const DateLock& lock,
                   const StagedPartition& staged)
      : table_(table), run_id_(std::move(run_id)), lock_(lock), staged_(staged) {}

  arrow::Result<DeltaDatePlan> Plan(const DeltaView& view, PublishedState state);

  /// Files of the last plan that are not in the table yet.
  const std::vector<PlacedFile>& Unplaced() const { return unplaced_; }
  void MarkPlaced();
  /// Files that are in the table, or may be.
  std::vector<PlacedFile> All() const;
  /// Files that are in the table for an earlier plan and not in the last.
  std::vector<PlacedFile> Obsolete() const;

 private:
  arrow::Result<std::vector<PlacedFile>> NewFiles(const DeltaView& view);
  arrow::Result<DeltaRewrite> Merge(const DeltaView& view, const std::string& schema_string,
                                    std::vector<DeltaFile> files);
  arrow::Result<std::vector<PlacedFile>> RestFiles(const DeltaRewrite& rewrite,
                                                   const DeltaView& view);

  const Table& table_;
  std::string run_id_;
  const DateLock& lock_;
  const StagedPartition& staged_;
  int merges_ = 0;
  std::optional<KeySet> new_keys_;  ///< read before the staged files go to their place
  std::set<std::string> planned_;   ///< paths that the last plan adds
  std::optional<std::vector<PlacedFile>> new_files_;
  std::vector<PlacedFile> unplaced_;
  std::vector<PlacedFile> placed_;
};

}  // namespace tidemill
