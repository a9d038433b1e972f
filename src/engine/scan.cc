#include "engine/scan.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "engine/plan_scan.h"
#include "storage/parallel_for.h"

namespace tidemill {
namespace {

ScanCounts EmptyCounts(const Plan& plan) {
  ScanCounts counts;
  const auto slots = static_cast<size_t>(plan.strata.slots().size());
  counts.rows_of_slot.assign(slots, 0);
  counts.looked_up.assign(plan.dimensions.size(), 0);
  counts.not_found.assign(plan.dimensions.size(), 0);
  return counts;
}

}  // namespace

void ScanCounts::Add(const ScanCounts& other) {
  rows_read += other.rows_read;
  rows_filtered += other.rows_filtered;
  rows_without_entity += other.rows_without_entity;
  rows_without_day += other.rows_without_day;
  rows_misplaced += other.rows_misplaced;
  rows_unmatched += other.rows_unmatched;
  for (size_t j = 0; j < looked_up.size(); ++j) {
    looked_up[j] += other.looked_up[j];
    not_found[j] += other.not_found[j];
  }
  rules.Add(other.rules);
  for (size_t i = 0; i < rows_of_slot.size(); ++i) rows_of_slot[i] += other.rows_of_slot[i];
}

arrow::Result<ScanResult> EmptyScan(const Plan& plan, const PassOptions& options) {
  const BoundPipeline& pipeline = *plan.pipeline;
  ARROW_ASSIGN_OR_RAISE(TileLayout layout, MakeTileLayout(pipeline));
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (int index : pipeline.entity) types.push_back(pipeline.rows->field(index)->type());
  ARROW_ASSIGN_OR_RAISE(
      EntityKeyCodec codec,
      EntityKeyCodec::Make(types, pipeline.spec.null_entity == NullEntity::kKeep));
  ScanResult result{std::make_shared<TileLayout>(std::move(layout)),
                    std::make_shared<EntityKeyCodec>(std::move(codec)),
                    nullptr,
                    nullptr,
                    FrameMetrics(&pipeline.input_checks, plan.strata.size()),
                    EmptyCounts(plan),
                    {}};
  result.interners = std::make_unique<std::vector<ValueInterner>>(result.layout->distincts.size());
  if (options.portable_tiles) {
    for (ValueInterner& interner : *result.interners) interner.GiveUp();
  }
  result.tiles =
      std::make_unique<TileStore>(result.layout.get(), options.tile_memory, options.scratch);
  return result;
}

arrow::Result<ScanResult> ScanMorsels(const Plan& plan, size_t begin, size_t end,
                                      const PassOptions& options) {
  ARROW_ASSIGN_OR_RAISE(PlanScan scan, PlanScan::Begin(plan, options));
  std::mutex progress;
  int64_t rows_done = 0;
  ARROW_RETURN_NOT_OK(
      ParallelFor(static_cast<int64_t>(end - begin), options.threads, options.cancelled,
                  [&](int64_t index, int thread) -> arrow::Status {
                    const MorselRef& morsel = plan.morsels[begin + static_cast<size_t>(index)];
                    ARROW_ASSIGN_OR_RAISE(RawMorsel raw,
                                          ReadMorsel(*plan.source, morsel.file, morsel.row_group,
                                                     *plan.source->file_schema, plan.file_columns));
                    ARROW_RETURN_NOT_OK(scan.Take(morsel, std::move(raw), thread));
                    std::lock_guard lock(progress);
                    rows_done += morsel.num_rows;
                    if (options.on_progress) options.on_progress("scan", rows_done, plan.num_rows);
                    return arrow::Status::OK();
                  }));
  return std::move(scan).Finish();
}

arrow::Result<ScanResult> Scan(const Plan& plan, const PassOptions& options) {
  ARROW_ASSIGN_OR_RAISE(ScanResult result, ScanMorsels(plan, 0, plan.morsels.size(), options));
  if (plan.universe != nullptr) ARROW_RETURN_NOT_OK(ScanUniverse(plan, options, &result));
  return result;
}

}  // namespace tidemill
