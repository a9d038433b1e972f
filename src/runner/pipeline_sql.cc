// `tidemill sql`: the query that another engine would run for one feature date.

#include "runner/pipeline_query.h"
#include "runner/prepare.h"
#include "runner/spark_queries.h"
#include "sql/sql_fragment.h"

namespace tidemill {
namespace {

/// The types of partition columns, which DuckDB would otherwise guess from the values.
std::string HiveTypes(const arrow::Schema& partitions) {
  std::string types;
  for (const auto& field : partitions.fields()) {
    auto type = TypeToSql(*field->type(), Dialect::kDuckDb);
    if (!type.ok()) continue;
    types +=
        (types.empty() ? "" : ", ") + QuoteText(field->name(), Dialect::kDuckDb) + ": " + *type;
  }
  return types.empty() ? "" : ", hive_types = {" + types + "}";
}

/// All files below a folder.
std::string ReadParquet(const Location& root, const arrow::Schema& partitions) {
  return "read_parquet(" + QuoteText(root.path + "/**/*.parquet", Dialect::kDuckDb) +
         ", hive_partitioning = true" + HiveTypes(partitions) + ", union_by_name = true)";
}

arrow::Result<std::string> DuckDbSql(const Plan& plan, const std::string& label) {
  PipelineQuery query(plan, Dialect::kDuckDb);
  ARROW_RETURN_NOT_OK(
      query.AddEvents(ReadParquet(plan.source->root, *plan.source->partition_schema)));
  ARROW_RETURN_NOT_OK(query.AddSlots());
  ARROW_RETURN_NOT_OK(query.AddInput(plan.strata.WindowSlots(0, plan.strata.Longest(0))));
  if (plan.universe != nullptr) {
    const EntityUniverse& universe = *plan.universe;
    ARROW_RETURN_NOT_OK(query.AddUniverse(ReadParquet(universe.root, *universe.partition_schema)));
  }
  ARROW_RETURN_NOT_OK(query.AddAggregates());
  ARROW_RETURN_NOT_OK(query.AddFeatures());
  // Zoned timestamps are cast to dates in the session's zone.
  return "-- " + plan.pipeline->spec.name + " at " + label +
         "\nSET TimeZone = " + QuoteText(plan.calendar->zone().name(), Dialect::kDuckDb) + ";\n" +
         query.Finish("SELECT " + Join(query.OutputColumns(), ", ") + "\nFROM " + query.last() +
                      "\nORDER BY " + query.EntityList() + ";\n");
}

}  // namespace

arrow::Result<std::string> PipelineSql(const Pipeline& pipeline, const std::string& date,
                                       const std::string& dialect) {
  if (dialect != "duckdb" && dialect != "spark") {
    return MakeError(ErrorCode::kInvalid, "there is no dialect '" + dialect + "'",
                     "use --dialect duckdb or --dialect spark");
  }
  ARROW_ASSIGN_OR_RAISE(auto calendar, CalendarOf(pipeline));
  ARROW_ASSIGN_OR_RAISE(const Slot slot, ParseFeatureDate(*calendar, date));
  ARROW_ASSIGN_OR_RAISE(const Plan plan, PreparePass(pipeline, calendar, {slot}, {}));
  return dialect == "spark" ? SparkScript(plan, date) : DuckDbSql(plan, date);
}

}  // namespace tidemill
