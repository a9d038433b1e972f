#include "engine/listed_table.h"

#include <utility>

#include <fmt/format.h>

#include "tidemill/error.h"

namespace tidemill {
namespace {

const TableRole kSource = {"source",
                           "check source.path; files and folders whose name starts with '_' or '.' "
                           "are not read"};

arrow::Result<Location> RootOf(const Pipeline& pipeline) {
  return ParseLocation(pipeline.Resolve(pipeline.source.path.text));
}

arrow::Result<bool> IsDelta(const TableSpec& spec, const Location& root) {
  if (!spec.format.empty()) return spec.format == "delta";
  return IsDeltaTable(root);
}

arrow::Result<HiveListing> ListParquet(const Location& root, bool may_be_file) {
  if (may_be_file) {
    const auto info = root.filesystem->GetFileInfo(root.path);
    if (info.ok() && info->IsFile()) return ListFile(root, *info);
  }
  return ListHive(root);
}

}  // namespace

arrow::Result<std::shared_ptr<ListedTable>> ListedTable::List(const TableSpec& spec, Location root,
                                                              const TableRole& role) {
  ARROW_ASSIGN_OR_RAISE(const bool is_delta, IsDelta(spec, root));
  return List(spec, std::move(root), role, is_delta);
}

arrow::Result<std::shared_ptr<ListedTable>> ListedTable::List(const TableSpec& spec, Location root,
                                                              const TableRole& role,
                                                              bool is_delta) {
  auto table = std::make_shared<ListedTable>();
  table->root_ = root;
  if (is_delta) {
    ARROW_ASSIGN_OR_RAISE(table->delta_, ListDelta(root, {spec.version, spec.timestamp_ms}));
    return table;
  }
  if (spec.version || spec.timestamp_ms) {
    return MakeError(ErrorCode::kInvalid, root.uri + ": is no Delta table and has no versions",
                     fmt::format("remove {0}.version and {0}.timestamp", role.key));
  }
  ARROW_ASSIGN_OR_RAISE(table->listing_, ListParquet(root, role.may_be_file));
  if (table->listing_.files.empty()) {
    return MakeError(ErrorCode::kRunFailed, "no Parquet files in " + root.uri, role.if_empty);
  }
  return table;
}

std::optional<int64_t> ListedTable::version() const {
  return delta_ ? std::optional<int64_t>(delta_->version) : std::nullopt;
}

arrow::Result<DataFile> ListedTable::WithDeletedRows(size_t file) {
  const DataFile& listed = listing().files[file];
  if (!delta_) return listed;
  if (const auto found = loaded_.find(file); found != loaded_.end()) return found->second;
  DataFile loaded = listed;
  ARROW_RETURN_NOT_OK(LoadDeletedRows(*delta_, file, &loaded));
  if (loaded.deleted_rows != nullptr) loaded_[file] = loaded;
  return loaded;
}

arrow::Result<std::vector<ParquetFooter>> ListedTable::Footers(const std::vector<DataFile>& files,
                                                               int threads) {
  std::vector<DataFile> unread;
  for (const DataFile& file : files) {
    if (!footers_.contains(file.path)) unread.push_back(file);
  }
  ARROW_ASSIGN_OR_RAISE(auto read, ReadFooters(root_, unread, threads));
  for (size_t i = 0; i < unread.size(); ++i) {
    if (delta_) NameColumns(*delta_, &read[i]);
    footers_[unread[i].path] = std::move(read[i]);
  }
  std::vector<ParquetFooter> footers;
  for (const DataFile& file : files) footers.push_back(footers_.at(file.path));
  return footers;
}

int64_t OpenedTable::num_rows() const {
  int64_t rows = 0;
  for (const ParquetFooter& footer : footers) rows += footer.metadata->num_rows();
  return rows;
}

arrow::Status OpenFiles(ListedTable* listed, int threads, OpenedTable* table) {
  table->root = listed->root();
  table->version = listed->version();
  table->partition_schema = listed->listing().partition_schema;
  ARROW_ASSIGN_OR_RAISE(table->footers, listed->Footers(table->files, threads));
  if (listed->delta() != nullptr) {
    table->file_schema = listed->delta()->file_schema;
  } else if (table->files.empty()) {
    const std::vector<DataFile> first = {listed->listing().files.front()};
    ARROW_ASSIGN_OR_RAISE(const auto footers, listed->Footers(first, 1));
    ARROW_ASSIGN_OR_RAISE(UnifiedSchema unified, UnifySchemas(first, footers));
    table->file_schema = std::move(unified.schema);
  } else {
    ARROW_ASSIGN_OR_RAISE(UnifiedSchema unified, UnifySchemas(table->files, table->footers));
    table->file_schema = std::move(unified.schema);
    table->warnings = std::move(unified.warnings);
  }
  table->schema = CombineSchemas(*table->file_schema, *table->partition_schema);
  return arrow::Status::OK();
}

std::shared_ptr<arrow::Schema> CombineSchemas(const arrow::Schema& files,
                                              const arrow::Schema& partitions) {
  arrow::FieldVector fields;
  for (const auto& field : files.fields()) {
    if (partitions.GetFieldIndex(field->name()) < 0) fields.push_back(field);
  }
  for (const auto& field : partitions.fields()) fields.push_back(field);
  return arrow::schema(fields);
}

arrow::Result<std::shared_ptr<ListedTable>> ListSource(const Pipeline& pipeline) {
  ARROW_ASSIGN_OR_RAISE(Location root, RootOf(pipeline));
  return ListedTable::List(pipeline.source, std::move(root), kSource);
}

arrow::Result<std::shared_ptr<ListedTable>> SourcePool::Find(const Pipeline& pipeline) {
  const SourceSpec& spec = pipeline.source;
  ARROW_ASSIGN_OR_RAISE(Location root, RootOf(pipeline));
  ARROW_ASSIGN_OR_RAISE(const bool is_delta, IsDelta(spec, root));
  const std::string key = fmt::format("{}\n{}\n{}\n{}", root.uri, is_delta,
                                      spec.version ? std::to_string(*spec.version) : "",
                                      spec.timestamp_ms ? std::to_string(*spec.timestamp_ms) : "");
  std::shared_ptr<ListedTable>& found = sources_[key];
  if (found == nullptr) {
    ARROW_ASSIGN_OR_RAISE(found, ListedTable::List(spec, std::move(root), kSource, is_delta));
  }
  return found;
}

}  // namespace tidemill
