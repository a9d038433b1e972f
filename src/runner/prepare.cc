#include "runner/prepare.h"

#include <algorithm>
#include <fstream>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

namespace tidemill {
namespace {

/// The columns that a pipeline could not be bound for.
std::vector<std::string> UnknownColumns(const arrow::Status& status) {
  constexpr std::string_view kUnknown = "unknown column '";
  std::vector<std::string> names;
  if (status.ok()) return names;
  for (const Diagnostic& diagnostic : DiagnosticsOf(status)) {
    const std::string_view message = diagnostic.message;
    if (!message.starts_with(kUnknown)) continue;
    const std::string_view rest = message.substr(kUnknown.size());
    names.emplace_back(rest.substr(0, rest.find('\'')));
  }
  return names;
}

}  // namespace

arrow::Result<std::shared_ptr<const Calendar>> CalendarOf(const Pipeline& pipeline) {
  auto zone = TimeZone::Find(pipeline.source.timezone);
  if (zone == nullptr) {
    return MakeError(ErrorCode::kInvalid, "unknown time zone '" + pipeline.source.timezone + "'",
                     "use an IANA name such as Europe/Stockholm");
  }
  return std::make_shared<const Calendar>(StepOf(pipeline.grain), zone);
}

arrow::Result<Slot> ParseFeatureDate(const Calendar& calendar, const std::string& label) {
  auto slot = calendar.Parse(label);
  if (!slot) {
    const bool by_day = calendar.step() == Calendar::Step::kDay;
    return MakeError(
        ErrorCode::kInvalid, "'" + label + "' is not a feature date",
        by_day ? "give a day that exists, as in 2026-03-02" : "give an hour, as in 2026-03-02T14");
  }
  return *slot;
}

arrow::Result<OpenedPipeline> OpenPipeline(const Pipeline& pipeline,
                                           std::pair<CivilDay, CivilDay> days,
                                           const RunOptions& options, SourcePool* pool) {
  std::shared_ptr<ListedTable> listed;
  if (pool != nullptr) {
    ARROW_ASSIGN_OR_RAISE(listed, pool->Find(pipeline));
  }
  auto source = std::make_shared<Source>();
  ARROW_ASSIGN_OR_RAISE(*source, OpenSource(pipeline, days, ThreadsOf(options), std::move(listed)));
  ARROW_ASSIGN_OR_RAISE(Dimensions dimensions, OpenDimensions(pipeline, days, ThreadsOf(options)));
  auto bound = std::make_shared<BoundPipeline>();
  const auto bind = [&] {
    return BindPipeline(pipeline, source->schema, SchemasOf(dimensions)).Value(bound.get());
  };
  arrow::Status status = bind();
  if (const auto unknown = UnknownColumns(status); !unknown.empty() && !source->pruned.empty()) {
    if (AddColumnsOfOtherDays(unknown, ThreadsOf(options), source.get()).ok()) {
      status = bind();
    }
  }
  ARROW_RETURN_NOT_OK(status);
  return OpenedPipeline{std::move(source), std::move(dimensions), std::move(bound)};
}

arrow::Result<Plan> PreparePass(const Pipeline& pipeline, std::shared_ptr<const Calendar> calendar,
                                std::vector<Slot> dates, const RunOptions& options, PlanScope scope,
                                SourcePool* pool) {
  ARROW_ASSIGN_OR_RAISE(
      OpenedPipeline opened,
      OpenPipeline(pipeline, DaysNeeded(pipeline, *calendar, dates), options, pool));
  std::shared_ptr<const EntityUniverse> universe;
  if (scope == PlanScope::kFeatures) {
    ARROW_ASSIGN_OR_RAISE(universe, OpenUniverse(*opened.pipeline, ThreadsOf(options)));
  }
  ARROW_ASSIGN_OR_RAISE(
      Plan plan, MakePlan(std::move(opened.pipeline), std::move(opened.source), std::move(calendar),
                          std::move(dates), scope, std::move(opened.dimensions)));
  plan.universe = std::move(universe);
  return plan;
}

int ThreadsOf(const RunOptions& options) {
  return options.threads > 0 ? options.threads
                             : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int64_t MemoryOf(const RunOptions& options) {
  if (options.memory_bytes > 0) return options.memory_bytes;
  return int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE) / 10 * 6;
}

int64_t PeakMemory() {
  // Unlike getrusage, which begins with what the process was before it became this program.
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    int64_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

std::vector<std::string> PlanWarnings(const Plan& plan) {
  std::vector<std::string> warnings = plan.source->warnings;
  for (const auto& dimension : plan.dimensions) {
    warnings.insert(warnings.end(), dimension->warnings.begin(), dimension->warnings.end());
  }
  const Source& source = *plan.source;
  if (!source.day_is_partition || source.days.empty()) return warnings;
  const Calendar& calendar = *plan.calendar;
  const CivilDay first = calendar.DayOf(plan.strata.slots().first);
  const CivilDay last = calendar.DayOf(plan.strata.slots().last);
  if (first < source.days.front()) {
    warnings.push_back("the window begins on " + FormatCivilDay(first) +
                       ", before the first day of data, " + FormatCivilDay(source.days.front()));
  }
  if (last > source.days.back()) {
    warnings.push_back("the window ends on " + FormatCivilDay(last) +
                       ", after the last day of data, " + FormatCivilDay(source.days.back()));
  }
  std::vector<CivilDay> missing;
  for (CivilDay day = std::max(first, source.days.front());
       day <= std::min(last, source.days.back()); ++day) {
    if (!std::binary_search(source.days.begin(), source.days.end(), day)) missing.push_back(day);
  }
  if (!missing.empty()) {
    constexpr size_t kShown = 5;
    std::string text = missing.size() == 1
                           ? "a day of the window has no data: "
                           : std::to_string(missing.size()) + " days of the window have no data: ";
    for (size_t i = 0; i < std::min(kShown, missing.size()); ++i) {
      text += (i == 0 ? "" : ", ") + FormatCivilDay(missing[i]);
    }
    warnings.push_back(text + (missing.size() > kShown ? ", ..." : ""));
  }
  return warnings;
}

}  // namespace tidemill
