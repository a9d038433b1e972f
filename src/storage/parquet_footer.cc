#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include <arrow/scalar.h>
#include <arrow/util/io_util.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/statistics.h>

#include "storage/column_types.h"
#include "storage/parallel_for.h"
#include "storage/parquet_reading.h"
#include "storage/parquet_source.h"
#include "storage/remote_filesystem.h"

namespace tidemill {
namespace {

/// The types as Arrow reads them, made plain. INT96 has no zone of its own; its writers (Spark,
/// Hive) mean instants.
arrow::Result<std::shared_ptr<arrow::Schema>> PlainSchema(const parquet::FileMetaData& metadata) {
  std::shared_ptr<arrow::Schema> schema;
  ARROW_RETURN_NOT_OK(parquet::arrow::FromParquetSchema(metadata.schema(), ColumnProperties(),
                                                        metadata.key_value_metadata(), &schema));
  const parquet::schema::GroupNode* group = metadata.schema()->group_node();
  arrow::FieldVector fields;
  for (int i = 0; i < schema->num_fields(); ++i) {
    std::shared_ptr<arrow::DataType> type = PlainType(schema->field(i)->type());
    const parquet::schema::Node& node = *group->field(i);
    if (node.is_primitive() && type->id() == arrow::Type::TIMESTAMP &&
        static_cast<const parquet::schema::PrimitiveNode&>(node).physical_type() ==
            parquet::Type::INT96) {
      type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    }
    fields.push_back(arrow::field(schema->field(i)->name(), std::move(type)));
  }
  return arrow::schema(std::move(fields));
}

arrow::Status CheckRowCounts(const parquet::FileMetaData& metadata) {
  int64_t rows = 0;
  for (int i = 0; i < metadata.num_row_groups(); ++i) {
    const int64_t in_group = metadata.RowGroup(i)->num_rows();
    if (in_group < 0 || __builtin_add_overflow(rows, in_group, &rows)) {
      return arrow::Status::Invalid("row group ", i, " has ", in_group, " rows");
    }
  }
  if (rows != metadata.num_rows()) {
    return arrow::Status::Invalid("it has ", metadata.num_rows(), " rows, but its row groups have ",
                                  rows);
  }
  return arrow::Status::OK();
}

arrow::Result<ParquetFooter> ReadFooter(const Location& root, const DataFile& file) {
  ARROW_ASSIGN_OR_RAISE(auto input, OpenDataFile(root, file));
  return GuardParquet(
      file.path, "not a readable Parquet file", [&]() -> arrow::Result<ParquetFooter> {
        ParquetFooter footer;
        auto reader = parquet::ParquetFileReader::Open(std::move(input), FileProperties());
        footer.metadata = reader->metadata();
        ARROW_RETURN_NOT_OK(CheckRowCounts(*footer.metadata));
        ARROW_ASSIGN_OR_RAISE(footer.schema, PlainSchema(*footer.metadata));
        return footer;
      });
}

/// The leaf of a top-level column; -1 if there is none of this name or it is nested.
int LeafOf(const ParquetFooter& footer, const std::string& column) {
  const parquet::schema::GroupNode* group = footer.metadata->schema()->group_node();
  const int field = footer.schema->GetFieldIndex(column);
  if (field < 0 || !group->field(field)->is_primitive()) return -1;
  return footer.metadata->schema()->ColumnIndex(*group->field(field));
}

}  // namespace

parquet::ReaderProperties FileProperties() {
  parquet::ReaderProperties properties(arrow::default_memory_pool());
  properties.set_page_checksum_verification(true);
  return properties;
}

parquet::ArrowReaderProperties ColumnProperties() {
  parquet::ArrowReaderProperties properties(/*use_threads=*/false);
  properties.set_pre_buffer(false);
  properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
  properties.set_batch_size(std::numeric_limits<int32_t>::max());
  return properties;
}

std::string MessageWithCause(const arrow::Status& status) {
  const int error = arrow::internal::ErrnoFromStatus(status);
  if (error == 0) return status.message();
  const std::string cause = std::strerror(error);
  const std::string& message = status.message();
  return message.find(cause) != std::string::npos ? message : message + ": " + cause;
}

arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenDataFile(const Location& root,
                                                                         const DataFile& file) {
  auto opened = root.retries->Run([&] {
    if (root.is_local || file.size <= 0) return root.filesystem->OpenInputFile(file.path);
    arrow::fs::FileInfo info(file.path, arrow::fs::FileType::File);
    info.set_size(file.size);
    return root.filesystem->OpenInputFile(info);
  });
  if (!opened.ok()) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("{}: cannot be opened: {}", file.path,
                                                        MessageWithCause(opened.status())));
  }
  auto input = WithRetries(*std::move(opened), root.retries);
  auto size = input->GetSize();
  if (!size.ok()) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("{}: cannot be read: {}", file.path,
                                                        MessageWithCause(size.status())));
  }
  if (*size == 0) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("{}: the file is empty (0 bytes)", file.path),
                     "write it again or remove it");
  }
  if (file.size > 0 && *size != file.size) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("{}: changed while it was read: it had {} bytes and now has {}",
                                 file.path, file.size, *size),
                     "run again once its writer has finished");
  }
  return input;
}

arrow::Result<std::vector<ParquetFooter>> ReadFooters(const Location& root,
                                                      const std::vector<DataFile>& files,
                                                      int threads) {
  std::vector<ParquetFooter> footers(files.size());
  if (!root.is_local) threads = std::max(threads, kRemoteRequests);
  ARROW_RETURN_NOT_OK(ParallelFor(static_cast<int64_t>(files.size()), threads, nullptr,
                                  [&](int64_t i, int) -> arrow::Status {
                                    const auto at = static_cast<size_t>(i);
                                    ARROW_ASSIGN_OR_RAISE(footers[at], ReadFooter(root, files[at]));
                                    return arrow::Status::OK();
                                  }));
  return footers;
}

namespace {

/// A bound in the type in which the column is seen; null if it is none.
std::shared_ptr<arrow::Scalar> SeenAs(const std::shared_ptr<arrow::DataType>& type,
                                      const std::shared_ptr<arrow::Scalar>& bound) {
  if (bound == nullptr || !bound->is_valid) return nullptr;
  auto array = arrow::MakeArrayFromScalar(*bound, 1);
  if (!array.ok()) return nullptr;
  auto converted = ConvertColumn(*array, type, /*as_dictionary=*/false);
  if (!converted.ok()) return nullptr;
  return (*converted)->GetScalar(0).ValueOr(nullptr);
}

}  // namespace

ColumnFacts FactsOf(const ParquetFooter& footer, int row_group, const std::string& column) {
  ColumnFacts facts;
  const int leaf = LeafOf(footer, column);
  if (leaf < 0) return facts;
  const std::shared_ptr<arrow::DataType>& type =
      footer.schema->field(footer.schema->GetFieldIndex(column))->type();
  if (!IsReadable(*type) || arrow::is_nested(type->id())) return facts;
  try {
    const auto chunk = footer.metadata->RowGroup(row_group)->ColumnChunk(leaf);
    if (!chunk->is_stats_set()) return facts;
    const std::shared_ptr<parquet::Statistics> statistics = chunk->statistics();
    if (statistics == nullptr) return facts;
    if (statistics->HasNullCount()) facts.nulls = statistics->null_count();
    if (!statistics->HasMinMax() || statistics->physical_type() == parquet::Type::INT96) {
      return facts;
    }
    ColumnRange range;
    if (!parquet::arrow::StatisticsAsScalars(*statistics, &range.min, &range.max).ok()) {
      return facts;
    }
    range.min = SeenAs(type, range.min);
    range.max = SeenAs(type, range.max);
    if (range.min != nullptr && range.max != nullptr) facts.range = std::move(range);
    return facts;
  } catch (const std::exception&) {
    // Statistics are advice; without them the row group is read.
    return facts;
  }
}

std::optional<ColumnRange> StatisticsOf(const ParquetFooter& footer, int row_group,
                                        const std::string& column) {
  const int field = footer.schema->GetFieldIndex(column);
  if (field < 0 || arrow::is_floating(footer.schema->field(field)->type()->id())) {
    return std::nullopt;
  }
  return FactsOf(footer, row_group, column).range;
}

int64_t CompressedBytes(const ParquetFooter& footer, int row_group,
                        const std::vector<std::string>& columns) {
  int64_t bytes = 0;
  try {
    const auto group = footer.metadata->RowGroup(row_group);
    for (const std::string& column : columns) {
      const int leaf = LeafOf(footer, column);
      if (leaf >= 0) bytes += group->ColumnChunk(leaf)->total_compressed_size();
    }
  } catch (const std::exception&) {
    // A damaged footer is reported when the row group is read.
    return bytes;
  }
  return bytes;
}

}  // namespace tidemill
