#include "runner/spark_session.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sql/spark_functions.h"
#include "sql/spark_zones.h"
#include "sql/sql_fragment.h"
#include "sql/to_sql.h"
#include "storage/column_types.h"

namespace tidemill {

namespace {

bool IsPartition(const Source& source, const std::string& name) {
  return source.partition_schema->GetFieldIndex(name) >= 0;
}

bool IsNanoseconds(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP &&
         static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::NANO;
}

/// The columns of the source that a session reads.
std::vector<std::shared_ptr<arrow::Field>> ColumnsOf(const Plan& plan, SparkColumns columns) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (int i = 0; i < plan.pipeline->num_source_columns; ++i) {
    const auto& field = plan.pipeline->rows->field(i);
    const auto type = PlainType(field->type());
    if (plan.needed_columns[static_cast<size_t>(i)] || IsPartition(*plan.source, field->name()) ||
        (columns == SparkColumns::kAll && IsReadable(*type))) {
      fields.push_back(field->WithType(type));
    }
  }
  return fields;
}

/// Spark reads nanoseconds as numbers, and would read other units as the same numbers.
arrow::Status CheckNanoseconds(const Plan& plan, const std::string& column) {
  const Source& source = *plan.source;
  for (size_t f = 0; f < source.files.size(); ++f) {
    const auto field = source.footers[f].schema->GetFieldByName(column);
    if (field == nullptr || IsNanoseconds(*field->type())) continue;
    return MakeError(ErrorCode::kInvalid,
                     "column '" + column + "' is in nanoseconds in some files and not in " +
                         source.files[f].relative_path + ", which Spark cannot tell apart",
                     "write all files in microseconds, or use --engine native");
  }
  return arrow::Status::OK();
}

std::string DimensionView(size_t join) { return "tidemill_dimension_" + std::to_string(join + 1); }

/// The version of a Delta table, or exactly the files that were opened, whatever comes beside them
/// in the meantime.
SparkView ViewOf(std::string name, const OpenedTable& table, std::string schema) {
  SparkView view;
  view.view = std::move(name);
  if (table.version) {
    view.format = "delta";
    view.paths = {HadoopUri(table.root)};
    view.options = {{"versionAsOf", std::to_string(*table.version)}};
    return view;
  }
  view.format = "parquet";
  view.schema = std::move(schema);
  view.options = {{"__globPaths__", "false"}};
  const bool is_file = table.files.size() == 1 && table.files[0].path == table.root.path;
  if (!is_file) view.options.emplace_back("basePath", HadoopUri(table.root));
  for (const DataFile& file : table.files) view.paths.push_back(HadoopUri(table.root, file.path));
  return view;
}

}  // namespace

SparkSettings SparkSettingsOfText(const Plan& plan) {
  return {{"spark.sql.session.timeZone", plan.calendar->zone().name()},
          {"spark.sql.ansi.enabled", "true"},
          {"spark.sql.decimalOperations.allowPrecisionLoss", "false"},
          {"spark.sql.caseSensitive", "true"},
          {"spark.sql.variable.substitute", "false"},
          {"spark.sql.timestampType", "TIMESTAMP_LTZ"},
          {"spark.sql.legacy.timeParserPolicy", "CORRECTED"},
          {"spark.sql.legacy.parquet.nanosAsLong", "true"}};
}

SparkSettings SparkSettingsOfSession(const Plan& plan) {
  SparkSettings settings = SparkSettingsOfText(plan);
  const SparkSettings more = {
      {"spark.sql.parser.escapedStringLiterals", "false"},
      {"spark.sql.adaptive.enabled", "true"},
      {"spark.sql.adaptive.coalescePartitions.enabled", "true"},
      // A hot key is spread over tasks, even if what follows must shuffle again.
      {"spark.sql.adaptive.skewJoin.enabled", "true"},
      {"spark.sql.adaptive.forceOptimizeSkewedJoin", "true"},
      {"spark.sql.files.ignoreCorruptFiles", "false"},
      {"spark.sql.files.ignoreMissingFiles", "false"},
      {"spark.sql.parquet.compression.codec", "zstd"},
      {"spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS"},
      {"spark.sql.parquet.datetimeRebaseModeInRead", "CORRECTED"},
      {"spark.sql.parquet.datetimeRebaseModeInWrite", "CORRECTED"}};
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

arrow::Result<std::string> SparkSchemaOf(const Plan& plan, SparkColumns which) {
  std::vector<std::string> columns;
  for (const auto& field : ColumnsOf(plan, which)) {
    auto name = TypeToSql(*field->type(), Dialect::kSpark);
    if (!name.ok()) return WithContext(name.status(), "column '" + field->name() + "'");
    if (IsNanoseconds(*field->type())) {
      ARROW_RETURN_NOT_OK(CheckNanoseconds(plan, field->name()));
      name = "BIGINT";
    }
    columns.push_back(QuoteName(field->name(), Dialect::kSpark) + " " + *name);
  }
  return Join(columns, ", ");
}

std::string SparkEventsOf(const Plan& plan, SparkColumns which) {
  std::string except;
  std::string columns;
  for (const auto& field : ColumnsOf(plan, which)) {
    if (!IsNanoseconds(*field->type())) continue;
    const std::string name = QuoteName(field->name(), Dialect::kSpark);
    const std::string micros = name + " div 1000";
    const std::string error = QuoteText(
        "column '" + field->name() + "' has fractions of microseconds, which Spark does not keep",
        Dialect::kSpark);
    except += (except.empty() ? "" : ", ") + name;
    columns += fmt::format(",\n    CASE WHEN {} % 1000 <> 0 THEN raise_error({}) ELSE {} END AS {}",
                           name, error,
                           IsZoned(*field->type()) ? "timestamp_micros(" + micros + ")"
                                                   : SparkLocalTimeOfMicros(micros),
                           name);
  }
  if (except.empty()) return kSparkView;
  return "(SELECT * EXCEPT (" + except + ")" + columns + "\n    FROM " + kSparkView + ")";
}

SparkSideTable SparkSideOfDimension(const Plan& plan, size_t join) {
  const Dimension& dimension = *plan.dimensions[join];
  SparkSideTable side{&dimension, DimensionView(join), "the dimension " + dimension.path, {}};
  for (const int column : ColumnsRead(plan.pipeline->joins[join], plan.needed_columns)) {
    side.read.push_back(dimension.schema->field(column)->name());
  }
  return side;
}

SparkSideTable SparkSideOfUniverse(const Plan& plan) {
  return {plan.universe.get(), "tidemill_entities", "output.entities", plan.universe->columns};
}

std::vector<SparkSideTable> SparkSideTablesOf(const Plan& plan) {
  std::vector<SparkSideTable> tables;
  for (size_t j = 0; j < plan.dimensions.size(); ++j) {
    if (plan.needed_joins[j]) tables.push_back(SparkSideOfDimension(plan, j));
  }
  if (plan.universe != nullptr && plan.scope == PlanScope::kFeatures) {
    tables.push_back(SparkSideOfUniverse(plan));
  }
  return tables;
}

arrow::Result<std::string> SparkSchemaOf(const SparkSideTable& side) {
  std::vector<std::string> names = side.read;
  for (const std::string& partition : side.table->partition_schema->field_names()) {
    if (std::ranges::find(names, partition) == names.end()) names.push_back(partition);
  }
  std::vector<std::string> columns;
  for (const std::string& column : names) {
    const auto field = side.table->schema->GetFieldByName(column);
    if (IsNanoseconds(*field->type())) {
      return MakeError(ErrorCode::kInvalid,
                       "column '" + column + "' of " + side.what +
                           " is in nanoseconds, which Spark does not keep",
                       "write it in microseconds, or use --engine native");
    }
    auto name = TypeToSql(*PlainType(field->type()), Dialect::kSpark);
    if (!name.ok()) {
      return WithContext(name.status(), "column '" + column + "' of " + side.what);
    }
    columns.push_back(QuoteName(column, Dialect::kSpark) + " " + *name);
  }
  return Join(columns, ", ");
}

arrow::Result<SparkView> SparkViewOf(const SparkSideTable& side) {
  ARROW_ASSIGN_OR_RAISE(std::string schema, SparkSchemaOf(side));
  return ViewOf(side.view, *side.table, std::move(schema));
}

void NameSparkDimensions(PipelineQuery* query) {
  for (size_t j = 0; j < query->plan().dimensions.size(); ++j) {
    query->SetDimension(j, DimensionView(j));
  }
}

arrow::Result<SparkQuery> SparkQueryOverSource(const Plan& plan, SparkColumns columns) {
  ARROW_ASSIGN_OR_RAISE(std::string schema, SparkSchemaOf(plan, columns));
  SparkQuery query;
  static_cast<SparkView&>(query) = ViewOf(kSparkView, *plan.source, std::move(schema));
  query.settings = SparkSettingsOfSession(plan);
  for (const SparkSideTable& side : SparkSideTablesOf(plan)) {
    ARROW_ASSIGN_OR_RAISE(query.tables.emplace_back(), SparkViewOf(side));
  }
  return query;
}

std::string HadoopUri(const Location& root) { return HadoopUri(root, root.path); }

std::string HadoopUri(const Location& root, const std::string& path) {
  if (root.is_local) return "file://" + path;
  const std::string scheme = root.uri.substr(0, root.uri.find("://"));
  return (scheme == "s3" ? "s3a" : scheme) + "://" + path;
}

}  // namespace tidemill
