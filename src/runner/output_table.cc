#include "runner/output_table.h"

#include <algorithm>

#include "table/staleness.h"

namespace tidemill {
namespace {

constexpr std::string_view kInput = "input: ";
constexpr std::string_view kOutput = "output: ";

}  // namespace

arrow::Result<Table> OpenOutput(const Pipeline& pipeline, const Calendar& calendar,
                                const std::string& scratch) {
  ARROW_ASSIGN_OR_RAISE(Location location,
                        ParseLocation(pipeline.Resolve(pipeline.output.path.text)));
  ARROW_ASSIGN_OR_RAISE(PartitionLayout layout,
                        PartitionLayout::Make(pipeline.output.partition_by, calendar));
  TableOptions options;
  const bool is_delta = pipeline.output.format == "delta";
  options.format = is_delta ? TableOptions::Format::kDelta : TableOptions::Format::kParquet;
  if (pipeline.output.mode == "merge") options.mode = TableOptions::Mode::kMerge;
  options.pipeline = pipeline.name;
  for (const LocatedText& entity : pipeline.entity) options.entity.push_back(entity.text);
  options.scratch = scratch;
  return Table::Open(location, std::move(layout), std::move(options));
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

std::vector<InputDay> InputsOf(const Plan& plan, size_t date) {
  const SlotRange window = plan.strata.WindowSlots(date, plan.strata.Longest(date));
  std::vector<std::pair<std::optional<CivilDay>, const DataFile*>> files;
  for (size_t f = 0; f < plan.source->files.size(); ++f) {
    const DataFile* file = &plan.source->files[f];
    if (!plan.file_slots[f]) {
      files.emplace_back(std::nullopt, file);
      continue;
    }
    const SlotRange slots{std::max(window.first, plan.file_slots[f]->first),
                          std::min(window.last, plan.file_slots[f]->last)};
    if (slots.size() == 0) continue;
    if (plan.source->file_days[f]) {
      files.emplace_back(plan.source->file_days[f], file);
      continue;
    }
    const auto [first, last] = plan.calendar->DaysTouched(slots);
    for (CivilDay day = first; day <= last; ++day) files.emplace_back(day, file);
  }
  return FingerprintOf(files);
}

std::vector<OtherInput> OtherInputsOf(const Plan& plan, size_t date) {
  const SlotRange window = plan.strata.WindowSlots(date, plan.strata.Longest(date));
  const CivilDay first_day = plan.calendar->DayOf(window.first);
  const CivilDay last_day = plan.calendar->DayOf(window.last);
  std::vector<OtherInput> inputs;
  for (size_t j = 0; j < plan.dimensions.size(); ++j) {
    if (!plan.needed_joins[j]) continue;
    const Dimension& dimension = *plan.dimensions[j];
    std::vector<DataFile> files;
    for (size_t f = 0; f < dimension.files.size(); ++f) {
      const bool counts = !dimension.is_dated || (dimension.file_days[f] <= last_day &&
                                                  dimension.StateOn(dimension.file_days[f]) >=
                                                      dimension.StateOn(first_day));
      if (counts) files.push_back(dimension.files[f]);
    }
    inputs.push_back({dimension.is_dated ? "dated join" : "join", dimension.path, dimension.version,
                      FingerprintOf(files)});
  }
  if (plan.universe != nullptr) {
    const EntityUniverse& universe = *plan.universe;
    inputs.push_back({"entities", universe.path, universe.version, FingerprintOf(universe.files)});
  }
  return inputs;
}

}  // namespace tidemill
