#include "engine/strata.h"

#include <gtest/gtest.h>

namespace tidemill {
namespace {

Calendar Days() { return {Calendar::Step::kDay, TimeZone::Find("UTC")}; }

WindowLength D(int32_t count) { return {count, Grain::kDay}; }

TEST(StrataTest, OneDateWithOneWindowIsOneStratum) {
  Strata strata(Days(), {{100}}, {D(31)});
  EXPECT_EQ(strata.size(), 1);
  EXPECT_EQ(strata.slots(), (SlotRange{{70}, {100}}));
  EXPECT_EQ(strata.Of({69}), -1);
  EXPECT_EQ(strata.Of({70}), 0);
  EXPECT_EQ(strata.Of({100}), 0);
  EXPECT_EQ(strata.Of({101}), -1);
}

TEST(StrataTest, NestedWindowsAreRings) {
  Strata strata(Days(), {{100}}, {D(1), D(7), D(31)});
  EXPECT_EQ(strata.size(), 3);
  EXPECT_EQ(strata.Of({100}), 2);
  EXPECT_EQ(strata.Of({99}), 1);
  EXPECT_EQ(strata.Of({94}), 1);
  EXPECT_EQ(strata.Of({93}), 0);
  EXPECT_EQ(strata.Window(0, 0).first, 2);
  EXPECT_EQ(strata.Window(0, 1).first, 1);
  EXPECT_EQ(strata.Window(0, 2).first, 0);
}

TEST(StrataTest, SlotsThatNoWindowHoldsHaveNoStratum) {
  Strata strata(Days(), {{100}, {110}}, {D(3)});
  EXPECT_EQ(strata.size(), 2);
  EXPECT_EQ(strata.Of({100}), 0);
  EXPECT_EQ(strata.Of({104}), -1);
  EXPECT_EQ(strata.Of({108}), 1);
}

TEST(StrataTest, EveryWindowIsAUnionOfStrata) {
  const std::vector<Slot> dates = {{100}, {101}, {105}, {120}, {121}};
  const std::vector<WindowLength> windows = {D(1), D(3), D(10), D(14)};
  Strata strata(Days(), dates, windows);
  for (size_t d = 0; d < dates.size(); ++d) {
    for (size_t w = 0; w < windows.size(); ++w) {
      const StratumRange range = strata.Window(d, w);
      const SlotRange slots = strata.WindowSlots(d, w);
      for (Slot slot = strata.slots().first; slot <= strata.slots().last; slot = slot + 1) {
        const int32_t stratum = strata.Of(slot);
        const bool in_range = stratum >= range.first && stratum <= range.last;
        EXPECT_EQ(in_range, slots.Contains(slot)) << "slot " << slot.index;
      }
    }
  }
}

}  // namespace
}  // namespace tidemill
