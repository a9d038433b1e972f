#include "engine/source.h"

#include <algorithm>
#include <set>

#include <arrow/scalar.h>

#include "engine/day_of_row.h"
#include "sql/source_text.h"

namespace tidemill {
namespace {

/// The day expression over the partition columns alone; null if it needs a file column or does not
/// bind here.
ExpressionPtr PartitionDay(const Pipeline& pipeline, const arrow::Schema& partitions) {
  if (!pipeline.source.day) return nullptr;
  auto bound = BindDay(pipeline, partitions);
  return bound.ok() ? *bound : nullptr;
}

arrow::Result<CivilDay> DayOfFile(const ExpressionPtr& day, const DataFile& file) {
  Frame frame;
  frame.num_rows = 1;
  for (const auto& value : file.partition_values) frame.columns.emplace_back(value);
  Evaluator evaluator(&frame);
  std::vector<int32_t> days;
  std::vector<uint8_t> valid;
  auto status = CivilDaysOf(day, *TimeZone::Find("UTC"), &evaluator, 1, &days, &valid);
  if (!status.ok() || !valid[0]) {
    return MakeError(ErrorCode::kRunFailed,
                     "partition of " + file.relative_path + " is not a date" +
                         (status.ok() ? "" : ": " + status.message()),
                     "rename the directory, or set source.day to an expression that gives its day");
  }
  return days[0];
}

/// The column whose statistics tell on which days the rows of a file count; empty if none does.
std::string ColumnOfDays(const Pipeline& pipeline) {
  const auto& column = pipeline.source.day ? pipeline.source.day : pipeline.source.event_time;
  return column ? column->text : "";
}

/// Shares the files out to those that may hold events of the needed days and the others.
arrow::Status Prune(const Pipeline& pipeline, std::optional<std::pair<CivilDay, CivilDay>> needed,
                    Source* source) {
  const HiveListing& listing = source->listed->listing();
  const DeltaListing* delta = source->listed->delta();
  const ExpressionPtr day = PartitionDay(pipeline, *listing.partition_schema);
  source->day_is_partition = day != nullptr;
  const std::string column = ColumnOfDays(pipeline);
  const auto is_outside = [&](CivilDay first, CivilDay last) {
    return needed && (last < needed->first || needed->second < first);
  };
  std::set<CivilDay> days;
  for (size_t f = 0; f < listing.files.size(); ++f) {
    const DataFile& file = listing.files[f];
    std::optional<CivilDay> file_day;
    bool is_pruned = false;
    if (day != nullptr) {
      ARROW_ASSIGN_OR_RAISE(file_day, DayOfFile(day, file));
      days.insert(*file_day);
      is_pruned = is_outside(*file_day, *file_day);
    } else if (delta != nullptr) {
      const auto range = DaysFromStats(*delta, f, column);
      is_pruned = range && is_outside(range->first, range->second);
    }
    if (is_pruned) {
      source->pruned.push_back(file);
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(DataFile needed_file, source->listed->WithDeletedRows(f));
    source->files.push_back(std::move(needed_file));
    source->file_days.push_back(file_day);
  }
  source->days.assign(days.begin(), days.end());
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<Source> OpenSource(const Pipeline& pipeline,
                                 std::optional<std::pair<CivilDay, CivilDay>> needed, int threads,
                                 std::shared_ptr<ListedTable> listed) {
  Source source;
  source.listed = std::move(listed);
  if (source.listed == nullptr) {
    ARROW_ASSIGN_OR_RAISE(source.listed, ListSource(pipeline));
  }
  ARROW_RETURN_NOT_OK(Prune(pipeline, needed, &source));
  ARROW_RETURN_NOT_OK(OpenFiles(source.listed.get(), threads, &source));
  return source;
}

arrow::Status AddColumnsOfOtherDays(const std::vector<std::string>& names, int threads,
                                    Source* source) {
  if (source->version) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto footers, source->listed->Footers(source->pruned, threads));
  ARROW_ASSIGN_OR_RAISE(const UnifiedSchema others, UnifySchemas(source->pruned, footers));
  for (const auto& field : others.schema->fields()) {
    if (source->schema->GetFieldIndex(field->name()) >= 0) continue;
    const bool is_named = std::ranges::any_of(names, [&](const std::string& name) {
      return FoldIdentifier(name) == FoldIdentifier(field->name());
    });
    if (!is_named) continue;
    size_t first = 0;
    while (footers[first].schema->GetFieldIndex(field->name()) < 0) ++first;
    source->warnings.push_back("column '" + field->name() +
                               "' is in no file of these days, only in others (first: " +
                               source->pruned[first].relative_path + "); read as NULL");
    ARROW_ASSIGN_OR_RAISE(source->file_schema,
                          source->file_schema->AddField(source->file_schema->num_fields(), field));
  }
  source->schema = CombineSchemas(*source->file_schema, *source->partition_schema);
  return arrow::Status::OK();
}

}  // namespace tidemill
