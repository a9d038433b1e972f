#include "table/delta_snapshot.h"

#include <utility>

#include <arrow/array.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/util/checked_cast.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "table/run_id.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using arrow::internal::checked_cast;
using Json = nlohmann::json;

std::string TextOr(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at == json.end() || !at->is_string() ? "" : at->get<std::string>();
}

std::vector<std::string> TextsOr(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at == json.end() || !at->is_array() ? std::vector<std::string>()
                                             : at->get<std::vector<std::string>>();
}

DeltaMetadata MetadataFrom(const Json& description) {
  const Json& metadata = description.at("metaData");
  const Json& protocol = description.at("protocol");
  DeltaMetadata read;
  read.id = TextOr(metadata, "id");
  read.name = TextOr(metadata, "name");
  read.schema_string = metadata.at("schemaString");
  read.partition_columns = TextsOr(metadata, "partitionColumns");
  if (const auto at = metadata.find("configuration"); at != metadata.end() && at->is_object()) {
    for (const auto& [key, value] : at->items()) {
      if (value.is_string()) read.configuration[key] = value;
    }
  }
  read.min_reader_version = protocol.at("minReaderVersion");
  read.min_writer_version = protocol.at("minWriterVersion");
  read.reader_features = TextsOr(protocol, "readerFeatures");
  read.writer_features = TextsOr(protocol, "writerFeatures");
  read.metadata_json = metadata.dump();
  read.protocol_json = protocol.dump();
  return read;
}

/// A column of the files' batch.
template <typename ArrayType>
arrow::Result<const ArrayType*> Column(const arrow::RecordBatch& batch, const char* name,
                                       arrow::Type::type type) {
  const auto column = batch.GetColumnByName(name);
  if (column == nullptr || column->type_id() != type) {
    return arrow::Status::Invalid("the bridge's list of files has no column '", name, "'");
  }
  return checked_cast<const ArrayType*>(column.get());
}

std::string TextAt(const arrow::StringArray& column, int64_t row) {
  return column.IsNull(row) ? "" : column.GetString(row);
}

}  // namespace

std::string DeltaMetadata::Property(const std::string& property,
                                    const std::string& fallback) const {
  const auto at = configuration.find(property);
  return at == configuration.end() ? fallback : at->second;
}

arrow::Result<bool> IsDeltaTable(const Location& table) {
  const auto info = table.filesystem->GetFileInfo(table.path + "/_delta_log");
  if (!info.ok()) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("{}: cannot be read: {}", table.uri, info.status().message()));
  }
  return info->type() == arrow::fs::FileType::Directory;
}

arrow::Result<std::unique_ptr<DeltaSnapshot>> DeltaSnapshot::Open(const Location& table,
                                                                  const DeltaVersion& which) {
  ARROW_ASSIGN_OR_RAISE(const bool exists, IsDeltaTable(table));
  if (!exists) return nullptr;
  ARROW_ASSIGN_OR_RAISE(auto store, ObjectStore::Open(table));
  const BridgeLibrary& library = store->library();
  tdb_snapshot* opened = nullptr;
  char* error = nullptr;
  const tdb_code code = library.snapshot_open(store->handle(), which.version.value_or(-1),
                                              which.timestamp_ms.value_or(-1), &opened, &error);
  if (code == TDB_NOT_FOUND && !which.version && !which.timestamp_ms) {
    // A log without a first version: its writer has not come that far.
    static_cast<void>(TakeText(library, error));
    return nullptr;
  }
  if (code == TDB_NOT_FOUND && which.timestamp_ms) {
    static_cast<void>(TakeText(library, error));
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("{}: the Delta table has no version as old as {}", table.uri,
                                 FormatInstant(*which.timestamp_ms * 1000)),
                     "its log goes back to a later one; `tidemill table history` lists them");
  }
  if (code != TDB_OK) return BridgeError(library, code, error, table.uri);
  std::unique_ptr<DeltaSnapshot> snapshot(new DeltaSnapshot(std::move(store), opened));
  ARROW_RETURN_NOT_OK(snapshot->Describe());
  return snapshot;
}

DeltaSnapshot::~DeltaSnapshot() { store_->library().snapshot_free(snapshot_); }

arrow::Status DeltaSnapshot::Failed(tdb_code code, char* error) const {
  return BridgeError(store_->library(), code, error, store_->uri());
}

arrow::Status DeltaSnapshot::Describe() {
  char* json = nullptr;
  char* error = nullptr;
  const tdb_code code = store_->library().snapshot_describe(snapshot_, &json, &error);
  if (code != TDB_OK) return Failed(code, error);
  try {
    const Json description = Json::parse(TakeText(store_->library(), json));
    version_ = description.at("version");
    metadata_ = MetadataFrom(description);
  } catch (const Json::exception& damage) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("{}: its Delta log is damaged: {}", store_->uri(), damage.what()));
  }
  return arrow::Status::OK();
}

arrow::Status DeltaSnapshot::Update() {
  std::lock_guard lock(mutex_);
  char* error = nullptr;
  const tdb_code code = store_->library().snapshot_update(snapshot_, &error);
  return code == TDB_OK ? Describe() : Failed(code, error);
}

int64_t DeltaSnapshot::version() const {
  std::lock_guard lock(mutex_);
  return version_;
}

DeltaMetadata DeltaSnapshot::metadata() const {
  std::lock_guard lock(mutex_);
  return metadata_;
}

arrow::Result<std::vector<DeltaFile>> DeltaSnapshot::Files() const {
  ArrowSchema c_schema{};
  ArrowArray c_array{};
  {
    std::lock_guard lock(mutex_);
    char* error = nullptr;
    const tdb_code code = store_->library().snapshot_files(snapshot_, &c_schema, &c_array, &error);
    if (code != TDB_OK) return Failed(code, error);
  }
  ARROW_ASSIGN_OR_RAISE(const auto batch, arrow::ImportRecordBatch(&c_array, &c_schema));
  using arrow::Int64Array;
  using arrow::StringArray;
  ARROW_ASSIGN_OR_RAISE(const auto* path, Column<StringArray>(*batch, "path", arrow::Type::STRING));
  ARROW_ASSIGN_OR_RAISE(const auto* size, Column<Int64Array>(*batch, "size", arrow::Type::INT64));
  ARROW_ASSIGN_OR_RAISE(const auto* mtime,
                        Column<Int64Array>(*batch, "modification_time", arrow::Type::INT64));
  ARROW_ASSIGN_OR_RAISE(const auto* partition,
                        Column<StringArray>(*batch, "partition_values", arrow::Type::STRING));
  ARROW_ASSIGN_OR_RAISE(const auto* stats,
                        Column<StringArray>(*batch, "stats", arrow::Type::STRING));
  ARROW_ASSIGN_OR_RAISE(const auto* vector,
                        Column<StringArray>(*batch, "deletion_vector", arrow::Type::STRING));
  std::vector<DeltaFile> files;
  files.reserve(static_cast<size_t>(batch->num_rows()));
  for (int64_t row = 0; row < batch->num_rows(); ++row) {
    files.push_back({TextAt(*path, row), size->Value(row), mtime->Value(row),
                     TextAt(*partition, row), TextAt(*stats, row), TextAt(*vector, row)});
  }
  return files;
}

arrow::Result<std::vector<int64_t>> DeltaSnapshot::DeletedRows(
    const std::string& deletion_vector) const {
  ArrowSchema c_schema{};
  ArrowArray c_array{};
  {
    std::lock_guard lock(mutex_);
    char* error = nullptr;
    const tdb_code code = store_->library().snapshot_deleted_rows(
        snapshot_, deletion_vector.c_str(), &c_schema, &c_array, &error);
    if (code != TDB_OK) return Failed(code, error);
  }
  ARROW_ASSIGN_OR_RAISE(const auto array, arrow::ImportArray(&c_array, &c_schema));
  if (array->type_id() != arrow::Type::UINT64) {
    return arrow::Status::Invalid("the bridge's deleted rows are ", array->type()->ToString());
  }
  const auto& rows = checked_cast<const arrow::UInt64Array&>(*array);
  std::vector<int64_t> numbers(static_cast<size_t>(rows.length()));
  for (int64_t i = 0; i < rows.length(); ++i) {
    numbers[static_cast<size_t>(i)] = static_cast<int64_t>(rows.Value(i));
  }
  return numbers;
}

arrow::Result<int64_t> DeltaSnapshot::Transaction(const std::string& app_id) const {
  std::lock_guard lock(mutex_);
  int64_t version = -1;
  char* error = nullptr;
  const tdb_code code =
      store_->library().snapshot_transaction(snapshot_, app_id.c_str(), &version, &error);
  if (code != TDB_OK) return Failed(code, error);
  return version;
}

arrow::Status DeltaSnapshot::WriteCheckpoint() const {
  std::lock_guard lock(mutex_);
  char* error = nullptr;
  const tdb_code code = store_->library().snapshot_checkpoint(snapshot_, &error);
  return code == TDB_OK ? arrow::Status::OK() : Failed(code, error);
}

arrow::Result<std::vector<std::string>> DeltaSnapshot::Vacuum(int64_t retention_ms,
                                                              bool apply) const {
  std::lock_guard lock(mutex_);
  char* json = nullptr;
  char* error = nullptr;
  const tdb_code code =
      store_->library().snapshot_vacuum(snapshot_, retention_ms, apply ? 1 : 0, &json, &error);
  if (code != TDB_OK) return Failed(code, error);
  const Json paths = Json::parse(TakeText(store_->library(), json), nullptr, false);
  if (!paths.is_array()) return arrow::Status::Invalid("the bridge's list of paths is none");
  return paths.get<std::vector<std::string>>();
}

}  // namespace tidemill
