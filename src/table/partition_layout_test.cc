#include "table/partition_layout.h"

#include <gmock/gmock.h>

#include "storage/hive_listing.h"
#include "storage/test_files.h"
#include "table/iceberg_bucket.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = PartitionTerm::Kind;

PartitionTerm Term(Kind kind, const std::string& column = "", int32_t buckets = 0) {
  PartitionTerm term;
  term.kind = kind;
  term.column.text = column;
  term.column.position = {"p.yaml", 7, 3};
  term.buckets = buckets;
  return term;
}

const Calendar kDays(Calendar::Step::kDay, TimeZone::Find("UTC"));

PartitionLayout ByDate(std::vector<PartitionTerm> columns) {
  columns.insert(columns.begin(), Term(Kind::kFeatureDate));
  return PartitionLayout::Make(columns, kDays).ValueOrDie();
}

TEST(PartitionLayoutTest, NamesTheDate) {
  const Slot day = *kDays.Parse("2026-03-02");
  EXPECT_EQ(ByDate({}).DatePath(day), "feature_date=2026-03-02");
  ASSERT_OK_AND_ASSIGN(
      const auto parts,
      PartitionLayout::Make({Term(Kind::kYear), Term(Kind::kMonth), Term(Kind::kDay)}, kDays));
  EXPECT_EQ(parts.DatePath(day), "year=2026/month=3/day=2");
}

TEST(PartitionLayoutTest, NamesTheHourOfTheZone) {
  const Calendar hours(Calendar::Step::kHour, TimeZone::Find("America/New_York"));
  ASSERT_OK_AND_ASSIGN(
      const auto layout,
      PartitionLayout::Make({Term(Kind::kFeatureDate), Term(Kind::kFeatureHour)}, hours));
  EXPECT_EQ(layout.DatePath(*hours.Parse("2026-03-02T04")),
            "feature_date=2026-03-02/feature_hour=04");
  // 2026-11-01 has the hour from 1 to 2 o'clock twice; each has a directory of its own.
  const SlotRange slots = hours.SlotsOfDay(*ParseCivilDay("2026-11-01"));
  ASSERT_EQ(slots.size(), 25);
  std::set<std::string> paths;
  for (Slot slot = slots.first; slot <= slots.last; slot = slot + 1)
    paths.insert(layout.DatePath(slot));
  EXPECT_EQ(paths.size(), 25U);
  EXPECT_THAT(layout.DatePath(slots.first + 1), HasSubstr("feature_hour=01"));
}

TEST(PartitionLayoutTest, RefusesOtherShapes) {
  const Calendar hours(Calendar::Step::kHour, TimeZone::Find("UTC"));
  EXPECT_FALSE(PartitionLayout::Make({}, kDays).ok());
  EXPECT_FALSE(PartitionLayout::Make({Term(Kind::kColumn, "x")}, kDays).ok());
  EXPECT_FALSE(
      PartitionLayout::Make({Term(Kind::kColumn, "x"), Term(Kind::kFeatureDate)}, kDays).ok());
  EXPECT_FALSE(PartitionLayout::Make(
                   {Term(Kind::kFeatureDate), Term(Kind::kColumn, "x"), Term(Kind::kYear)}, kDays)
                   .ok());
  EXPECT_FALSE(PartitionLayout::Make({Term(Kind::kYear), Term(Kind::kDay)}, kDays).ok());
  EXPECT_FALSE(
      PartitionLayout::Make({Term(Kind::kFeatureDate), Term(Kind::kFeatureHour)}, kDays).ok());
  EXPECT_FALSE(PartitionLayout::Make({Term(Kind::kFeatureDate)}, hours).ok());
  EXPECT_FALSE(
      PartitionLayout::Make(
          {Term(Kind::kFeatureDate), Term(Kind::kColumn, "x"), Term(Kind::kColumn, "x")}, kDays)
          .ok());
  EXPECT_FALSE(
      PartitionLayout::Make({Term(Kind::kFeatureDate), Term(Kind::kBucket, "x", 0)}, kDays).ok());
}

TEST(PartitionLayoutTest, ChecksTheSchema) {
  const auto fields =
      [](std::vector<std::pair<std::string, std::shared_ptr<arrow::DataType>>> list) {
        arrow::FieldVector result;
        for (auto& [name, type] : list) result.push_back(arrow::field(name, type));
        return arrow::schema(result);
      };
  const auto good = fields({{"id", arrow::utf8()}, {"score", arrow::float64()}});
  EXPECT_TRUE(
      ByDate({Term(Kind::kColumn, "id"), Term(Kind::kBucket, "id", 4)}).CheckSchema(*good).ok());
  for (const PartitionTerm& term : {Term(Kind::kColumn, "none"), Term(Kind::kColumn, "score"),
                                    Term(Kind::kBucket, "score", 4)}) {
    const arrow::Status status = ByDate({term}).CheckSchema(*good);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(CodeOf(status), ErrorCode::kInvalid);
    EXPECT_EQ(DiagnosticsOf(status)[0].position.line, 7);
  }
  EXPECT_FALSE(ByDate({})
                   .CheckSchema(*fields({{"feature_date", arrow::date32()}, {"x", arrow::int8()}}))
                   .ok());
  EXPECT_FALSE(
      ByDate({Term(Kind::kColumn, "id")}).CheckSchema(*fields({{"id", arrow::utf8()}})).ok());
}

TEST(PartitionLayoutTest, SplitsInOrderAndKeepsTheOrderOfRows) {
  const auto batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("c", arrow::utf8()), arrow::field("n", arrow::int32())}), 6,
      arrow::ArrayVector{ArrayOf(arrow::utf8(), R"(["b", "a", null, "b", "a", "b"])"),
                         ArrayOf(arrow::int32(), "[1, 2, 3, 4, null, 6]")});
  ASSERT_OK_AND_ASSIGN(const auto slices,
                       SplitByPartition(ByDate({Term(Kind::kColumn, "c")}), *batch));
  ASSERT_EQ(slices.size(), 3U);
  EXPECT_EQ(slices[0].path, "c=b");
  EXPECT_TRUE(slices[0].rows->column(0)->Equals(ArrayOf(arrow::int32(), "[1, 4, 6]")));
  EXPECT_EQ(slices[1].path, "c=a");
  EXPECT_TRUE(slices[1].rows->column(0)->Equals(ArrayOf(arrow::int32(), "[2, null]")));
  EXPECT_EQ(slices[2].path, "c=__HIVE_DEFAULT_PARTITION__");
  EXPECT_EQ(slices[2].rows->num_columns(), 1);
}

TEST(PartitionLayoutTest, WritesValuesAsHiveDoes) {
  const auto path_of =
      [](const std::shared_ptr<arrow::Array>& value) -> arrow::Result<std::string> {
    const auto batch = arrow::RecordBatch::Make(
        arrow::schema({arrow::field("a b", value->type()), arrow::field("n", arrow::int8())}), 1,
        arrow::ArrayVector{value, ArrayOf(arrow::int8(), "[1]")});
    ARROW_ASSIGN_OR_RAISE(const auto slices,
                          SplitByPartition(ByDate({Term(Kind::kColumn, "a b")}), *batch));
    return slices[0].path;
  };
  EXPECT_EQ(*path_of(ArrayOf(arrow::utf8(), R"(["x/y=z %ä"])")), "a b=x%2Fy%3Dz %25ä");
  EXPECT_EQ(*path_of(ArrayOf(arrow::large_utf8(), R"(["01"])")), "a b=01");
  EXPECT_EQ(*path_of(ArrayOf(arrow::int64(), "[-7]")), "a b=-7");
  EXPECT_EQ(*path_of(ArrayOf(arrow::uint64(), "[18446744073709551615]")),
            "a b=18446744073709551615");
  EXPECT_EQ(*path_of(ArrayOf(arrow::boolean(), "[true]")), "a b=true");
  EXPECT_EQ(*path_of(ArrayOf(arrow::date32(), "[20514]")), "a b=2026-03-02");
  EXPECT_EQ(*path_of(ArrayOf(arrow::decimal128(5, 2), R"(["-1.50"])")), "a b=-1.50");
  EXPECT_THAT(path_of(ArrayOf(arrow::utf8(), R"([""])")).status().ToString(),
              HasSubstr("empty string"));
  EXPECT_FALSE(path_of(ArrayOf(arrow::utf8(), R"(["__HIVE_DEFAULT_PARTITION__"])")).ok());
  EXPECT_THAT(
      path_of(ArrayOf(arrow::utf8(), "[\"" + std::string(300, 'x') + "\"]")).status().ToString(),
      HasSubstr("too long"));
}

TEST(IcebergBucketTest, AgreesWithTheSpecification) {
  const auto hash = [](const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
    return IcebergHash(*ArrayOf(type, "[" + json + "]"), 0);
  };
  EXPECT_EQ(hash(arrow::int32(), "34"), 2017239379);
  EXPECT_EQ(hash(arrow::int64(), "34"), 2017239379);
  EXPECT_EQ(hash(arrow::uint8(), "34"), 2017239379);
  EXPECT_EQ(hash(arrow::decimal128(4, 2), "\"14.20\""), -500754589);
  EXPECT_EQ(hash(arrow::decimal128(20, 2), "\"14.20\""), -500754589);
  EXPECT_EQ(hash(arrow::date32(), "17486"), -653330422);
  EXPECT_EQ(hash(arrow::time64(arrow::TimeUnit::MICRO), "81068000000"), -662762989);
  for (const auto& [unit, value] : {std::pair{arrow::TimeUnit::SECOND, "1510871468"},
                                    {arrow::TimeUnit::MILLI, "1510871468000"},
                                    {arrow::TimeUnit::MICRO, "1510871468000000"},
                                    {arrow::TimeUnit::NANO, "1510871468000000001"}}) {
    EXPECT_EQ(hash(arrow::timestamp(unit), value), -2047944441);
    EXPECT_EQ(hash(arrow::timestamp(unit, "UTC"), value), -2047944441);
  }
  EXPECT_EQ(hash(arrow::timestamp(arrow::TimeUnit::MICRO), "1510871468000001"), -1207196810);
  EXPECT_EQ(hash(arrow::utf8(), "\"iceberg\""), 1210000089);
  const std::string bytes("\0\1\2\3", 4);
  EXPECT_EQ(static_cast<int32_t>(Murmur3(bytes)), -188683207);
  EXPECT_EQ(static_cast<int32_t>(Murmur3("")), 0);
  EXPECT_EQ(IcebergBucket(-1, 16), 15);
  EXPECT_EQ(IcebergBucket(INT32_MIN, 16), 0);
}

TEST(IcebergBucketTest, HashesDecimalsByTheirShortestForm) {
  const auto hash = [](const char* text) {
    return IcebergHash(*ArrayOf(arrow::decimal128(38, 0), std::string("[\"") + text + "\"]"), 0);
  };
  EXPECT_EQ(hash("0"), static_cast<int32_t>(Murmur3(std::string(1, '\0'))));
  EXPECT_EQ(hash("-1"), static_cast<int32_t>(Murmur3("\xff")));
  EXPECT_EQ(hash("127"), static_cast<int32_t>(Murmur3("\x7f")));
  EXPECT_EQ(hash("128"), static_cast<int32_t>(Murmur3(std::string("\0\x80", 2))));
  EXPECT_EQ(hash("-128"), static_cast<int32_t>(Murmur3("\x80")));
  EXPECT_EQ(hash("-129"), static_cast<int32_t>(Murmur3("\xff\x7f")));
}

}  // namespace
}  // namespace tidemill
