#include "runner/spark_queries.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "engine/quarantine.h"
#include "engine/row_rules.h"
#include "runner/pipeline_query.h"
#include "runner/spark_session.h"
#include "runner/spark_tiles.h"
#include "sql/sql_fragment.h"

namespace tidemill {
namespace {

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
    ARROW_RETURN_NOT_OK(query->AddUniverse(SparkSideOfUniverse(plan).view));
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
    ARROW_RETURN_NOT_OK(query->AddUniverse(SparkSideOfUniverse(plan).view));
  }
  tiles.AddSteps(query->Entity(), aggregates, query);
  query->context().feature_date = query->Name(SparkTiles::DateColumn());
  return arrow::Status::OK();
}

/// The features of a date, or of several.
arrow::Status AddDates(const std::vector<bool>& wanted, PipelineQuery* query) {
  NameSparkDimensions(query);
  ARROW_RETURN_NOT_OK(query->AddEvents(SparkEventsOf(query->plan())));
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
  const std::string position = tiles.PositionOfRow(query);
  if (const std::string kept = query.IsKept(); !kept.empty()) {
    text += fmt::format("\n      WHEN {0} >= 0 AND NOT ({1}) THEN {2} - {0}", position, kept,
                        SparkScanColumns::PositionOf(query.plan().strata.slots().size()));
  }
  // -1 of a slot that is in no window is told from a missing day by NULL.
  return text + "\n      ELSE nullif(" + position + ", -1) END";
}

/// The events that count in any window or in none, each with its position.
arrow::Status AddPlaced(const SparkTiles& tiles, SparkColumns columns, PipelineQuery* query) {
  NameSparkDimensions(query);
  ARROW_RETURN_NOT_OK(query->AddEvents(SparkEventsOf(query->plan(), columns)));
  ARROW_RETURN_NOT_OK(query->AddSlots());
  ARROW_RETURN_NOT_OK(query->AddVerdicts());
  const std::string stratum = query->Name(SparkTiles::StratumColumn());
  ARROW_ASSIGN_OR_RAISE(const std::string position, PositionText(tiles, *query));
  query->AddStep("placed",
                 "SELECT *, " + position + " AS " + stratum + "\n  FROM " + query->last());
  query->AddStep("counted",
                 "SELECT *\n  FROM " + query->last() + "\n  WHERE " + stratum + " IS NOT NULL");
  return arrow::Status::OK();
}

SparkTiles SlotTiles(const Plan& plan) {
  return {plan, std::vector<bool>(plan.dates.size(), true), SparkTiles::Grid::kSlots};
}

/// "`tidemill file` AS `file`, ...": where a row comes from, and which rules it passed.
std::string OriginText(const PipelineQuery& query, const std::string& offset) {
  std::string text =
      fmt::format("{} AS {}, {} AS {}, {} AS {}", query.Name(kSparkFileColumn),
                  SparkFailedColumns::kFile, query.Name(kSparkRowColumn), SparkFailedColumns::kRow,
                  offset, query.Name(SparkFailedColumns::kOffset));
  for (size_t r = 0; r < query.pipeline().row_rules.size(); ++r) {
    text +=
        ",\n  " + query.Name(PipelineQuery::RuleColumn(r)) + " AS " + SparkFailedColumns::Rule(r);
  }
  return text;
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
  for (size_t r = 0; r < pipeline.row_rules.size(); ++r) {
    counts.emplace_back(SparkScanColumns::Failed(r),
                        CountIf("NOT " + query->Name(PipelineQuery::RuleColumn(r))));
  }
  return counts;
}

std::string ViewStatement(const std::string& view, const OpenedTable& table,
                          const std::string& schema) {
  const std::string uri = HadoopUri(table.root);
  const std::string create = "CREATE OR REPLACE TEMPORARY VIEW " + view;
  if (table.version) {
    return create + " AS\n  SELECT * FROM delta." + QuoteName(uri, Dialect::kSpark) +
           " VERSION AS OF " + std::to_string(*table.version) + ";\n";
  }
  return create + " (" + schema + ")\n  USING parquet OPTIONS (path " +
         QuoteText(uri, Dialect::kSpark) + ");\n";
}

}  // namespace

arrow::Result<SparkQuery> SparkRepeatedKeysQuery(const Plan& plan, size_t join) {
  const Dimension& dimension = *plan.dimensions[join];
  SparkQuery query;
  query.settings = SparkSettingsOfSession(plan);
  ARROW_ASSIGN_OR_RAISE(static_cast<SparkView&>(query),
                        SparkViewOf(SparkSideOfDimension(plan, join)));
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
  ARROW_ASSIGN_OR_RAISE(SparkQuery spark, SparkQueryOverSource(plan));
  PipelineQuery query(plan, Dialect::kSpark);
  const SparkTiles tiles = SlotTiles(plan);
  ARROW_RETURN_NOT_OK(AddPlaced(tiles, SparkColumns::kNeeded, &query));
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

arrow::Result<SparkQuery> SparkQuarantineQuery(const Plan& plan) {
  ARROW_ASSIGN_OR_RAISE(SparkQuery spark, SparkQueryOverSource(plan, SparkColumns::kAll));
  spark.has_origins = true;
  PipelineQuery query(plan, Dialect::kSpark);
  ARROW_RETURN_NOT_OK(AddPlaced(SlotTiles(plan), SparkColumns::kAll, &query));
  const std::string stratum = query.Name(SparkTiles::StratumColumn());
  const int32_t first = SparkScanColumns::PositionOf(plan.strata.slots().size());
  std::string text = fmt::format("SELECT 0 AS {}, {}", SparkFailedColumns::kPart,
                                 OriginText(query, fmt::format("{} - {}", first, stratum)));
  const auto schema = QuarantineSchema(plan);
  for (int c = kQuarantineOwnColumns; c < schema->num_fields(); ++c) {
    text += ",\n  " + query.Name(schema->field(c)->name()) + " AS " +
            SparkFailedColumns::Value(static_cast<size_t>(c));
  }
  spark.sql = query.Finish(fmt::format("{}\nFROM {}\nWHERE {} <= {}\nORDER BY {}, {}", text,
                                       query.last(), stratum, first, SparkFailedColumns::kFile,
                                       SparkFailedColumns::kRow));
  return spark;
}

arrow::Result<SparkQuery> SparkExamplesQuery(const Plan& plan, size_t most) {
  ARROW_ASSIGN_OR_RAISE(SparkQuery spark, SparkQueryOverSource(plan));
  spark.has_origins = true;
  PipelineQuery query(plan, Dialect::kSpark);
  ARROW_RETURN_NOT_OK(AddPlaced(SlotTiles(plan), SparkColumns::kNeeded, &query));
  const std::string stratum = query.Name(SparkTiles::StratumColumn());
  const int32_t first = SparkScanColumns::PositionOf(plan.strata.slots().size());
  const std::string offset =
      fmt::format("CASE WHEN {0} >= 0 THEN {0} ELSE {1} - {0} END", stratum, first);
  std::string text = "SELECT " + OriginText(query, offset);
  for (const int column : ColumnsOfRules(plan.pipeline->row_rules)) {
    text += ",\n    " + query.Name(plan.pipeline->rows->field(column)->name()) + " AS " +
            SparkFailedColumns::Value(static_cast<size_t>(column));
  }
  query.AddStep("in_windows", text + fmt::format("\n  FROM {0}\n  WHERE {1} >= 0 OR {1} <= {2}",
                                                 query.last(), stratum, first));
  std::string ranks = "SELECT *";
  std::vector<std::string> conditions;
  for (size_t r = 0; r < plan.pipeline->row_rules.size(); ++r) {
    const std::string rule = SparkFailedColumns::Rule(r);
    ranks +=
        fmt::format(",\n    row_number() OVER (PARTITION BY {}, {} ORDER BY {}, {}) AS rank_{}",
                    query.Name(SparkFailedColumns::kOffset), rule, SparkFailedColumns::kFile,
                    SparkFailedColumns::kRow, r);
    conditions.push_back(fmt::format("(NOT {} AND rank_{} <= {})", rule, r, most));
  }
  query.AddStep("ranked", ranks + "\n  FROM " + query.last());
  spark.sql = query.Finish(fmt::format("SELECT *\nFROM {}\nWHERE {}\nORDER BY {}, {}", query.last(),
                                       Join(conditions, " OR "), SparkFailedColumns::kFile,
                                       SparkFailedColumns::kRow));
  return spark;
}

arrow::Result<SparkQuery> SparkFeaturesQuery(const Plan& plan, const std::vector<bool>& wanted,
                                             int64_t run_timestamp) {
  ARROW_ASSIGN_OR_RAISE(SparkQuery spark, SparkQueryOverSource(plan));
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
  query.settings = SparkSettingsOfSession(plan);
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
  std::string script = "-- " + plan.pipeline->spec.name + " at " + label + "\n";
  for (const auto& [name, value] : SparkSettingsOfText(plan)) {
    script += "SET " + name + " = " + value + ";\n";
  }
  ARROW_ASSIGN_OR_RAISE(const std::string schema, SparkSchemaOf(plan));
  script += ViewStatement(kSparkView, *plan.source, schema);
  for (const SparkSideTable& side : SparkSideTablesOf(plan)) {
    ARROW_ASSIGN_OR_RAISE(const std::string columns, SparkSchemaOf(side));
    script += ViewStatement(side.view, *side.table, columns);
  }
  PipelineQuery query(plan, Dialect::kSpark);
  ARROW_RETURN_NOT_OK(AddDates({true}, &query));
  return script +
         query.Finish("SELECT " + Join(query.OutputColumns(), ", ") + "\nFROM " + query.last() +
                      "\nORDER BY " + query.EntityList(" NULLS LAST") + ";\n");
}

}  // namespace tidemill
