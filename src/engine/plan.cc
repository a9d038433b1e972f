#include "engine/plan.h"

#include <algorithm>
#include <set>

#include <arrow/compute/cast.h>

#include "sql/civil.h"

namespace tidemill {
namespace {

constexpr int64_t kMicrosPerDay = 86'400'000'000;

void MarkCall(const AggregateCall& call, std::vector<int>* columns) {
  for (const ExpressionPtr& argument : call.arguments) CollectColumns(argument, columns);
  if (call.filter) CollectColumns(call.filter, columns);
}

std::vector<bool> NeededColumns(const BoundPipeline& pipeline, const Calendar& calendar,
                                bool day_is_partition, PlanScope scope) {
  std::vector<int> columns;
  if (scope == PlanScope::kFeatures) {
    columns = pipeline.entity;
    for (const WindowedAggregate& aggregate : pipeline.aggregates) {
      MarkCall(aggregate.call, &columns);
    }
    if (pipeline.where) CollectColumns(pipeline.where, &columns);
    for (const BoundJoin& join : pipeline.joins) {
      if (join.is_inner) columns.insert(columns.end(), join.keys.begin(), join.keys.end());
    }
  }
  for (const BoundRowRule& rule : pipeline.row_rules) CollectColumns(rule.condition, &columns);
  for (const AggregateCall& metric : pipeline.input_checks.metrics) MarkCall(metric, &columns);
  if (calendar.step() == Calendar::Step::kHour || pipeline.day == nullptr) {
    if (pipeline.event_time >= 0) columns.push_back(pipeline.event_time);
  } else if (!day_is_partition) {
    CollectColumns(pipeline.day, &columns);
  }
  return ReadFor(pipeline, columns);
}

/// The slots that rows of a file can count in, from where the file lies and what its statistics
/// say; nothing means any slot.
class SlotsOfRowGroups {
 public:
  SlotsOfRowGroups(const BoundPipeline& pipeline, const Calendar& calendar)
      : pipeline_(pipeline), calendar_(calendar) {
    const bool by_hour = calendar.step() == Calendar::Step::kHour;
    if (by_hour || pipeline.day == nullptr) {
      column_ = pipeline.event_time;
    } else if (pipeline.day->kind == Expression::Kind::kColumn) {
      column_ = pipeline.day->column;
    }
    if (column_ >= pipeline.num_source_columns) column_ = -1;
  }

  std::optional<SlotRange> Of(const ParquetFooter& footer, int row_group,
                              std::optional<SlotRange> partition) const {
    if (partition && calendar_.step() == Calendar::Step::kDay) return partition;
    const auto statistics = FromStatistics(footer, row_group);
    if (!statistics || !partition) return statistics ? statistics : partition;
    return SlotRange{std::max(statistics->first, partition->first),
                     std::min(statistics->last, partition->last)};
  }

 private:
  std::optional<SlotRange> FromStatistics(const ParquetFooter& footer, int row_group) const {
    if (column_ < 0) return std::nullopt;
    const auto range = StatisticsOf(footer, row_group, pipeline_.rows->field(column_)->name());
    if (!range) return std::nullopt;
    const auto first = SlotsOf(range->min);
    const auto last = SlotsOf(range->max);
    if (!first || !last) return std::nullopt;
    return SlotRange{first->first, last->last};
  }

  /// The slots that a value can count in: one, or at grain hour a few where local times are not
  /// one to one with instants.
  std::optional<SlotRange> SlotsOf(const std::shared_ptr<arrow::Scalar>& value) const {
    if (!value->is_valid) return std::nullopt;
    if (value->type->id() == arrow::Type::DATE32) {
      return calendar_.SlotsTouchingDay(static_cast<const arrow::Date32Scalar&>(*value).value);
    }
    if (value->type->id() != arrow::Type::TIMESTAMP) return std::nullopt;
    const auto& type = static_cast<const arrow::TimestampType&>(*value->type);
    const auto micros_type = arrow::timestamp(arrow::TimeUnit::MICRO, type.timezone());
    auto cast = arrow::compute::Cast(arrow::Datum(value), micros_type,
                                     arrow::compute::CastOptions::Unsafe());
    if (!cast.ok()) return std::nullopt;
    const int64_t micros = static_cast<const arrow::TimestampScalar&>(*cast->scalar()).value;
    Slot slot;
    if (!type.timezone().empty()) {
      calendar_.SlotsOfInstants(&micros, 1, &slot.index);
      return SlotRange{slot, slot};
    }
    if (calendar_.step() == Calendar::Step::kDay) {
      return calendar_.SlotsOfDay(static_cast<CivilDay>(FloorDivide(micros, kMicrosPerDay)));
    }
    const int64_t instant = calendar_.zone().ToInstant(micros);
    calendar_.SlotsOfInstants(&instant, 1, &slot.index);
    return calendar_.zone().is_utc() ? SlotRange{slot, slot} : SlotRange{slot - 1, slot + 1};
  }

  const BoundPipeline& pipeline_;
  const Calendar& calendar_;
  int column_ = -1;
};

/// Whether any window of the plan holds one of the slots.
bool IsNeeded(const Strata& strata, SlotRange slots) {
  const Slot last = std::min(slots.last, strata.slots().last);
  for (Slot slot = std::max(slots.first, strata.slots().first); slot <= last; slot = slot + 1) {
    if (strata.Of(slot) >= 0) return true;
  }
  return false;
}

void Widen(std::optional<SlotRange>* range, SlotRange by) {
  if (by.size() == 0) return;
  if (range->has_value() && (*range)->size() > 0) {
    by = {std::min((*range)->first, by.first), std::max((*range)->last, by.last)};
  }
  *range = by;
}

}  // namespace

void Plan::Add(MorselRef morsel, const ParquetFooter& footer) {
  morsel.bytes = CompressedBytes(footer, morsel.row_group, file_columns);
  bytes += morsel.bytes;
  num_rows += morsel.num_rows;
  morsels.push_back(morsel);
}

std::vector<std::string> FileColumns(const BoundPipeline& pipeline, const Source& source,
                                     const std::vector<bool>& needed) {
  std::vector<std::string> names;
  for (int i = 0; i < pipeline.num_source_columns; ++i) {
    const std::string& name = pipeline.rows->field(i)->name();
    if (needed[static_cast<size_t>(i)] && source.partition_schema->GetFieldIndex(name) < 0) {
      names.push_back(name);
    }
  }
  return names;
}

std::pair<CivilDay, CivilDay> DaysNeeded(const Pipeline& pipeline, const Calendar& calendar,
                                         const std::vector<Slot>& dates) {
  std::vector<WindowLength> windows;
  if (pipeline.window) windows.push_back(*pipeline.window);
  for (const FeatureSpec& feature : pipeline.features) {
    if (feature.window) windows.push_back(*feature.window);
  }
  Slot first = dates.front();
  for (const WindowLength& window : windows) {
    first = std::min(first, calendar.WindowBegin(dates.front(), window.count, StepOf(window.unit)));
  }
  auto days = calendar.DaysTouched({first, dates.back()});
  if (calendar.step() == Calendar::Step::kHour) {
    --days.first;
    ++days.second;
  }
  return days;
}

SlotRange SlotsOfPartition(const Calendar& calendar, CivilDay day) {
  if (calendar.step() == Calendar::Step::kDay) return calendar.SlotsOfDay(day);
  return {calendar.SlotsTouchingDay(day - 1).first, calendar.SlotsTouchingDay(day + 1).last};
}

arrow::Result<Plan> MakePlan(std::shared_ptr<const BoundPipeline> pipeline,
                             std::shared_ptr<const Source> source,
                             std::shared_ptr<const Calendar> calendar, std::vector<Slot> dates,
                             PlanScope scope, Dimensions dimensions) {
  Plan plan;
  plan.scope = scope;
  plan.strata = Strata(*calendar, dates, pipeline->windows);
  plan.needed_columns = NeededColumns(*pipeline, *calendar, source->day_is_partition, scope);
  plan.dimensions = std::move(dimensions);
  plan.loaded = std::make_shared<LoadedDimensions>();
  for (const BoundJoin& join : pipeline->joins) {
    const bool leaves = join.is_inner && scope == PlanScope::kFeatures;
    plan.needed_joins.push_back(leaves || IsJoined(join, plan.needed_columns));
  }
  plan.file_columns = FileColumns(*pipeline, *source, plan.needed_columns);
  plan.files_pruned = static_cast<int64_t>(source->pruned.size());
  const SlotsOfRowGroups row_groups(*pipeline, *calendar);
  for (size_t f = 0; f < source->files.size(); ++f) {
    const ParquetFooter& footer = source->footers[f];
    std::optional<SlotRange> partition;
    if (source->file_days[f]) partition = SlotsOfPartition(*calendar, *source->file_days[f]);
    std::optional<SlotRange> file_slots = SlotRange{{0}, {-1}};
    const size_t before = plan.morsels.size();
    for (int g = 0; g < footer.metadata->num_row_groups(); ++g) {
      MorselRef morsel;
      morsel.file = static_cast<int>(f);
      morsel.row_group = g;
      morsel.num_rows = footer.metadata->RowGroup(g)->num_rows();
      if (morsel.num_rows == 0) continue;
      const auto slots = row_groups.Of(footer, g, partition);
      if (!slots) {
        file_slots = std::nullopt;
      } else {
        if (file_slots) Widen(&file_slots, *slots);
        if (!IsNeeded(plan.strata, *slots)) {
          if (slots->size() == 0) plan.rows_misplaced += morsel.num_rows;
          ++plan.morsels_pruned;
          continue;
        }
        // Statistics do not count NULLs, so only a partition tells the slot of every row.
        if (partition && partition->size() == 1) morsel.slot = partition->first;
      }
      plan.Add(morsel, footer);
    }
    if (plan.morsels.size() > before) {
      ++plan.files_read;
    } else {
      ++plan.files_pruned;
    }
    plan.file_slots.push_back(file_slots);
  }
  plan.pipeline = std::move(pipeline);
  plan.source = std::move(source);
  plan.calendar = std::move(calendar);
  plan.dates = std::move(dates);
  return plan;
}

}  // namespace tidemill
