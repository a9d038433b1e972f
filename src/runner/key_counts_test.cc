#include "runner/key_counts.h"

#include <filesystem>

#include <gtest/gtest.h>

namespace tidemill {
namespace {

Hash128 KeyOf(uint64_t number) { return {HashInteger(number), HashInteger(~number)}; }

/// Counts `keys` keys in several batches and holds the result against what it must be.
int64_t CountAndCompare(int64_t memory, uint64_t keys) {
  ScratchFolder scratch(testing::TempDir());
  KeyCounts counts(memory, &scratch);
  for (uint64_t batch = 1; batch <= 3; ++batch) {
    CountsByKey more;
    for (uint64_t key = 0; key < keys; key += batch)
      more[KeyOf(key)] = static_cast<int64_t>(key + 1);
    EXPECT_TRUE(counts.Add(more).ok());
  }
  CountsByKey found;
  EXPECT_TRUE(counts
                  .ForEach([&](const Hash128& key, int64_t rows) {
                    EXPECT_TRUE(found.emplace(key, rows).second) << "a key came twice";
                  })
                  .ok());
  EXPECT_EQ(found.size(), keys);
  for (uint64_t key = 0; key < keys; ++key) {
    const int64_t times = 1 + (key % 2 == 0) + (key % 3 == 0);
    EXPECT_EQ(found[KeyOf(key)], times * static_cast<int64_t>(key + 1)) << key;
  }
  return counts.spilled_bytes();
}

TEST(KeyCounts, CountsInMemory) { EXPECT_EQ(CountAndCompare(int64_t{1} << 30, 50'000), 0); }

TEST(KeyCounts, CountsTheSameThroughTheScratchFolder) {
  EXPECT_GT(CountAndCompare(1, 50'000), 50'000 * 24);
}

}  // namespace
}  // namespace tidemill
