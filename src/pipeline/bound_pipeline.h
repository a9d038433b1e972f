#pragma once

/// A pipeline bound to its source: every expression parsed, typed and ready to run.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type.h>

#include "aggregate/registry.h"
#include "sql/expression.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// An aggregate call over one window. Indexed by Expression::column where kind is kAggregate.
struct WindowedAggregate {
  AggregateCall call;
  AggregateKernel kernel;
  int window = 0;  ///< index in BoundPipeline::windows
};

struct BoundFeature {
  std::string name;
  ExpressionPtr expression;  ///< over BoundPipeline::results (those before it in evaluation order)
  bool is_volatile = false;  ///< uses run_timestamp(), itself or through another feature
  std::string definition;    ///< canonical text with windows, for definition hashes
};

/// A check: a condition over aggregates of a whole frame.
struct BoundCheck {
  std::string text;
  std::string source_text;  ///< position, for messages: "features.yaml:12"
  Severity severity = Severity::kError;
  ExpressionPtr
      condition;  ///< over `previous` columns (kColumn) and FrameChecks::metrics (kAggregate)
  ExpressionPtr measured;  ///< the part worth showing: left side of a comparison; may be null
};

/// A value that a check takes from the last published feature date.
struct PreviousValue {
  std::string text;  ///< the expression inside previous(...), canonical: the key in the ledger
  ExpressionPtr expression;  ///< over metrics: what this date leaves for the next
};

/// The checks of one frame (the events of the window, or the feature rows) and the aggregates they
/// need.
struct FrameChecks {
  std::vector<AggregateCall> metrics;
  std::vector<AggregateKernel> kernels;  ///< one per metric
  std::vector<BoundCheck> checks;
  std::vector<PreviousValue> previous;  ///< column i of a check's frame is previous[i]
};

/// A dimension look-up. Columns of the dimension are numbered as in its schema.
struct BoundJoin {
  std::vector<int> keys;  ///< indices in BoundPipeline::rows, of columns before this join's
  std::vector<int> dimension_keys;                          ///< one per key
  std::vector<std::shared_ptr<arrow::DataType>> key_types;  ///< hold the values of both sides
  int first_column = 0;      ///< in BoundPipeline::rows: where the joined columns begin
  std::vector<int> columns;  ///< of the dimension, one per joined column
  bool is_inner = false;
};

/// A condition that every event must meet. TRUE passes.
struct BoundRowRule {
  std::string name;
  ExpressionPtr condition;  ///< over BoundPipeline::rows
  bool quarantine = false;
  std::optional<double> max_rate;
  Severity severity = Severity::kError;
};

struct DerivedColumn {
  std::string name;
  ExpressionPtr expression;  ///< over BoundPipeline::rows, columns before it
};

struct BoundPipeline {
  Pipeline spec;
  /// What row expressions see: columns of the source (files, then partitions), of the joins, then
  /// derived columns.
  std::shared_ptr<arrow::Schema> rows;
  int num_source_columns = 0;
  int first_derived = 0;         ///< index in rows
  std::vector<BoundJoin> joins;  ///< in the order of the file
  std::vector<DerivedColumn> derived;
  ExpressionPtr where;      ///< may be null
  ExpressionPtr day;        ///< a date or timestamp expression, or null: the day of event_time
  int event_time = -1;      ///< index in rows, or -1
  std::vector<int> entity;  ///< indices in rows
  std::vector<WindowLength> windows;  ///< distinct; those of features
  std::vector<WindowedAggregate> aggregates;
  /// What feature expressions see: entity columns, then features in evaluation order.
  std::shared_ptr<arrow::Schema> results;
  std::vector<BoundFeature> features;  ///< in evaluation order, as in `results`
  std::vector<int> output_order;       ///< feature indices in the order of the file
  std::shared_ptr<arrow::Schema>
      output;                           ///< entity columns, then features in the order of the file
  std::vector<BoundRowRule> row_rules;  ///< in the order of the file
  FrameChecks input_checks;             ///< over rows, without the quarantined ones
  FrameChecks output_checks;            ///< over output
};

/// Binds `pipeline` to a source with these columns. Errors (kInvalid) carry every fault found.
/// `source` is the schema of the files and their partitions together, `dimensions` those of the
/// joins.
arrow::Result<BoundPipeline> BindPipeline(
    const Pipeline& pipeline, const std::shared_ptr<arrow::Schema>& source,
    const std::vector<std::shared_ptr<arrow::Schema>>& dimensions = {});

/// The `day` of a source as an expression over `columns`: a column by its exact name, else SQL. An
/// error if it does not bind.
arrow::Result<ExpressionPtr> BindDay(const Pipeline& pipeline, const arrow::Schema& columns);

/// "feature 'a'" or "features 'a', 'b'": those whose expressions use an aggregate, for errors.
std::string FeaturesUsing(const BoundPipeline& pipeline, int aggregate);

/// Which columns of `pipeline.rows` are needed to have `columns`: these, what derived ones among
/// them are computed from, and the keys by which joined ones are looked up.
std::vector<bool> ReadFor(const BoundPipeline& pipeline, const std::vector<int>& columns);

/// Whether any column of the join is among `columns` of `pipeline.rows`.
bool IsJoined(const BoundJoin& join, const std::vector<bool>& columns);

}  // namespace tidemill
