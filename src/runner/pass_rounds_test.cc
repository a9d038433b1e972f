#include "runner/pass_rounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidemill {
namespace {

using testing::ElementsAre;

DatesOfPipeline Days(CivilDay first, CivilDay last, size_t per_pass) {
  DatesOfPipeline dates;
  dates.per_pass = per_pass;
  for (CivilDay day = first; day <= last; ++day) {
    dates.dates.emplace_back(static_cast<size_t>(day), day);
  }
  return dates;
}

TEST(CutIntoRounds, OnePipelineFillsItsPasses) {
  EXPECT_THAT(CutIntoRounds({Days(1, 5, 2)}),
              ElementsAre(ElementsAre(ElementsAre(1, 2)), ElementsAre(ElementsAre(3, 4)),
                          ElementsAre(ElementsAre(5))));
}

TEST(CutIntoRounds, NoDatesAreNoRounds) {
  EXPECT_TRUE(CutIntoRounds({Days(1, 0, 2)}).empty());
  EXPECT_TRUE(CutIntoRounds({Days(1, 0, 2), Days(1, 0, 9)}).empty());
}

TEST(CutIntoRounds, TheSameDaysMeetInTheSameRound) {
  EXPECT_THAT(CutIntoRounds({Days(1, 5, 100), Days(3, 6, 2)}),
              ElementsAre(ElementsAre(ElementsAre(1, 2, 3, 4), ElementsAre(3, 4)),
                          ElementsAre(ElementsAre(5), ElementsAre(5, 6))));
}

TEST(CutIntoRounds, PipelinesOfDaysAndOfHoursMeetByDay) {
  DatesOfPipeline hours;
  hours.per_pass = 3;
  for (size_t hour = 0; hour < 8; ++hour) {
    hours.dates.emplace_back(hour, static_cast<CivilDay>(hour / 4));
  }
  EXPECT_THAT(CutIntoRounds({Days(0, 1, 9), hours}),
              ElementsAre(ElementsAre(ElementsAre(0), ElementsAre(0, 1, 2)),
                          ElementsAre(ElementsAre(), ElementsAre(3)),
                          ElementsAre(ElementsAre(1), ElementsAre(4, 5, 6)),
                          ElementsAre(ElementsAre(), ElementsAre(7))));
}

}  // namespace
}  // namespace tidemill
