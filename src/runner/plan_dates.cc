// `tidemill plan`: what a run or a backfill would do. Nothing is written, not even a folder.

#include <algorithm>
#include <set>

#include "base/byte_size.h"
#include "engine/tile_layout.h"
#include "runner/date_states.h"
#include "runner/output_table.h"
#include "runner/prepare.h"

namespace tidemill {
namespace {

/// Memory that a pass takes at most, roughly: tiles as if every event made its own, plus what
/// threads decode.
int64_t ExpectedMemory(const Plan& plan, const TileLayout& layout, int threads) {
  constexpr int64_t kRowsPerTile = 3;
  constexpr int64_t kDecodedFactor = 8;
  constexpr int64_t kProcess = 120'000'000;
  int64_t largest = 0;
  for (const MorselRef& morsel : plan.morsels) largest = std::max(largest, morsel.bytes);
  return kProcess + plan.num_rows / kRowsPerTile * static_cast<int64_t>(layout.row_size() + 16) +
         threads * largest * kDecodedFactor;
}

}  // namespace

arrow::Result<PlanReport> PlanDates(const Pipeline& pipeline, const std::string& start,
                                    const std::string& end, const RunOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto calendar, CalendarOf(pipeline));
  ARROW_ASSIGN_OR_RAISE(const std::vector<Slot> dates, DatesBetween(*calendar, start, end));
  ARROW_ASSIGN_OR_RAISE(const Table table, OpenOutput(pipeline, *calendar));
  ARROW_ASSIGN_OR_RAISE(const Plan plan, PreparePass(pipeline, calendar, dates, options));
  ARROW_RETURN_NOT_OK(table.layout().CheckSchema(*plan.pipeline->output));
  ARROW_ASSIGN_OR_RAISE(const TileLayout layout, MakeTileLayout(*plan.pipeline));

  PlanReport report;
  report.pipeline = pipeline.name;
  report.source = plan.source->root.uri;
  report.output = table.path();
  report.first_day = FormatCivilDay(calendar->DayOf(plan.strata.slots().first));
  report.last_day = FormatCivilDay(calendar->DayOf(plan.strata.slots().last));
  std::set<CivilDay> days;
  std::set<int> files;
  for (const MorselRef& morsel : plan.morsels) {
    files.insert(morsel.file);
    const auto& day = plan.source->file_days[static_cast<size_t>(morsel.file)];
    if (day) days.insert(*day);
  }
  report.days_read = plan.source->day_is_partition ? static_cast<int64_t>(days.size())
                                                   : int64_t{plan.strata.slots().size()};
  report.files_read = static_cast<int64_t>(files.size());
  report.files_pruned = plan.files_pruned;
  report.row_groups_read = static_cast<int64_t>(plan.morsels.size());
  report.row_groups_pruned = plan.morsels_pruned;
  report.bytes_read = plan.bytes;
  report.rows_read = plan.num_rows;
  report.memory_bytes = ExpectedMemory(plan, layout, ThreadsOf(options));
  report.columns = plan.file_columns;
  report.warnings = PlanWarnings(plan);
  ARROW_ASSIGN_OR_RAISE(const std::vector<DateState> states, StatesOf(plan, table));
  for (const DateState& state : states) {
    report.dates.push_back({state.feature_date, state.status, state.reason});
  }
  return report;
}

}  // namespace tidemill
