#include "runner/pipeline_query.h"

#include <algorithm>

#include "aggregate/spark_aggregates.h"
#include "sql/spark_functions.h"
#include "sql/spark_zones.h"
#include "sql/sql_fragment.h"
#include "storage/column_types.h"

namespace tidemill {

PipelineQuery::PipelineQuery(const Plan& plan, Dialect dialect)
    : plan_(plan), pipeline_(*plan.pipeline), dimensions_(plan.dimensions.size()) {
  context_.dialect = dialect;
  SetDate(0);
  context_.run_timestamp = "now()";
  context_.timezone = plan.calendar->zone().name();
}

void PipelineQuery::SetDate(size_t date) {
  const CivilDay day = plan_.calendar->DayOf(plan_.dates[date]);
  context_.feature_date = "DATE '" + FormatCivilDay(day) + "'";
}

void PipelineQuery::AddTable(const std::string& name, const std::string& text) {
  text_ += (text_.empty() ? "" : ",\n") + name + " AS (\n  " + text + "\n)";
}

void PipelineQuery::AddStep(const std::string& name, const std::string& text) {
  AddTable(name, text);
  last_ = name;
}

arrow::Status PipelineQuery::AddEvents(const std::string& from) {
  AddStep("source", "SELECT * FROM " + from);
  return AddDerived(/*from_joins=*/false);
}

/// The derived columns that are computed from joined ones, or the others.
arrow::Status PipelineQuery::AddDerived(bool from_joins) {
  for (size_t i = 0; i < pipeline_.derived.size(); ++i) {
    const DerivedColumn& column = pipeline_.derived[i];
    const size_t index = static_cast<size_t>(pipeline_.first_derived) + i;
    // A Spark session reads no columns but those that are needed.
    if (is_spark() && !plan_.needed_columns[index]) continue;
    const std::vector<bool> reads = ReadFor(pipeline_, {static_cast<int>(index)});
    const auto joined = reads.begin() + pipeline_.num_source_columns;
    const auto end = reads.begin() + pipeline_.first_derived;
    if ((std::find(joined, end, true) != end) != from_joins) continue;
    auto sql = ExpressionToSql(column.expression, context_);
    if (!sql.ok()) return WithContext(sql.status(), "source.columns: " + column.name);
    AddStep("derived_" + std::to_string(i + 1),
            "SELECT *, " + *sql + " AS " + Name(column.name) + "\n  FROM " + last_);
  }
  return arrow::Status::OK();
}

arrow::Result<std::string> PipelineQuery::DayOfEvent() const {
  if (pipeline_.day == nullptr) {
    const auto& field = pipeline_.rows->field(pipeline_.event_time);
    const std::string name = Name(field->name());
    return !is_spark() && IsZoned(*field->type()) ? InZone(name) : name;
  }
  ARROW_ASSIGN_OR_RAISE(std::string day, ExpressionToSql(pipeline_.day, context_));
  if (is_spark() && arrow::is_string(pipeline_.day->type->id())) {
    return "to_date(" + day + ", 'yyyy-MM-dd')";
  }
  return day;
}

arrow::Status PipelineQuery::AddSlots() {
  std::string slot;
  if (by_hour()) {
    slot = HourOfEventTime();
  } else {
    ARROW_ASSIGN_OR_RAISE(const std::string day, DayOfEvent());
    slot = "CAST(" + day + " AS DATE)";
  }
  AddStep("slots", "SELECT *, " + slot + " AS " + Name(SlotColumn()) + "\n  FROM " + last_);
  if (pipeline_.joins.empty()) return arrow::Status::OK();
  AddJoins();
  return AddDerived(/*from_joins=*/true);
}

/// Rows without a match stay, so that input checks see them; they leave with those that `where`
/// takes out.
void PipelineQuery::AddJoins() {
  for (size_t j = 0; j < pipeline_.joins.size(); ++j) {
    if (!HasJoin(j)) continue;
    const BoundJoin& join = pipeline_.joins[j];
    const Dimension& dimension = *plan_.dimensions[j];
    const auto theirs = [&](int column) {
      return "d." + Name(dimension.schema->field(column)->name());
    };
    std::string text = "SELECT e.*";
    for (size_t c = 0; c < join.columns.size(); ++c) {
      const auto column = static_cast<size_t>(join.first_column) + c;
      if (is_spark() && !plan_.needed_columns[column]) continue;
      text += ",\n    " + theirs(join.columns[c]) + " AS " +
              Name(pipeline_.rows->field(static_cast<int>(column))->name());
    }
    text += ",\n    " + theirs(join.dimension_keys[0]) + " IS NOT NULL AS " + Name(MatchColumn(j));
    text += "\n  FROM " + last_ + " e\n  LEFT JOIN " + dimensions_[j] + " d\n    ON ";
    for (size_t k = 0; k < join.keys.size(); ++k) {
      text += (k == 0 ? "" : " AND ") + ("e." + Name(pipeline_.rows->field(join.keys[k])->name())) +
              " = " + theirs(join.dimension_keys[k]);
    }
    if (dimension.is_dated) {
      text += " AND d." + Name(dimension.day_column) + " = " + StateOfDay(dimension);
    }
    AddStep("joined_" + std::to_string(j + 1), text);
  }
}

/// The partition of a dated dimension that counts for an event. The list is of partitions, not of
/// days that rows have: an empty one counts as well.
std::string PipelineQuery::StateOfDay(const Dimension& dimension) const {
  if (dimension.days.empty()) return "CAST(NULL AS DATE)";
  std::string day = "e." + Name(SlotColumn());
  if (by_hour()) {
    const std::string seconds = day + " * 3600";
    day = is_spark() ? "CAST(timestamp_seconds(" + seconds + ") AS DATE)"
                     : "CAST(" + InZone("to_timestamp(" + seconds + ")") + " AS DATE)";
  }
  std::string text = "CASE";
  for (size_t d = dimension.days.size(); d-- > 0;) {
    const std::string state = "DATE '" + FormatCivilDay(dimension.days[d]) + "'";
    text += " WHEN " + day + " >= " + state + " THEN " + state;
  }
  return text + " END";
}

std::string PipelineQuery::SlotText(Slot slot) const {
  if (by_hour()) return std::to_string(slot.index);
  return "DATE '" + FormatCivilDay(plan_.calendar->DayOf(slot)) + "'";
}

/// DuckDB: from an instant to local time, or back.
std::string PipelineQuery::InZone(const std::string& time) const {
  return "timezone(" + QuoteText(plan_.calendar->zone().name(), context_.dialect) + ", " + time +
         ")";
}

std::string PipelineQuery::HourOfEventTime() const {
  const auto& field = pipeline_.rows->field(pipeline_.event_time);
  const std::string name = Name(field->name());
  const auto hour_of = [this](const std::string& instant) {
    const std::string seconds =
        is_spark() ? "unix_seconds(" + instant + ")" : "epoch(" + instant + ")";
    return "CAST(floor(" + seconds + " / 3600) AS BIGINT)";
  };
  if (IsZoned(*field->type())) return hour_of(name);
  if (is_spark())
    return hour_of(SparkInstantOf("CAST(" + name + " AS TIMESTAMP_NTZ)", context_.timezone));
  // Of two instants with one local time DuckDB takes the second; an hour earlier there is but
  // one.
  const std::string local = "CAST(" + name + " AS TIMESTAMP)";
  return hour_of("least(" + InZone(local) + ", " + InZone(local + " - INTERVAL 1 HOUR") +
                 " + INTERVAL 1 HOUR)");
}

arrow::Result<std::string> PipelineQuery::NearPartition() const {
  if (!by_hour() || !plan_.source->day_is_partition) return "";
  ARROW_ASSIGN_OR_RAISE(const std::string day, DayOfEvent());
  const auto day_of = [&](const std::string& seconds) {
    if (is_spark()) return "CAST(timestamp_seconds(" + seconds + ") AS DATE)";
    return "CAST(" + InZone("to_timestamp(" + seconds + ")") + " AS DATE)";
  };
  const std::string begin = Name(SlotColumn()) + " * 3600";
  return day_of(begin + " + 3599") + " >= CAST(" + day + " AS DATE) - 1\n    AND " + day_of(begin) +
         " <= CAST(" + day + " AS DATE) + 1";
}

arrow::Result<std::string> PipelineQuery::RuleText(const BoundRowRule& rule) const {
  auto sql = ExpressionToSql(rule.condition, context_);
  return sql.ok() ? sql : WithContext(sql.status(), "row rule '" + rule.name + "'");
}

arrow::Status PipelineQuery::AddVerdicts() {
  if (pipeline_.row_rules.empty()) return arrow::Status::OK();
  std::string text = "SELECT *";
  for (size_t r = 0; r < pipeline_.row_rules.size(); ++r) {
    ARROW_ASSIGN_OR_RAISE(const std::string rule, RuleText(pipeline_.row_rules[r]));
    text += ",\n    coalesce(" + rule + ", FALSE) AS " + Name(RuleColumn(r));
  }
  AddStep("judged", text + "\n  FROM " + last_);
  return arrow::Status::OK();
}

std::string PipelineQuery::IsKept() const {
  std::vector<std::string> rules;
  for (size_t r = 0; r < pipeline_.row_rules.size(); ++r) {
    if (pipeline_.row_rules[r].quarantine) rules.push_back(Name(RuleColumn(r)));
  }
  return Join(rules, " AND ");
}

arrow::Status PipelineQuery::AddInput(SlotRange slots) {
  std::string text = "SELECT *\n  FROM " + last_ + "\n  WHERE " + Name(SlotColumn()) + " BETWEEN " +
                     SlotText(slots.first) + " AND " + SlotText(slots.last);
  ARROW_ASSIGN_OR_RAISE(const std::string near, NearPartition());
  if (!near.empty()) text += "\n    AND " + near;
  for (const BoundRowRule& rule : pipeline_.row_rules) {
    if (!rule.quarantine) continue;
    ARROW_ASSIGN_OR_RAISE(const std::string sql, RuleText(rule));
    text += "\n    AND (" + sql + ")";
  }
  if (pipeline_.where != nullptr) {
    auto sql = ExpressionToSql(pipeline_.where, context_);
    if (!sql.ok()) return WithContext(sql.status(), "source.where");
    text += "\n    AND (" + *sql + ")";
  }
  for (size_t j = 0; j < pipeline_.joins.size(); ++j) {
    if (pipeline_.joins[j].is_inner) text += "\n    AND " + Name(MatchColumn(j));
  }
  if (pipeline_.spec.null_entity == NullEntity::kDrop) {
    for (const std::string& column : Entity()) text += "\n    AND " + column + " IS NOT NULL";
  }
  AddStep("input", text);
  return arrow::Status::OK();
}

std::vector<std::string> PipelineQuery::Entity() const {
  std::vector<std::string> columns;
  for (int index : pipeline_.entity) columns.push_back(Name(pipeline_.rows->field(index)->name()));
  return columns;
}

std::string PipelineQuery::EntityList(const std::string& suffix) const {
  std::string list;
  for (const std::string& column : Entity()) list += (list.empty() ? "" : ", ") + column + suffix;
  return list;
}

std::vector<std::string> PipelineQuery::OutputColumns() const {
  std::vector<std::string> columns = Entity();
  for (int index : pipeline_.output_order) {
    columns.push_back(Name(pipeline_.features[static_cast<size_t>(index)].name));
  }
  return columns;
}

arrow::Status PipelineQuery::AddUniverse(const std::string& from) {
  const bool keeps_nulls = pipeline_.spec.null_entity == NullEntity::kKeep;
  const std::vector<std::string> entity = Entity();
  std::vector<std::string> columns;
  std::vector<std::string> conditions;
  for (size_t i = 0; i < entity.size(); ++i) {
    const auto& field = pipeline_.output->field(static_cast<int>(i));
    ARROW_ASSIGN_OR_RAISE(const std::string type,
                          TypeToSql(*PlainType(field->type()), context_.dialect));
    const std::string column = Name(plan_.universe->columns[i]);
    columns.push_back("CAST(" + column + " AS " + type + ") AS " + entity[i]);
    if (!keeps_nulls) conditions.push_back(column + " IS NOT NULL");
  }
  const std::string where = conditions.empty() ? "" : "\n  WHERE " + Join(conditions, " AND ");
  AddTable("universe", "SELECT " + Join(columns, ", ") + "\n  FROM " + from + where);
  has_universe_ = true;
  return arrow::Status::OK();
}

void PipelineQuery::AddEveryEntity(const std::vector<std::string>& keys, const std::string& each) {
  const std::string list = Join(keys, ", ");
  std::vector<std::string> matches;
  for (const std::string& key : keys) {
    matches.push_back("e." + key + " IS NOT DISTINCT FROM i." + key);
  }
  AddTable("entities", "SELECT " + list + "\n  FROM " + last_ + "\n  UNION SELECT " + list +
                           "\n  FROM universe" + each);
  AddStep("with_entities", std::string("SELECT e.*, i.* ") + (is_spark() ? "EXCEPT" : "EXCLUDE") +
                               " (" + list + ")\n  FROM entities e LEFT JOIN " + last_ + " i ON " +
                               Join(matches, " AND "));
}

arrow::Status PipelineQuery::AddAggregates(size_t date) {
  std::string text = "SELECT " + EntityList();
  for (size_t i = 0; i < pipeline_.aggregates.size(); ++i) {
    const auto& [call, kernel, window] = pipeline_.aggregates[i];
    std::string condition;
    const SlotRange slots = plan_.strata.WindowSlots(date, static_cast<size_t>(window));
    if (slots.first != plan_.strata.WindowSlots(date, plan_.strata.Longest(date)).first) {
      condition = Name(SlotColumn()) + " >= " + SlotText(slots.first);
    } else if (has_universe_) {
      condition = Name(SlotColumn()) + " IS NOT NULL";
    }
    std::string sql;
    if (is_spark()) {
      auto spelled = SparkAggregate::Of(call, context_);
      if (!spelled.ok()) {
        return WithContext(spelled.status(), FeaturesUsing(pipeline_, static_cast<int>(i)));
      }
      sql = spelled->Direct(condition);
    } else {
      const AggregateFunction* function = AggregateRegistry::Default().Find(call.function);
      ARROW_ASSIGN_OR_RAISE(sql, AggregateToSql(call, context_, function->doc.duckdb, condition));
    }
    text += ",\n    " + sql + " AS " + Name(AggregateColumn(i));
  }
  text += "\n  FROM " + last_ + "\n  GROUP BY " + EntityList();
  AddStep("aggregates", text);
  return arrow::Status::OK();
}

arrow::Status PipelineQuery::AddFeatures() {
  SqlContext context = context_;
  context.aggregate = [this](int index) -> arrow::Result<std::string> {
    return Name(AggregateColumn(static_cast<size_t>(index)));
  };
  const size_t entities = pipeline_.entity.size();
  std::vector<int> level(pipeline_.features.size(), 0);
  int deepest = 0;
  for (size_t f = 0; f < level.size(); ++f) {
    std::vector<int> columns;
    CollectColumns(pipeline_.features[f].expression, &columns);
    for (int column : columns) {
      if (static_cast<size_t>(column) < entities) continue;
      level[f] = std::max(level[f], level[static_cast<size_t>(column) - entities] + 1);
    }
    deepest = std::max(deepest, level[f]);
  }
  for (int step = 0; step <= deepest; ++step) {
    std::string text = "SELECT *";
    for (size_t f = 0; f < level.size(); ++f) {
      if (level[f] != step) continue;
      const BoundFeature& feature = pipeline_.features[f];
      auto sql = ExpressionToSql(feature.expression, context);
      if (!sql.ok()) return WithContext(sql.status(), "feature '" + feature.name + "'");
      text += ",\n    " + *sql + " AS " + Name(feature.name);
    }
    AddStep("features_" + std::to_string(step + 1), text + "\n  FROM " + last_);
  }
  return arrow::Status::OK();
}

}  // namespace tidemill
