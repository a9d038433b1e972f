// `tidemill sql`: the query that another engine would run for one feature date.
//
// The text is a chain of common table expressions that follows the data's road: events (the source
// with its derived columns), slots (with the day or hour in which each event counts), input (the
// window, the filter, the entities), aggregates (one row per entity), then a step per level of
// features that use other features.

#include <algorithm>
#include <map>

#include "runner/prepare.h"
#include "sql/to_sql.h"

namespace tidemill {
namespace {

constexpr const char* kSlot = "tidemill slot";

class QueryWriter {
 public:
  QueryWriter(const Plan& plan, std::string label)
      : plan_(plan), pipeline_(*plan.pipeline), label_(std::move(label)) {
    context_.dialect = Dialect::kDuckDb;
    context_.feature_date = "DATE '" + FormatCivilDay(plan.calendar->DayOf(plan.dates[0])) + "'";
    context_.run_timestamp = "now()";
  }

  arrow::Result<std::string> Write() {
    ARROW_RETURN_NOT_OK(WriteEvents());
    ARROW_RETURN_NOT_OK(WriteSlots());
    ARROW_RETURN_NOT_OK(WriteInput());
    ARROW_RETURN_NOT_OK(WriteAggregates());
    ARROW_RETURN_NOT_OK(WriteFeatures());
    // Zoned timestamps are cast to dates in the session's zone.
    return "-- " + pipeline_.spec.name + " at " + label_ +
           "\nSET TimeZone = " + QuoteText(plan_.calendar->zone().name(), context_.dialect) +
           ";\nWITH " + text_;
  }

 private:
  std::string Name(const std::string& name) const { return QuoteName(name, context_.dialect); }

  bool ByHour() const { return plan_.calendar->step() == Calendar::Step::kHour; }

  /// A day as a date, an hour as hours since the epoch.
  std::string SlotText(Slot slot) const {
    if (ByHour()) return std::to_string(slot.index);
    return "DATE '" + FormatCivilDay(plan_.calendar->DayOf(slot)) + "'";
  }

  /// The types of partition columns, which DuckDB would otherwise guess from the values.
  std::string HiveTypes() const {
    std::string types;
    for (const auto& field : plan_.source->partition_schema->fields()) {
      auto type = TypeToSql(*field->type(), context_.dialect);
      if (!type.ok()) continue;
      types +=
          (types.empty() ? "" : ", ") + QuoteText(field->name(), context_.dialect) + ": " + *type;
    }
    return types.empty() ? "" : ", hive_types = {" + types + "}";
  }

  arrow::Status WriteEvents() {
    std::string from = "read_parquet(" +
                       QuoteText(plan_.source->root.path + "/**/*.parquet", context_.dialect) +
                       ", hive_partitioning = true" + HiveTypes() + ", union_by_name = true)";
    text_ += "source AS (\n  SELECT * FROM " + from + "\n)";
    std::string previous = "source";
    for (size_t i = 0; i < pipeline_.derived.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(std::string sql,
                            ExpressionToSql(pipeline_.derived[i].expression, context_));
      const std::string step = "derived_" + std::to_string(i + 1);
      text_ += ",\n" + step + " AS (\n  SELECT *, " + sql + " AS " +
               Name(pipeline_.derived[i].name) + "\n  FROM " + previous + "\n)";
      previous = step;
    }
    last_ = previous;
    return arrow::Status::OK();
  }

  arrow::Status WriteSlots() {
    std::string day;
    if (ByHour()) {
      day = HourOfEventTime();
    } else if (pipeline_.day != nullptr) {
      ARROW_ASSIGN_OR_RAISE(day, ExpressionToSql(pipeline_.day, context_));
    } else {
      const auto& field = pipeline_.rows->field(pipeline_.event_time);
      day = IsZoned(*field->type()) ? InZone(Name(field->name())) : Name(field->name());
    }
    text_ += ",\nslots AS (\n  SELECT *, " + (ByHour() ? day : "CAST(" + day + " AS DATE)") +
             " AS " + Name(kSlot) + "\n  FROM " + last_ + "\n)";
    return arrow::Status::OK();
  }

  static bool IsZoned(const arrow::DataType& type) {
    return type.id() == arrow::Type::TIMESTAMP &&
           !static_cast<const arrow::TimestampType&>(type).timezone().empty();
  }

  /// From an instant to local time, or back.
  std::string InZone(const std::string& time) const {
    return "timezone(" + QuoteText(plan_.calendar->zone().name(), context_.dialect) + ", " + time +
           ")";
  }

  std::string HourOfEventTime() const {
    const auto& field = pipeline_.rows->field(pipeline_.event_time);
    const std::string name = Name(field->name());
    const auto hour_of = [](const std::string& instant) {
      return "CAST(floor(epoch(" + instant + ") / 3600) AS BIGINT)";
    };
    if (IsZoned(*field->type())) return hour_of(name);
    // Of two instants with one local time DuckDB takes the second; an hour earlier there is but
    // one.
    const std::string local = "CAST(" + name + " AS TIMESTAMP)";
    return hour_of("least(" + InZone(local) + ", " + InZone(local + " - INTERVAL 1 HOUR") +
                   " + INTERVAL 1 HOUR)");
  }

  /// At grain hour: that the event is at most a day off its partition, where the day is a
  /// partition.
  arrow::Result<std::string> NearPartition() const {
    ARROW_ASSIGN_OR_RAISE(const std::string day, ExpressionToSql(pipeline_.day, context_));
    const auto day_of = [&](const std::string& seconds) {
      return "CAST(" + InZone("to_timestamp(" + seconds + ")") + " AS DATE)";
    };
    const std::string begin = Name(kSlot) + " * 3600";
    return "\n    AND " + day_of(begin + " + 3599") + " >= CAST(" + day +
           " AS DATE) - 1\n    AND " + day_of(begin) + " <= CAST(" + day + " AS DATE) + 1";
  }

  arrow::Status WriteInput() {
    const SlotRange slots = plan_.strata.WindowSlots(0, plan_.strata.Longest(0));
    text_ += ",\ninput AS (\n  SELECT *\n  FROM slots\n  WHERE " + Name(kSlot) + " BETWEEN " +
             SlotText(slots.first) + " AND " + SlotText(slots.last);
    if (ByHour() && plan_.source->day_is_partition) {
      ARROW_ASSIGN_OR_RAISE(const std::string near, NearPartition());
      text_ += near;
    }
    if (pipeline_.where != nullptr) {
      ARROW_ASSIGN_OR_RAISE(std::string sql, ExpressionToSql(pipeline_.where, context_));
      text_ += "\n    AND (" + sql + ")";
    }
    if (pipeline_.spec.null_entity == NullEntity::kDrop) {
      for (int index : pipeline_.entity) {
        text_ += "\n    AND " + Name(pipeline_.rows->field(index)->name()) + " IS NOT NULL";
      }
    }
    text_ += "\n)";
    return arrow::Status::OK();
  }

  std::string EntityList() const {
    std::string list;
    for (int index : pipeline_.entity) {
      list += (list.empty() ? "" : ", ") + Name(pipeline_.rows->field(index)->name());
    }
    return list;
  }

  static std::string AggregateColumn(int index) { return "aggregate_" + std::to_string(index + 1); }

  arrow::Status WriteAggregates() {
    text_ += ",\naggregates AS (\n  SELECT " + EntityList();
    for (size_t i = 0; i < pipeline_.aggregates.size(); ++i) {
      const WindowedAggregate& aggregate = pipeline_.aggregates[i];
      std::string condition;
      const SlotRange slots = plan_.strata.WindowSlots(0, static_cast<size_t>(aggregate.window));
      if (slots.first != plan_.strata.WindowSlots(0, plan_.strata.Longest(0)).first) {
        condition = Name(kSlot) + " >= " + SlotText(slots.first);
      }
      const AggregateFunction* function =
          AggregateRegistry::Default().Find(aggregate.call.function);
      ARROW_ASSIGN_OR_RAISE(std::string sql, AggregateToSql(aggregate.call, context_,
                                                            function->doc.duckdb, condition));
      text_ += ",\n    " + sql + " AS " + Name(AggregateColumn(static_cast<int>(i)));
    }
    text_ += "\n  FROM input\n  GROUP BY " + EntityList() + "\n)";
    last_ = "aggregates";
    return arrow::Status::OK();
  }

  arrow::Status WriteFeatures() {
    SqlContext context = context_;
    context.aggregate = [this](int index) -> arrow::Result<std::string> {
      return Name(AggregateColumn(index));
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
      const std::string name = "features_" + std::to_string(step + 1);
      text_ += ",\n" + name + " AS (\n  SELECT *";
      for (size_t f = 0; f < level.size(); ++f) {
        if (level[f] != step) continue;
        ARROW_ASSIGN_OR_RAISE(std::string sql,
                              ExpressionToSql(pipeline_.features[f].expression, context));
        text_ += ",\n    " + sql + " AS " + Name(pipeline_.features[f].name);
      }
      text_ += "\n  FROM " + last_ + "\n)";
      last_ = name;
    }
    text_ += "\nSELECT " + EntityList();
    for (int index : pipeline_.output_order) {
      text_ += ", " + Name(pipeline_.features[static_cast<size_t>(index)].name);
    }
    text_ += "\nFROM " + last_ + "\nORDER BY " + EntityList() + ";\n";
    return arrow::Status::OK();
  }

  const Plan& plan_;
  const BoundPipeline& pipeline_;
  std::string label_;
  SqlContext context_;
  std::string text_;
  std::string last_;
};

}  // namespace

arrow::Result<std::string> PipelineSql(const Pipeline& pipeline, const std::string& date,
                                       const std::string& dialect) {
  if (dialect != "duckdb") {
    return MakeError(ErrorCode::kInvalid, "dialect '" + dialect + "' is not yet supported",
                     "use --dialect duckdb");
  }
  ARROW_ASSIGN_OR_RAISE(auto calendar, CalendarOf(pipeline));
  ARROW_ASSIGN_OR_RAISE(const Slot slot, ParseFeatureDate(*calendar, date));
  ARROW_ASSIGN_OR_RAISE(const Plan plan, PreparePass(pipeline, calendar, {slot}, {}));
  return QueryWriter(plan, date).Write();
}

}  // namespace tidemill
