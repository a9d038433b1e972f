#include "engine/label_plan.h"

#include <algorithm>

#include <arrow/compute/cast.h>

namespace tidemill {
namespace {

/// Whether the statistics of a row group tell that no event_time in it lies in the span.
bool IsOutside(const Plan& plan, const ParquetFooter& footer, int row_group,
               std::pair<int64_t, int64_t> span) {
  const BoundPipeline& pipeline = *plan.pipeline;
  if (pipeline.event_time >= pipeline.num_source_columns) return false;
  const auto& field = pipeline.rows->field(pipeline.event_time);
  if (field->type()->id() != arrow::Type::TIMESTAMP) return false;
  const auto range = StatisticsOf(footer, row_group, field->name());
  if (!range || !range->min->is_valid || !range->max->is_valid) return false;
  const auto instant = [&](const std::shared_ptr<arrow::Scalar>& value) -> std::optional<int64_t> {
    if (value->type->id() != arrow::Type::TIMESTAMP) return std::nullopt;
    const auto& type = static_cast<const arrow::TimestampType&>(*value->type);
    const auto micros = arrow::compute::Cast(
        arrow::Datum(value), arrow::timestamp(arrow::TimeUnit::MICRO, type.timezone()),
        arrow::compute::CastOptions::Unsafe());
    if (!micros.ok()) return std::nullopt;
    const int64_t time = static_cast<const arrow::TimestampScalar&>(*micros->scalar()).value;
    return type.timezone().empty() ? plan.calendar->zone().ToInstant(time) : time;
  };
  const auto first = instant(range->min);
  const auto last = instant(range->max);
  // Casting to microseconds may round up instants before 1970.
  constexpr int64_t kRounding = 1;
  return first && last && (*first - kRounding >= span.second || *last + kRounding < span.first);
}

}  // namespace

std::pair<CivilDay, CivilDay> DaysOfSpan(const Calendar& calendar,
                                         std::pair<int64_t, int64_t> span) {
  const int64_t ends[] = {span.first, span.second};
  int32_t days[2];
  calendar.zone().CivilDays(ends, 2, days);
  return {days[0] - 1, days[1] + 1};
}

arrow::Result<Plan> MakeLabelPlan(std::shared_ptr<const BoundPipeline> pipeline,
                                  std::shared_ptr<const Source> source, Dimensions dimensions,
                                  std::shared_ptr<const Calendar> calendar,
                                  std::shared_ptr<const LabelWindows> labels) {
  const auto span = labels->span();
  Slot slot;
  calendar->SlotsOfInstants(&span.second, 1, &slot.index);
  // The columns are those of any pass, and the instants; which rows are read is another matter.
  ARROW_ASSIGN_OR_RAISE(
      Plan plan, MakePlan(std::move(pipeline), std::move(source), std::move(calendar), {slot},
                          PlanScope::kFeatures, std::move(dimensions)));
  const std::vector<bool> of_time = ReadFor(*plan.pipeline, {plan.pipeline->event_time});
  for (size_t i = 0; i < of_time.size(); ++i) {
    if (of_time[i]) plan.needed_columns[i] = true;
  }
  plan.file_columns = FileColumns(*plan.pipeline, *plan.source, plan.needed_columns);
  plan.morsels.clear();
  plan.files_read = plan.morsels_pruned = plan.bytes = plan.num_rows = plan.rows_misplaced = 0;
  for (size_t f = 0; f < plan.source->files.size(); ++f) {
    const ParquetFooter& footer = plan.source->footers[f];
    const size_t before = plan.morsels.size();
    for (int g = 0; g < footer.metadata->num_row_groups(); ++g) {
      MorselRef morsel;
      morsel.file = static_cast<int>(f);
      morsel.row_group = g;
      morsel.num_rows = footer.metadata->RowGroup(g)->num_rows();
      if (morsel.num_rows == 0) continue;
      if (IsOutside(plan, footer, g, span)) {
        ++plan.morsels_pruned;
        continue;
      }
      plan.Add(morsel, footer);
    }
    if (plan.morsels.size() > before) ++plan.files_read;
  }
  plan.labels = std::move(labels);
  return plan;
}

}  // namespace tidemill
