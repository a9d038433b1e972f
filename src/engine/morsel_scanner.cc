#include "engine/morsel_scanner.h"

#include <algorithm>
#include <utility>

#include "engine/day_of_row.h"
#include "engine/frame_filter.h"
#include "engine/row_joiner.h"

namespace tidemill {
namespace {

/// One row group in memory: a frame over BoundPipeline::rows and the stratum of each row.
struct Morsel {
  Frame frame;
  std::vector<int32_t> strata;  ///< empty if all rows have constant_stratum
  int32_t constant_stratum = 0;
};

class MorselScanner {
 public:
  MorselScanner(const Plan& plan, const DimensionTables& tables, const ScanResult& shared,
                ScanCounts* counts, FrameMetrics* metrics)
      : plan_(plan),
        pipeline_(*plan.pipeline),
        joiner_(*plan.pipeline, tables),
        shared_(shared),
        counts_(counts),
        metrics_(metrics) {}

  arrow::Result<TileRun> Scan(const MorselRef& ref, RawMorsel raw) {
    file_ = static_cast<size_t>(ref.file);
    Morsel morsel;
    TakeColumns(std::move(raw), &morsel);
    ARROW_RETURN_NOT_OK(FindStrata(ref, &morsel));
    if (morsel.frame.num_rows == 0) return TileRun{};
    counts_->rows_read += morsel.frame.num_rows;
    return Reduce(std::move(morsel));
  }

  arrow::Status Spill(const MorselRef& ref, RawMorsel raw, const JoinParts& cut,
                      SpilledRows* rows) {
    file_ = static_cast<size_t>(ref.file);
    Morsel morsel;
    TakeColumns(std::move(raw), &morsel);
    ARROW_RETURN_NOT_OK(FindStrata(ref, &morsel));
    if (morsel.frame.num_rows == 0) return arrow::Status::OK();
    counts_->rows_read += morsel.frame.num_rows;
    if (cut.filters_before) ARROW_RETURN_NOT_OK(MeasureAndFilter(&morsel));
    if (morsel.frame.num_rows == 0) return arrow::Status::OK();
    const BoundJoin& join = pipeline_.joins[static_cast<size_t>(cut.join)];
    ARROW_RETURN_NOT_OK(joiner_.Add(ReadFor(pipeline_, join.keys), &morsel.frame));
    std::vector<arrow::Datum> columns;
    for (int key : join.keys) columns.push_back(morsel.frame.columns[static_cast<size_t>(key)]);
    const int64_t n = morsel.frame.num_rows;
    ARROW_ASSIGN_OR_RAISE(const JoinKeys keys, ReadJoinKeys(columns, join.key_types, n));
    return rows->Append(morsel.frame, morsel.strata, morsel.constant_stratum,
                        PartsOfRows(keys, n, cut.parts));
  }

  arrow::Result<TileRun> Continue(SpilledBatch batch, const JoinParts& cut) {
    is_spilled_ = true;
    Morsel morsel{std::move(batch.frame), std::move(batch.strata), 0};
    return cut.filters_before ? Finish(std::move(morsel)) : Reduce(std::move(morsel));
  }

 private:
  arrow::Result<TileRun> Reduce(Morsel morsel) {
    const bool measure_only = plan_.scope == PlanScope::kInputChecks;
    if (measure_only || (pipeline_.where == nullptr && !HasInnerJoin())) {
      ARROW_RETURN_NOT_OK(Derive(&morsel.frame, plan_.needed_columns));
      if (!measure_only) CountMatches(morsel.frame);
      Evaluator evaluator(&morsel.frame);
      ArgumentReader reader(&morsel.frame, &evaluator);
      ARROW_RETURN_NOT_OK(Measure(morsel, &reader));
      if (measure_only) return TileRun{};
      return Aggregate(morsel, &reader);
    }
    ARROW_RETURN_NOT_OK(MeasureAndFilter(&morsel));
    return Finish(std::move(morsel));
  }

  /// Checks see the events before `where`; so does whatever column they and `where` need.
  arrow::Status MeasureAndFilter(Morsel* morsel) {
    ARROW_RETURN_NOT_OK(Derive(&morsel->frame, NeededBefore(pipeline_)));
    Evaluator evaluator(&morsel->frame);
    ArgumentReader reader(&morsel->frame, &evaluator);
    ARROW_RETURN_NOT_OK(Measure(*morsel, &reader));
    if (pipeline_.where == nullptr) return arrow::Status::OK();
    std::vector<uint8_t> mask;
    ARROW_ASSIGN_OR_RAISE(const int64_t kept, evaluator.EvaluateToMask(pipeline_.where, &mask));
    counts_->rows_filtered += morsel->frame.num_rows - kept;
    return Keep(mask, kept, morsel);
  }

  /// What comes behind checks and filter.
  arrow::Result<TileRun> Finish(Morsel morsel) {
    ARROW_RETURN_NOT_OK(KeepMatched(&morsel));
    if (morsel.frame.num_rows == 0) return TileRun{};
    ARROW_RETURN_NOT_OK(Derive(&morsel.frame, plan_.needed_columns));
    Evaluator evaluator(&morsel.frame);
    ArgumentReader reader(&morsel.frame, &evaluator);
    return Aggregate(morsel, &reader);
  }

  /// Takes the columns of the plan over, those of the file's place among them.
  void TakeColumns(RawMorsel raw, Morsel* morsel) {
    const Source& source = *plan_.source;
    const DataFile& file = source.files[file_];
    Frame& frame = morsel->frame;
    frame.num_rows = raw.num_rows;
    frame.columns.resize(RowJoiner::NumColumns(pipeline_));
    for (const std::string& name : plan_.file_columns) {
      frame.columns[static_cast<size_t>(pipeline_.rows->GetFieldIndex(name))] = raw.Find(name);
    }
    for (int p = 0; p < source.partition_schema->num_fields(); ++p) {
      const int index = pipeline_.rows->GetFieldIndex(source.partition_schema->field(p)->name());
      frame.columns[static_cast<size_t>(index)] = file.partition_values[static_cast<size_t>(p)];
    }
  }

  bool HasInnerJoin() const { return std::ranges::any_of(pipeline_.joins, &BoundJoin::is_inner); }

  /// Looks the rows up in the dimensions that are needed, one after the other; those that an inner
  /// join finds nothing for leave.
  arrow::Status KeepMatched(Morsel* morsel) {
    for (size_t j = 0; j < pipeline_.joins.size() && morsel->frame.num_rows > 0; ++j) {
      if (!joiner_.IsNeeded(j)) continue;
      ARROW_RETURN_NOT_OK(joiner_.LookUp(j, &morsel->frame));
      const int64_t before = morsel->frame.num_rows;
      counts_->looked_up[j] += before;
      if (!pipeline_.joins[j].is_inner) {
        counts_->not_found[j] += before - joiner_.CountMatched(j, morsel->frame);
        continue;
      }
      std::vector<uint8_t> mask;
      const int64_t kept = joiner_.Matched(j, morsel->frame, &mask);
      counts_->not_found[j] += before - kept;
      counts_->rows_unmatched += before - kept;
      ARROW_RETURN_NOT_OK(Keep(mask, kept, morsel));
    }
    return arrow::Status::OK();
  }

  void CountMatches(const Frame& frame) {
    for (size_t j = 0; j < pipeline_.joins.size(); ++j) {
      if (!joiner_.IsNeeded(j)) continue;
      counts_->looked_up[j] += frame.num_rows;
      counts_->not_found[j] += frame.num_rows - joiner_.CountMatched(j, frame);
    }
  }

  /// Computes the joined and derived columns of `needed` that are not there yet.
  arrow::Status Derive(Frame* frame, const std::vector<bool>& needed) {
    ARROW_RETURN_NOT_OK(joiner_.Add(needed, frame));
    for (size_t i = 0; i < pipeline_.derived.size(); ++i) {
      const size_t column = static_cast<size_t>(pipeline_.first_derived) + i;
      if (!needed[column] || frame->columns[column].kind() != arrow::Datum::NONE) continue;
      Evaluator evaluator(frame);
      ARROW_ASSIGN_OR_RAISE(frame->columns[column],
                            evaluator.Evaluate(pipeline_.derived[i].expression));
    }
    return arrow::Status::OK();
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
    return arrow::Status::OK();
  }

  arrow::Status FindStrata(const MorselRef& ref, Morsel* morsel) {
    const SlotRange all = plan_.strata.slots();
    if (ref.slot) {
      CountSlot(*ref.slot, morsel->frame.num_rows);
      morsel->constant_stratum = plan_.strata.Of(*ref.slot);
      if (RowJoiner::NeedsDays(pipeline_)) {
        morsel->frame.columns[RowJoiner::DayColumn(pipeline_)] =
            arrow::Datum(arrow::Date32Scalar(plan_.calendar->DayOf(*ref.slot)));
      }
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
    if (RowJoiner::NeedsDays(pipeline_)) ARROW_RETURN_NOT_OK(AddDays(slots, morsel));
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

  /// The day of each row, for dated dimensions; of rows that count in no slot any day.
  arrow::Status AddDays(const std::vector<int32_t>& slots, Morsel* morsel) const {
    arrow::Date32Builder days;
    ARROW_RETURN_NOT_OK(days.Reserve(static_cast<int64_t>(slots.size())));
    int32_t last = plan_.strata.slots().first.index;
    CivilDay day = plan_.calendar->DayOf({last});
    for (size_t i = 0; i < slots.size(); ++i) {
      if (slots[i] != last && morsel->strata[i] >= 0) {
        last = slots[i];
        day = plan_.calendar->DayOf({last});
      }
      days.UnsafeAppend(day);
    }
    ARROW_ASSIGN_OR_RAISE(morsel->frame.columns[RowJoiner::DayColumn(pipeline_)], days.Finish());
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
      return MakeError(
          ErrorCode::kRunFailed,
          (is_spilled_ ? plan_.source->root.uri : plan_.source->files[file_].relative_path) +
              " has " + std::to_string(groups.rows_without_entity) +
              (groups.rows_without_entity == 1 ? " row" : " rows") + " with a NULL entity (" +
              EntityNames() + ")",
          "set null_entity to drop or keep, or filter them with source.where");
    }
    counts_->rows_without_entity += groups.rows_without_entity;
    return MakeTileRun(*shared_.layout, groups, reader, shared_.interners.get());
  }

  const Plan& plan_;
  const BoundPipeline& pipeline_;
  RowJoiner joiner_;
  const ScanResult& shared_;
  ScanCounts* counts_;
  FrameMetrics* metrics_;
  size_t file_ = 0;
  bool is_spilled_ = false;  ///< whose rows come from several files
};

}  // namespace

std::vector<bool> NeededBefore(const BoundPipeline& pipeline) {
  std::vector<int> columns;
  if (pipeline.where != nullptr) CollectColumns(pipeline.where, &columns);
  for (const AggregateCall& metric : pipeline.input_checks.metrics) {
    for (const ExpressionPtr& argument : metric.arguments) CollectColumns(argument, &columns);
    if (metric.filter) CollectColumns(metric.filter, &columns);
  }
  return ReadFor(pipeline, columns);
}

arrow::Result<TileRun> ScanMorsel(const Plan& plan, const DimensionTables& tables,
                                  const ScanResult& shared, const MorselRef& ref, RawMorsel raw,
                                  ScanCounts* counts, FrameMetrics* metrics) {
  return MorselScanner(plan, tables, shared, counts, metrics).Scan(ref, std::move(raw));
}

arrow::Status SpillMorsel(const Plan& plan, const DimensionTables& tables, const ScanResult& shared,
                          const MorselRef& ref, RawMorsel raw, const JoinParts& cut,
                          SpilledRows* rows, ScanCounts* counts, FrameMetrics* metrics) {
  return MorselScanner(plan, tables, shared, counts, metrics).Spill(ref, std::move(raw), cut, rows);
}

arrow::Result<TileRun> ScanSpilled(const Plan& plan, const DimensionTables& tables,
                                   const ScanResult& shared, SpilledBatch batch,
                                   const JoinParts& cut, ScanCounts* counts,
                                   FrameMetrics* metrics) {
  return MorselScanner(plan, tables, shared, counts, metrics).Continue(std::move(batch), cut);
}

}  // namespace tidemill
