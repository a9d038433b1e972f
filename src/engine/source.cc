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

std::shared_ptr<arrow::Schema> Combine(const arrow::Schema& files,
                                       const arrow::Schema& partitions) {
  arrow::FieldVector fields;
  for (const auto& field : files.fields()) {
    if (partitions.GetFieldIndex(field->name()) < 0) fields.push_back(field);
  }
  for (const auto& field : partitions.fields()) fields.push_back(field);
  return arrow::schema(fields);
}

}  // namespace

arrow::Result<Source> OpenSource(const Pipeline& pipeline,
                                 std::optional<std::pair<CivilDay, CivilDay>> needed, int threads) {
  Source source;
  ARROW_ASSIGN_OR_RAISE(source.root, ParseLocation(pipeline.Resolve(pipeline.source.path.text)));
  ARROW_ASSIGN_OR_RAISE(HiveListing listing, ListHive(source.root));
  source.partition_schema = listing.partition_schema;
  if (listing.files.empty()) {
    return MakeError(ErrorCode::kRunFailed, "no Parquet files in " + source.root.uri,
                     "check source.path; files and folders whose name starts with '_' or '.' are "
                     "not read");
  }

  const ExpressionPtr day = PartitionDay(pipeline, *listing.partition_schema);
  source.day_is_partition = day != nullptr;
  std::set<CivilDay> days;
  for (DataFile& file : listing.files) {
    std::optional<CivilDay> file_day;
    if (day != nullptr) {
      ARROW_ASSIGN_OR_RAISE(file_day, DayOfFile(day, file));
      days.insert(*file_day);
      if (needed && (*file_day < needed->first || needed->second < *file_day)) {
        source.pruned.push_back(file);
        continue;
      }
    }
    source.files.push_back(file);
    source.file_days.push_back(file_day);
  }
  source.days.assign(days.begin(), days.end());

  if (source.files.empty()) {
    const std::vector<DataFile> first = {listing.files.front()};
    ARROW_ASSIGN_OR_RAISE(auto footers, ReadFooters(source.root, first, 1));
    ARROW_ASSIGN_OR_RAISE(UnifiedSchema unified, UnifySchemas(first, footers));
    source.file_schema = unified.schema;
  } else {
    ARROW_ASSIGN_OR_RAISE(source.footers, ReadFooters(source.root, source.files, threads));
    ARROW_ASSIGN_OR_RAISE(UnifiedSchema unified, UnifySchemas(source.files, source.footers));
    source.file_schema = unified.schema;
    source.warnings = unified.warnings;
  }
  source.schema = Combine(*source.file_schema, *source.partition_schema);
  return source;
}

arrow::Status AddColumnsOfOtherDays(const std::vector<std::string>& names, int threads,
                                    Source* source) {
  ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(source->root, source->pruned, threads));
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
  source->schema = Combine(*source->file_schema, *source->partition_schema);
  return arrow::Status::OK();
}

}  // namespace tidemill
