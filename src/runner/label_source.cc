#include "runner/label_source.h"

#include <algorithm>

#include <fmt/format.h>

#include "storage/column_types.h"
#include "storage/parquet_sink.h"

namespace tidemill {
namespace {

/// The contents of one file.
arrow::Result<TableContents> ContentsOfFile(const Location& location,
                                            const arrow::fs::FileInfo& info, int threads) {
  TableContents contents;
  contents.listing = ListFile(location, info);
  ARROW_ASSIGN_OR_RAISE(contents.footers, ReadFooters(location, contents.listing.files, threads));
  ARROW_ASSIGN_OR_RAISE(const UnifiedSchema unified,
                        UnifySchemas(contents.listing.files, contents.footers));
  contents.schema = unified.schema;
  return contents;
}

/// Rows of [first, first + count) that deletion vectors leave.
int64_t LiveRows(const DataFile& file, int64_t first, int64_t count) {
  if (file.deleted_rows == nullptr) return count;
  const auto begin = std::ranges::lower_bound(*file.deleted_rows, first);
  const auto end = std::ranges::lower_bound(*file.deleted_rows, first + count);
  return count - (end - begin);
}

}  // namespace

arrow::Result<LabelSource> LabelSource::Open(const std::string& path, int threads) {
  LabelSource source;
  ARROW_ASSIGN_OR_RAISE(source.location_, ParseLocation(path));
  const Location& location = source.location_;
  const auto info = location.filesystem->GetFileInfo(location.path);
  if (!info.ok()) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("labels {}: cannot be read: {}",
                                                        location.uri, info.status().message()));
  }
  if (info->type() == arrow::fs::FileType::NotFound) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("there are no labels at {}", location.uri),
                     "give a Parquet file, a directory of them, or a Delta table");
  }
  if (info->IsFile()) {
    ARROW_ASSIGN_OR_RAISE(source.contents_, ContentsOfFile(location, *info, threads));
  } else {
    ARROW_ASSIGN_OR_RAISE(source.contents_, ReadContents(location, threads));
  }
  const TableContents& contents = source.contents_;
  if (!contents.is_delta && contents.listing.files.empty()) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("no Parquet files in {}", contents.listing.root.uri),
                     "give a Parquet file, a directory of them, or a Delta table");
  }
  ARROW_ASSIGN_OR_RAISE(const TableColumns columns, TableColumns::Pick(contents, {}));
  source.schema_ = columns.schema;
  for (const auto& field : source.schema_->fields()) {
    if (IsReadable(*field->type()) && StoredType(*field).ok()) continue;
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("labels {}: column '{}' has type {}, which cannot be kept",
                                 location.uri, field->name(), field->type()->ToString()),
                     "write the labels without it");
  }
  source.first_row_.push_back(0);
  for (size_t f = 0; f < contents.footers.size(); ++f) {
    int64_t first = 0;
    for (int g = 0; g < contents.footers[f].metadata->num_row_groups(); ++g) {
      const int64_t rows = contents.footers[f].metadata->RowGroup(g)->num_rows();
      const int64_t live = LiveRows(contents.listing.files[f], first, rows);
      first += rows;
      if (live == 0) continue;
      source.groups_.push_back({f, g});
      source.first_row_.push_back(source.first_row_.back() + live);
    }
  }
  constexpr int64_t kMostLabels = UINT32_MAX - 1;
  if (source.num_rows() > kMostLabels) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("labels {}: {} rows are more than a training set can have",
                                 location.uri, source.num_rows()),
                     "make several of them");
  }
  return source;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> LabelSource::Read(
    size_t batch, const std::vector<std::string>& columns) const {
  ARROW_ASSIGN_OR_RAISE(const TableColumns picked, TableColumns::Pick(contents_, columns));
  const Group& group = groups_[batch];
  ARROW_ASSIGN_OR_RAISE(const auto rows,
                        ReadTableBatch(location_, contents_, picked, group.file, group.row_group));
  return rows->SelectColumns(picked.order);
}

}  // namespace tidemill
