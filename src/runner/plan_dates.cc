// `tidemill plan`: what a run or a backfill would do. Nothing is written, not even a folder.

#include <algorithm>
#include <set>

#include "runner/date_states.h"
#include "runner/output_table.h"
#include "runner/pass_size.h"
#include "runner/prepare.h"
#include "tidemill/plan.h"

namespace tidemill {
namespace {

/// What all passes together read.
class Reading {
 public:
  void Add(const Plan& pass) {
    for (const MorselRef& morsel : pass.morsels) {
      files_.insert(morsel.file);
      const auto& day = pass.source->file_days[static_cast<size_t>(morsel.file)];
      if (day) days_.insert(*day);
    }
    row_groups_ += static_cast<int64_t>(pass.morsels.size());
    bytes_ += pass.bytes;
    rows_ += pass.num_rows;
  }

  void Report(const Plan& whole, PlanReport* report) const {
    const auto [first, last] = whole.calendar->DaysTouched(whole.strata.slots());
    report->days_read =
        whole.source->day_is_partition ? static_cast<int64_t>(days_.size()) : last - first + 1;
    report->files_read = static_cast<int64_t>(files_.size());
    report->files_pruned = whole.files_pruned;
    report->row_groups_read = row_groups_;
    report->row_groups_pruned = whole.morsels_pruned;
    report->bytes_read = bytes_;
    report->rows_read = rows_;
  }

 private:
  std::set<CivilDay> days_;
  std::set<int> files_;
  int64_t row_groups_ = 0;
  int64_t bytes_ = 0;
  int64_t rows_ = 0;
};

/// As many rows and files a date as the last published one has.
arrow::Status ExpectOutput(const Table& table, size_t dates, PlanReport* report) {
  ARROW_ASSIGN_OR_RAISE(const auto entries, table.ledger().ReadAll("", ""));
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (!entry->published) continue;
    const auto count = static_cast<int64_t>(dates);
    report->rows_expected = count * entry->published->rows_written;
    report->files_expected = count * static_cast<int64_t>(entry->published->files.size());
    break;
  }
  return arrow::Status::OK();
}

std::vector<PlannedDimension> PlannedDimensions(const Plan& plan) {
  std::vector<PlannedDimension> planned;
  for (size_t j = 0; j < plan.dimensions.size(); ++j) {
    if (!plan.needed_joins[j]) continue;
    const Dimension& dimension = *plan.dimensions[j];
    const BoundJoin& join = plan.pipeline->joins[j];
    PlannedDimension one{dimension.path,
                         static_cast<int64_t>(dimension.files.size()),
                         dimension.num_rows(),
                         0,
                         ExpectedMemory(dimension, join, plan.needed_columns),
                         {}};
    for (const int column : ColumnsRead(join, plan.needed_columns)) {
      one.columns.push_back(dimension.schema->field(column)->name());
    }
    for (const ParquetFooter& footer : dimension.footers) {
      for (int g = 0; g < footer.metadata->num_row_groups(); ++g) {
        one.bytes += CompressedBytes(footer, g, one.columns);
      }
    }
    planned.push_back(std::move(one));
  }
  return planned;
}

}  // namespace

arrow::Result<PlanReport> PlanDates(const Pipeline& pipeline, const BackfillOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto calendar, CalendarOf(pipeline));
  ARROW_ASSIGN_OR_RAISE(const std::vector<Slot> dates,
                        DatesBetween(*calendar, options.start, options.end, options.every));
  ARROW_RETURN_NOT_OK(CheckStates(options.only));
  ARROW_ASSIGN_OR_RAISE(const Table table, OpenOutput(pipeline, *calendar));
  ARROW_ASSIGN_OR_RAISE(const Plan whole, PreparePass(pipeline, calendar, dates, options));
  ARROW_RETURN_NOT_OK(table.layout().CheckSchema(*whole.pipeline->output));

  PlanReport report;
  report.pipeline = pipeline.name;
  report.source = whole.source->root.uri;
  report.output = table.path();
  report.first_day = FormatCivilDay(calendar->DayOf(whole.strata.slots().first));
  report.last_day = FormatCivilDay(calendar->DayOf(whole.strata.slots().last));
  report.columns = whole.file_columns;
  report.dimensions = PlannedDimensions(whole);
  report.warnings = PlanWarnings(whole);
  ARROW_ASSIGN_OR_RAISE(const std::vector<DateState> states, StatesOf(whole, table));
  std::vector<Slot> picked;
  for (size_t d = 0; d < states.size(); ++d) {
    const bool is_picked = IsPicked(states[d], options.only);
    if (is_picked) picked.push_back(dates[d]);
    report.dates.push_back({states[d].feature_date, states[d].status, states[d].reason, is_picked});
  }

  Reading reading;
  ARROW_ASSIGN_OR_RAISE(const MemoryShares shares, DivideMemory(whole, options));
  const size_t per_pass = DatesPerPass(whole, shares, options);
  for (size_t begin = 0; begin < picked.size(); begin += per_pass) {
    const size_t end = std::min(picked.size(), begin + per_pass);
    ARROW_ASSIGN_OR_RAISE(const Plan pass,
                          MakePlan(whole.pipeline, whole.source, calendar,
                                   {picked.begin() + static_cast<std::ptrdiff_t>(begin),
                                    picked.begin() + static_cast<std::ptrdiff_t>(end)},
                                   PlanScope::kFeatures, whole.dimensions));
    reading.Add(pass);
    ARROW_ASSIGN_OR_RAISE(const int64_t memory, ExpectedMemory(pass, options));
    report.memory_bytes = std::max(report.memory_bytes, memory);
    ++report.passes;
  }
  reading.Report(whole, &report);
  ARROW_RETURN_NOT_OK(ExpectOutput(table, picked.size(), &report));
  return report;
}

}  // namespace tidemill
