#include <new>
#include <utility>

#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>

#include "storage/content_hash.h"
#include "storage/parallel_for.h"
#include "storage/parquet_reading.h"
#include "storage/parquet_sink.h"

namespace tidemill {
namespace {

/// For each column of the schema the columns of the file that hold it.
std::vector<std::vector<int>> LeavesOf(const parquet::SchemaDescriptor& descriptor) {
  std::vector<std::vector<int>> leaves(static_cast<size_t>(descriptor.group_node()->field_count()));
  for (int leaf = 0; leaf < descriptor.num_columns(); ++leaf) {
    const auto* root = descriptor.GetColumnRoot(leaf);
    leaves[static_cast<size_t>(descriptor.group_node()->FieldIndex(*root))].push_back(leaf);
  }
  return leaves;
}

/// Hashes one column of all row groups, which must have as many rows as the footer says.
arrow::Status HashColumn(const std::shared_ptr<arrow::io::RandomAccessFile>& input,
                         const std::shared_ptr<parquet::FileMetaData>& metadata, int column,
                         const std::vector<int>& leaves, ContentHasher* hasher) {
  ARROW_ASSIGN_OR_RAISE(
      auto reader,
      parquet::arrow::FileReader::Make(
          arrow::default_memory_pool(),
          parquet::ParquetFileReader::Open(input, FileProperties(), metadata), ColumnProperties()));
  for (int group = 0; group < metadata->num_row_groups(); ++group) {
    const int64_t rows = metadata->RowGroup(group)->num_rows();
    ARROW_ASSIGN_OR_RAISE(auto table, reader->ReadRowGroup(group, leaves));
    if (table->num_rows() != rows) {
      return arrow::Status::Invalid("row group ", group, " has ", rows, " rows, but column '",
                                    table->field(0)->name(), "' has ", table->num_rows());
    }
    for (const auto& chunk : table->column(0)->chunks()) {
      ARROW_RETURN_NOT_OK(hasher->Update(column, *chunk));
    }
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<PublishedFile> ReadBack(const std::string& path,
                                      const std::vector<std::string>& volatile_columns,
                                      int threads) {
  const auto guarded = [&](const auto& work) {
    return GuardParquet(path, "reading it back failed", work);
  };
  return guarded([&]() -> arrow::Result<PublishedFile> {
    ARROW_ASSIGN_OR_RAISE(auto input, arrow::io::ReadableFile::Open(path));
    PublishedFile read;
    read.path = path;
    ARROW_ASSIGN_OR_RAISE(read.bytes, input->GetSize());
    const auto metadata = parquet::ParquetFileReader::Open(input, FileProperties())->metadata();
    std::shared_ptr<arrow::Schema> schema;
    ARROW_RETURN_NOT_OK(parquet::arrow::FromParquetSchema(metadata->schema(), ColumnProperties(),
                                                          metadata->key_value_metadata(), &schema));
    ContentHasher hasher(*schema, volatile_columns);
    const std::vector<std::vector<int>> leaves = LeavesOf(*metadata->schema());
    ARROW_RETURN_NOT_OK(ParallelFor(
        schema->num_fields(), threads, nullptr, [&](int64_t column, int) -> arrow::Status {
          return guarded([&] {
            return HashColumn(input, metadata, static_cast<int>(column),
                              leaves[static_cast<size_t>(column)], &hasher);
          });
        }));
    read.rows = metadata->num_rows();
    read.hash = hasher.Finish(read.rows);
    return read;
  });
}

}  // namespace tidemill
