#include "engine/key_index.h"

#include <random>
#include <unordered_map>

#include <gtest/gtest.h>

namespace tidemill {
namespace {

std::vector<int32_t> Find(const KeyIndex& index, const std::vector<int64_t>& keys) {
  std::vector<int32_t> rows(keys.size(), 12345);
  index.Find(keys.data(), static_cast<int64_t>(keys.size()), rows.data());
  return rows;
}

TEST(KeyIndexTest, AnIndexOfNothingFindsNothing) {
  KeyIndex index;
  EXPECT_EQ(Find(index, {0, 1}), (std::vector<int32_t>{-1, -1}));
  std::vector<KeyIndex::Repeated> repeated;
  const std::vector<int64_t> none;
  index.Build(none.data(), nullptr, 0, 0, &repeated);
  EXPECT_EQ(Find(index, {0, 1, INT64_MIN}), (std::vector<int32_t>{-1, -1, -1}));
}

TEST(KeyIndexTest, FindsIntegersCloseTogetherAndFarApart) {
  std::mt19937_64 random(5);
  for (const uint64_t range : {uint64_t{3000}, uint64_t{1} << 40, uint64_t{0}}) {
    std::vector<int64_t> keys = {INT64_MIN, INT64_MAX, 0, -1};
    if (range == 3000) keys = {-2000};
    std::unordered_map<int64_t, int32_t> rows;
    for (int i = 0; i < 2000; ++i) {
      const auto value = static_cast<int64_t>(range == 0 ? random() : random() % range) - 1000;
      keys.push_back(value);
    }
    std::vector<int64_t> distinct;
    for (const int64_t key : keys) {
      if (rows.emplace(key, static_cast<int32_t>(distinct.size())).second) distinct.push_back(key);
    }
    KeyIndex index;
    std::vector<KeyIndex::Repeated> repeated;
    index.Build(distinct.data(), nullptr, 0, static_cast<int32_t>(distinct.size()), &repeated);
    EXPECT_TRUE(repeated.empty());
    std::vector<int64_t> asked = keys;
    for (int i = 0; i < 100; ++i) asked.push_back(static_cast<int64_t>(random()));
    asked.push_back(-1001);
    asked.push_back(2001);
    const auto found = Find(index, asked);
    for (size_t i = 0; i < asked.size(); ++i) {
      const auto want = rows.find(asked[i]);
      EXPECT_EQ(found[i], want == rows.end() ? -1 : want->second) << asked[i];
    }
  }
}

TEST(KeyIndexTest, TakesARangeOfRowsAndLeavesOutWhatIsNotValid) {
  const std::vector<int64_t> keys = {7, 8, 9, 10, 11};
  const std::vector<uint8_t> valid = {1, 1, 0, 1, 1};
  KeyIndex index;
  std::vector<KeyIndex::Repeated> repeated;
  index.Build(keys.data(), valid.data(), 1, 4, &repeated);
  EXPECT_EQ(Find(index, keys), (std::vector<int32_t>{-1, 1, -1, 3, -1}));
}

TEST(KeyIndexTest, TellsEveryRepeatedRowWithTheFirst) {
  const std::vector<int64_t> integers = {5, 6, 5, 7, 5};
  std::vector<Hash128> identities;
  for (const int64_t key : integers) identities.push_back(HashBytes128(&key, sizeof(key)));
  std::vector<KeyIndex::Repeated> of_integers;
  std::vector<KeyIndex::Repeated> of_identities;
  KeyIndex first;
  KeyIndex second;
  first.Build(integers.data(), nullptr, 0, 5, &of_integers);
  second.Build(identities.data(), nullptr, 0, 5, &of_identities);
  for (const auto& repeated : {of_integers, of_identities}) {
    ASSERT_EQ(repeated.size(), 2u);
    EXPECT_EQ(repeated[0].row, 2);
    EXPECT_EQ(repeated[1].row, 4);
    EXPECT_EQ(repeated[0].first, 0);
    EXPECT_EQ(repeated[1].first, 0);
  }
}

}  // namespace
}  // namespace tidemill
