#include "sql/expand_bits.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace tidemill {
namespace {

TEST(ExpandBitsTest, AgreesWithOneBitAtATimeAtAnyOffsetAndLength) {
  const std::array<uint8_t, 6> bits = {0xA7, 0x00, 0xFF, 0x31, 0x80, 0x5E};
  for (int64_t offset = 0; offset <= 20; ++offset) {
    for (int64_t n = 0; n + offset <= 48; ++n) {
      std::vector<uint8_t> bytes(static_cast<size_t>(n) + 1, 9);
      ExpandBits(bits.data(), offset, n, bytes.data());
      for (int64_t i = 0; i < n; ++i) {
        const int64_t bit = offset + i;
        ASSERT_EQ(bytes[static_cast<size_t>(i)],
                  bits[static_cast<size_t>(bit / 8)] >> (bit % 8) & 1)
            << offset << " " << n << " " << i;
      }
      EXPECT_EQ(bytes.back(), 9) << "wrote behind the end";
    }
  }
}

}  // namespace
}  // namespace tidemill
