#include "runner/spark_queries.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "runner/pipeline_query.h"
#include "runner/spark_tiles.h"
#include "sql/spark_functions.h"
#include "sql/spark_zones.h"
#include "sql/sql_fragment.h"
#include "storage/column_types.h"

namespace tidemill {
namespace {

constexpr const char* kView = "tidemill_source";

using Settings = std::vector<std::pair<std::string, std::string>>;

/// What the text of queries takes for granted (sql/spark_functions.h).
Settings SettingsOfText(const Plan& plan) {
  return {{"spark.sql.session.timeZone", plan.calendar->zone().name()},
          {"spark.sql.ansi.enabled", "true"},
          {"spark.sql.decimalOperations.allowPrecisionLoss", "false"},
          {"spark.sql.caseSensitive", "true"},
          {"spark.sql.variable.substitute", "false"},
          {"spark.sql.timestampType", "TIMESTAMP_LTZ"},
          {"spark.sql.legacy.timeParserPolicy", "CORRECTED"},
          {"spark.sql.legacy.parquet.nanosAsLong", "true"}};
}

Settings SettingsOfSession(const Plan& plan) {
  Settings settings = SettingsOfText(plan);
  const Settings more = {{"spark.sql.parser.escapedStringLiterals", "false"},
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

bool IsPartition(const Source& source, const std::string& name) {
  return source.partition_schema->GetFieldIndex(name) >= 0;
}

bool IsNanoseconds(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP &&
         static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::NANO;
}

/// The columns of the source that a session reads: those that are needed, and partitions.
std::vector<std::shared_ptr<arrow::Field>> ColumnsOf(const Plan& plan) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (int i = 0; i < plan.pipeline->num_source_columns; ++i) {
    const auto& field = plan.pipeline->rows->field(i);
    if (plan.needed_columns[static_cast<size_t>(i)] || IsPartition(*plan.source, field->name())) {
      const bool is_dictionary = field->type()->id() == arrow::Type::DICTIONARY;
      fields.push_back(
          is_dictionary
              ? field->WithType(
                    static_cast<const arrow::DictionaryType&>(*field->type()).value_type())
              : field);
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

/// The columns as Spark reads them: "`a` BIGINT, ...".
arrow::Result<std::string> SchemaOf(const Plan& plan) {
  std::vector<std::string> columns;
  for (const auto& field : ColumnsOf(plan)) {
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

/// The view, with numbers of nanoseconds made timestamps. Spark's have microseconds: an event with
/// more digits is an error.
std::string EventsOf(const Plan& plan) {
  std::string except;
  std::string columns;
  for (const auto& field : ColumnsOf(plan)) {
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
  if (except.empty()) return kView;
  return "(SELECT * EXCEPT (" + except + ")" + columns + "\n    FROM " + kView + ")";
}

std::string DimensionView(size_t join) { return "tidemill_dimension_" + std::to_string(join + 1); }

/// A table beside the source, as a session sees it.
struct SideTable {
  const OpenedTable* table;
  std::string view;
  std::string what;               ///< "the dimension users"
  std::vector<std::string> read;  ///< columns, which partitions are added to
};

SideTable SideOfDimension(const Plan& plan, size_t join) {
  const Dimension& dimension = *plan.dimensions[join];
  SideTable side{&dimension, DimensionView(join), "the dimension " + dimension.path, {}};
  for (const int column : ColumnsRead(plan.pipeline->joins[join], plan.needed_columns)) {
    side.read.push_back(dimension.schema->field(column)->name());
  }
  return side;
}

SideTable SideOfUniverse(const Plan& plan) {
  return {plan.universe.get(), "tidemill_entities", "output.entities", plan.universe->columns};
}

/// The tables beside the source that a session reads.
std::vector<SideTable> SideTablesOf(const Plan& plan) {
  std::vector<SideTable> tables;
  for (size_t j = 0; j < plan.dimensions.size(); ++j) {
    if (plan.needed_joins[j]) tables.push_back(SideOfDimension(plan, j));
  }
  if (plan.universe != nullptr && plan.scope == PlanScope::kFeatures) {
    tables.push_back(SideOfUniverse(plan));
  }
  return tables;
}

arrow::Result<std::string> SchemaOf(const SideTable& side) {
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

arrow::Result<SparkView> ViewOf(const SideTable& side) {
  const OpenedTable& table = *side.table;
  SparkView view;
  view.view = side.view;
  ARROW_ASSIGN_OR_RAISE(std::string schema, SchemaOf(side));
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

void NameDimensions(PipelineQuery* query) {
  for (size_t j = 0; j < query->plan().dimensions.size(); ++j) {
    query->SetDimension(j, DimensionView(j));
  }
}

/// A query over the files of the plan, or over its version of a Delta table.
arrow::Result<SparkQuery> QueryOverSource(const Plan& plan) {
  const Source& source = *plan.source;
  ARROW_ASSIGN_OR_RAISE(std::string schema, SchemaOf(plan));
  SparkQuery query;
  query.settings = SettingsOfSession(plan);
  query.view = kView;
  for (const SideTable& side : SideTablesOf(plan)) {
    ARROW_ASSIGN_OR_RAISE(query.tables.emplace_back(), ViewOf(side));
  }
  if (source.version) {
    query.format = "delta";
    query.paths = {HadoopUri(source.root)};
    query.options = {{"versionAsOf", std::to_string(*source.version)}};
    return query;
  }
  query.format = "parquet";
  query.schema = std::move(schema);
  // Exactly the files of the plan, whatever comes beside them in the meantime.
  query.options = {{"basePath", HadoopUri(source.root)}, {"__globPaths__", "false"}};
  for (const DataFile& file : source.files)
    query.paths.push_back(HadoopUri(source.root, file.path));
  return query;
}

std::string RunTimestampText(int64_t micros) {
  const arrow::TimestampScalar value(micros, arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"));
  return *LiteralToSql(value, Dialect::kSpark);
}

/// What features are computed of: the input's rows with their stratum.
arrow::Status AddStrata(const SparkTiles& tiles, PipelineQuery* query) {
  const std::string stratum = query->Name(SparkTiles::StratumColumn());
  query->AddStep("stratified", "SELECT *, " + tiles.PositionOfRow(*query) + " AS " + stratum +
                                   "\n  FROM " + query->last());
  query->AddStep("needed", "SELECT *\n  FROM " + query->last() + "\n  WHERE " + stratum + " >= 0");
  return arrow::Status::OK();
}

arrow::Status AddDirect(size_t date, PipelineQuery* query) {
  const Plan& plan = query->plan();
  ARROW_RETURN_NOT_OK(query->AddInput(plan.strata.WindowSlots(date, plan.strata.Longest(date))));
  if (plan.universe != nullptr) {
    ARROW_RETURN_NOT_OK(query->AddUniverse(SideOfUniverse(plan).view));
    query->AddEveryEntity();
  }
  return query->AddAggregates(date);
}

arrow::Status AddTiled(const std::vector<bool>& wanted, PipelineQuery* query) {
  const Plan& plan = query->plan();
  const BoundPipeline& pipeline = query->pipeline();
  const SparkTiles tiles(plan, wanted, SparkTiles::Grid::kStrata);
  ARROW_RETURN_NOT_OK(query->AddInput(plan.strata.slots()));
  ARROW_RETURN_NOT_OK(AddStrata(tiles, query));
  std::vector<SparkTileAggregate> aggregates;
  for (size_t i = 0; i < pipeline.aggregates.size(); ++i) {
    auto spelled = SparkAggregate::Of(pipeline.aggregates[i].call, query->context());
    if (!spelled.ok()) {
      return WithContext(spelled.status(), FeaturesUsing(pipeline, static_cast<int>(i)));
    }
    aggregates.push_back(
        {*std::move(spelled), PipelineQuery::AggregateColumn(i), pipeline.aggregates[i].window});
  }
  if (plan.universe != nullptr) {
    ARROW_RETURN_NOT_OK(query->AddUniverse(SideOfUniverse(plan).view));
  }
  tiles.AddSteps(query->Entity(), aggregates, query);
  query->context().feature_date = query->Name(SparkTiles::DateColumn());
  return arrow::Status::OK();
}

/// The features of a date, or of several.
arrow::Status AddDates(const std::vector<bool>& wanted, PipelineQuery* query) {
  NameDimensions(query);
  ARROW_RETURN_NOT_OK(query->AddEvents(EventsOf(query->plan())));
  ARROW_RETURN_NOT_OK(query->AddSlots());
  if (std::ranges::count(wanted, true) == 1) {
    const auto date = static_cast<size_t>(std::ranges::find(wanted, true) - wanted.begin());
    query->SetDate(date);
    ARROW_RETURN_NOT_OK(AddDirect(date, query));
  } else {
    ARROW_RETURN_NOT_OK(AddTiled(wanted, query));
  }
  return query->AddFeatures();
}

/// That the row's hour is not near its partition, or nothing.
arrow::Result<std::string> PositionText(const SparkTiles& tiles, const PipelineQuery& query) {
  const std::string slot = query.Name(PipelineQuery::SlotColumn());
  ARROW_ASSIGN_OR_RAISE(const std::string near, query.NearPartition());
  std::string text =
      fmt::format("CASE WHEN {} IS NULL THEN {}", slot, SparkScanColumns::kWithoutDay);
  if (!near.empty()) {
    text += fmt::format("\n      WHEN NOT ({}) THEN {}", near, SparkScanColumns::kMisplaced);
  }
  // -1 of a slot that is in no window is told from a missing day by NULL.
  return text + "\n      ELSE nullif(" + tiles.PositionOfRow(query) + ", -1) END";
}

std::string CountIf(const std::string& condition) {
  return "count(*) FILTER (WHERE " + condition + ")";
}

arrow::Result<std::vector<std::pair<std::string, std::string>>> ScanCountsText(
    PipelineQuery* query) {
  const BoundPipeline& pipeline = query->pipeline();
  std::string filtered = "0L";
  std::string without_entity = "0L";
  std::vector<std::pair<std::string, std::string>> joins;
  if (query->plan().scope == PlanScope::kFeatures) {
    const std::string in_window = query->Name(SparkTiles::StratumColumn()) + " >= 0";
    std::string kept = in_window;
    if (pipeline.where != nullptr) {
      auto where = ExpressionToSql(pipeline.where, query->context());
      if (!where.ok()) return WithContext(where.status(), "source.where");
      filtered = CountIf(in_window + " AND (" + *where + ") IS DISTINCT FROM TRUE");
      kept += " AND (" + *where + ")";
    }
    for (size_t j = 0; j < pipeline.joins.size(); ++j) {
      if (!query->HasJoin(j)) continue;
      const std::string match = query->Name(PipelineQuery::MatchColumn(j));
      joins.emplace_back(SparkScanColumns::LookedUp(j), CountIf(kept));
      joins.emplace_back(SparkScanColumns::NotFound(j), CountIf(kept + " AND NOT " + match));
      if (pipeline.joins[j].is_inner) kept += " AND " + match;
    }
    std::vector<std::string> missing;
    for (const std::string& column : query->Entity()) missing.push_back(column + " IS NULL");
    without_entity = CountIf(kept + " AND (" + Join(missing, " OR ") + ")");
  }
  std::vector<std::pair<std::string, std::string>> counts = {
      {SparkScanColumns::kRows, "count(*)"},
      {SparkScanColumns::kFiltered, filtered},
      {SparkScanColumns::kWithoutEntity, without_entity}};
  counts.insert(counts.end(), joins.begin(), joins.end());
  return counts;
}

}  // namespace

std::string HadoopUri(const Location& root) { return HadoopUri(root, root.path); }

std::string HadoopUri(const Location& root, const std::string& path) {
  if (root.is_local) return "file://" + path;
  const std::string scheme = root.uri.substr(0, root.uri.find("://"));
  return (scheme == "s3" ? "s3a" : scheme) + "://" + path;
}

arrow::Result<SparkQuery> SparkRepeatedKeysQuery(const Plan& plan, size_t join) {
  const Dimension& dimension = *plan.dimensions[join];
  SparkQuery query;
  query.settings = SettingsOfSession(plan);
  ARROW_ASSIGN_OR_RAISE(static_cast<SparkView&>(query), ViewOf(SideOfDimension(plan, join)));
  std::vector<std::string> keys;
  std::string names;
  std::vector<std::string> conditions;
  for (const int column : plan.pipeline->joins[join].dimension_keys) {
    const std::string name = QuoteName(dimension.schema->field(column)->name(), Dialect::kSpark);
    names += "CAST(" + name + " AS STRING) AS k" + std::to_string(keys.size()) + ", ";
    conditions.push_back(name + " IS NOT NULL");
    keys.push_back(name);
  }
  if (dimension.is_dated) {
    const std::string day = QuoteName(dimension.day_column, Dialect::kSpark);
    names += "CAST(" + day + " AS STRING) AS day, ";
    keys.insert(keys.begin(), day);
    conditions.push_back(day + " IS NOT NULL");
  }
  const std::string list = Join(keys, ", ");
  query.sql = "SELECT " + names + "count(*) AS times, count(*) OVER () AS keys\nFROM " +
              query.view + "\nWHERE " + Join(conditions, " AND ") + "\nGROUP BY " + list +
              "\nHAVING count(*) > 1\nORDER BY " + list + "\nLIMIT 1";
  return query;
}

arrow::Result<SparkQuery> SparkScanQuery(const Plan& plan) {
  ARROW_ASSIGN_OR_RAISE(SparkQuery spark, QueryOverSource(plan));
  PipelineQuery query(plan, Dialect::kSpark);
  NameDimensions(&query);
  ARROW_RETURN_NOT_OK(query.AddEvents(EventsOf(plan)));
  ARROW_RETURN_NOT_OK(query.AddSlots());
  const SparkTiles tiles(plan, std::vector<bool>(plan.dates.size(), true),
                         SparkTiles::Grid::kSlots);
  const std::string stratum = query.Name(SparkTiles::StratumColumn());
  ARROW_ASSIGN_OR_RAISE(const std::string position, PositionText(tiles, query));
  query.AddStep("placed", "SELECT *, " + position + " AS " + stratum + "\n  FROM " + query.last());
  query.AddStep("counted",
                "SELECT *\n  FROM " + query.last() + "\n  WHERE " + stratum + " IS NOT NULL");
  ARROW_ASSIGN_OR_RAISE(const auto counts, ScanCountsText(&query));
  const FrameChecks& checks = plan.pipeline->input_checks;
  std::vector<SparkTileAggregate> metrics;
  for (size_t m = 0; m < checks.metrics.size(); ++m) {
    auto spelled = SparkAggregate::Of(checks.metrics[m], query.context());
    if (!spelled.ok()) return WithContext(spelled.status(), "checks.input");
    metrics.push_back({*std::move(spelled), SparkScanColumns::Metric(m), -1});
  }
  tiles.AddScanSteps(counts, metrics, &query);
  spark.sql = query.Finish("SELECT * FROM " + query.last());
  return spark;
}

arrow::Result<SparkQuery> SparkFeaturesQuery(const Plan& plan, const std::vector<bool>& wanted,
                                             int64_t run_timestamp) {
  ARROW_ASSIGN_OR_RAISE(SparkQuery spark, QueryOverSource(plan));
  PipelineQuery query(plan, Dialect::kSpark);
  query.context().run_timestamp = RunTimestampText(run_timestamp);
  ARROW_RETURN_NOT_OK(AddDates(wanted, &query));
  const bool is_one = std::ranges::count(wanted, true) == 1;
  const std::string date = query.Name(kSparkDateColumn);
  std::string select = "SELECT " +
                       (is_one ? std::to_string(std::ranges::find(wanted, true) - wanted.begin())
                               : query.Name(SparkTiles::DateIndexColumn())) +
                       " AS " + date;
  std::string order = date;
  const std::vector<std::string> columns = query.OutputColumns();
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto& field = plan.pipeline->output->field(static_cast<int>(i));
    auto type = TypeToSql(*field->type(), Dialect::kSpark);
    if (!type.ok()) return WithContext(type.status(), "feature '" + field->name() + "'");
    select += fmt::format(",\n  CAST({} AS {}) AS {}", columns[i], *type, SparkOutputColumn(i));
    if (i < plan.pipeline->entity.size()) order += ", " + SparkOutputColumn(i) + " NULLS LAST";
  }
  spark.sql = query.Finish(select + "\nFROM " + query.last() + "\nORDER BY " + order);
  return spark;
}

SparkQuery SparkEntityCountQuery(const Plan& plan, const std::string& uri) {
  SparkQuery query;
  query.settings = SettingsOfSession(plan);
  query.view = "tidemill_features";
  query.format = "parquet";
  query.paths = {uri};
  query.options = {{"__globPaths__", "false"}};
  std::vector<std::string> columns;
  for (size_t i = 0; i < plan.pipeline->entity.size(); ++i) columns.push_back(SparkOutputColumn(i));
  query.sql = "SELECT count(*) AS entities FROM (SELECT DISTINCT " + Join(columns, ", ") +
              " FROM " + query.view + ")";
  return query;
}

arrow::Result<std::string> SparkScript(const Plan& plan, const std::string& label) {
  const Source& source = *plan.source;
  std::string script = "-- " + plan.pipeline->spec.name + " at " + label + "\n";
  for (const auto& [name, value] : SettingsOfText(plan)) {
    script += "SET " + name + " = " + value + ";\n";
  }
  ARROW_ASSIGN_OR_RAISE(const std::string schema, SchemaOf(plan));
  script += "CREATE OR REPLACE TEMPORARY VIEW " + std::string(kView);
  if (source.version) {
    script += " AS\n  SELECT * FROM delta." + QuoteName(HadoopUri(source.root), Dialect::kSpark) +
              " VERSION AS OF " + std::to_string(*source.version) + ";\n";
  } else {
    script += " (" + schema + ")\n  USING parquet OPTIONS (path " +
              QuoteText(HadoopUri(source.root), Dialect::kSpark) + ");\n";
  }
  for (const SideTable& side : SideTablesOf(plan)) {
    const OpenedTable& table = *side.table;
    ARROW_ASSIGN_OR_RAISE(const std::string columns, SchemaOf(side));
    script += "CREATE OR REPLACE TEMPORARY VIEW " + side.view;
    if (table.version) {
      script += " AS\n  SELECT * FROM delta." + QuoteName(HadoopUri(table.root), Dialect::kSpark) +
                " VERSION AS OF " + std::to_string(*table.version) + ";\n";
    } else {
      script += " (" + columns + ")\n  USING parquet OPTIONS (path " +
                QuoteText(HadoopUri(table.root), Dialect::kSpark) + ");\n";
    }
  }
  PipelineQuery query(plan, Dialect::kSpark);
  ARROW_RETURN_NOT_OK(AddDates({true}, &query));
  return script +
         query.Finish("SELECT " + Join(query.OutputColumns(), ", ") + "\nFROM " + query.last() +
                      "\nORDER BY " + query.EntityList(" NULLS LAST") + ";\n");
}

}  // namespace tidemill
