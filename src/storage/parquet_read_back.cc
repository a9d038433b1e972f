#include <new>
#include <utility>

#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>

#include "storage/content_hash.h"
#include "storage/parquet_reading.h"
#include "storage/parquet_sink.h"

namespace tidemill {

arrow::Result<PublishedFile> ReadBack(const std::string& path,
                                      const std::vector<std::string>& volatile_columns) {
  return GuardParquet(path, "reading it back failed", [&]() -> arrow::Result<PublishedFile> {
    ARROW_ASSIGN_OR_RAISE(auto input, arrow::io::ReadableFile::Open(path));
    PublishedFile read;
    read.path = path;
    ARROW_ASSIGN_OR_RAISE(read.bytes, input->GetSize());
    ARROW_ASSIGN_OR_RAISE(
        auto reader,
        parquet::arrow::FileReader::Make(arrow::default_memory_pool(),
                                         parquet::ParquetFileReader::Open(input, FileProperties()),
                                         ColumnProperties()));
    std::shared_ptr<arrow::Schema> schema;
    ARROW_RETURN_NOT_OK(reader->GetSchema(&schema));
    ContentHasher hasher(*schema, volatile_columns);
    for (int group = 0; group < reader->num_row_groups(); ++group) {
      const int64_t rows = reader->parquet_reader()->metadata()->RowGroup(group)->num_rows();
      for (int i = 0; i < schema->num_fields(); ++i) {
        ARROW_ASSIGN_OR_RAISE(auto table, reader->ReadRowGroup(group, {i}));
        if (table->num_rows() != rows) {
          return arrow::Status::Invalid("row group ", group, " has ", rows, " rows, but column '",
                                        schema->field(i)->name(), "' has ", table->num_rows());
        }
        for (const auto& chunk : table->column(0)->chunks()) {
          ARROW_RETURN_NOT_OK(hasher.Update(i, *chunk));
        }
      }
      read.rows += rows;
    }
    read.hash = hasher.Finish(read.rows);
    return read;
  });
}

}  // namespace tidemill
