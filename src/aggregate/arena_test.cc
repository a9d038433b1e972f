#include "aggregate/arena.h"

#include <string>

#include <gtest/gtest.h>

namespace tidemill {
namespace {

TEST(ArenaTest, EmptyBytesStayDifferentFromNone) {
  Arena arena;
  const uint8_t nothing = 0;
  EXPECT_NE(arena.Copy({&nothing, 0}).data, nullptr);
  EXPECT_EQ(arena.Copy({}).data, nullptr);
}

TEST(ArenaTest, KeepsWhatItHandsOut) {
  Arena arena;
  std::vector<Bytes> copies;
  std::vector<std::string> texts;
  size_t total = 0;
  for (size_t i = 0; i < 300; ++i) {
    texts.push_back(std::string(i * i, static_cast<char>('a' + i % 26)));
    total += texts.back().size();
    copies.push_back(arena.Copy({reinterpret_cast<const uint8_t*>(texts.back().data()), i * i}));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(copies.back().data) % 8, 0u);
  }
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(copies[i].view(), texts[i]);
  EXPECT_GE(arena.allocated(), static_cast<int64_t>(total));
}

}  // namespace
}  // namespace tidemill
