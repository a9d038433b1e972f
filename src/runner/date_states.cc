#include "runner/date_states.h"

#include <algorithm>
#include <map>

#include "pipeline/definition_hash.h"
#include "runner/output_table.h"
#include "runner/prepare.h"
#include "table/staleness.h"

namespace tidemill {
namespace {

/// "features changed: a, b; new: c; gone: d", or what else differs.
std::string DefinitionChange(const PublishedState& published, const BoundPipeline& pipeline) {
  std::map<std::string, std::string> before(published.features.begin(), published.features.end());
  std::string changed;
  std::string added;
  auto append = [](std::string* list, const std::string& name) {
    *list += (list->empty() ? "" : ", ") + name;
  };
  for (const BoundFeature& feature : pipeline.features) {
    auto found = before.find(feature.name);
    if (found == before.end()) {
      append(&added, feature.name);
      continue;
    }
    if (found->second != FeatureHash(feature)) append(&changed, feature.name);
    before.erase(found);
  }
  std::string removed;
  for (const auto& [name, hash] : before) append(&removed, name);
  std::string text;
  if (!changed.empty()) text += "features changed: " + changed;
  if (!added.empty()) text += std::string(text.empty() ? "" : "; ") + "new: " + added;
  if (!removed.empty()) text += std::string(text.empty() ? "" : "; ") + "gone: " + removed;
  return text.empty() ? "the source, joins, filter, entity or calendar of the pipeline changed"
                      : text;
}

}  // namespace

arrow::Result<std::vector<Slot>> DatesBetween(const Calendar& calendar, const std::string& start,
                                              const std::string& end,
                                              const std::optional<WindowLength>& every) {
  ARROW_ASSIGN_OR_RAISE(const Slot first, ParseFeatureDate(calendar, start));
  ARROW_ASSIGN_OR_RAISE(const Slot last, ParseFeatureDate(calendar, end));
  if (last < first) {
    return MakeError(ErrorCode::kInvalid, "--end " + end + " is before --start " + start,
                     "the range includes both dates");
  }
  std::vector<Slot> dates;
  Slot slot = first;
  for (int32_t n = 1; slot <= last; ++n) {
    dates.push_back(slot);
    slot = every ? calendar.After(first, n * every->count, StepOf(every->unit)) : slot + 1;
  }
  return dates;
}

arrow::Status CheckStates(const std::vector<std::string>& only) {
  static const std::vector<std::string> kStates = {"missing", "stale", "failed",
                                                   "empty",   "done",  "changed"};
  for (const std::string& state : only) {
    if (std::find(kStates.begin(), kStates.end(), state) != kStates.end()) continue;
    return MakeError(ErrorCode::kInvalid, "--only: '" + state + "' is not a state of dates",
                     "states are missing, stale, failed, empty, done and changed");
  }
  return arrow::Status::OK();
}

bool IsPicked(const DateState& state, const std::vector<std::string>& only) {
  return only.empty() || std::find(only.begin(), only.end(), state.status) != only.end();
}

arrow::Result<std::vector<DateState>> StatesOf(const Plan& plan, const Table& table) {
  const Calendar& calendar = *plan.calendar;
  const Ledger ledger = table.ledger();
  const std::string definition = DefinitionHash(*plan.pipeline);
  std::vector<DateState> states;
  for (size_t d = 0; d < plan.dates.size(); ++d) {
    DateState state;
    state.feature_date = calendar.Format(plan.dates[d]);
    state.status = "missing";
    ARROW_ASSIGN_OR_RAISE(auto entry, ledger.Read(state.feature_date));
    if (entry && entry->published) {
      const PublishedState& published = *entry->published;
      state.status = published.status;
      state.run_id = published.run_id;
      state.rows = published.rows_written;
      state.published_at = published.published_at;
      const auto changes = ChangedDays(published.inputs, InputsOf(plan, d));
      for (const DayChange& change : changes) {
        state.changed_days.push_back(change.day ? FormatCivilDay(*change.day) : "any");
        state.reason += (state.reason.empty() ? "" : "; ") + change.ToString();
      }
      const auto others = ChangedInputs(published.other_inputs, OtherInputsOf(plan, d));
      for (const std::string& change : others) {
        state.reason += (state.reason.empty() ? "" : "; ") + change;
      }
      if (!changes.empty() || !others.empty()) state.status = "stale";
      if (published.definition_hash != definition) {
        state.status = "changed";
        state.reason = DefinitionChange(published, *plan.pipeline);
      }
    }
    if (entry && entry->last_attempt && entry->last_attempt->status == "failed") {
      state.status = "failed";
      state.reason = entry->last_attempt->reason;
      state.run_id = entry->last_attempt->run_id;
    }
    states.push_back(std::move(state));
  }
  return states;
}

arrow::Result<StatusReport> StatusOfDates(const Pipeline& pipeline, const std::string& start,
                                          const std::string& end, const RunOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto calendar, CalendarOf(pipeline));
  ARROW_ASSIGN_OR_RAISE(const Table table, OpenOutput(pipeline, *calendar));
  StatusReport report;
  report.pipeline = pipeline.name;
  report.output = table.path();
  std::string first = start;
  std::string last = end;
  if (first.empty() || last.empty()) {
    ARROW_ASSIGN_OR_RAISE(const auto entries, table.ledger().ReadAll(first, last));
    if (entries.empty()) return report;
    if (first.empty()) first = entries.front().feature_date;
    if (last.empty()) last = entries.back().feature_date;
  }
  ARROW_ASSIGN_OR_RAISE(const auto dates, DatesBetween(*calendar, first, last));
  ARROW_ASSIGN_OR_RAISE(const Plan plan, PreparePass(pipeline, calendar, dates, options));
  ARROW_ASSIGN_OR_RAISE(report.dates, StatesOf(plan, table));
  return report;
}

}  // namespace tidemill
