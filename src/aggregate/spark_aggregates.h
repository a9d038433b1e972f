#pragma once

/// Aggregates in Spark's SQL: in one step over rows, or in two by way of partial results.
///
/// Two steps are what makes a backfill one job: rows are reduced to partial results per entity and
/// stratum, each of which then counts in every window that holds its stratum. Partial results are
/// computed where the rows are, before anything is shuffled, so an entity with very many events
/// costs its partition no more than any other: there is no skew that salted keys would have to
/// spread. What cannot be merged are distinct values; they are grouped by value first
/// (runner/spark_tiles.h).

#include <string>
#include <vector>

#include <arrow/result.h>

#include "sql/expression.h"
#include "sql/to_sql.h"

namespace tidemill {

/// One call. A `condition`, if not empty, is one more that rows must meet.
class SparkAggregate {
 public:
  /// An error (kInvalid) for what Spark cannot compute alike.
  static arrow::Result<SparkAggregate> Of(const AggregateCall& call, const SqlContext& context);

  /// The call is of distinct values: it has no partial results.
  bool is_distinct() const { return is_distinct_; }

  /// In one step, over rows.
  std::string Direct(const std::string& condition) const;
  /// Over rows, the partial result of any part of them.
  std::string Partial() const;
  /// The value, of partial results in the column `partial`.
  std::string Merged(const std::string& partial, const std::string& condition) const;

  /// The distinct value of a row, NULL where it has none.
  std::string Value() const;
  /// The value, over distinct values in the column `value`.
  std::string OverValues(const std::string& value, const std::string& condition) const;

 private:
  std::string Filled(const std::string& spelling, const std::string& x,
                     const std::string& condition, const char* distinct = "") const;

  std::string direct_;
  std::string partial_;
  std::string merged_;
  std::vector<std::string> arguments_;
  std::string x_;       ///< the argument; of count(x, y) all of them
  std::string filter_;  ///< the call's own
  bool is_distinct_ = false;
};

}  // namespace tidemill
