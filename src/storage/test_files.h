#pragma once

/// Scratch folders, tables from text and plain Parquet files, for tests.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/json/from_string.h>
#include <arrow/table.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include "storage/hive_listing.h"

namespace tidemill {

#define ASSERT_OK(expression)                        \
  do {                                               \
    const arrow::Status _status = (expression);      \
    ASSERT_TRUE(_status.ok()) << _status.ToString(); \
  } while (false)

#define ASSERT_OK_AND_ASSIGN_NAMED(result, variable, expression) \
  auto result = (expression);                                    \
  ASSERT_TRUE(result.ok()) << result.status().ToString();        \
  variable = std::move(result).ValueUnsafe();

#define TIDEMILL_CONCAT_INNER(a, b) a##b
#define TIDEMILL_CONCAT(a, b) TIDEMILL_CONCAT_INNER(a, b)
#define ASSERT_OK_AND_ASSIGN(variable, expression) \
  ASSERT_OK_AND_ASSIGN_NAMED(TIDEMILL_CONCAT(_result_, __LINE__), variable, expression)

/// A test with a folder of its own, removed at the end.
class FolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "tidemill-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& relative) const { return folder_ + "/" + relative; }

  std::string folder_;
};

inline std::shared_ptr<arrow::Array> ArrayOf(const std::shared_ptr<arrow::DataType>& type,
                                             const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

/// A table of one row group's worth of columns.
struct NamedArray {
  std::string name;
  std::shared_ptr<arrow::Array> array;
};
inline std::shared_ptr<arrow::Table> TableOf(const std::vector<NamedArray>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const NamedArray& column : columns) {
    fields.push_back(arrow::field(column.name, column.array->type()));
    arrays.push_back(column.array);
  }
  return arrow::Table::Make(arrow::schema(fields), arrays);
}

/// Writes a table to `path` (folders are made) and returns the file as a listing has it.
inline DataFile WriteFile(const std::string& path, const arrow::Table& table,
                          const std::shared_ptr<parquet::WriterProperties>& properties =
                              parquet::default_writer_properties(),
                          const std::shared_ptr<parquet::ArrowWriterProperties>& arrow_properties =
                              parquet::default_arrow_writer_properties(),
                          int64_t row_group_rows = 1 << 20) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  auto sink = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  const arrow::Status status = parquet::arrow::WriteTable(
      table, arrow::default_memory_pool(), sink, row_group_rows, properties, arrow_properties);
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_TRUE(sink->Close().ok());
  DataFile file;
  file.path = path;
  file.relative_path = std::filesystem::path(path).filename();
  file.size = static_cast<int64_t>(std::filesystem::file_size(path));
  return file;
}

}  // namespace tidemill
