#include "table/delta_listing.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "storage/percent_encoding.h"
#include "table/delta_features.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using Json = nlohmann::json;

/// Partition values, typed; files of one partition share them.
class PartitionParser {
 public:
  explicit PartitionParser(std::vector<DeltaField> columns) : columns_(std::move(columns)) {}

  arrow::Result<std::vector<std::shared_ptr<arrow::Scalar>>> Parse(const std::string& json) {
    const auto [at, is_new] = parsed_.try_emplace(json);
    if (!is_new) return at->second;
    const Json values = Json::parse(json, nullptr, /*allow_exceptions=*/false);
    for (const DeltaField& column : columns_) {
      std::optional<std::string> text;
      if (values.is_object() && values.contains(column.physical_name) &&
          values.at(column.physical_name).is_string()) {
        text = values.at(column.physical_name).get<std::string>();
      }
      const auto type = ArrowTypeOf(column.type);
      if (type == nullptr) {
        return MakeError(ErrorCode::kRunFailed, fmt::format("partition column '{}' has type {}",
                                                            column.name, column.type));
      }
      ARROW_ASSIGN_OR_RAISE(auto value, ParsePartitionValue(text, type));
      at->second.push_back(std::move(value));
    }
    return at->second;
  }

 private:
  std::vector<DeltaField> columns_;
  std::map<std::string, std::vector<std::shared_ptr<arrow::Scalar>>> parsed_;
};

/// What tells one deletion vector from another.
std::string RevisionOf(const std::string& deletion_vector) {
  if (deletion_vector.empty()) return "";
  const Json json = Json::parse(deletion_vector, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return deletion_vector;
  return fmt::format("{}@{}", json.value("pathOrInlineDv", ""), json.value("offset", 0));
}

/// Paths in the log are relative to the table or URIs.
arrow::Status SetPath(const Location& table, const std::string& logged, DataFile* file) {
  if (logged.find("://") == std::string::npos && !logged.starts_with('/') &&
      !logged.starts_with("file:")) {
    file->relative_path = PercentDecode(logged);
    file->path = table.path + "/" + file->relative_path;
    return arrow::Status::OK();
  }
  std::string decoded = PercentDecode(logged);
  if (decoded.starts_with("file:/") && !decoded.starts_with("file://")) {
    decoded = decoded.substr(5);
  }
  ARROW_ASSIGN_OR_RAISE(const Location elsewhere, ParseLocation(decoded));
  if (elsewhere.is_local != table.is_local) {
    return MakeError(
        ErrorCode::kRunFailed,
        fmt::format("{}: its file {} lies in another kind of storage", table.uri, decoded),
        "copy the table as a whole (a deep clone)");
  }
  file->path = elsewhere.path;
  file->relative_path = elsewhere.uri;
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<DataFile> DataFileOf(const Location& table, const DeltaFile& logged) {
  DataFile file;
  ARROW_RETURN_NOT_OK(SetPath(table, logged.path, &file));
  file.size = logged.size;
  file.mtime_ns = logged.mtime_ms * 1'000'000;
  file.revision = RevisionOf(logged.deletion_vector);
  return file;
}

arrow::Result<DeltaListing> ListDelta(const Location& table, const DeltaVersion& which) {
  DeltaListing delta;
  ARROW_ASSIGN_OR_RAISE(delta.snapshot, DeltaSnapshot::Open(table, which));
  if (delta.snapshot == nullptr) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("{}: is no Delta table", table.uri),
                     "it has no _delta_log; set source.format to parquet, or correct the path");
  }
  const DeltaMetadata metadata = delta.snapshot->metadata();
  ARROW_RETURN_NOT_OK(CheckDeltaReadable(metadata, table.uri));
  delta.version = delta.snapshot->version();
  ARROW_ASSIGN_OR_RAISE(delta.fields, ParseDeltaSchema(metadata.schema_string));
  delta.maps_by_id = metadata.Property("delta.columnMapping.mode", "none") == "id";

  std::vector<DeltaField> partition_columns;
  arrow::FieldVector file_fields;
  arrow::FieldVector partition_fields;
  for (const std::string& name : metadata.partition_columns) {
    const auto field = std::ranges::find(delta.fields, name, &DeltaField::name);
    if (field == delta.fields.end()) {
      return MakeError(
          ErrorCode::kRunFailed,
          fmt::format("{}: partition column '{}' is not in its schema", table.uri, name));
    }
    partition_columns.push_back(*field);
    partition_fields.push_back(arrow::field(name, ArrowTypeOf(field->type)));
  }
  for (const DeltaField& field : delta.fields) {
    const bool is_partition = std::ranges::find(metadata.partition_columns, field.name) !=
                              metadata.partition_columns.end();
    // Columns of types that are not read cannot be named, which is soon enough an error.
    const auto type = ArrowTypeOf(field.type);
    if (!is_partition && type != nullptr) file_fields.push_back(arrow::field(field.name, type));
  }
  delta.file_schema = arrow::schema(std::move(file_fields));
  delta.listing.root = table;
  delta.listing.partition_schema = arrow::schema(std::move(partition_fields));

  ARROW_ASSIGN_OR_RAISE(auto files, delta.snapshot->Files());
  std::ranges::sort(files, {}, &DeltaFile::path);
  PartitionParser partitions(std::move(partition_columns));
  for (DeltaFile& logged : files) {
    ARROW_ASSIGN_OR_RAISE(DataFile file, DataFileOf(table, logged));
    ARROW_ASSIGN_OR_RAISE(file.partition_values, partitions.Parse(logged.partition_values));
    delta.listing.files.push_back(std::move(file));
    delta.logged.push_back(std::move(logged));
  }
  return delta;
}

std::optional<std::pair<CivilDay, CivilDay>> DaysFromStats(const DeltaListing& delta, size_t file,
                                                           const std::string& column) {
  const auto field = std::ranges::find(delta.fields, column, &DeltaField::name);
  if (field == delta.fields.end() || delta.logged[file].stats.empty()) return std::nullopt;
  if (field->type != "date" && !field->type.starts_with("timestamp")) return std::nullopt;
  const Json stats = Json::parse(delta.logged[file].stats, nullptr, /*allow_exceptions=*/false);
  const auto day_of = [&](const char* bound) -> std::optional<CivilDay> {
    if (!stats.is_object() || !stats.contains(bound)) return std::nullopt;
    const Json& values = stats.at(bound);
    if (!values.contains(field->physical_name)) return std::nullopt;
    const Json& value = values.at(field->physical_name);
    if (!value.is_string()) return std::nullopt;
    return ParseCivilDay(value.get<std::string>().substr(0, 10));
  };
  const auto min = day_of("minValues");
  const auto max = day_of("maxValues");
  // A zone moves an instant by a day at most.
  if (!min || !max) return std::nullopt;
  return std::pair{*min - 1, *max + 1};
}

arrow::Status LoadDeletedRows(const DeltaListing& delta, size_t file, DataFile* data_file) {
  const std::string& vector = delta.logged[file].deletion_vector;
  if (vector.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto rows, delta.snapshot->DeletedRows(vector));
  data_file->deleted_rows = std::make_shared<const std::vector<int64_t>>(std::move(rows));
  return arrow::Status::OK();
}

void NameColumns(const DeltaListing& delta, ParquetFooter* footer) {
  const parquet::schema::GroupNode& group = *footer->metadata->schema()->group_node();
  arrow::FieldVector named;
  for (int i = 0; i < footer->schema->num_fields(); ++i) {
    const auto& field = footer->schema->field(i);
    const int id = group.field(i)->field_id();
    const auto match = std::ranges::find_if(delta.fields, [&](const DeltaField& candidate) {
      return delta.maps_by_id ? candidate.field_id >= 0 && candidate.field_id == id
                              : candidate.physical_name == field->name();
    });
    named.push_back(match != delta.fields.end()
                        ? field->WithName(match->name)
                        : field->WithName(fmt::format("{}\x01{}", field->name(), i)));
  }
  footer->schema = arrow::schema(std::move(named));
}

}  // namespace tidemill
