#include "engine/plan.h"

#include <algorithm>
#include <set>

#include <arrow/compute/cast.h>

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
  }
  for (const AggregateCall& metric : pipeline.input_checks.metrics) MarkCall(metric, &columns);
  if (pipeline.day && !day_is_partition) CollectColumns(pipeline.day, &columns);
  const bool slots_from_time = pipeline.day == nullptr || calendar.step() == Calendar::Step::kHour;
  if (slots_from_time && pipeline.event_time >= 0) columns.push_back(pipeline.event_time);
  return ReadFor(pipeline, columns);
}

/// The days that a row group can hold by the statistics of the column that tells them, as an
/// inclusive range; nothing if they do not tell.
std::optional<std::pair<CivilDay, CivilDay>> DaysOfRowGroup(const BoundPipeline& pipeline,
                                                            const Calendar& calendar,
                                                            const ParquetFooter& footer,
                                                            int row_group) {
  int column = -1;
  if (pipeline.day == nullptr) {
    column = pipeline.event_time;
  } else if (pipeline.day->kind == Expression::Kind::kColumn) {
    column = pipeline.day->column;
  }
  if (column < 0 || column >= pipeline.num_source_columns) return std::nullopt;
  auto range = StatisticsOf(footer, row_group, pipeline.rows->field(column)->name());
  if (!range) return std::nullopt;
  auto day_of = [&](const std::shared_ptr<arrow::Scalar>& value) -> std::optional<CivilDay> {
    if (!value->is_valid) return std::nullopt;
    if (value->type->id() == arrow::Type::DATE32) {
      return static_cast<const arrow::Date32Scalar&>(*value).value;
    }
    if (value->type->id() != arrow::Type::TIMESTAMP) return std::nullopt;
    const auto& type = static_cast<const arrow::TimestampType&>(*value->type);
    const auto micros_type = arrow::timestamp(arrow::TimeUnit::MICRO, type.timezone());
    auto micros = arrow::compute::Cast(arrow::Datum(value), micros_type,
                                       arrow::compute::CastOptions::Unsafe());
    if (!micros.ok()) return std::nullopt;
    const int64_t instant = static_cast<const arrow::TimestampScalar&>(*micros->scalar()).value;
    CivilDay day = 0;
    if (type.timezone().empty()) {
      day = static_cast<CivilDay>(instant / kMicrosPerDay - (instant % kMicrosPerDay < 0 ? 1 : 0));
    } else {
      calendar.zone().CivilDays(&instant, 1, &day);
    }
    return day;
  };
  auto first = day_of(range->min);
  auto last = day_of(range->max);
  if (!first || !last) return std::nullopt;
  return std::pair(*first, *last);
}

}  // namespace

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
  return {calendar.DayOf(first), calendar.DayOf(dates.back())};
}

arrow::Result<Plan> MakePlan(std::shared_ptr<const BoundPipeline> pipeline,
                             std::shared_ptr<const Source> source,
                             std::shared_ptr<const Calendar> calendar, std::vector<Slot> dates,
                             PlanScope scope) {
  Plan plan;
  plan.scope = scope;
  plan.strata = Strata(*calendar, dates, pipeline->windows);
  plan.needed_columns = NeededColumns(*pipeline, *calendar, source->day_is_partition, scope);
  for (int i = 0; i < pipeline->num_source_columns; ++i) {
    const std::string& name = pipeline->rows->field(i)->name();
    if (plan.needed_columns[static_cast<size_t>(i)] &&
        source->partition_schema->GetFieldIndex(name) < 0) {
      plan.file_columns.push_back(name);
    }
  }
  plan.files_pruned = static_cast<int64_t>(source->pruned.size());
  for (size_t f = 0; f < source->files.size(); ++f) {
    const ParquetFooter& footer = source->footers[f];
    const auto& file_day = source->file_days[f];
    const size_t before = plan.morsels.size();
    for (int g = 0; g < footer.metadata->num_row_groups(); ++g) {
      MorselRef morsel;
      morsel.file = static_cast<int>(f);
      morsel.row_group = g;
      morsel.num_rows = footer.metadata->RowGroup(g)->num_rows();
      auto days = file_day ? std::optional(std::pair(*file_day, *file_day))
                           : DaysOfRowGroup(*pipeline, *calendar, footer, g);
      if (days) {
        const SlotRange slots{calendar->SlotsOfDay(days->first).first,
                              calendar->SlotsOfDay(days->second).last};
        bool is_needed = false;
        for (Slot slot = std::max(slots.first, plan.strata.slots().first);
             slot <= std::min(slots.last, plan.strata.slots().last) && !is_needed;
             slot = slot + 1) {
          is_needed = plan.strata.Of(slot) >= 0;
        }
        if (!is_needed) {
          ++plan.morsels_pruned;
          continue;
        }
        // Statistics do not count NULLs, so only a partition tells the slot of every row.
        if (file_day && slots.size() == 1) morsel.slot = slots.first;
      }
      if (morsel.num_rows == 0) continue;
      morsel.bytes = CompressedBytes(footer, g, plan.file_columns);
      plan.bytes += morsel.bytes;
      plan.num_rows += morsel.num_rows;
      plan.morsels.push_back(morsel);
    }
    if (plan.morsels.size() > before) {
      ++plan.files_read;
    } else {
      ++plan.files_pruned;
    }
  }
  plan.pipeline = std::move(pipeline);
  plan.source = std::move(source);
  plan.calendar = std::move(calendar);
  plan.dates = std::move(dates);
  return plan;
}

}  // namespace tidemill
