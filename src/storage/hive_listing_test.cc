#include "storage/hive_listing.h"

#include <fstream>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "storage/percent_encoding.h"
#include "storage/test_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class HiveListingTest : public FolderTest {
 protected:
  void Touch(const std::string& relative) {
    const std::filesystem::path path = Path(relative);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << "x";
  }

  arrow::Result<HiveListing> List() { return ListHive(ParseLocation(folder_).ValueOrDie()); }

  std::string FailureOf(const arrow::Result<HiveListing>& listing) {
    EXPECT_FALSE(listing.ok());
    EXPECT_EQ(CodeOf(listing.status()), ErrorCode::kRunFailed);
    return listing.ok() ? "" : listing.status().ToString();
  }
};

std::vector<std::string> Paths(const HiveListing& listing) {
  std::vector<std::string> paths;
  for (const DataFile& file : listing.files) paths.push_back(file.relative_path);
  return paths;
}

std::vector<std::string> Values(const HiveListing& listing, size_t column) {
  std::vector<std::string> values;
  for (const DataFile& file : listing.files) {
    values.push_back(file.partition_values[column]->ToString());
  }
  return values;
}

TEST_F(HiveListingTest, SkipsHiddenPartsButNotPartitionColumnsThatBeginWithAnUnderscore) {
  Touch("_day=2026-01-02/b.parquet");
  Touch("_day=2026-01-01/a.parquet");
  Touch("_day=2026-01-01/_c.parquet");
  Touch("_day=2026-01-01/.d.parquet");
  Touch("_day=2026-01-01/e.parquet.crc");
  Touch("_temporary/0/f.parquet");
  Touch(".staging/g.parquet");
  Touch("_SUCCESS");
  ASSERT_OK_AND_ASSIGN(const HiveListing listing, List());
  EXPECT_THAT(Paths(listing),
              ElementsAre("_day=2026-01-01/a.parquet", "_day=2026-01-02/b.parquet"));
  EXPECT_EQ(listing.partition_schema->ToString(), "_day: date32[day]");
  EXPECT_THAT(Values(listing, 0), ElementsAre("2026-01-01", "2026-01-02"));
  EXPECT_EQ(listing.files[0].size, 1);
  EXPECT_GT(listing.files[0].mtime_ns, 1'600'000'000'000'000'000);
}

TEST_F(HiveListingTest, InfersTypesFromAllValues) {
  Touch("y=2026/m=03/c=01/k=7/a.parquet");
  Touch("y=2026/m=4/c=x1/k=__HIVE_DEFAULT_PARTITION__/a.parquet");
  ASSERT_OK_AND_ASSIGN(const HiveListing listing, List());
  EXPECT_EQ(listing.partition_schema->ToString(), "y: int64\nm: int64\nc: string\nk: int64");
  EXPECT_THAT(Values(listing, 1), ElementsAre("3", "4"));
  EXPECT_THAT(Values(listing, 2), ElementsAre("01", "x1"));
  EXPECT_THAT(Values(listing, 3), ElementsAre("7", "null"));
}

TEST_F(HiveListingTest, DecodesNamesAndValues) {
  Touch("a%20b=x%2Fy%zz/f.parquet");
  Touch("a%20b=/f.parquet");
  ASSERT_OK_AND_ASSIGN(const HiveListing listing, List());
  EXPECT_EQ(listing.partition_schema->field(0)->name(), "a b");
  EXPECT_THAT(Values(listing, 0), ElementsAre("", "x/y%zz"));
}

TEST_F(HiveListingTest, AnImpossibleDateOrANumberTooLargeMakesStrings) {
  Touch("d=2026-02-30/n=99999999999999999999/f.parquet");
  ASSERT_OK_AND_ASSIGN(const HiveListing listing, List());
  EXPECT_EQ(listing.partition_schema->ToString(), "d: string\nn: string");
}

TEST_F(HiveListingTest, AnEmptyDirectoryHasNoFiles) {
  ASSERT_OK_AND_ASSIGN(const HiveListing listing, List());
  EXPECT_TRUE(listing.files.empty());
  EXPECT_EQ(listing.partition_schema->num_fields(), 0);
}

TEST_F(HiveListingTest, NamesTwoFilesThatDiffer) {
  Touch("d=1/a.parquet");
  Touch("d=1/e=2/b.parquet");
  const std::string depth = FailureOf(List());
  EXPECT_THAT(depth, HasSubstr("d=1/a.parquet"));
  EXPECT_THAT(depth, HasSubstr("d=1/e=2/b.parquet"));
  std::filesystem::remove_all(Path("d=1/e=2"));
  Touch("e=1/a.parquet");
  EXPECT_THAT(FailureOf(List()), HasSubstr("partition columns"));
}

TEST_F(HiveListingTest, RefusesAColumnGivenTwice) {
  Touch("d=1/d=2/a.parquet");
  EXPECT_THAT(FailureOf(List()), HasSubstr("twice"));
}

TEST_F(HiveListingTest, NamesWhatIsMissingOrNoDirectory) {
  EXPECT_THAT(FailureOf(ListHive(ParseLocation(Path("none")).ValueOrDie())), HasSubstr("/none"));
  Touch("file");
  EXPECT_THAT(FailureOf(ListHive(ParseLocation(Path("file")).ValueOrDie())),
              HasSubstr("not a directory"));
}

TEST_F(HiveListingTest, ALoopOfLinksIsAnError) {
  Touch("d=1/a.parquet");
  std::filesystem::create_directory_symlink(folder_, Path("d=1/loop"));
  FailureOf(List());
}

TEST(PercentEncodingTest, RoundTripsWhatHiveReserves) {
  const std::string odd = "a/b=c:d%e'f\"g\\h\n{}[]^?*#\x7f \xc3\xa4";
  EXPECT_EQ(PercentDecode(PercentEncodeForHive(odd)), odd);
  EXPECT_EQ(PercentEncodeForHive("x/y z"), "x%2Fy z");
  EXPECT_EQ(PercentDecode("%2"), "%2");
  EXPECT_EQ(PercentDecode("%"), "%");
}

TEST(LocationTest, ReadsPathsAndFileUris) {
  EXPECT_EQ(ParseLocation("/a/b/../c/")->path, "/a/c");
  EXPECT_EQ(ParseLocation("file:///a/b%20c")->path, "/a/b c");
  EXPECT_EQ(ParseLocation("file://localhost/a")->path, "/a");
  EXPECT_EQ(ParseLocation("x")->path, (std::filesystem::current_path() / "x").string());
  EXPECT_EQ(ParseLocation("/")->path, "/");
}

TEST(LocationTest, RefusesOtherSchemesAndHosts) {
  for (const char* text :
       {"ftp://bucket/x", "s3://", "s3://key:secret@bucket/x", "s3://bucket?endpoint=x",
        "abfs://c:key@account/x", "gs://b/x?sas=y", "file://host/x", "file://x", ""}) {
    const auto location = ParseLocation(text);
    ASSERT_FALSE(location.ok()) << text;
    EXPECT_EQ(CodeOf(location.status()), ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace tidemill
