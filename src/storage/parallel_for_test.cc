#include "storage/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tidemill/error.h"

namespace tidemill {
namespace {

TEST(ParallelForTest, CallsEveryIndexOnceOnThreadsWithinBounds) {
  for (const int threads : {0, 1, 3, 50}) {
    std::vector<std::atomic<int>> calls(20);
    std::atomic<bool> is_bounded{true};
    const auto status = ParallelFor(20, threads, nullptr, [&](int64_t index, int thread) {
      ++calls[static_cast<size_t>(index)];
      if (thread < 0 || thread >= std::max(threads, 1)) is_bounded = false;
      return arrow::Status::OK();
    });
    EXPECT_TRUE(status.ok());
    EXPECT_TRUE(is_bounded);
    for (const auto& count : calls) EXPECT_EQ(count, 1);
  }
  EXPECT_TRUE(ParallelFor(0, 4, nullptr, [](int64_t, int) {
                return arrow::Status::Invalid("called");
              }).ok());
}

TEST(ParallelForTest, ReturnsAFailureAndBeginsNothingAfterIt) {
  std::atomic<int> calls{0};
  const auto status = ParallelFor(1000, 1, nullptr, [&](int64_t index, int) {
    ++calls;
    return index == 3 ? arrow::Status::Invalid("three") : arrow::Status::OK();
  });
  EXPECT_EQ(status.message(), "three");
  EXPECT_EQ(calls, 4);
}

TEST(ParallelForTest, StopsWhenCancelled) {
  std::atomic<bool> cancelled{false};
  std::atomic<int> calls{0};
  const auto status = ParallelFor(1000, 1, &cancelled, [&](int64_t index, int) {
    ++calls;
    cancelled = index == 5;
    return arrow::Status::OK();
  });
  EXPECT_EQ(CodeOf(status), ErrorCode::kInterrupted);
  EXPECT_EQ(calls, 6);
}

TEST(ParallelForTest, MemoryThatRunsOutIsAFailure) {
  const auto status =
      ParallelFor(4, 2, nullptr, [](int64_t, int) -> arrow::Status { throw std::bad_alloc(); });
  EXPECT_EQ(CodeOf(status), ErrorCode::kRunFailed);
  EXPECT_THAT(status.ToString(), testing::HasSubstr("out of memory"));
}

}  // namespace
}  // namespace tidemill
