#include "table/row_spill.h"

#include <numeric>

#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <gmock/gmock.h>

#include "storage/test_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using testing::HasSubstr;
using Batch = std::shared_ptr<arrow::RecordBatch>;

/// A column of each type that rows have, with NULLs.
Batch Sample(int64_t n) {
  arrow::Int64Builder numbers;
  for (int64_t i = 0; i < n; ++i) {
    EXPECT_TRUE((i % 7 == 3 ? numbers.AppendNull() : numbers.Append(i * 31 % 1009)).ok());
  }
  const auto column = numbers.Finish().ValueOrDie();
  std::vector<NamedArray> columns;
  for (const auto& type : {arrow::int64(), arrow::int32(), arrow::int16(), arrow::utf8(),
                           arrow::boolean(), arrow::float64(), arrow::decimal128(22, 2)}) {
    const auto converted = arrow::compute::Cast(*column, type).ValueOrDie();
    columns.push_back({type->ToString(), converted});
  }
  arrow::BinaryBuilder bytes;
  arrow::FixedSizeBinaryBuilder threes(arrow::fixed_size_binary(3));
  for (int64_t i = 0; i < n; ++i) {
    const std::string text = std::to_string(100 + i % 900);
    EXPECT_TRUE((i % 3 == 0 ? bytes.AppendNull() : bytes.Append(text + text)).ok());
    EXPECT_TRUE((i % 4 == 0 ? threes.AppendNull() : threes.Append(text)).ok());
  }
  columns.push_back({"bytes", bytes.Finish().ValueOrDie()});
  columns.push_back({"threes", threes.Finish().ValueOrDie()});
  columns.push_back({"days", ArrayOf(arrow::int8(), "[1]")->Slice(0, 0)});
  arrow::Int8Builder small;
  for (int64_t i = 0; i < n; ++i) EXPECT_TRUE(small.Append(static_cast<int8_t>(i)).ok());
  columns.back().array = small.Finish().ValueOrDie();
  return TableOf(columns)->CombineChunksToBatch().ValueOrDie();
}

class RowSpillTest : public FolderTest {
 protected:
  /// Takes every row in another order, `at_once` at a time, and compares.
  void ExpectTakes(const RowSpill& spill, const Batch& rows) {
    const auto n = static_cast<uint32_t>(rows->num_rows());
    std::vector<uint32_t> order(n);
    for (uint32_t i = 0; i < n; ++i) order[i] = static_cast<uint32_t>(uint64_t{i} * 7919 % n);
    arrow::UInt32Builder indices;
    ASSERT_OK(indices.AppendValues(order));
    const Batch want =
        arrow::compute::Take(arrow::Datum(rows), arrow::Datum(indices.Finish().ValueOrDie()))
            .ValueOrDie()
            .record_batch();
    ASSERT_OK_AND_ASSIGN(const Batch got, spill.Take(order, 3));
    ASSERT_OK(got->ValidateFull());
    EXPECT_TRUE(got->Equals(*want));
  }
};

TEST_F(RowSpillTest, HandsRowsOutInAnyOrder) {
  const Batch rows = Sample(100'003);
  for (const int64_t step : {100'003, 1000, 40'000}) {
    RowSpill spill(rows->schema(), Path("rows.arrow"));
    for (int64_t begin = 0; begin < rows->num_rows(); begin += step) {
      ASSERT_OK(spill.Append(*rows->Slice(begin, step)));
    }
    EXPECT_TRUE(std::filesystem::exists(Path("rows.arrow")));
    ASSERT_OK(spill.Finish());
    EXPECT_FALSE(std::filesystem::exists(Path("rows.arrow")));
    EXPECT_EQ(spill.num_rows(), 100'003);
    EXPECT_EQ(spill.column(0).size(), 4U);
    ExpectTakes(spill, rows);
  }
}

TEST_F(RowSpillTest, FewRowsStayInMemory) {
  for (const int64_t n : {1, 500, 30'000}) {
    const Batch rows = Sample(n);
    RowSpill spill(rows->schema(), Path("rows.arrow"));
    ASSERT_OK(spill.Append(*rows));
    EXPECT_FALSE(std::filesystem::exists(Path("rows.arrow")));
    ASSERT_OK(spill.Finish());
    ExpectTakes(spill, rows);
  }
}

TEST_F(RowSpillTest, WideRowsMakeShortChunks) {
  arrow::StringBuilder texts;
  for (int i = 0; i < 1100; ++i)
    ASSERT_OK(texts.Append(std::string(100'000, static_cast<char>('a' + i % 26))));
  const Batch rows =
      TableOf({{"text", texts.Finish().ValueOrDie()}})->CombineChunksToBatch().ValueOrDie();
  RowSpill spill(rows->schema(), Path("rows.arrow"));
  ASSERT_OK(spill.Append(*rows));
  ASSERT_OK(spill.Finish());
  EXPECT_EQ(spill.rows_at_once(), 512);
  ExpectTakes(spill, rows);
}

TEST_F(RowSpillTest, ConvertsToTheTypesOfFiles) {
  const auto coded = arrow::DictionaryArray::FromArrays(ArrayOf(arrow::int8(), "[1, null, 0]"),
                                                        ArrayOf(arrow::utf8(), R"(["b", "a"])"))
                         .ValueOrDie();
  const Batch rows = TableOf({{"s", coded}})->CombineChunksToBatch().ValueOrDie();
  RowSpill spill(arrow::schema({arrow::field("s", arrow::utf8())}), Path("rows.arrow"));
  ASSERT_OK(spill.Append(*rows));
  ASSERT_OK(spill.Finish());
  ASSERT_OK_AND_ASSIGN(const Batch taken, spill.Take(std::vector<uint32_t>{2, 1, 0}, 1));
  EXPECT_TRUE(taken->column(0)->Equals(ArrayOf(arrow::utf8(), R"(["b", null, "a"])")));
}

TEST_F(RowSpillTest, NamesTheFileThatCannotBeWritten) {
  const Batch rows = Sample(50'000);
  RowSpill spill(rows->schema(), Path("none/rows.arrow"));
  const arrow::Status status = spill.Append(*rows);
  EXPECT_EQ(CodeOf(status), ErrorCode::kRunFailed);
  EXPECT_THAT(status.ToString(), HasSubstr("none/rows.arrow"));
}

}  // namespace
}  // namespace tidemill
