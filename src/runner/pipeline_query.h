#pragma once

/// A pipeline as a query of another engine.
///
/// The text is a chain of common table expressions that follows the data's road: events (the source
/// with its derived columns), slots (with the day or hour in which each event counts), what is
/// joined and derived from it, input (the
/// window, the filter, the entities), aggregates (one row per entity), then a step per level of
/// features that use other features. Each step reads the one before it.

#include <string>
#include <vector>

#include "engine/plan.h"
#include "sql/to_sql.h"

namespace tidemill {

class PipelineQuery {
 public:
  /// Of the plan's first date.
  PipelineQuery(const Plan& plan, Dialect dialect);

  const Plan& plan() const { return plan_; }
  const BoundPipeline& pipeline() const { return *plan_.pipeline; }
  SqlContext& context() { return context_; }
  bool is_spark() const { return context_.dialect == Dialect::kSpark; }
  std::string Name(const std::string& name) const { return QuoteName(name, context_.dialect); }

  /// Adds `name AS (text)`, which the next step reads.
  void AddStep(const std::string& name, const std::string& text);
  /// The same for what a later step reads beside the one before it.
  void AddTable(const std::string& name, const std::string& text);
  /// The step added last.
  const std::string& last() const { return last_; }
  /// "WITH ..." of all steps, and `select` behind them.
  std::string Finish(const std::string& select) const { return "WITH " + text_ + "\n" + select; }

  /// Of this date of the plan.
  void SetDate(size_t date);

  /// Where the rows of a join's dimension come from; before AddSlots.
  void SetDimension(size_t join, std::string from) { dimensions_[join] = std::move(from); }

  arrow::Status AddEvents(const std::string& from);
  /// The slot of each event, then what is looked up for it.
  arrow::Status AddSlots();
  /// Whether each row rule is TRUE, in columns RuleColumn(i). Nothing if there are no rules.
  arrow::Status AddVerdicts();
  /// That no rule quarantines a row of AddVerdicts(); empty where none can.
  std::string IsKept() const;
  static std::string RuleColumn(size_t rule) { return "tidemill rule " + std::to_string(rule + 1); }
  /// The rows that count: of these slots, not quarantined, after `where`, with an entity unless
  /// NULLs are kept.
  arrow::Status AddInput(SlotRange slots);
  /// The table "universe": the entities of `from`, which have a row without events.
  arrow::Status AddUniverse(const std::string& from);
  bool has_universe() const { return has_universe_; }
  /// Adds a row without events for each entity of the universe that has none. The `keys` of the
  /// last step are the entity, and what `each` (" CROSS JOIN t") multiplies the universe by.
  void AddEveryEntity(const std::vector<std::string>& keys, const std::string& each = "");
  void AddEveryEntity() { AddEveryEntity(Entity()); }
  /// One row per entity, for one date.
  arrow::Status AddAggregates(size_t date = 0);
  arrow::Status AddFeatures();

  /// A day as a date, an hour as hours since the epoch.
  std::string SlotText(Slot slot) const;
  bool by_hour() const { return plan_.calendar->step() == Calendar::Step::kHour; }
  /// That an event's hour is at most a day off its partition; empty where nothing is to be said.
  arrow::Result<std::string> NearPartition() const;
  std::vector<std::string> Entity() const;
  /// "a, b": the entity columns, each with `suffix`.
  std::string EntityList(const std::string& suffix = "") const;
  /// Entity columns and features in the order of the output.
  std::vector<std::string> OutputColumns() const;

  /// Whether the text has a join: all of them, but a Spark session only those that are needed.
  bool HasJoin(size_t join) const { return !is_spark() || plan_.needed_joins[join]; }
  /// Whether a join has found something for the row.
  static std::string MatchColumn(size_t join) {
    return "tidemill match " + std::to_string(join + 1);
  }

  static std::string SlotColumn() { return "tidemill slot"; }
  static std::string AggregateColumn(size_t index) {
    return "tidemill aggregate " + std::to_string(index + 1);
  }

 private:
  arrow::Status AddDerived(bool from_joins);
  void AddJoins();
  std::string StateOfDay(const Dimension& dimension) const;
  arrow::Result<std::string> RuleText(const BoundRowRule& rule) const;
  std::string InZone(const std::string& time) const;
  std::string HourOfEventTime() const;
  arrow::Result<std::string> DayOfEvent() const;

  const Plan& plan_;
  const BoundPipeline& pipeline_;
  SqlContext context_;
  std::vector<std::string> dimensions_;  ///< one per join
  std::string text_;
  std::string last_;
  bool has_universe_ = false;
};

}  // namespace tidemill
