#include "table/staged_partition.h"

#include <cmath>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>

#include "storage/multiset_hash.h"
#include "storage/test_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using testing::HasSubstr;
using Batch = std::shared_ptr<arrow::RecordBatch>;
using Kind = ClusterSpec::Kind;

const Calendar kDays(Calendar::Step::kDay, TimeZone::Find("UTC"));

PartitionTerm Term(PartitionTerm::Kind kind, const std::string& column, int32_t buckets = 0) {
  PartitionTerm term;
  term.kind = kind;
  term.column.text = column;
  term.buckets = buckets;
  return term;
}

ClusterSpec By(Kind kind, const std::vector<std::string>& columns) {
  ClusterSpec spec;
  spec.kind = kind;
  for (const std::string& column : columns) spec.columns.push_back({column, {}});
  return spec;
}

/// Rows in entity order, as a run writes them.
Batch FeatureRows(int64_t n) {
  std::mt19937_64 random(17);
  arrow::StringBuilder users;
  arrow::StringBuilder countries;
  arrow::Int64Builder counts;
  arrow::DoubleBuilder spends;
  for (int64_t i = 0; i < n; ++i) {
    EXPECT_TRUE(users.Append(fmt::format("user_{:08}", i * 3)).ok());
    EXPECT_TRUE((random() % 9 == 0 ? countries.AppendNull()
                                   : countries.Append(random() % 3 == 0 ? "de" : "fr"))
                    .ok());
    EXPECT_TRUE(counts.Append(static_cast<int64_t>(random() % 1000 * (random() % 1000))).ok());
    EXPECT_TRUE((random() % 5 == 0   ? spends.AppendNull()
                 : random() % 7 == 0 ? spends.Append(std::nan(""))
                                     : spends.Append(static_cast<double>(random() % 100'000) / 100))
                    .ok());
  }
  return TableOf({{"user_id", users.Finish().ValueOrDie()},
                  {"country", countries.Finish().ValueOrDie()},
                  {"n", counts.Finish().ValueOrDie()},
                  {"spend", spends.Finish().ValueOrDie()}})
      ->CombineChunksToBatch()
      .ValueOrDie();
}

class StagedPartitionTest : public FolderTest {
 protected:
  arrow::Result<std::unique_ptr<StagedPartition>> Open(const Batch& rows, FileOptions options,
                                                       std::vector<PartitionTerm> terms = {}) {
    terms.insert(terms.begin(), PartitionTerm{});
    ARROW_ASSIGN_OR_RAISE(const PartitionLayout layout, PartitionLayout::Make(terms, kDays));
    return StagedPartition::Open(layout, Path("staged" + std::to_string(++folders_)),
                                 "feature_date=2026-03-02", rows->schema(), {}, std::move(options));
  }

  /// Writes rows in batches of `step`, closes and audits.
  std::unique_ptr<StagedPartition> Stage(const Batch& rows, FileOptions options,
                                         std::vector<PartitionTerm> terms = {},
                                         int64_t step = 10'000) {
    auto staged = Open(rows, std::move(options), std::move(terms)).ValueOrDie();
    for (int64_t begin = 0; begin < rows->num_rows(); begin += step) {
      EXPECT_TRUE(staged->Write(rows->Slice(begin, step)).ok());
    }
    const arrow::Status closed = staged->Close();
    EXPECT_TRUE(closed.ok()) << closed.ToString();
    EXPECT_TRUE(staged->Audit().ok());
    EXPECT_FALSE(std::filesystem::exists(staged->directory() + ".rows"));
    return staged;
  }

  static std::string FileOf(const StagedPartition& staged, const PublishedFile& file) {
    return staged.directory() + file.path.substr(staged.partition().size());
  }

  static std::shared_ptr<arrow::Table> Read(const StagedPartition& staged,
                                            const PublishedFile& file) {
    auto input = arrow::io::ReadableFile::Open(FileOf(staged, file)).ValueOrDie();
    auto reader = parquet::arrow::OpenFile(input, arrow::default_memory_pool()).ValueOrDie();
    return reader->ReadTable().ValueOrDie();
  }

  static std::shared_ptr<arrow::Table> ReadAll(const StagedPartition& staged) {
    std::vector<std::shared_ptr<arrow::Table>> tables;
    for (const PublishedFile& file : staged.files()) tables.push_back(Read(staged, file));
    return arrow::ConcatenateTables(tables).ValueOrDie();
  }

  static std::string RowsOf(const StagedPartition& staged) {
    const auto table = ReadAll(staged);
    MultisetHasher hasher = MultisetHasher::Make(*table->schema()).ValueOrDie();
    EXPECT_TRUE(hasher.Update(*table->CombineChunksToBatch().ValueOrDie()).ok());
    return hasher.Finish();
  }

  static std::vector<std::string> HashesOf(const StagedPartition& staged) {
    std::vector<std::string> hashes;
    for (const PublishedFile& file : staged.files()) hashes.push_back(file.path + " " + file.hash);
    return hashes;
  }

  int folders_ = 0;
};

TEST_F(StagedPartitionTest, ClusteredRowsAreTheSameRows) {
  const Batch rows = FeatureRows(90'000);
  const std::string unclustered = RowsOf(*Stage(rows, {}));
  for (const Kind kind : {Kind::kSort, Kind::kZorder, Kind::kHilbert}) {
    FileOptions options;
    options.cluster_by = By(kind, {"spend", "n"});
    const auto staged = Stage(rows, options);
    EXPECT_EQ(staged->num_rows(), 90'000);
    EXPECT_EQ(RowsOf(*staged), unclustered);
    EXPECT_FALSE(ReadAll(*staged)->Equals(*ReadAll(*Stage(rows, {}))));
  }
}

TEST_F(StagedPartitionTest, SortedFilesAreSorted) {
  FileOptions options;
  options.cluster_by = By(Kind::kSort, {"n"});
  options.max_rows_per_file = 20'000;
  const auto staged = Stage(FeatureRows(70'000), options);
  EXPECT_EQ(staged->files().size(), 4U);
  const auto column = ReadAll(*staged)->GetColumnByName("n")->chunks();
  int64_t before = -1;
  for (const auto& chunk : column) {
    const auto& numbers = static_cast<const arrow::Int64Array&>(*chunk);
    for (int64_t i = 0; i < numbers.length(); ++i) {
      ASSERT_LE(before, numbers.Value(i));
      before = numbers.Value(i);
    }
  }
}

TEST_F(StagedPartitionTest, ClusteredBytesDependOnTheRowsAlone) {
  const Batch rows = FeatureRows(100'000);
  FileOptions options;
  options.cluster_by = By(Kind::kHilbert, {"user_id", "n"});
  const std::vector<std::string> first = HashesOf(*Stage(rows, options));
  options.threads = 4;
  EXPECT_EQ(HashesOf(*Stage(rows, options, {}, 7)), first);
  EXPECT_EQ(HashesOf(*Stage(rows, options, {}, 100'000)), first);
}

TEST_F(StagedPartitionTest, EachSubPartitionIsClusteredByItself) {
  const Batch rows = FeatureRows(120'000);
  const std::vector<PartitionTerm> terms = {Term(PartitionTerm::Kind::kColumn, "country"),
                                            Term(PartitionTerm::Kind::kBucket, "user_id", 2)};
  FileOptions options;
  options.cluster_by = By(Kind::kSort, {"n", "user_id"});
  const auto staged = Stage(rows, options, terms);
  EXPECT_EQ(staged->files().size(), 6U);
  EXPECT_EQ(RowsOf(*staged), RowsOf(*Stage(rows, {}, terms)));
  for (const PublishedFile& file : staged->files()) {
    const auto table = Read(*staged, file);
    const auto numbers = table->GetColumnByName("n")->chunk(0);
    for (int64_t i = 1; i < numbers->length(); ++i) {
      ASSERT_LE(static_cast<const arrow::Int64Array&>(*numbers).Value(i - 1),
                static_cast<const arrow::Int64Array&>(*numbers).Value(i));
    }
  }
}

TEST_F(StagedPartitionTest, ClusteredRowGroupsAreSmall) {
  const Batch rows = FeatureRows(100'000);
  FileOptions options;
  options.cluster_by = By(Kind::kHilbert, {"user_id", "n"});
  const auto staged = Stage(rows, options);
  const auto reader =
      parquet::ParquetFileReader::OpenFile(FileOf(*staged, staged->files().front()));
  for (int i = 0; i < reader->metadata()->num_row_groups(); ++i) {
    EXPECT_LE(reader->metadata()->RowGroup(i)->num_rows(), 32'768);
  }
}

TEST_F(StagedPartitionTest, ClusteredFilesAreAsLargeAsWanted) {
  const Batch rows = FeatureRows(400'000);
  for (const Kind kind : {Kind::kSort, Kind::kZorder, Kind::kHilbert}) {
    for (const int64_t size : {300'000, 1'000'000, 2'000'000}) {
      FileOptions options;
      options.cluster_by = By(kind, {"spend", "user_id"});
      options.file_size = size;
      const auto staged = Stage(rows, options);
      ASSERT_GE(staged->files().size(), 2U);
      for (size_t i = 0; i + 1 < staged->files().size(); ++i) {
        const auto bytes = static_cast<double>(staged->files()[i].bytes);
        EXPECT_GE(bytes, 0.8 * static_cast<double>(size)) << i;
        EXPECT_LE(bytes, 1.2 * static_cast<double>(size)) << i;
      }
    }
  }
}

TEST_F(StagedPartitionTest, TellsWhichFilesHoldANaN) {
  FileOptions options;
  options.cluster_by = By(Kind::kSort, {"spend"});
  options.max_rows_per_file = 20'000;
  const auto staged = Stage(FeatureRows(70'000), options);
  // NaN is the largest.
  EXPECT_THAT(staged->nan_columns(0), testing::IsEmpty());
  EXPECT_THAT(staged->nan_columns(3), testing::ElementsAre("spend"));
}

TEST_F(StagedPartitionTest, ClusteredFewRows) {
  FileOptions options;
  options.cluster_by = By(Kind::kHilbert, {"n", "spend"});
  const auto none = Stage(FeatureRows(0), options);
  ASSERT_EQ(none->files().size(), 1U);
  EXPECT_EQ(none->files()[0].rows, 0);
  const auto one = Stage(FeatureRows(1), options);
  ASSERT_EQ(one->files().size(), 1U);
  EXPECT_EQ(one->files()[0].rows, 1);
  const auto bucketed =
      Stage(FeatureRows(0), options, {Term(PartitionTerm::Kind::kBucket, "user_id", 4)});
  EXPECT_TRUE(bucketed->files().empty());
}

TEST_F(StagedPartitionTest, RefusesColumnsThatAreNotInTheFiles) {
  const Batch rows = FeatureRows(10);
  FileOptions options;
  options.cluster_by = By(Kind::kSort, {"spent"});
  const arrow::Status missing = Open(rows, options).status();
  EXPECT_EQ(CodeOf(missing), ErrorCode::kInvalid);
  EXPECT_THAT(missing.ToString(), HasSubstr("'spent'"));
  EXPECT_THAT(missing.ToString(), HasSubstr("did you mean 'spend'?"));
  options.cluster_by = By(Kind::kSort, {"country"});
  EXPECT_EQ(CodeOf(Open(rows, options, {Term(PartitionTerm::Kind::kColumn, "country")}).status()),
            ErrorCode::kInvalid);
}

TEST_F(StagedPartitionTest, ClusteringStopsWhenCancelled) {
  std::atomic<bool> cancelled = false;
  FileOptions options;
  options.cluster_by = By(Kind::kHilbert, {"n", "spend"});
  options.cancelled = &cancelled;
  const Batch rows = FeatureRows(50'000);
  ASSERT_OK_AND_ASSIGN(const auto staged, Open(rows, options));
  ASSERT_OK(staged->Write(rows));
  cancelled = true;
  EXPECT_EQ(CodeOf(staged->Close()), ErrorCode::kInterrupted);
}

}  // namespace
}  // namespace tidemill
