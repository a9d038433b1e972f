#include "table/key_set.h"

#include <gmock/gmock.h>

#include "storage/test_files.h"
#include "table/this_process.h"

namespace tidemill {
namespace {

using testing::ElementsAre;

TEST(KeySetTest, NullIsAValueLikeAnyOther) {
  KeySet keys;
  ASSERT_OK_AND_ASSIGN(const auto repeated,
                       keys.Add({ArrayOf(arrow::utf8(), R"(["a", null, ""])")}, 3));
  EXPECT_FALSE(repeated.has_value());
  std::vector<uint8_t> found;
  ASSERT_OK_AND_ASSIGN(const int64_t count,
                       keys.Find({ArrayOf(arrow::utf8(), R"([null, "b", "", "a"])")}, 4, &found));
  EXPECT_EQ(count, 3);
  EXPECT_THAT(found, ElementsAre(1, 0, 1, 1));
}

TEST(KeySetTest, ValuesDoNotRunTogether) {
  KeySet keys;
  ASSERT_OK(keys.Add({ArrayOf(arrow::utf8(), R"(["ab"])"), ArrayOf(arrow::utf8(), R"(["c"])")}, 1)
                .status());
  std::vector<uint8_t> found;
  ASSERT_OK_AND_ASSIGN(const int64_t count, keys.Find({ArrayOf(arrow::utf8(), R"(["a"])"),
                                                       ArrayOf(arrow::utf8(), R"(["bc"])")},
                                                      1, &found));
  EXPECT_EQ(count, 0);
}

TEST(KeySetTest, ZerosAreOneValueAndSoAreAllNaN) {
  arrow::DoubleBuilder builder;
  ASSERT_OK(builder.AppendValues({-0.0, std::bit_cast<double>(0x7ff8000000000001)}));
  KeySet keys;
  ASSERT_OK_AND_ASSIGN(const auto odd, builder.Finish());
  ASSERT_OK(keys.Add({odd}, 2).status());
  ASSERT_OK(builder.AppendValues({0.0, std::bit_cast<double>(0xfff8000000000000)}));
  ASSERT_OK_AND_ASSIGN(const auto plain, builder.Finish());
  std::vector<uint8_t> found;
  ASSERT_OK_AND_ASSIGN(const int64_t count, keys.Find({plain}, 2, &found));
  EXPECT_EQ(count, 2);
}

TEST(KeySetTest, NamesTheRowThatRepeatsAKey) {
  const arrow::ArrayVector columns = {ArrayOf(arrow::int64(), "[1, 2, 1, 2]")};
  KeySet keys;
  ASSERT_OK_AND_ASSIGN(const auto repeated, keys.Add(columns, 4));
  EXPECT_EQ(repeated, 2);
  EXPECT_EQ(KeyText({"id"}, columns, 2), "id = 1");
}

TEST(KeySetTest, SlicesCountAsTheirRows) {
  KeySet keys;
  ASSERT_OK(keys.Add({ArrayOf(arrow::int32(), "[1, 2, 3, 4]")->Slice(2)}, 2).status());
  std::vector<uint8_t> found;
  ASSERT_OK(keys.Find({ArrayOf(arrow::int32(), "[1, 3, 4]")}, 3, &found).status());
  EXPECT_THAT(found, ElementsAre(0, 1, 1));
}

TEST(ThisProcessTest, LivesAndOthersOfItsKindDoNot) {
  const std::string self = ThisProcess();
  EXPECT_EQ(LivenessOf(self), Liveness::kAlive);
  EXPECT_EQ(LivenessOf(self + "1"), Liveness::kGone);
  EXPECT_EQ(LivenessOf("elsewhere/boot/pid:[1]/1/1"), Liveness::kUnknown);
  EXPECT_EQ(LivenessOf(""), Liveness::kUnknown);
  // The same process ids in another container are other processes.
  std::string contained = self;
  contained.replace(contained.find("pid:["), 5, "pid:[9");
  EXPECT_EQ(LivenessOf(contained), Liveness::kUnknown);
}

}  // namespace
}  // namespace tidemill
