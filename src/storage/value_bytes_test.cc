#include "storage/value_bytes.h"

#include <gmock/gmock.h>

#include "storage/test_files.h"

namespace tidemill {
namespace {

using testing::ElementsAre;

TEST(ValueBytesTest, CountsEachRow) {
  const auto numbers = ArrayOf(arrow::int64(), "[1, null, 3]");
  const auto flags = ArrayOf(arrow::boolean(), "[true, null, false]");
  const auto texts = ArrayOf(arrow::utf8(), R"(["", null, "twelve bytes"])");
  EXPECT_THAT(ValueBytes({numbers, flags, texts}, 3), ElementsAre(13, 13, 25));
  const auto lists = ArrayOf(arrow::list(arrow::utf8()), R"([["abc", "d"], null, []])");
  EXPECT_THAT(ValueBytes({lists}, 3), ElementsAre(4 + 2 * 4 + 4, 4, 4));
  const auto maps =
      ArrayOf(arrow::map(arrow::utf8(), arrow::int32()), R"([[["k", 1], ["l", 2]], [], null])");
  EXPECT_THAT(ValueBytes({maps}, 3), ElementsAre(4 + 2 * (4 + 1 + 4), 4, 4));
  EXPECT_THAT(ValueBytes({lists->Slice(1)}, 2), ElementsAre(4, 4));
  EXPECT_THAT(ValueBytes({texts->Slice(2)}, 1), ElementsAre(16));
  EXPECT_THAT(ValueBytes({}, 2), ElementsAre(0, 0));
}

}  // namespace
}  // namespace tidemill
