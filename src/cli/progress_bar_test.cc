#include "cli/progress_bar.h"

#include <cstdlib>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/display_text.h"

namespace tidemill {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RenderProgress, TellsShareRateAndTimeLeft) {
  EXPECT_EQ(RenderProgress({"scan", 500'000, 2'000'000, "rows"}, 2, 200),
            "scan     [=====>              ]  25 %  500,000 rows  250 k rows/s  0:06 left");
  EXPECT_EQ(RenderProgress({"scan", 0, 10, "days"}, 0, 200),
            "scan     [>                   ]   0 %  0 days");
  EXPECT_EQ(RenderProgress({"write", 10, 10, "files"}, 0, 200),
            "write    [====================] 100 %  10 files");
}

TEST(RenderProgress, OddNumbersDoNotBreakTheBar) {
  EXPECT_THAT(RenderProgress({"scan", 30, 20, "rows"}, 1, 200), HasSubstr("100 %"));
  EXPECT_THAT(RenderProgress({"scan", -3, 20, "rows"}, 1, 200), HasSubstr("  0 %"));
  EXPECT_EQ(RenderProgress({"scan", 5, 0, "rows"}, 0, 200), "scan      5 rows");
  EXPECT_EQ(DisplayWidth(RenderProgress({"scan", 1, 2, "rows"}, 1, 20)), 20);
}

class ProgressBarTest : public testing::Test {
 protected:
  ProgressBarTest() : stream_(open_memstream(&text_, &size_)) {}
  ~ProgressBarTest() override {
    std::fclose(stream_);
    std::free(text_);
  }
  std::string Drawn() {
    std::fflush(stream_);
    return {text_, size_};
  }

  char* text_ = nullptr;
  size_t size_ = 0;
  std::FILE* stream_;
};

TEST_F(ProgressBarTest, DrawsOneLineAndWipesIt) {
  {
    ProgressBar bar(stream_, 100, true);
    bar.Update({"scan", 1, 10, "rows"});
    bar.Update({"scan", 2, 10, "rows"});  // too soon to draw again
    bar.Update({"merge", 1, 10, "rows"});
    bar.Clear();
    bar.Clear();
  }
  const std::string drawn = Drawn();
  EXPECT_THAT(drawn, Not(HasSubstr("2 rows")));
  EXPECT_THAT(drawn, HasSubstr("merge"));
  EXPECT_THAT(drawn, Not(HasSubstr("\n")));
  EXPECT_TRUE(drawn.ends_with("\r\x1b[K"));
  EXPECT_FALSE(drawn.ends_with("\r\x1b[K\r\x1b[K"));
}

TEST_F(ProgressBarTest, DrawsNothingWhereItIsNotWanted) {
  {
    ProgressBar bar(stream_, 100, false);
    bar.Update({"scan", 1, 10, "rows"});
  }
  EXPECT_EQ(Drawn(), "");
}

TEST_F(ProgressBarTest, MayBeUpdatedFromManyThreads) {
  ProgressBar bar(stream_, 100, true);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&bar] {
      for (int j = 0; j < 1000; ++j) bar.Update({"scan", j, 1000, "rows"});
    });
  }
  for (auto& thread : threads) thread.join();
  bar.Clear();
  EXPECT_TRUE(Drawn().ends_with("\r\x1b[K"));
}

}  // namespace
}  // namespace tidemill
