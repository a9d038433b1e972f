#pragma once

/// What a session must have for the queries of a plan: settings, and views of the plan's tables.

#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "engine/plan.h"
#include "runner/pipeline_query.h"
#include "tidemill/spark.h"

namespace tidemill {

using SparkSettings = std::vector<std::pair<std::string, std::string>>;

/// What the text of queries takes for granted (sql/spark_functions.h).
SparkSettings SparkSettingsOfText(const Plan& plan);
/// The same, and what makes the session read and write as it must.
SparkSettings SparkSettingsOfSession(const Plan& plan);

/// Columns of the source: those that are needed, and partitions; or all that can be read.
enum class SparkColumns { kNeeded, kAll };

/// The view of the source.
inline constexpr const char* kSparkView = "tidemill_source";

/// A query over the files of the plan, or over its version of a Delta table.
arrow::Result<SparkQuery> SparkQueryOverSource(const Plan& plan,
                                               SparkColumns columns = SparkColumns::kNeeded);

/// The columns as Spark reads them: "`a` BIGINT, ...".
arrow::Result<std::string> SparkSchemaOf(const Plan& plan,
                                         SparkColumns columns = SparkColumns::kNeeded);

/// The view, with numbers of nanoseconds made timestamps. Spark's have microseconds: an event with
/// more digits is an error.
std::string SparkEventsOf(const Plan& plan, SparkColumns columns = SparkColumns::kNeeded);

/// A table beside the source, as a session sees it.
struct SparkSideTable {
  const OpenedTable* table;
  std::string view;
  std::string what;               ///< "the dimension users"
  std::vector<std::string> read;  ///< columns, which partitions are added to
};

SparkSideTable SparkSideOfDimension(const Plan& plan, size_t join);
SparkSideTable SparkSideOfUniverse(const Plan& plan);
/// The tables beside the source that a session reads.
std::vector<SparkSideTable> SparkSideTablesOf(const Plan& plan);

arrow::Result<std::string> SparkSchemaOf(const SparkSideTable& side);
arrow::Result<SparkView> SparkViewOf(const SparkSideTable& side);

/// Tells a query the views of its dimensions; before AddSlots.
void NameSparkDimensions(PipelineQuery* query);

/// A location as Hadoop's file systems name it.
std::string HadoopUri(const Location& location);
std::string HadoopUri(const Location& root, const std::string& path);

}  // namespace tidemill
