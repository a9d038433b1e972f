#include "engine/scan.h"

#include <algorithm>
#include <mutex>
#include <numeric>
#include <utility>

#include "engine/day_of_row.h"
#include "engine/frame_filter.h"
#include "engine/quarantine.h"
#include "storage/parallel_for.h"
#include "storage/parquet_source.h"

namespace tidemill {
namespace {

/// One row group in memory: a frame over BoundPipeline::rows and the stratum of each row.
struct Morsel {
  Frame frame;
  std::vector<int32_t> strata;  ///< empty if all rows have constant_stratum
  int32_t constant_stratum = 0;
  // For row rules alone:
  std::vector<int32_t> slots;  ///< of each row
  std::vector<int32_t> rows;   ///< of each row, its index in the row group; empty: as they are
};

/// The elements whose byte in `mask` is 1.
void KeepElements(const std::vector<uint8_t>& mask, std::vector<int32_t>* elements) {
  if (elements->empty()) return;
  size_t next = 0;
  for (size_t i = 0; i < mask.size(); ++i) {
    if (mask[i]) (*elements)[next++] = (*elements)[i];
  }
  elements->resize(next);
}

class MorselScanner {
 public:
  MorselScanner(const Plan& plan, const ScanResult& shared, ScanCounts* counts,
                FrameMetrics* metrics, RowSpoolWriter* quarantine)
      : plan_(plan),
        pipeline_(*plan.pipeline),
        shared_(shared),
        counts_(counts),
        metrics_(metrics),
        quarantine_(quarantine) {}

  /// `ref` is the morsel `index` of the plan.
  arrow::Result<TileRun> Scan(const MorselRef& ref, int64_t index) {
    file_ = static_cast<size_t>(ref.file);
    Morsel morsel;
    ARROW_RETURN_NOT_OK(Read(ref, &morsel));
    ARROW_RETURN_NOT_OK(FindStrata(ref, &morsel));
    if (morsel.frame.num_rows == 0) return TileRun{};
    counts_->rows_read += morsel.frame.num_rows;
    if (!pipeline_.row_rules.empty()) ARROW_RETURN_NOT_OK(ApplyRules(ref, index, &morsel));
    if (morsel.frame.num_rows == 0) return TileRun{};
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
    for (auto* elements : {&morsel->strata, &morsel->slots, &morsel->rows}) {
      KeepElements(mask, elements);
    }
    return arrow::Status::OK();
  }

  /// Counts the rows that fail rules; those that are quarantined leave the morsel.
  arrow::Status ApplyRules(const MorselRef& ref, int64_t index, Morsel* morsel) {
    Frame& frame = morsel->frame;
    ARROW_RETURN_NOT_OK(Derive(&frame, ReadFor(pipeline_, ColumnsOfRules(pipeline_.row_rules))));
    ARROW_ASSIGN_OR_RAISE(const RuleVerdicts verdicts, JudgeRows(pipeline_.row_rules, frame));
    if (!verdicts.any_failed()) return arrow::Status::OK();
    RowOrigins origins;
    origins.file = plan_.source->files[file_].relative_path;
    origins.file_rows = FileRowsOf(plan_, ref, morsel->rows, frame.num_rows);
    origins.slots = std::move(morsel->slots);
    morsel->slots = {};
    ARROW_RETURN_NOT_OK(CountFailures(pipeline_, frame, verdicts, origins, &counts_->rules));
    if (verdicts.kept.empty()) return arrow::Status::OK();
    if (quarantine_ != nullptr) {
      ARROW_ASSIGN_OR_RAISE(const auto rows,
                            QuarantinedRows(plan_, ref, frame, morsel->rows, verdicts, origins));
      ARROW_RETURN_NOT_OK(quarantine_->Append(index, *rows));
    }
    return Keep(verdicts.kept, verdicts.num_kept, morsel);
  }

  arrow::Status FindStrata(const MorselRef& ref, Morsel* morsel) {
    const SlotRange all = plan_.strata.slots();
    if (ref.slot) {
      CountSlot(*ref.slot, morsel->frame.num_rows);
      if (!pipeline_.row_rules.empty()) {
        morsel->slots.assign(static_cast<size_t>(morsel->frame.num_rows), ref.slot->index);
      }
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
    if (!pipeline_.row_rules.empty()) {
      morsel->slots = std::move(slots);
      morsel->rows.resize(n);
      std::iota(morsel->rows.begin(), morsel->rows.end(), 0);
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
    ExpressionPtr time;
    if (pipeline_.event_time >= 0) {
      const auto& field = pipeline_.rows->field(pipeline_.event_time);
      time = ColumnExpression(pipeline_.event_time, field->name(), field->type());
    }
    if (calendar.step() == Calendar::Step::kDay) {
      const ExpressionPtr& day = pipeline_.day != nullptr ? pipeline_.day : time;
      std::vector<int> columns;
      CollectColumns(day, &columns);
      ARROW_RETURN_NOT_OK(Derive(&morsel->frame, ReadFor(pipeline_, columns)));
      Evaluator evaluator(&morsel->frame);
      ARROW_RETURN_NOT_OK(CivilDaysOf(day, calendar.zone(), &evaluator, n, slots, valid));
      for (int32_t& slot : *slots) slot = calendar.SlotsOfDay(slot).first.index;
      return arrow::Status::OK();
    }
    ARROW_RETURN_NOT_OK(Derive(&morsel->frame, ReadFor(pipeline_, {pipeline_.event_time})));
    Evaluator evaluator(&morsel->frame);
    std::vector<int64_t> instants;
    ARROW_RETURN_NOT_OK(InstantsOf(time, calendar.zone(), &evaluator, n, &instants, valid));
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
    return MakeTileRun(*shared_.layout, groups, reader, shared_.interners.get());
  }

  const Plan& plan_;
  const BoundPipeline& pipeline_;
  const ScanResult& shared_;
  ScanCounts* counts_;
  FrameMetrics* metrics_;
  RowSpoolWriter* quarantine_;  ///< may be null
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
  ARROW_ASSIGN_OR_RAISE(ScanResult result, EmptyScan(plan, options));
  const BoundPipeline& pipeline = *plan.pipeline;
  const int threads = std::max(options.threads, 1);
  std::vector<ScanCounts> counts(static_cast<size_t>(threads), EmptyCounts(plan));
  std::vector<FrameMetrics> metrics;
  for (int t = 0; t < threads; ++t) {
    metrics.emplace_back(&pipeline.input_checks, plan.strata.size());
  }
  std::mutex progress;
  std::vector<RowSpoolWriter> quarantine;
  if (options.quarantine) {
    const auto make_file = [&]() -> arrow::Result<NewFile> {
      std::lock_guard lock(progress);
      return options.quarantine();
    };
    quarantine.assign(static_cast<size_t>(threads), RowSpoolWriter(make_file));
  }
  int64_t rows_done = 0;
  ARROW_RETURN_NOT_OK(ParallelFor(
      static_cast<int64_t>(end - begin), threads, options.cancelled,
      [&](int64_t index, int thread) -> arrow::Status {
        const auto t = static_cast<size_t>(thread);
        const auto number = static_cast<int64_t>(begin) + index;
        const MorselRef& morsel = plan.morsels[static_cast<size_t>(number)];
        RowSpoolWriter* spool = quarantine.empty() ? nullptr : &quarantine[t];
        auto run = MorselScanner(plan, result, &counts[t], &metrics[t], spool).Scan(morsel, number);
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
  for (RowSpoolWriter& part : quarantine) ARROW_RETURN_NOT_OK(part.Finish(&result.quarantined));
  return result;
}

arrow::Result<ScanResult> Scan(const Plan& plan, const PassOptions& options) {
  ARROW_ASSIGN_OR_RAISE(ScanResult result, ScanMorsels(plan, 0, plan.morsels.size(), options));
  if (plan.universe != nullptr) ARROW_RETURN_NOT_OK(ScanUniverse(plan, options, &result));
  return result;
}

}  // namespace tidemill
