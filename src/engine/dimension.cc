#include "engine/dimension.h"

#include <algorithm>

#include <arrow/scalar.h>

#include "base/nearest_name.h"

namespace tidemill {
namespace {

arrow::Status FailAt(const Pipeline& pipeline, const LocatedText& at, std::string message,
                     std::string hint) {
  const auto index = static_cast<size_t>(at.position.line - 1);
  const bool is_in_file = at.position.line > 0 && index < pipeline.file_lines.size();
  return MakeError(ErrorCode::kInvalid,
                   std::vector<Diagnostic>{{std::move(message), std::move(hint), at.position,
                                            is_in_file ? pipeline.file_lines[index] : ""}});
}

TableRole JoinRole() {
  return {"join", "a dimension without rows is a file without rows, which has its columns",
          /*may_be_file=*/true};
}

/// The partition column that dates a dimension: the named one, else the only one that is a date.
arrow::Result<int> DayColumn(const Pipeline& pipeline, const JoinSpec& spec,
                             const arrow::Schema& partitions) {
  const auto is_date = [&](int index) {
    return partitions.field(index)->type()->id() == arrow::Type::DATE32;
  };
  if (spec.day) {
    const int index = partitions.GetFieldIndex(spec.day->text);
    if (index >= 0 && is_date(index)) return index;
    const auto nearest = NearestName(spec.day->text, partitions.field_names());
    return FailAt(pipeline, *spec.day,
                  "'" + spec.day->text + "' is no partition column of " + spec.path.text +
                      " that holds dates",
                  nearest && *nearest != spec.day->text
                      ? "did you mean '" + *nearest + "'?"
                      : "partition the dimension by day: " + spec.day->text + "=2026-03-02");
  }
  int found = -1;
  for (int i = 0; i < partitions.num_fields(); ++i) {
    if (!is_date(i)) continue;
    if (found >= 0) {
      return FailAt(pipeline, spec.path,
                    "the dimension is partitioned by several dates: " +
                        partitions.field(found)->name() + ", " + partitions.field(i)->name(),
                    "name the one that counts: day: " + partitions.field(found)->name());
    }
    found = i;
  }
  if (found >= 0) return found;
  return FailAt(pipeline, spec.path, "the dimension has no partition column that holds dates",
                "'as_of: day' needs partitions such as day=2026-03-02");
}

/// Leaves the files of the partitions that count on any of the days.
void KeepStates(const std::optional<std::pair<CivilDay, CivilDay>>& needed,
                std::vector<std::optional<CivilDay>>* days, std::vector<bool>* kept) {
  std::optional<CivilDay> first;
  if (needed) {
    for (const auto& day : *days) {
      if (day && *day <= needed->first && (!first || *first < *day)) first = day;
    }
  }
  for (const auto& day : *days) {
    const bool is_late = needed && day && needed->second < *day;
    const bool is_early = needed && day && *day < first.value_or(needed->first);
    kept->push_back(day && !is_late && !is_early);
  }
}

}  // namespace

int Dimension::StateOn(CivilDay day) const {
  return static_cast<int>(std::upper_bound(days.begin(), days.end(), day) - days.begin()) - 1;
}

arrow::Result<Dimension> OpenDimension(const Pipeline& pipeline, const JoinSpec& spec,
                                       std::optional<std::pair<CivilDay, CivilDay>> needed,
                                       int threads) {
  Dimension dimension;
  dimension.path = spec.path.text;
  ARROW_ASSIGN_OR_RAISE(Location root, ParseLocation(pipeline.Resolve(spec.path.text)));
  ARROW_ASSIGN_OR_RAISE(const auto listed, ListedTable::List(spec, std::move(root), JoinRole()));
  const HiveListing& listing = listed->listing();
  dimension.is_dated = spec.is_dated;
  std::vector<bool> kept(listing.files.size(), true);
  std::vector<std::optional<CivilDay>> days;
  if (spec.is_dated) {
    ARROW_ASSIGN_OR_RAISE(const int column, DayColumn(pipeline, spec, *listing.partition_schema));
    dimension.day_column = listing.partition_schema->field(column)->name();
    for (const DataFile& file : listing.files) {
      const auto& value = file.partition_values[static_cast<size_t>(column)];
      days.push_back(value->is_valid ? std::optional<CivilDay>(
                                           static_cast<const arrow::Date32Scalar&>(*value).value)
                                     : std::nullopt);
    }
    kept.clear();
    KeepStates(needed, &days, &kept);
  }
  for (size_t f = 0; f < listing.files.size(); ++f) {
    if (!kept[f]) continue;
    ARROW_ASSIGN_OR_RAISE(DataFile file, listed->WithDeletedRows(f));
    dimension.files.push_back(std::move(file));
    if (spec.is_dated) dimension.file_days.push_back(*days[f]);
  }
  dimension.days = dimension.file_days;
  std::ranges::sort(dimension.days);
  dimension.days.erase(std::unique(dimension.days.begin(), dimension.days.end()),
                       dimension.days.end());
  const std::string name = "the dimension " + spec.path.text;
  ARROW_RETURN_NOT_OK(WithContext(OpenFiles(listed.get(), threads, &dimension), name));
  for (std::string& warning : dimension.warnings) warning = name + ": " + warning;
  if (dimension.num_rows() > INT32_MAX) {
    return FailAt(pipeline, spec.path,
                  "the dimension has " + std::to_string(dimension.num_rows()) + " rows",
                  "a dimension has at most 2147483647");
  }
  return dimension;
}

arrow::Result<Dimensions> OpenDimensions(const Pipeline& pipeline,
                                         std::optional<std::pair<CivilDay, CivilDay>> needed,
                                         int threads) {
  Dimensions dimensions;
  for (const JoinSpec& join : pipeline.source.joins) {
    ARROW_ASSIGN_OR_RAISE(Dimension dimension, OpenDimension(pipeline, join, needed, threads));
    dimensions.push_back(std::make_shared<const Dimension>(std::move(dimension)));
  }
  return dimensions;
}

std::vector<std::shared_ptr<arrow::Schema>> SchemasOf(const Dimensions& dimensions) {
  std::vector<std::shared_ptr<arrow::Schema>> schemas;
  for (const auto& dimension : dimensions) schemas.push_back(dimension->schema);
  return schemas;
}

}  // namespace tidemill
