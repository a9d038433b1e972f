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

/// A dimension as DuckDB reads it. Of a Delta table those are the files of its version.
arrow::Result<std::string> DimensionText(const Dimension& dimension) {
  std::string files;
  if (dimension.version) {
    for (const DataFile& file : dimension.files) {
      if (file.deleted_rows != nullptr) {
        return MakeError(ErrorCode::kInvalid,
                         "the dimension " + dimension.path +
                             " has deletion vectors, which reading its files does not heed",
                         "run OPTIMIZE on it, or use --dialect spark");
      }
      files += (files.empty() ? "[" : ", ") + QuoteText(file.path, Dialect::kDuckDb);
    }
    if (files.empty()) {
      return MakeError(ErrorCode::kInvalid, "the dimension " + dimension.path + " has no files",
                       "use --dialect spark");
    }
    files += "]";
  } else {
    const bool is_file = dimension.root.path.ends_with(".parquet") &&
                         dimension.partition_schema->num_fields() == 0 &&
                         dimension.files.size() == 1 &&
                         dimension.files[0].path == dimension.root.path;
    files = QuoteText(dimension.root.path + (is_file ? "" : "/**/*.parquet"), Dialect::kDuckDb);
  }
  return "read_parquet(" + files + ", hive_partitioning = true" +
         HiveTypes(*dimension.partition_schema) + ", union_by_name = true)";
}

arrow::Result<std::string> DuckDbSql(const Plan& plan, const std::string& label) {
  PipelineQuery query(plan, Dialect::kDuckDb);
  ARROW_RETURN_NOT_OK(
      query.AddEvents(ReadParquet(plan.source->root, *plan.source->partition_schema)));
  for (size_t j = 0; j < plan.dimensions.size(); ++j) {
    ARROW_ASSIGN_OR_RAISE(std::string from, DimensionText(*plan.dimensions[j]));
    query.SetDimension(j, std::move(from));
  }
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
