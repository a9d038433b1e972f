#pragma once

/// Columns of dimensions for the rows of a frame.
///
/// A look-up finds, for each row, the row of the dimension that has its key, once per distinct key
/// where the key comes as a dictionary. It is kept in the frame behind the columns of
/// BoundPipeline::rows, and so is the day of each row where a dimension is dated: whoever leaves
/// rows out of the frame leaves them out of these too. Joined columns are then gathered, those of
/// text as codes into the dimension's dictionary, when somebody needs them.

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/dimension_table.h"
#include "pipeline/bound_pipeline.h"
#include "sql/evaluate.h"

namespace tidemill {

class RowJoiner {
 public:
  /// Both outlive the joiner. `tables`: one per join, null where nothing of it is needed.
  RowJoiner(const BoundPipeline& pipeline, const DimensionTables& tables)
      : pipeline_(pipeline), tables_(tables) {}

  /// How many columns a frame has, those behind BoundPipeline::rows included.
  static size_t NumColumns(const BoundPipeline& pipeline) {
    const auto columns = static_cast<size_t>(pipeline.rows->num_fields());
    return pipeline.joins.empty() ? columns : columns + pipeline.joins.size() + 1;
  }

  /// Where the day of each row is put (an array or a scalar of dates) if NeedsDays.
  static size_t DayColumn(const BoundPipeline& pipeline) { return NumColumns(pipeline) - 1; }
  static bool NeedsDays(const BoundPipeline& pipeline);

  /// Adds the joined columns of `needed` (over BoundPipeline::rows) that the frame has not yet.
  arrow::Status Add(const std::vector<bool>& needed, Frame* frame) const;

  /// Looks up the rows of the frame in the dimension of a join, once.
  arrow::Status LookUp(size_t join, Frame* frame) const;

  /// Whether the join is looked up at all.
  bool IsNeeded(size_t join) const { return tables_[join] != nullptr; }

  /// Which rows have found a match, after LookUp: one byte per row. Returns how many.
  int64_t Matched(size_t join, const Frame& frame, std::vector<uint8_t>* mask) const;
  int64_t CountMatched(size_t join, const Frame& frame) const;

 private:
  size_t MatchColumn(size_t join) const {
    return static_cast<size_t>(pipeline_.rows->num_fields()) + join;
  }
  arrow::Status AddColumn(size_t join, size_t column, Frame* frame) const;

  const BoundPipeline& pipeline_;
  const DimensionTables& tables_;
};

}  // namespace tidemill
