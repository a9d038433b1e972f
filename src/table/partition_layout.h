#pragma once

/// Where the rows of a feature date lie in a table: the directories that `partition_by` stands for.
///
/// The first terms give the date (`feature_date=2026-03-02`, `year=2026/month=3/day=2`, at grain
/// hour also `feature_hour=14`). Their directory is what a publication exchanges. Terms of columns
/// and buckets are directories below it.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "base/calendar.h"
#include "tidemill/pipeline.h"

namespace tidemill {

class PartitionLayout {
 public:
  /// Errors (kInvalid) for terms that do not name the date first and as a whole.
  static arrow::Result<PartitionLayout> Make(const std::vector<PartitionTerm>& terms,
                                             const Calendar& calendar);

  const Calendar& calendar() const { return calendar_; }

  /// The directory of a date, relative to the table. The hour is the zone's; the second of two
  /// equal hours carries its offset, as its label does.
  std::string DatePath(Slot slot) const;

  /// Terms of columns and buckets, in order.
  const std::vector<PartitionTerm>& column_terms() const { return column_terms_; }

  /// The name of the directory column of a term.
  static std::string NameOf(const PartitionTerm& term);
  /// The names of all directory columns, in order.
  std::vector<std::string> ColumnNames() const;
  /// The directory columns that give the date, with their types in a Delta table.
  std::vector<std::pair<std::string, std::string>> DateColumns() const;

  /// Checks the terms against the rows' schema: columns exist and have types that directory names
  /// or buckets can have, and no column of the files has the name of a directory. Errors are
  /// kInvalid and point at the term.
  arrow::Status CheckSchema(const arrow::Schema& schema) const;

  /// `schema` without the columns that directories give.
  std::shared_ptr<arrow::Schema> FileSchema(const arrow::Schema& schema) const;

 private:
  explicit PartitionLayout(const Calendar& calendar) : calendar_(calendar) {}

  Calendar calendar_;
  std::vector<PartitionTerm> date_terms_;
  std::vector<PartitionTerm> column_terms_;
};

/// Rows of one sub-partition, in their order, without the columns that the path gives.
struct PartitionSlice {
  std::string path;  ///< below the date's directory, "country=de/user_id_bucket=3"; empty without
                     ///< column terms
  std::shared_ptr<arrow::RecordBatch> rows;
};

/// Splits a batch by the layout's column terms, in order of first appearance. `schema` has passed
/// CheckSchema and is the batch's. An error (kRunFailed) for text that no directory name can carry:
/// empty, or too long.
arrow::Result<std::vector<PartitionSlice>> SplitByPartition(const PartitionLayout& layout,
                                                            const arrow::RecordBatch& batch);

}  // namespace tidemill
