#include "engine/morsel_scanner.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/day_of_row.h"
#include "engine/frame_filter.h"
#include "engine/join_keys.h"
#include "engine/label_windows.h"
#include "engine/quarantine.h"
#include "engine/row_joiner.h"

namespace tidemill {
namespace {

/// One row group in memory: a frame over BoundPipeline::rows and the stratum of each row.
struct Morsel {
  Frame frame;
  std::vector<int32_t> strata;  ///< empty if all rows have constant_stratum
  int32_t constant_stratum = 0;
  std::vector<int64_t> instants;  ///< of each row; only for labels
  // For row rules alone:
  std::vector<int32_t> slots;  ///< of each row; not for labels
  std::vector<int32_t> rows;   ///< of each row, its index in the row group; empty: as they are
};

/// Keeps the elements of `mask`.
template <typename Value>
void KeepElements(const std::vector<uint8_t>& mask, std::vector<Value>* values) {
  if (values->empty()) return;
  size_t next = 0;
  for (size_t i = 0; i < mask.size(); ++i) {
    if (mask[i]) (*values)[next++] = (*values)[i];
  }
  values->resize(next);
}

/// The columns that input checks and filter need.
std::vector<bool> NeededBefore(const BoundPipeline& pipeline) {
  std::vector<int> columns;
  if (pipeline.where != nullptr) CollectColumns(pipeline.where, &columns);
  for (const AggregateCall& metric : pipeline.input_checks.metrics) {
    for (const ExpressionPtr& argument : metric.arguments) CollectColumns(argument, &columns);
    if (metric.filter) CollectColumns(metric.filter, &columns);
  }
  return ReadFor(pipeline, columns);
}

class MorselScanner {
 public:
  MorselScanner(const Plan& plan, const MorselTarget& target)
      : plan_(plan),
        pipeline_(*plan.pipeline),
        joiner_(*plan.pipeline, target.tables),
        shared_(target.shared),
        counts_(target.counts),
        metrics_(target.metrics),
        quarantine_(target.quarantine) {}

  arrow::Result<TileRun> Scan(const MorselRef& ref, RawMorsel raw) {
    ARROW_ASSIGN_OR_RAISE(Morsel morsel, Begin(ref, std::move(raw)));
    if (morsel.frame.num_rows == 0) return TileRun{};
    return Reduce(std::move(morsel));
  }

  arrow::Status Spill(const MorselRef& ref, RawMorsel raw, const JoinParts& cut,
                      SpilledRows* rows) {
    ARROW_ASSIGN_OR_RAISE(Morsel morsel, Begin(ref, std::move(raw)));
    if (cut.filters_before && morsel.frame.num_rows > 0)
      ARROW_RETURN_NOT_OK(MeasureAndFilter(&morsel));
    const int64_t n = morsel.frame.num_rows;
    if (n == 0) return arrow::Status::OK();
    const BoundJoin& join = pipeline_.joins[static_cast<size_t>(cut.join)];
    ARROW_RETURN_NOT_OK(joiner_.Add(ReadFor(pipeline_, join.keys), &morsel.frame));
    std::vector<arrow::Datum> columns;
    for (int key : join.keys) columns.push_back(morsel.frame.columns[static_cast<size_t>(key)]);
    ARROW_ASSIGN_OR_RAISE(const JoinKeys keys, ReadJoinKeys(columns, join.key_types, n));
    return rows->Append(morsel.frame, morsel.strata, morsel.constant_stratum,
                        PartsOfRows(keys, n, cut.parts));
  }

  arrow::Result<TileRun> Continue(SpilledBatch batch, const JoinParts& cut) {
    is_spilled_ = true;
    Morsel morsel;
    morsel.frame = std::move(batch.frame);
    morsel.strata = std::move(batch.strata);
    return cut.filters_before ? Finish(std::move(morsel)) : Reduce(std::move(morsel));
  }

 private:
  /// The rows of the row group that count in the plan.
  arrow::Result<Morsel> Begin(const MorselRef& ref, RawMorsel raw) {
    file_ = static_cast<size_t>(ref.file);
    Morsel morsel;
    TakeColumns(std::move(raw), &morsel);
    ARROW_RETURN_NOT_OK(FindStrata(ref, &morsel));
    counts_->rows_read += morsel.frame.num_rows;
    if (!pipeline_.row_rules.empty() && morsel.frame.num_rows > 0) {
      ARROW_RETURN_NOT_OK(ApplyRules(ref, &morsel));
    }
    return morsel;
  }

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
      frame.columns[static_cast<size_t>(pipeline_.rows->GetFieldIndex(name))] = raw.Take(name);
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
    KeepElements(mask, &morsel->strata);
    KeepElements(mask, &morsel->instants);
    KeepElements(mask, &morsel->slots);
    KeepElements(mask, &morsel->rows);
    return arrow::Status::OK();
  }

  /// Counts the rows that fail rules; those that are quarantined leave the morsel.
  arrow::Status ApplyRules(const MorselRef& ref, Morsel* morsel) {
    Frame& frame = morsel->frame;
    ARROW_RETURN_NOT_OK(Derive(&frame, ReadFor(pipeline_, ColumnsOfRules(pipeline_.row_rules))));
    ARROW_ASSIGN_OR_RAISE(const RuleVerdicts verdicts, JudgeRows(pipeline_.row_rules, frame));
    if (!verdicts.any_failed()) return arrow::Status::OK();
    // Labels have no window of days whose rates a rule could judge.
    if (plan_.labels == nullptr) {
      RowOrigins origins;
      origins.file = plan_.source->files[file_].relative_path;
      origins.file_rows = FileRowsOf(plan_, ref, morsel->rows, frame.num_rows);
      origins.slots = std::exchange(morsel->slots, {});
      ARROW_RETURN_NOT_OK(CountFailures(pipeline_, frame, verdicts, origins, &counts_->rules));
      if (!verdicts.kept.empty() && quarantine_ != nullptr) {
        ARROW_ASSIGN_OR_RAISE(const auto rows,
                              QuarantinedRows(plan_, ref, frame, morsel->rows, verdicts, origins));
        ARROW_RETURN_NOT_OK(quarantine_->Append(&ref - plan_.morsels.data(), *rows));
      }
    }
    if (verdicts.kept.empty()) return arrow::Status::OK();
    return Keep(verdicts.kept, verdicts.num_kept, morsel);
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
    if (RowJoiner::NeedsDays(pipeline_)) {
      std::vector<int32_t> slots(valid.size());
      plan_.calendar->SlotsOfInstants(morsel->instants.data(), static_cast<int64_t>(slots.size()),
                                      slots.data());
      ARROW_RETURN_NOT_OK(AddDays(slots, valid, morsel));
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
      if (!pipeline_.row_rules.empty()) {
        morsel->slots.assign(static_cast<size_t>(morsel->frame.num_rows), ref.slot->index);
      }
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
    if (RowJoiner::NeedsDays(pipeline_)) ARROW_RETURN_NOT_OK(AddDays(slots, valid, morsel));
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

  /// The day of each row, for dated dimensions; of rows that are not `valid` any day.
  arrow::Status AddDays(const std::vector<int32_t>& slots, const std::vector<uint8_t>& valid,
                        Morsel* morsel) const {
    arrow::Date32Builder days;
    ARROW_RETURN_NOT_OK(days.Reserve(static_cast<int64_t>(slots.size())));
    std::optional<int32_t> last;
    CivilDay day = 0;
    for (size_t i = 0; i < slots.size(); ++i) {
      if (valid[i] && slots[i] != last) {
        last = slots[i];
        day = plan_.calendar->DayOf({*last});
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
      return MakeError(
          ErrorCode::kRunFailed,
          (is_spilled_ ? plan_.source->root.uri : plan_.source->files[file_].relative_path) +
              " has " + std::to_string(groups.rows_without_entity) +
              (groups.rows_without_entity == 1 ? " row" : " rows") + " with a NULL entity (" +
              EntityNames() + ")",
          "set null_entity to drop or keep, or filter them with source.where");
    }
    counts_->rows_without_entity += groups.rows_without_entity;
    if (plan_.labels != nullptr) return AggregateForLabels(morsel, std::move(groups), reader);
    return MakeTileRun(*shared_.layout, groups, reader, shared_.interners.get());
  }

  arrow::Result<TileRun> AggregateForLabels(const Morsel& morsel, RowGroups entities,
                                            ArgumentReader* reader) {
    RowGroups groups = GroupByIntervals(*plan_.labels, std::move(entities), morsel.instants);
    if (groups.num_groups == 0) return TileRun{};
    const std::vector<uint8_t> mask = groups.selected_storage;
    const int64_t kept = std::ranges::count(mask, 1);
    if (kept == morsel.frame.num_rows) {
      return MakeTileRun(*shared_.layout, groups, reader, shared_.interners.get());
    }
    // Expressions see no event that is in no window: what it holds can make nothing fail.
    KeepElements(mask, &groups.group_storage);
    groups.groups = groups.group_storage.data();
    groups.selected = nullptr;
    ARROW_ASSIGN_OR_RAISE(const Frame frame, FilterFrame(morsel.frame, mask, kept));
    Evaluator evaluator(&frame);
    ArgumentReader few(&frame, &evaluator);
    return MakeTileRun(*shared_.layout, groups, &few, shared_.interners.get());
  }

  const Plan& plan_;
  const BoundPipeline& pipeline_;
  RowJoiner joiner_;
  const ScanResult& shared_;
  ScanCounts* counts_;
  FrameMetrics* metrics_;
  RowSpoolWriter* quarantine_;  ///< may be null
  size_t file_ = 0;
  bool is_spilled_ = false;  ///< whose rows come from several files
};

}  // namespace

arrow::Result<TileRun> ScanMorsel(const Plan& plan, const MorselTarget& target,
                                  const MorselRef& ref, RawMorsel raw) {
  return MorselScanner(plan, target).Scan(ref, std::move(raw));
}

bool FiltersBefore(const Plan& plan, const JoinParts& cut) {
  return plan.scope == PlanScope::kFeatures &&
         !DependsOnJoin(*plan.pipeline, cut.join, NeededBefore(*plan.pipeline));
}

arrow::Status SpillMorsel(const Plan& plan, const MorselTarget& target, const MorselRef& ref,
                          RawMorsel raw, const JoinParts& cut, SpilledRows* rows) {
  return MorselScanner(plan, target).Spill(ref, std::move(raw), cut, rows);
}

arrow::Result<TileRun> ReduceSpilled(const Plan& plan, const MorselTarget& target,
                                     SpilledBatch batch, const JoinParts& cut) {
  return MorselScanner(plan, target).Continue(std::move(batch), cut);
}

}  // namespace tidemill
