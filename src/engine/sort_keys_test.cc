#include "engine/sort_keys.h"

#include <algorithm>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace tidemill {
namespace {

std::vector<std::string> Sorted(std::vector<std::string> texts) {
  std::vector<Bytes> keys;
  std::vector<uint32_t> order;
  for (const std::string& text : texts) {
    order.push_back(static_cast<uint32_t>(keys.size()));
    keys.push_back({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  SortByKey(keys, &order);
  std::vector<std::string> sorted;
  for (uint32_t index : order) sorted.push_back(texts[index]);
  return sorted;
}

TEST(SortKeysTest, ShorterKeysComeFirstAndZerosCount) {
  const std::string zero(1, '\0');
  EXPECT_EQ(Sorted({"b", "a" + zero, "", "a", "a" + zero + zero, "\xff"}),
            (std::vector<std::string>{"", "a", "a" + zero, "a" + zero + zero, "b", "\xff"}));
}

TEST(SortKeysTest, AgreesWithStdSortOnRandomKeys) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> texts;
    const std::string prefix(random() % 12, 'p');
    const unsigned letters = 1 + random() % 4;
    for (unsigned i = random() % 300; i > 0; --i) {
      std::string text = prefix;
      for (unsigned j = random() % 14; j > 0; --j) {
        text.push_back(static_cast<char>("a\0\xff z"[random() % letters]));
      }
      texts.push_back(text);
    }
    std::vector<std::string> expected = texts;
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(Sorted(texts), expected);
  }
}

}  // namespace
}  // namespace tidemill
