#include "engine/scan.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "engine/day_of_row.h"
#include "engine/frame_filter.h"
#include "engine/label_windows.h"
#include "storage/parallel_for.h"
#include "storage/parquet_source.h"

namespace tidemill {
namespace {

/// One row group in memory: a frame over BoundPipeline::rows and the stratum of each row.
struct Morsel {
  Frame frame;
  std::vector<int32_t> strata;  ///< empty if all rows have constant_stratum
  int32_t constant_stratum = 0;
  std::vector<int64_t> instants;  ///< of each row; only for labels
};

class MorselScanner {
 public:
  MorselScanner(const Plan& plan, const ScanResult& shared, ScanCounts* counts,
                FrameMetrics* metrics)
      : plan_(plan),
        pipeline_(*plan.pipeline),
        shared_(shared),
        counts_(counts),
        metrics_(metrics) {}

  arrow::Result<TileRun> Scan(const MorselRef& ref) {
    file_ = static_cast<size_t>(ref.file);
    Morsel morsel;
    ARROW_RETURN_NOT_OK(Read(ref, &morsel));
    ARROW_RETURN_NOT_OK(FindStrata(ref, &morsel));
    if (morsel.frame.num_rows == 0) return TileRun{};
    counts_->rows_read += morsel.frame.num_rows;
    const bool measure_only = plan_.scope == PlanScope::kInputChecks;
    if (pipeline_.where == nullptr || measure_only) {
      ARROW_RETURN_NOT_OK(Derive(&morsel.frame, plan_.needed_columns));
      Evaluator evaluator(&morsel.frame);
      ArgumentReader reader(&morsel.frame, &evaluator);
      ARROW_RETURN_NOT_OK(Measure(morsel, &reader));
      if (measure_only) return TileRun{};
      return Aggregate(morsel, &reader);
    }
    {
      // Checks see the events before `where`; so does whatever column they and `where` need.
      ARROW_RETURN_NOT_OK(Derive(&morsel.frame, NeededBefore()));
      Evaluator evaluator(&morsel.frame);
      ArgumentReader reader(&morsel.frame, &evaluator);
      ARROW_RETURN_NOT_OK(Measure(morsel, &reader));
      std::vector<uint8_t> mask;
      ARROW_ASSIGN_OR_RAISE(const int64_t kept, evaluator.EvaluateToMask(pipeline_.where, &mask));
      counts_->rows_filtered += morsel.frame.num_rows - kept;
      ARROW_RETURN_NOT_OK(Keep(mask, kept, &morsel));
    }
    if (morsel.frame.num_rows == 0) return TileRun{};
    ARROW_RETURN_NOT_OK(Derive(&morsel.frame, plan_.needed_columns));
    Evaluator evaluator(&morsel.frame);
    ArgumentReader reader(&morsel.frame, &evaluator);
    return Aggregate(morsel, &reader);
  }

 private:
  arrow::Status Read(const MorselRef& ref, Morsel* morsel) {
    const Source& source = *plan_.source;
    const DataFile& file = source.files[file_];
    auto result = ReadRowGroup(source.root, file, source.footers[file_], ref.row_group,
                               *source.file_schema, plan_.file_columns);
    if (!result.ok()) {
      // Told apart from failures to compute, which would come again.
      return arrow::Status(arrow::StatusCode::IOError, result.status().message(),
                           result.status().detail());
    }
    RowGroupColumns read = *std::move(result);
    Frame& frame = morsel->frame;
    frame.num_rows = read.num_rows;
    frame.columns.resize(static_cast<size_t>(pipeline_.rows->num_fields()));
    for (size_t i = 0; i < read.arrays.size(); ++i) {
      frame.columns[static_cast<size_t>(pipeline_.rows->GetFieldIndex(plan_.file_columns[i]))] =
          std::move(read.arrays[i]);
    }
    for (int p = 0; p < source.partition_schema->num_fields(); ++p) {
      const int index = pipeline_.rows->GetFieldIndex(source.partition_schema->field(p)->name());
      frame.columns[static_cast<size_t>(index)] = file.partition_values[static_cast<size_t>(p)];
    }
    return arrow::Status::OK();
  }

  /// Computes the derived columns of `needed` that are not there yet.
  arrow::Status Derive(Frame* frame, const std::vector<bool>& needed) {
    for (size_t i = 0; i < pipeline_.derived.size(); ++i) {
      const size_t column = static_cast<size_t>(pipeline_.num_source_columns) + i;
      if (!needed[column] || frame->columns[column].kind() != arrow::Datum::NONE) continue;
      Evaluator evaluator(frame);
      ARROW_ASSIGN_OR_RAISE(frame->columns[column],
                            evaluator.Evaluate(pipeline_.derived[i].expression));
    }
    return arrow::Status::OK();
  }

  std::vector<bool> NeededBefore() const {
    std::vector<int> columns;
    CollectColumns(pipeline_.where, &columns);
    for (const AggregateCall& metric : pipeline_.input_checks.metrics) {
      for (const ExpressionPtr& argument : metric.arguments) CollectColumns(argument, &columns);
      if (metric.filter) CollectColumns(metric.filter, &columns);
    }
    return ReadFor(pipeline_, columns);
  }

  /// Keeps the rows of `mask` in the frame and their strata.
  arrow::Status Keep(const std::vector<uint8_t>& mask, int64_t kept, Morsel* morsel) {
    if (kept == morsel->frame.num_rows) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(morsel->frame, FilterFrame(morsel->frame, mask, kept));
    if (!morsel->strata.empty()) {
      size_t next = 0;
      for (size_t i = 0; i < mask.size(); ++i) {
        if (mask[i]) morsel->strata[next++] = morsel->strata[i];
      }
      morsel->strata.resize(next);
    }
    if (!morsel->instants.empty()) {
      size_t next = 0;
      for (size_t i = 0; i < mask.size(); ++i) {
        if (mask[i]) morsel->instants[next++] = morsel->instants[i];
      }
      morsel->instants.resize(next);
    }
    return arrow::Status::OK();
  }

  arrow::Status InstantsOfRows(Morsel* morsel, std::vector<int64_t>* instants,
                               std::vector<uint8_t>* valid) {
    ARROW_RETURN_NOT_OK(Derive(&morsel->frame, ReadFor(pipeline_, {pipeline_.event_time})));
    const auto& field = pipeline_.rows->field(pipeline_.event_time);
    Evaluator evaluator(&morsel->frame);
    return InstantsOf(ColumnExpression(pipeline_.event_time, field->name(), field->type()),
                      plan_.calendar->zone(), &evaluator, morsel->frame.num_rows, instants, valid);
  }

  /// Keeps the events that windows of labels can hold. In which of them they lie depends on their
  /// entity.
  arrow::Status FindInstants(Morsel* morsel) {
    std::vector<uint8_t> valid;
    ARROW_RETURN_NOT_OK(InstantsOfRows(morsel, &morsel->instants, &valid));
    const auto [begin, end] = plan_.labels->span();
    int64_t kept = 0;
    for (size_t i = 0; i < valid.size(); ++i) {
      counts_->rows_without_day += valid[i] ? 0 : 1;
      valid[i] = valid[i] && begin <= morsel->instants[i] && morsel->instants[i] < end;
      kept += valid[i];
    }
    ARROW_RETURN_NOT_OK(Keep(valid, kept, morsel));
    if (kept == 0) morsel->frame.num_rows = 0;
    return arrow::Status::OK();
  }

  arrow::Status FindStrata(const MorselRef& ref, Morsel* morsel) {
    if (plan_.labels != nullptr) return FindInstants(morsel);
    const SlotRange all = plan_.strata.slots();
    if (ref.slot) {
      CountSlot(*ref.slot, morsel->frame.num_rows);
      morsel->constant_stratum = plan_.strata.Of(*ref.slot);
      return arrow::Status::OK();
    }
    std::vector<int32_t> slots;
    std::vector<uint8_t> valid;
    ARROW_RETURN_NOT_OK(SlotsOfRows(morsel, &slots, &valid));
    std::optional<SlotRange> partition;
    if (const auto& day = plan_.source->file_days[file_]) {
      partition = SlotsOfPartition(*plan_.calendar, *day);
    }
    const size_t n = slots.size();
    morsel->strata.resize(n);
    int64_t kept = 0;
    for (size_t i = 0; i < n; ++i) {
      counts_->rows_without_day += valid[i] ? 0 : 1;
      const bool is_placed = valid[i] && (!partition || partition->Contains({slots[i]}));
      counts_->rows_misplaced += valid[i] && !is_placed;
      const int32_t stratum = is_placed ? plan_.strata.Of({slots[i]}) : -1;
      valid[i] = stratum >= 0;
      morsel->strata[i] = stratum;
      if (stratum < 0) continue;
      ++kept;
      ++counts_->rows_of_slot[static_cast<size_t>(slots[i] - all.first.index)];
    }
    ARROW_RETURN_NOT_OK(Keep(valid, kept, morsel));
    if (kept == 0) {
      morsel->frame.num_rows = 0;
      return arrow::Status::OK();
    }
    const auto [low, high] = std::minmax_element(morsel->strata.begin(), morsel->strata.end());
    if (*low == *high) {
      morsel->constant_stratum = *low;
      morsel->strata.clear();
    }
    return arrow::Status::OK();
  }

  void CountSlot(Slot slot, int64_t rows) {
    counts_->rows_of_slot[static_cast<size_t>(slot - plan_.strata.slots().first)] += rows;
  }

  arrow::Status SlotsOfRows(Morsel* morsel, std::vector<int32_t>* slots,
                            std::vector<uint8_t>* valid) {
    const Calendar& calendar = *plan_.calendar;
    const int64_t n = morsel->frame.num_rows;
    if (calendar.step() == Calendar::Step::kDay) {
      ExpressionPtr time;
      if (pipeline_.event_time >= 0) {
        const auto& field = pipeline_.rows->field(pipeline_.event_time);
        time = ColumnExpression(pipeline_.event_time, field->name(), field->type());
      }
      const ExpressionPtr& day = pipeline_.day != nullptr ? pipeline_.day : time;
      std::vector<int> columns;
      CollectColumns(day, &columns);
      ARROW_RETURN_NOT_OK(Derive(&morsel->frame, ReadFor(pipeline_, columns)));
      Evaluator evaluator(&morsel->frame);
      ARROW_RETURN_NOT_OK(CivilDaysOf(day, calendar.zone(), &evaluator, n, slots, valid));
      for (int32_t& slot : *slots) slot = calendar.SlotsOfDay(slot).first.index;
      return arrow::Status::OK();
    }
    std::vector<int64_t> instants;
    ARROW_RETURN_NOT_OK(InstantsOfRows(morsel, &instants, valid));
    slots->resize(instants.size());
    calendar.SlotsOfInstants(instants.data(), n, slots->data());
    return arrow::Status::OK();
  }

  arrow::Status Measure(const Morsel& morsel, ArgumentReader* reader) {
    return metrics_->Update(reader, morsel.strata.empty() ? nullptr : morsel.strata.data(),
                            morsel.constant_stratum);
  }

  std::string EntityNames() const {
    std::string names;
    for (int index : pipeline_.entity) {
      names += (names.empty() ? "" : ", ") + pipeline_.rows->field(index)->name();
    }
    return names;
  }

  arrow::Result<TileRun> Aggregate(const Morsel& morsel, ArgumentReader* reader) {
    std::vector<ExpressionPtr> entity;
    for (int index : pipeline_.entity) {
      const auto& field = pipeline_.rows->field(index);
      entity.push_back(ColumnExpression(index, field->name(), field->type()));
    }
    const NullEntity policy = pipeline_.spec.null_entity;
    ARROW_ASSIGN_OR_RAISE(RowGroups groups,
                          GroupRows(entity, *shared_.codec, policy != NullEntity::kKeep,
                                    morsel.strata.empty() ? nullptr : morsel.strata.data(),
                                    morsel.constant_stratum, reader));
    if (policy == NullEntity::kError && groups.rows_without_entity > 0) {
      return MakeError(ErrorCode::kRunFailed,
                       plan_.source->files[file_].relative_path + " has " +
                           std::to_string(groups.rows_without_entity) +
                           (groups.rows_without_entity == 1 ? " row" : " rows") +
                           " with a NULL entity (" + EntityNames() + ")",
                       "set null_entity to drop or keep, or filter them with source.where");
    }
    counts_->rows_without_entity += groups.rows_without_entity;
    if (plan_.labels != nullptr) {
      groups = GroupByIntervals(*plan_.labels, std::move(groups), morsel.instants);
      if (groups.num_groups == 0) return TileRun{};
    }
    return MakeTileRun(*shared_.layout, groups, reader, shared_.interners.get());
  }

  const Plan& plan_;
  const BoundPipeline& pipeline_;
  const ScanResult& shared_;
  ScanCounts* counts_;
  FrameMetrics* metrics_;
  size_t file_ = 0;
};

ScanCounts EmptyCounts(const Plan& plan) {
  ScanCounts counts;
  const auto slots = static_cast<size_t>(plan.strata.slots().size());
  counts.rows_of_slot.assign(slots, 0);
  return counts;
}

}  // namespace

void ScanCounts::Add(const ScanCounts& other) {
  rows_read += other.rows_read;
  rows_filtered += other.rows_filtered;
  rows_without_entity += other.rows_without_entity;
  rows_without_day += other.rows_without_day;
  rows_misplaced += other.rows_misplaced;
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
                    EmptyCounts(plan)};
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
  ARROW_ASSIGN_OR_RAISE(ScanResult result, EmptyScan(plan, options));
  const BoundPipeline& pipeline = *plan.pipeline;
  const int threads = std::max(options.threads, 1);
  std::vector<ScanCounts> counts(static_cast<size_t>(threads), EmptyCounts(plan));
  std::vector<FrameMetrics> metrics;
  for (int t = 0; t < threads; ++t) {
    metrics.emplace_back(&pipeline.input_checks, plan.strata.size());
  }
  std::mutex progress;
  int64_t rows_done = 0;
  ARROW_RETURN_NOT_OK(
      ParallelFor(static_cast<int64_t>(end - begin), threads, options.cancelled,
                  [&](int64_t index, int thread) -> arrow::Status {
                    const auto t = static_cast<size_t>(thread);
                    const MorselRef& morsel = plan.morsels[begin + static_cast<size_t>(index)];
                    auto run = MorselScanner(plan, result, &counts[t], &metrics[t]).Scan(morsel);
                    if (!run.ok()) {
                      const std::string& file =
                          plan.source->files[static_cast<size_t>(morsel.file)].relative_path;
                      const bool is_named = run.status().message().find(file) != std::string::npos;
                      return is_named ? run.status() : WithContext(run.status(), file);
                    }
                    ARROW_RETURN_NOT_OK(result.tiles->Add(*std::move(run)));
                    std::lock_guard lock(progress);
                    rows_done += morsel.num_rows;
                    if (options.on_progress) options.on_progress("scan", rows_done, plan.num_rows);
                    return arrow::Status::OK();
                  }));
  for (const ScanCounts& part : counts) result.counts.Add(part);
  for (const FrameMetrics& part : metrics) result.input_metrics.Merge(part);
  return result;
}

}  // namespace tidemill
