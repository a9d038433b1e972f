#include "table/value_ranks.h"

#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "storage/test_files.h"

namespace tidemill {
namespace {

using testing::ElementsAre;

std::vector<uint32_t> Ranks(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  return RankValues({ArrayOf(type, json)}).ValueOrDie();
}

TEST(ValueRanksTest, EqualValuesHaveEqualRanks) {
  EXPECT_THAT(Ranks(arrow::int64(), "[5, -1, 5, 7, -1]"), ElementsAre(2, 0, 2, 4, 0));
}

TEST(ValueRanksTest, NullIsTheSmallest) {
  EXPECT_THAT(Ranks(arrow::int64(), "[null, -9223372036854775808, null, 1]"),
              ElementsAre(0, 2, 0, 3));
  EXPECT_THAT(Ranks(arrow::utf8(), R"([null, "", "a"])"), ElementsAre(0, 1, 2));
  EXPECT_THAT(Ranks(arrow::int8(), "[null, null]"), ElementsAre(0, 0));
}

TEST(ValueRanksTest, NaNIsTheLargestAndZeroesAreEqual) {
  for (const auto& type : {arrow::float64(), arrow::float32()}) {
    EXPECT_THAT(Ranks(type, "[NaN, Inf, 0.0, -0.0, -Inf, NaN, -1.5, 2, null]"),
                ElementsAre(7, 6, 3, 3, 1, 7, 2, 5, 0));
  }
}

TEST(ValueRanksTest, KnowsEveryTypeOfAFile) {
  using arrow::TimeUnit;
  for (const auto& type :
       {arrow::int8(), arrow::int16(), arrow::int32(), arrow::int64(), arrow::float32(),
        arrow::float64(), arrow::date32(), arrow::time32(TimeUnit::MILLI),
        arrow::time64(TimeUnit::MICRO), arrow::timestamp(TimeUnit::NANO)}) {
    EXPECT_THAT(Ranks(type, "[3, 1, null, 2]"), ElementsAre(3, 1, 0, 2)) << type->ToString();
  }
  for (const auto& type : {arrow::uint8(), arrow::uint16(), arrow::uint32(), arrow::uint64()}) {
    EXPECT_THAT(Ranks(type, "[3, 1, null, 255]"), ElementsAre(2, 1, 0, 3)) << type->ToString();
  }
  EXPECT_THAT(Ranks(arrow::uint64(), "[18446744073709551615, 0]"), ElementsAre(1, 0));
  EXPECT_THAT(Ranks(arrow::date32(), "[-1, 0, -2]"), ElementsAre(1, 2, 0));
  EXPECT_THAT(Ranks(arrow::boolean(), "[true, false, null, true]"), ElementsAre(2, 1, 0, 2));
  EXPECT_THAT(Ranks(arrow::binary(), R"(["b", "a"])"), ElementsAre(1, 0));
  EXPECT_THAT(Ranks(arrow::fixed_size_binary(2), R"(["ba", "ab", null])"), ElementsAre(2, 1, 0));
  EXPECT_FALSE(RankValues({ArrayOf(arrow::list(arrow::int8()), "[[1]]")}).ok());
}

TEST(ValueRanksTest, DecimalsOfAnySize) {
  EXPECT_THAT(Ranks(arrow::decimal128(9, 2), R"(["-1.25", null, "3.00", "-1.26"])"),
              ElementsAre(2, 0, 3, 1));
  EXPECT_THAT(Ranks(arrow::decimal128(38, 0),
                    R"(["99999999999999999999999999999999999999", "1",
                        "-99999999999999999999999999999999999999", null, "1"])"),
              ElementsAre(4, 2, 1, 0, 2));
}

TEST(ValueRanksTest, TextIsComparedByteByByte) {
  EXPECT_THAT(Ranks(arrow::utf8(), R"(["user_10", "user_1", "user_", "ä", "user_9", "user_10"])"),
              ElementsAre(2, 1, 0, 5, 4, 2));
  // Beyond the eight bytes that are looked at first, and with zero bytes among them.
  EXPECT_THAT(Ranks(arrow::utf8(), R"(["p12345678b", "p12345678a", "p12345678", "p1234567"])"),
              ElementsAre(3, 2, 1, 0));
  EXPECT_THAT(Ranks(arrow::utf8(), R"(["a\u0000\u0000", "a", "a\u0000", "b"])"),
              ElementsAre(2, 0, 1, 3));
}

TEST(ValueRanksTest, AreThoseOfASortHoweverTheColumnIsCut) {
  std::mt19937_64 random(5);
  for (const uint64_t spread : {3UL, 1000UL, 1UL << 62}) {
    std::vector<int64_t> values;
    arrow::Int64Builder numbers;
    arrow::StringBuilder texts;
    for (int i = 0; i < 3000; ++i) {
      values.push_back(static_cast<int64_t>(random() % spread) - 500);
      ASSERT_OK(numbers.Append(values.back()));
      ASSERT_OK(texts.Append(fmt::format("user_{:020}", values.back() + 500)));
    }
    std::vector<uint32_t> want;
    std::vector<int64_t> sorted = values;
    std::ranges::sort(sorted);
    for (const int64_t value : values) {
      want.push_back(
          static_cast<uint32_t>(std::ranges::lower_bound(sorted, value) - sorted.begin()));
    }
    for (const auto& whole : {numbers.Finish().ValueOrDie(), texts.Finish().ValueOrDie()}) {
      EXPECT_EQ(RankValues({whole}).ValueOrDie(), want);
      EXPECT_EQ(RankValues({whole->Slice(0, 7), whole->Slice(7, 0), whole->Slice(7)}).ValueOrDie(),
                want);
    }
  }
}

TEST(ValueRanksTest, NoRows) {
  EXPECT_TRUE(RankValues({}).ValueOrDie().empty());
  EXPECT_THAT(Ranks(arrow::utf8(), "[]"), ElementsAre());
  EXPECT_THAT(Ranks(arrow::int64(), "[]"), ElementsAre());
}

}  // namespace
}  // namespace tidemill
