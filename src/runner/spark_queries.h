#pragma once

/// The queries of a pass on Spark.

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "engine/plan.h"
#include "tidemill/spark.h"

namespace tidemill {

/// `tidemill sql --dialect spark`: the query of one date with the session that it needs, as a
/// script for spark-sql.
arrow::Result<std::string> SparkScript(const Plan& plan, const std::string& label);

/// The columns of the answer to a scan query.
struct SparkScanColumns {
  /// What a row tells of: below kFirstSlot are slots (SlotOf), from 0 on dates of the plan.
  static constexpr const char* kPosition = "position";
  static constexpr const char* kRows = "rows";
  static constexpr const char* kFiltered = "filtered";
  static constexpr const char* kWithoutEntity = "without_entity";
  static std::string Metric(size_t index) { return "metric_" + std::to_string(index); }
  static std::string LookedUp(size_t join) { return "looked_up_" + std::to_string(join); }
  static std::string NotFound(size_t join) { return "not_found_" + std::to_string(join); }
  static std::string Failed(size_t rule) { return "failed_" + std::to_string(rule); }

  /// Positions of the rows without a day, of those far from their partition, and of the slot that
  /// is `offset` slots after the first of the plan. Rows that are quarantined are as many slots
  /// further as the plan has.
  static constexpr int32_t kWithoutDay = -1;
  static constexpr int32_t kMisplaced = -2;
  static constexpr int32_t PositionOf(int32_t offset) { return -3 - offset; }
  static constexpr int32_t OffsetOf(int32_t position) { return -3 - position; }
};

/// Keys that are more than once in the dimension of a join: one row with the first of them as k0,
/// k1, ..., how often it is there (`times`) and how many such keys there are (`keys`); no row if
/// the dimension is unique. Of a dated dimension `day` is the partition.
arrow::Result<SparkQuery> SparkRepeatedKeysQuery(const Plan& plan, size_t join);

/// Counts events per slot and measures the input checks' metrics of every date.
arrow::Result<SparkQuery> SparkScanQuery(const Plan& plan);

/// The columns of rows that failed row rules.
struct SparkFailedColumns {
  static constexpr const char* kPart = "part";      ///< always 0
  static constexpr const char* kFile = "file";      ///< the URI of its file
  static constexpr const char* kRow = "row";        ///< its number there, from 0
  static constexpr const char* kOffset = "offset";  ///< of its slot
  static std::string Rule(size_t rule) { return "rule_" + std::to_string(rule); }
  static std::string Value(size_t column) { return "value_" + std::to_string(column); }
};

/// The rows that are quarantined, in the order of files and rows, with the columns of the source
/// that QuarantineSchema() has.
arrow::Result<SparkQuery> SparkQuarantineQuery(const Plan& plan);

/// The first `most` rows of each slot that fail a rule, for each rule, and perhaps more of those;
/// with the columns ColumnsOfRules().
arrow::Result<SparkQuery> SparkExamplesQuery(const Plan& plan, size_t most);

/// The features of the wanted dates, in order of date and entity. The columns are
/// kSparkDateColumn, the index of the date in the plan, and those of BoundPipeline::output as c0,
/// c1, ...
arrow::Result<SparkQuery> SparkFeaturesQuery(const Plan& plan, const std::vector<bool>& wanted,
                                             int64_t run_timestamp);
inline constexpr const char* kSparkDateColumn = "date_index";
inline std::string SparkOutputColumn(size_t index) { return "c" + std::to_string(index); }

/// The number of different entities in Parquet files that a features query wrote.
SparkQuery SparkEntityCountQuery(const Plan& plan, const std::string& uri);

}  // namespace tidemill
