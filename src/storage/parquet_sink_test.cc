#include "storage/parquet_sink.h"

#include <cmath>
#include <fstream>
#include <random>

#include <arrow/util/key_value_metadata.h>
#include <gmock/gmock.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/statistics.h>

#include "storage/row_group_planner.h"
#include "storage/test_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Rows like those of a feature table: unique sorted keys, small counts, some doubles, NULLs.
std::shared_ptr<arrow::RecordBatch> FeatureRows(int64_t n) {
  std::mt19937_64 random(3);
  arrow::StringBuilder users;
  arrow::Int64Builder counts;
  arrow::DoubleBuilder spends;
  arrow::TimestampBuilder lasts(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                                arrow::default_memory_pool());
  arrow::BooleanBuilder flags;
  for (int64_t i = 0; i < n; ++i) {
    char name[32];
    std::snprintf(name, sizeof(name), "user_%07ld", 3 * i);
    EXPECT_TRUE(users.Append(name).ok());
    EXPECT_TRUE(counts.Append(static_cast<int64_t>(random() % 50)).ok());
    EXPECT_TRUE((random() % 3 == 0
                     ? spends.AppendNull()
                     : spends.Append(static_cast<double>(random() % 100'000'000) / 100))
                    .ok());
    EXPECT_TRUE(
        lasts.Append(static_cast<int64_t>(1'770'000'000'000'000 + random() % 2'000'000'000'000))
            .ok());
    EXPECT_TRUE((random() % 7 == 0 ? flags.AppendNull() : flags.Append(random() % 2 == 0)).ok());
  }
  const arrow::ArrayVector arrays = {users.Finish().ValueOrDie(), counts.Finish().ValueOrDie(),
                                     spends.Finish().ValueOrDie(), lasts.Finish().ValueOrDie(),
                                     flags.Finish().ValueOrDie()};
  arrow::FieldVector fields;
  for (const char* name : {"user_id", "n", "spend.total", "last", "flag"}) {
    fields.push_back(arrow::field(name, arrays[fields.size()]->type()));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), n, arrays);
}

class ParquetSinkTest : public FolderTest {
 protected:
  arrow::Result<std::vector<PublishedFile>> WriteAll(ParquetSinkOptions options,
                                                     const arrow::RecordBatch& rows,
                                                     const std::vector<int64_t>& cuts) {
    options.directory = Path("out" + std::to_string(++folders_));
    std::filesystem::create_directories(options.directory);
    ARROW_ASSIGN_OR_RAISE(auto sink, ParquetSink::Open(rows.schema(), options));
    int64_t begin = 0;
    for (size_t i = 0; begin < rows.num_rows(); ++i) {
      const int64_t n = std::min(cuts[i % cuts.size()], rows.num_rows() - begin);
      ARROW_RETURN_NOT_OK(sink->Write(rows.Slice(begin, n)));
      begin += n;
    }
    EXPECT_EQ(sink->num_rows(), rows.num_rows());
    ARROW_ASSIGN_OR_RAISE(written_, sink->Close());
    std::vector<PublishedFile> files;
    for (const WrittenFile& written : written_) files.push_back(written.file);
    return files;
  }

  std::string Folder() const { return Path("out" + std::to_string(folders_)); }

  std::string Bytes(const std::string& name) const {
    std::ifstream stream(Folder() + "/" + name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  std::shared_ptr<arrow::Table> ReadAll(const std::vector<PublishedFile>& files) const {
    std::vector<std::shared_ptr<arrow::Table>> tables;
    for (const PublishedFile& file : files) {
      auto input = arrow::io::ReadableFile::Open(Folder() + "/" + file.path).ValueOrDie();
      auto reader = parquet::arrow::OpenFile(input, arrow::default_memory_pool()).ValueOrDie();
      tables.push_back(reader->ReadTable().ValueOrDie());
    }
    return arrow::ConcatenateTables(tables).ValueOrDie();
  }

  int folders_ = 0;
  std::vector<WrittenFile> written_;
};

TEST_F(ParquetSinkTest, BytesDependOnTheRowsAlone) {
  const auto rows = FeatureRows(150'000);
  ParquetSinkOptions options;
  options.file_size = 1'500'000;
  std::vector<PublishedFile> first;
  std::vector<std::string> bytes;
  for (const auto& [threads, cuts] : {std::pair<int, std::vector<int64_t>>{1, {150'000}},
                                      {4, {150'000}},
                                      {3, {7, 10'000, 1}},
                                      {2, {131'072}}}) {
    options.threads = threads;
    ASSERT_OK_AND_ASSIGN(const auto files, WriteAll(options, *rows, cuts));
    if (first.empty()) {
      first = files;
      for (const PublishedFile& file : files) bytes.push_back(Bytes(file.path));
      EXPECT_GE(files.size(), 2U);
      EXPECT_TRUE(ReadAll(files)->Equals(*arrow::Table::FromRecordBatches({rows}).ValueOrDie()));
      continue;
    }
    ASSERT_EQ(files.size(), first.size());
    for (size_t i = 0; i < files.size(); ++i) {
      EXPECT_EQ(files[i].path, first[i].path);
      EXPECT_EQ(files[i].hash, first[i].hash);
      EXPECT_TRUE(Bytes(files[i].path) == bytes[i]) << files[i].path;
    }
  }
}

TEST_F(ParquetSinkTest, FilesAreAsLargeAsWanted) {
  const auto rows = FeatureRows(400'000);
  for (const char* compression : {"zstd", "none"}) {
    for (const int64_t size : {300'000, 1'000'000, 3'000'000}) {
      ParquetSinkOptions options;
      options.file_size = size;
      options.compression = compression;
      ASSERT_OK_AND_ASSIGN(const auto files, WriteAll(options, *rows, {50'000}));
      ASSERT_GE(files.size(), 2U);
      for (size_t i = 0; i + 1 < files.size(); ++i) {
        EXPECT_GE(static_cast<double>(files[i].bytes), 0.8 * static_cast<double>(size)) << i;
        EXPECT_LE(static_cast<double>(files[i].bytes), 1.2 * static_cast<double>(size)) << i;
      }
    }
  }
}

TEST_F(ParquetSinkTest, KeepsToTheMostRowsOfAFile) {
  ParquetSinkOptions options;
  options.max_rows_per_file = 30'000;
  ASSERT_OK_AND_ASSIGN(const auto files, WriteAll(options, *FeatureRows(100'000), {33'333}));
  std::vector<int64_t> counts;
  for (const PublishedFile& file : files) counts.push_back(file.rows);
  EXPECT_THAT(counts, ElementsAre(30'000, 30'000, 30'000, 10'000));
}

TEST_F(ParquetSinkTest, ReadsBackWithTheSameHash) {
  for (const char* compression : {"zstd", "snappy", "lz4", "gzip", "none"}) {
    ParquetSinkOptions options;
    options.compression = compression;
    options.volatile_columns = {"last"};
    ASSERT_OK_AND_ASSIGN(const auto files, WriteAll(options, *FeatureRows(20'000), {6'000}));
    ASSERT_EQ(files.size(), 1U);
    ASSERT_OK_AND_ASSIGN(const PublishedFile read,
                         ReadBack(Folder() + "/" + files[0].path, {"last"}, 2));
    EXPECT_EQ(read.hash, files[0].hash);
    EXPECT_EQ(read.rows, 20'000);
    EXPECT_EQ(read.bytes, files[0].bytes);
    ASSERT_OK_AND_ASSIGN(const PublishedFile all, ReadBack(Folder() + "/" + files[0].path, {}, 2));
    EXPECT_NE(all.hash, files[0].hash);
  }
}

TEST_F(ParquetSinkTest, HashesValuesNotBuffers) {
  const auto type = arrow::utf8();
  const auto values = ArrayOf(type, R"(["a", null, "bc", "", "a"])");
  const auto coded =
      arrow::DictionaryArray::FromArrays(ArrayOf(arrow::int32(), "[1, null, 2, 0, 1]"),
                                         ArrayOf(type, R"(["", "a", "bc"])"))
          .ValueOrDie();
  const auto padded = ArrayOf(type, R"(["x", "a", null, "bc", "", "a"])")->Slice(1);
  const auto hash_of = [&](const std::shared_ptr<arrow::Array>& column) {
    const auto batch = arrow::RecordBatch::Make(arrow::schema({arrow::field("s", column->type())}),
                                                column->length(), arrow::ArrayVector{column});
    return WriteAll({}, *batch, {2}).ValueOrDie()[0].hash;
  };
  const std::string hash = hash_of(values);
  EXPECT_EQ(hash_of(coded), hash);
  EXPECT_EQ(hash_of(padded), hash);
  EXPECT_NE(hash_of(ArrayOf(type, R"(["a", "", "bc", "", "a"])")), hash);
  EXPECT_NE(hash_of(ArrayOf(type, R"(["a", null, "b", "c", "a"])")), hash);
  EXPECT_NE(hash_of(ArrayOf(arrow::int32(), "[1, null]")),
            hash_of(ArrayOf(arrow::int32(), "[1, 0]")));
  EXPECT_NE(hash_of(ArrayOf(arrow::int32(), "[1, 0]")), hash_of(ArrayOf(arrow::int64(), "[1, 0]")));
}

TEST_F(ParquetSinkTest, TellsNothingOfTheRunAndCarriesWhatReadersNeed) {
  ASSERT_OK_AND_ASSIGN(const auto files, WriteAll({}, *FeatureRows(1'000), {1'000}));
  const auto reader = parquet::ParquetFileReader::OpenFile(Folder() + "/" + files[0].path);
  const auto metadata = reader->metadata();
  EXPECT_THAT(metadata->created_by(), HasSubstr("tidemill"));
  EXPECT_TRUE(metadata->key_value_metadata() == nullptr ||
              metadata->key_value_metadata()->size() == 0);
  for (int i = 0; i < metadata->num_columns(); ++i) {
    const auto chunk = metadata->RowGroup(0)->ColumnChunk(i);
    EXPECT_TRUE(chunk->is_stats_set());
    EXPECT_TRUE(chunk->GetColumnIndexLocation().has_value());
    const bool has_dictionary = chunk->has_dictionary_page();
    EXPECT_EQ(has_dictionary, metadata->schema()->Column(i)->name() == "n") << i;
  }
}

TEST_F(ParquetSinkTest, NoRowsGiveOneFileOrNone) {
  ParquetSinkOptions options;
  ASSERT_OK_AND_ASSIGN(const auto one, WriteAll(options, *FeatureRows(0), {1}));
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].rows, 0);
  EXPECT_EQ(ReadAll(one)->num_columns(), 5);
  ASSERT_OK_AND_ASSIGN(const PublishedFile read, ReadBack(Folder() + "/" + one[0].path, {}, 2));
  EXPECT_EQ(read.hash, one[0].hash);
  options.write_empty_file = false;
  ASSERT_OK_AND_ASSIGN(const auto none, WriteAll(options, *FeatureRows(0), {1}));
  EXPECT_TRUE(none.empty());
}

TEST_F(ParquetSinkTest, StoresEveryTypeThatItTakes) {
  const auto batch = [](const std::shared_ptr<arrow::Array>& column) {
    return arrow::RecordBatch::Make(arrow::schema({arrow::field("x", column->type())}),
                                    column->length(), arrow::ArrayVector{column});
  };
  using arrow::TimeUnit;
  for (const auto& [column, stored] :
       std::vector<std::pair<std::shared_ptr<arrow::Array>, std::shared_ptr<arrow::DataType>>>{
           {ArrayOf(arrow::boolean(), "[true, null, false]"), arrow::boolean()},
           {ArrayOf(arrow::int8(), "[1, null, -3]"), arrow::int8()},
           {ArrayOf(arrow::uint64(), "[18446744073709551615, null]"), arrow::uint64()},
           {ArrayOf(arrow::float32(), "[NaN, null, -0.0, -Inf]"), arrow::float32()},
           {ArrayOf(arrow::large_utf8(), R"(["a", null])"), arrow::utf8()},
           {ArrayOf(arrow::binary(), R"(["a", null])"), arrow::binary()},
           {ArrayOf(arrow::fixed_size_binary(2), R"(["ab", null])"), arrow::fixed_size_binary(2)},
           {ArrayOf(arrow::decimal128(9, 2), R"(["-1.25", null])"), arrow::decimal128(9, 2)},
           {ArrayOf(arrow::decimal128(38, 0),
                    R"(["-99999999999999999999999999999999999999", null])"),
            arrow::decimal128(38, 0)},
           {ArrayOf(arrow::date32(), "[-1, null]"), arrow::date32()},
           {ArrayOf(arrow::timestamp(TimeUnit::SECOND), "[-1, null]"),
            arrow::timestamp(TimeUnit::MILLI)},
           {ArrayOf(arrow::timestamp(TimeUnit::NANO, "Europe/Berlin"), "[-1, null]"),
            arrow::timestamp(TimeUnit::NANO, "UTC")},
           {ArrayOf(arrow::time32(TimeUnit::SECOND), "[1, null]"),
            arrow::time32(TimeUnit::MILLI)}}) {
    ASSERT_OK_AND_ASSIGN(const auto files, WriteAll({}, *batch(column), {1}));
    EXPECT_TRUE(ReadAll(files)->schema()->field(0)->type()->Equals(*stored))
        << column->type()->ToString();
    ASSERT_OK_AND_ASSIGN(const PublishedFile read, ReadBack(Folder() + "/" + files[0].path, {}, 2));
    EXPECT_EQ(read.hash, files[0].hash) << column->type()->ToString();
  }
  for (const auto& column :
       {ArrayOf(arrow::null(), "[null]"),
        ArrayOf(arrow::list(arrow::list(arrow::int8())), "[[[1]]]"),
        ArrayOf(arrow::float16(), "[1]"), ArrayOf(arrow::duration(TimeUnit::SECOND), "[1]")}) {
    const auto refused = WriteAll({}, *batch(column), {1});
    ASSERT_FALSE(refused.ok()) << column->type()->ToString();
    EXPECT_EQ(CodeOf(refused.status()), ErrorCode::kInvalid);
    EXPECT_THAT(refused.status().ToString(), HasSubstr("'x'"));
  }
}

TEST_F(ParquetSinkTest, EncodingsCanFollowASample) {
  arrow::Int64Builder numbers;
  for (int64_t i = 0; i < 20'000; ++i) ASSERT_OK(numbers.Append(i < 10'000 ? 0 : i * 7919));
  const auto rows = TableOf({{"n", numbers.Finish().ValueOrDie()}})->CombineChunksToBatch();
  const auto has_dictionary = [&](bool by_sample) {
    ParquetSinkOptions options;
    options.directory = folder_;
    options.max_rows_per_file = 10'000;
    auto sink = ParquetSink::Open((*rows)->schema(), options).ValueOrDie();
    if (by_sample) {
      EXPECT_TRUE(sink->ChooseEncodings(**rows).ok());
    }
    EXPECT_TRUE(sink->Write(*rows).ok());
    std::vector<bool> has;
    for (const WrittenFile& written : sink->Close().ValueOrDie()) {
      const std::string path = Path(written.file.path);
      has.push_back(parquet::ParquetFileReader::OpenFile(path)
                        ->metadata()
                        ->RowGroup(0)
                        ->ColumnChunk(0)
                        ->has_dictionary_page());
      std::filesystem::remove(path);
    }
    return has;
  };
  EXPECT_THAT(has_dictionary(false), ElementsAre(true, false));
  EXPECT_THAT(has_dictionary(true), ElementsAre(false, false));
}

TEST_F(ParquetSinkTest, TellsWhichFilesHoldANaN) {
  const auto rows = TableOf({{"n", ArrayOf(arrow::int64(), "[1, 2, 3, 4]")},
                             {"x", ArrayOf(arrow::float64(), "[NaN, 1, null, 2]")},
                             {"y", ArrayOf(arrow::float32(), "[null, 1, NaN, NaN]")},
                             {"z", ArrayOf(arrow::float64(), "[null, Inf, -0.0, 1]")}})
                        ->CombineChunksToBatch()
                        .ValueOrDie();
  ParquetSinkOptions options;
  options.max_rows_per_file = 2;
  ASSERT_OK(WriteAll(options, *rows, {4}).status());
  ASSERT_EQ(written_.size(), 2U);
  EXPECT_THAT(written_[0].nan_columns, ElementsAre("x"));
  EXPECT_THAT(written_[1].nan_columns, ElementsAre("y"));
}

TEST_F(ParquetSinkTest, ANaNBehindANullIsNone) {
  auto data = ArrayOf(arrow::float64(), "[NaN, 1]")->data()->Copy();
  data->buffers[0] = arrow::AllocateEmptyBitmap(2).ValueOrDie();
  data->buffers[0]->mutable_data()[0] = 2;
  data->null_count = 1;
  const auto rows = TableOf({{"x", arrow::MakeArray(data)}})->CombineChunksToBatch().ValueOrDie();
  ASSERT_OK(WriteAll({}, *rows, {2}).status());
  EXPECT_TRUE(written_[0].nan_columns.empty());
}

TEST_F(ParquetSinkTest, RowGroupsWithANaNHaveNoStatistics) {
  // Row groups of 1024 rows; NaN in the second.
  arrow::DoubleBuilder doubles;
  arrow::FloatBuilder floats;
  for (int i = 0; i < 3 * 1024; ++i) {
    ASSERT_OK(doubles.Append(i == 1500 ? std::nan("") : i));
    ASSERT_OK(floats.Append(static_cast<float>(i)));
  }
  const auto rows =
      TableOf({{"a.b", doubles.Finish().ValueOrDie()}, {"y", floats.Finish().ValueOrDie()}})
          ->CombineChunksToBatch()
          .ValueOrDie();
  ParquetSinkOptions options;
  options.clustered_group_rows = 1024;
  ASSERT_OK_AND_ASSIGN(const auto files, WriteAll(options, *rows, {5000}));
  EXPECT_TRUE(ReadAll(files)->Equals(*arrow::Table::FromRecordBatches({rows}).ValueOrDie(),
                                     arrow::EqualOptions().nans_equal(true)));
  const auto reader = parquet::ParquetFileReader::OpenFile(Folder() + "/" + files[0].path);
  const auto metadata = reader->metadata();
  ASSERT_EQ(metadata->num_row_groups(), 3);
  for (int group = 0; group < 3; ++group) {
    for (int column = 0; column < 2; ++column) {
      const auto chunk = metadata->RowGroup(group)->ColumnChunk(column);
      const bool has_nan = group == 1 && column == 0;
      EXPECT_EQ(chunk->is_stats_set(), !has_nan) << group << " " << column;
      EXPECT_EQ(chunk->GetColumnIndexLocation().has_value(), !has_nan) << group << " " << column;
    }
  }
  const auto last = std::static_pointer_cast<parquet::DoubleStatistics>(
      metadata->RowGroup(2)->ColumnChunk(0)->statistics());
  EXPECT_EQ(last->min(), 2048);
  EXPECT_EQ(last->max(), 3071);
}

TEST_F(ParquetSinkTest, NamesTheFileThatCannotBeWritten) {
  ParquetSinkOptions options;
  options.directory = Path("none");
  ASSERT_OK_AND_ASSIGN(auto lost, ParquetSink::Open(FeatureRows(1)->schema(), options));
  ASSERT_OK(lost->Write(FeatureRows(1)));
  EXPECT_THAT(lost->Close().status().ToString(), HasSubstr("none/part-00000.parquet"));

  // The second file is in the way already; the first was written.
  options.directory = folder_;
  options.max_rows_per_file = 2'000;
  std::ofstream(Path("part-00001.parquet")) << "x";
  ASSERT_OK_AND_ASSIGN(auto sink, ParquetSink::Open(FeatureRows(1)->schema(), options));
  arrow::Status status = sink->Write(FeatureRows(5'000));
  if (status.ok()) status = sink->Close().status();
  EXPECT_THAT(status.ToString(), HasSubstr("part-00001.parquet"));
  EXPECT_EQ(CodeOf(status), ErrorCode::kRunFailed);
}

TEST_F(ParquetSinkTest, StopsWhenCancelled) {
  std::atomic<bool> cancelled = false;
  ParquetSinkOptions options;
  options.directory = folder_;
  options.cancelled = &cancelled;
  ASSERT_OK_AND_ASSIGN(auto sink, ParquetSink::Open(FeatureRows(1)->schema(), options));
  ASSERT_OK(sink->Write(FeatureRows(10)));
  cancelled = true;
  EXPECT_EQ(CodeOf(sink->Close().status()), ErrorCode::kInterrupted);
}

TEST(RowGroupPlannerTest, EvensOutTheEndOfAFile) {
  RowGroupPlanner planner(10'000'000, 0);
  planner.SetRowWidth(200);
  EXPECT_EQ(planner.RowsOfNextGroup(), 50'000);
  planner.GroupWritten(50'000, 1'000'000, 10'000'000);
  // 20 bytes a row: 450 000 rows fit, as four groups of less than the limit.
  EXPECT_EQ(planner.RowsOfNextGroup(), 112'500);
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(planner.FileIsFull());
    planner.GroupWritten(planner.RowsOfNextGroup(), 2'250'000, 22'500'000);
  }
  EXPECT_TRUE(planner.FileIsFull());
}

TEST(RowGroupPlannerTest, WideRowsMakeSmallGroups) {
  RowGroupPlanner planner(10'000'000'000, 0);
  planner.SetRowWidth(100'000);
  EXPECT_EQ(planner.RowsOfNextGroup(), 2'560);
  planner.SetRowWidth(1e9);
  EXPECT_EQ(planner.RowsOfNextGroup(), RowGroupPlanner::kMinRows);
}

}  // namespace
}  // namespace tidemill
