#include "sql/code_masks.h"

#include <gtest/gtest.h>

namespace tidemill {
namespace {

template <typename Code>
void ExpectGather(size_t num_values, int64_t n) {
  std::vector<uint8_t> truth(num_values);
  for (size_t i = 0; i < num_values; ++i) truth[i] = i % 3 == 1;
  std::vector<Code> codes(static_cast<size_t>(n));
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<Code>(i * i % num_values);
  std::vector<uint8_t> mask(codes.size() + 1, 7);
  MaskOfCodes(truth, codes.data(), n, mask.data());
  for (size_t i = 0; i < codes.size(); ++i) {
    ASSERT_EQ(mask[i], truth[static_cast<size_t>(codes[i])]) << num_values << " " << n << " " << i;
  }
  EXPECT_EQ(mask.back(), 7) << "wrote behind the end";
}

TEST(CodeMasksTest, GathersAtEverySizeOfDictionaryAndRows) {
  for (const size_t num_values : {1, 2, 7, 15, 16, 17, 100}) {
    for (int64_t n = 0; n <= 100; ++n) {
      ExpectGather<int32_t>(num_values, n);
      ExpectGather<uint32_t>(num_values, n);
      ExpectGather<int8_t>(num_values, n);
      ExpectGather<int64_t>(num_values, n);
    }
  }
}

}  // namespace
}  // namespace tidemill
