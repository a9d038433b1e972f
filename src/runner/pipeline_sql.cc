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

/// A table as DuckDB reads it. Of a Delta table only its log tells which files count, so that takes
/// the extension `delta`; `pinned` is the version that is asked for. A path that is itself the only
/// file is read as such.
std::string DuckDbTable(const Location& root, const std::vector<DataFile>& files, bool is_delta,
                        std::optional<int64_t> pinned, const arrow::Schema& partitions) {
  if (is_delta) {
    return "delta_scan(" + QuoteText(root.uri, Dialect::kDuckDb) +
           (pinned ? ", version = " + std::to_string(*pinned) : "") + ")";
  }
  const bool is_file = files.size() == 1 && files[0].path == root.path;
  return "read_parquet(" +
         QuoteText(root.uri + (is_file ? "" : "/**/*.parquet"), Dialect::kDuckDb) +
         ", hive_partitioning = true" + HiveTypes(partitions) + ", union_by_name = true)";
}

/// The version of an opened table, if the pipeline asks for one.
std::optional<int64_t> PinnedBy(const TableSpec& spec, std::optional<int64_t> version) {
  return spec.version || spec.timestamp_ms ? version : std::nullopt;
}

arrow::Result<std::string> DuckDbSql(const Plan& plan, const std::string& label) {
  PipelineQuery query(plan, Dialect::kDuckDb);
  const SourceSpec& spec = plan.pipeline->spec.source;
  const Source& source = *plan.source;
  ARROW_RETURN_NOT_OK(
      query.AddEvents(DuckDbTable(source.root, source.files, source.version.has_value(),
                                  PinnedBy(spec, source.version), *source.partition_schema)));
  for (size_t j = 0; j < plan.dimensions.size(); ++j) {
    const Dimension& dimension = *plan.dimensions[j];
    query.SetDimension(
        j, DuckDbTable(dimension.root, dimension.files, dimension.version.has_value(),
                       PinnedBy(spec.joins[j], dimension.version), *dimension.partition_schema));
  }
  ARROW_RETURN_NOT_OK(query.AddSlots());
  ARROW_RETURN_NOT_OK(query.AddInput(plan.strata.WindowSlots(0, plan.strata.Longest(0))));
  if (plan.universe != nullptr) {
    const EntityUniverse& universe = *plan.universe;
    ARROW_RETURN_NOT_OK(query.AddUniverse(
        DuckDbTable(universe.root, universe.files, universe.version.has_value(),
                    PinnedBy(*plan.pipeline->spec.output.entities, universe.version),
                    *universe.partition_schema)));
    query.AddEveryEntity();
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
