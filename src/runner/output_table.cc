#include "runner/output_table.h"

#include <algorithm>

#include "table/staleness.h"

namespace tidemill {
namespace {

constexpr std::string_view kInput = "input: ";
constexpr std::string_view kOutput = "output: ";

}  // namespace

arrow::Result<Table> OpenOutput(const Pipeline& pipeline, const Calendar& calendar) {
  ARROW_ASSIGN_OR_RAISE(Location location,
                        ParseLocation(pipeline.Resolve(pipeline.output.path.text)));
  ARROW_ASSIGN_OR_RAISE(PartitionLayout layout,
                        PartitionLayout::Make(pipeline.output.partition_by, calendar));
  return Table::Open(location, std::move(layout));
}

arrow::Result<PreviousOfDate> ReadPrevious(const Table& table, const std::string& date) {
  PreviousOfDate values;
  ARROW_ASSIGN_OR_RAISE(auto entry, table.ledger().LastPublishedBefore(date));
  if (!entry || !entry->published) return values;
  for (const auto& [text, value] : entry->published->metrics) {
    if (text.starts_with(kInput)) values.input[text.substr(kInput.size())] = value;
    if (text.starts_with(kOutput)) values.output[text.substr(kOutput.size())] = value;
  }
  return values;
}

std::vector<std::pair<std::string, std::shared_ptr<arrow::Scalar>>> LedgerMetrics(
    const PreviousOfDate& values) {
  std::vector<std::pair<std::string, std::shared_ptr<arrow::Scalar>>> metrics;
  for (const auto& [text, value] : values.input) {
    metrics.emplace_back(std::string(kInput) + text, value);
  }
  for (const auto& [text, value] : values.output) {
    metrics.emplace_back(std::string(kOutput) + text, value);
  }
  return metrics;
}

std::vector<InputDay> InputsOf(const Plan& plan, const ScanCounts& counts, size_t date) {
  const Source& source = *plan.source;
  const auto longest = static_cast<size_t>(plan.pipeline->longest_window);
  const SlotRange window = plan.strata.WindowSlots(date, longest);
  const Slot first = plan.strata.slots().first;
  std::vector<std::pair<std::optional<CivilDay>, const DataFile*>> files;
  for (size_t f = 0; f < source.files.size(); ++f) {
    if (source.file_days[f]) {
      const SlotRange slots = plan.calendar->SlotsOfDay(*source.file_days[f]);
      if (slots.last < window.first || window.last < slots.first) continue;
      files.emplace_back(source.file_days[f], &source.files[f]);
      continue;
    }
    std::optional<CivilDay> last_day;
    for (Slot slot = window.first; slot <= window.last; slot = slot + 1) {
      if (!counts.slots_of_file[f][static_cast<size_t>(slot - first)]) continue;
      const CivilDay day = plan.calendar->DayOf(slot);
      if (last_day == day) continue;
      last_day = day;
      files.emplace_back(day, &source.files[f]);
    }
  }
  return FingerprintOf(files);
}

}  // namespace tidemill
