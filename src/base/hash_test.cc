#include "base/hash.h"

#include <bit>
#include <string>

#include <gtest/gtest.h>

namespace tidemill {
namespace {

TEST(HashTest, ValuesAreFixed) {
  // The published XXH3 values of the empty input: they are part of file formats.
  EXPECT_EQ(HashBytes(""), 0x2d06800538d394c2u);
  EXPECT_EQ(HashBytes128(""), (Hash128{0x6001c324468d497fu, 0x99aa06d3014798d8u}));
  EXPECT_EQ(HashInteger(0), 0xe220a8397b1dcdafu);
}

TEST(HashTest, BytesCount) {
  EXPECT_NE(HashBytes(std::string_view("a\0b", 3)), HashBytes(std::string_view("a\0c", 3)));
  EXPECT_NE(HashBytes128("a"), HashBytes128(std::string_view("a\0", 2)));
}

TEST(HashTest, IntegersAvalanche) {
  for (int in = 0; in < 64; ++in) {
    int flipped = 0;
    for (uint64_t seed = 0; seed < 256; ++seed) {
      const uint64_t value = HashInteger(seed * 77);
      flipped += std::popcount(HashInteger(value) ^ HashInteger(value ^ (uint64_t{1} << in)));
    }
    EXPECT_NEAR(flipped / 256.0, 32, 2) << in;
  }
}

TEST(HashTest, CombineDependsOnOrder) {
  EXPECT_NE(CombineHashes(1, 2), CombineHashes(2, 1));
  EXPECT_NE(CombineHashes(0, 0), CombineHashes(0, 1));
  EXPECT_NE(CombineHashes(0, 0), CombineHashes(1, 0));
}

}  // namespace
}  // namespace tidemill
