#include "runner/open_table.h"

#include <filesystem>

#include <arrow/scalar.h>
#include <fmt/format.h>

#include "base/calendar.h"

namespace tidemill {

arrow::Result<Location> LocateTable(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(Location location, ParseLocation(path));
  const auto info = location.filesystem->GetFileInfo(location.path);
  if (!info.ok()) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("{}: cannot be read: {}", location.uri, info.status().message()));
  }
  if (!info->IsDirectory()) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("there is no table at {}", location.uri),
                     "give the path of a pipeline's output");
  }
  if (location.is_local) {
    std::error_code error;
    const auto resolved = std::filesystem::canonical(location.path, error);
    if (!error) location.path = location.uri = resolved.string();
  }
  return location;
}

arrow::Result<bool> HasLedger(const Location& location) {
  const auto info = location.filesystem->GetFileInfo(location.path + "/_tidemill");
  if (!info.ok()) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("{}: cannot be read: {}", location.uri, info.status().message()));
  }
  return info->IsDirectory();
}

arrow::Result<Table> OpenForUpkeep(const Location& location) {
  const Calendar calendar(Calendar::Step::kDay, TimeZone::Find("UTC"));
  ARROW_ASSIGN_OR_RAISE(PartitionLayout layout, PartitionLayout::Make({PartitionTerm{}}, calendar));
  TableOptions options;
  ARROW_ASSIGN_OR_RAISE(const bool is_delta, IsDeltaTable(location));
  if (is_delta) options.format = TableOptions::Format::kDelta;
  return Table::Open(location, std::move(layout), std::move(options));
}

namespace {

/// A listing without files, with the columns of one that is none of it.
arrow::Result<TableContents> SchemaAlone(const Location& location, const DataFile& file,
                                         TableContents contents) {
  ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(location, {file}, 1));
  contents.schema = footers.front().schema;
  return contents;
}

}  // namespace

arrow::Result<TableContents> ReadContents(
    const Location& location, int threads,
    const std::function<arrow::Status(bool is_delta, HiveListing*)>& narrow) {
  TableContents contents;
  ARROW_ASSIGN_OR_RAISE(contents.is_delta, IsDeltaTable(location));
  if (contents.is_delta) {
    ARROW_ASSIGN_OR_RAISE(contents.delta, ListDelta(location, {}));
    contents.listing = contents.delta->listing;
    for (size_t f = 0; f < contents.listing.files.size(); ++f) {
      ARROW_RETURN_NOT_OK(LoadDeletedRows(*contents.delta, f, &contents.listing.files[f]));
    }
    if (narrow) ARROW_RETURN_NOT_OK(narrow(true, &contents.listing));
  } else {
    ARROW_ASSIGN_OR_RAISE(contents.listing, ListHive(location));
    const std::vector<DataFile> all = contents.listing.files;
    if (narrow) ARROW_RETURN_NOT_OK(narrow(false, &contents.listing));
    if (contents.listing.files.empty() && !all.empty())
      return SchemaAlone(location, all.back(), std::move(contents));
  }
  ARROW_ASSIGN_OR_RAISE(contents.footers, ReadFooters(location, contents.listing.files, threads));
  if (contents.is_delta) {
    for (ParquetFooter& footer : contents.footers) NameColumns(*contents.delta, &footer);
    contents.schema = contents.delta->file_schema;
  } else {
    ARROW_ASSIGN_OR_RAISE(const UnifiedSchema unified,
                          UnifySchemas(contents.listing.files, contents.footers));
    contents.schema = unified.schema;
  }
  return contents;
}

std::string PartitionOf(const HiveListing& listing, const DataFile& file) {
  std::string text;
  for (size_t i = 0; i < file.partition_values.size(); ++i) {
    const auto& value = file.partition_values[i];
    text += (i == 0 ? "" : "/") + listing.partition_schema->field(static_cast<int>(i))->name() +
            "=" + (value->is_valid ? value->ToString() : "NULL");
  }
  return text;
}

}  // namespace tidemill
