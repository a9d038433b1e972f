#include "engine/label_windows.h"

#include <string>

#include <gtest/gtest.h>

namespace tidemill {
namespace {

constexpr int64_t kHour = 3'600'000'000;
constexpr int64_t kDay = 24 * kHour;

Bytes KeyOf(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// 2026-MONTH-DAY at an hour, as if it was UTC.
int64_t At(int month, int day, int hour) {
  return int64_t{MakeCivilDay(2026, month, day)} * kDay + hour * kHour;
}

LabelKeys LabelsOf(const std::vector<std::pair<std::string, int64_t>>& labels) {
  LabelKeys keys;
  for (const auto& [entity, instant] : labels) {
    keys.entity.push_back(entity.empty() ? EntityIndex::kNone
                                         : keys.entities.Insert(KeyOf(entity)));
    keys.instants.push_back(instant);
  }
  return keys;
}

TEST(EntityIndex, NumbersInOrderAndFindsThemAgain) {
  EntityIndex index;
  EXPECT_EQ(index.Find(KeyOf("a")), EntityIndex::kNone);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(index.Insert(KeyOf("entity " + std::to_string(i))), static_cast<uint32_t>(i));
  }
  EXPECT_EQ(index.Insert(KeyOf("entity 17")), 17u);
  EXPECT_EQ(index.Find(KeyOf("entity 999")), 999u);
  EXPECT_EQ(index.Find(KeyOf("entity 1000")), EntityIndex::kNone);
  std::vector<std::string> texts;
  for (int i = 1007; i-- > 0;) texts.push_back("entity " + std::to_string(i));
  for (const size_t count : {size_t{0}, size_t{1}, size_t{5}, size_t{23}, texts.size()}) {
    std::vector<Bytes> keys;
    for (size_t i = 0; i < count; ++i) keys.push_back(KeyOf(texts[i]));
    std::vector<uint32_t> found = {12345};
    index.Find(keys, &found);
    ASSERT_EQ(found.size(), count);
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(found[i], index.Find(keys[i])) << texts[i];
  }
  EXPECT_EQ(index.key(3).view(), "entity 3");
  EXPECT_EQ(index.size(), 1000u);
}

TEST(WindowBeginAt, HoursAreSixtyMinutesAndDaysAreThoseOfTheZone) {
  const auto stockholm = TimeZone::Find("Europe/Stockholm");
  // Clocks were put forward on 2026-03-29, so the day before began 25 hours ago at this instant.
  const int64_t instant = At(3, 29, 10);  // 12:00
  EXPECT_EQ(WindowBeginAt(instant, {24, Grain::kHour}, *stockholm), instant - 24 * kHour);
  EXPECT_EQ(WindowBeginAt(instant, {1, Grain::kDay}, *stockholm), instant - 23 * kHour);
  EXPECT_EQ(WindowBeginAt(instant, {1, Grain::kDay}, *TimeZone::Find("UTC")), instant - kDay);
  // 02:30 was skipped on the 29th: the window begins when the clock went on, at 03:00.
  EXPECT_EQ(WindowBeginAt(At(3, 30, 0) + kHour / 2, {1, Grain::kDay}, *stockholm), At(3, 29, 1));
}

TEST(LabelWindows, CutTimeWhereWindowsOfTheEntityBeginAndEnd) {
  const int64_t noon = At(3, 10, 12);
  const LabelKeys labels = LabelsOf(
      {{"a", noon}, {"b", noon}, {"a", noon + kHour}, {"", noon}, {"a", noon + 90 * kDay}});
  const LabelWindows windows(labels, {{2, Grain::kHour}, {1, Grain::kDay}}, *TimeZone::Find("UTC"));
  const uint32_t a = windows.Find(KeyOf("a"));
  ASSERT_EQ(windows.begin(a + 1) - windows.begin(a), 3u);
  EXPECT_EQ(windows.label(windows.begin(a)), 0u);
  EXPECT_EQ(windows.label(windows.begin(a) + 1), 2u);
  EXPECT_EQ(windows.span(), std::pair(noon - kDay, noon + 90 * kDay));

  // Bounds of a: -24h, -23h, -2h, -1h, noon, +1h, then those of the label long after.
  EXPECT_EQ(windows.IntervalOf(a, noon - kDay - 1), -1);
  EXPECT_EQ(windows.IntervalOf(a, noon - kDay), 0);
  EXPECT_EQ(windows.IntervalOf(a, noon - 23 * kHour), 1);
  EXPECT_EQ(windows.IntervalOf(a, noon - 1), 3);
  EXPECT_EQ(windows.IntervalOf(a, noon), 4) << "an event at the first label's instant is after it";
  EXPECT_EQ(windows.IntervalOf(a, noon + kHour), -1) << "between windows";
  EXPECT_EQ(windows.IntervalOf(a, noon + 90 * kDay - 1), 7);
  EXPECT_EQ(windows.IntervalOf(a, noon + 90 * kDay), -1);
  const size_t first = windows.begin(a);
  EXPECT_EQ(windows.Window(first, 0).first, 2);
  EXPECT_EQ(windows.Window(first, 1).first, 0);
  EXPECT_EQ(windows.Window(first, 1).last, 3);
  EXPECT_EQ(windows.Window(first + 1, 0).first, 3);
  EXPECT_EQ(windows.Window(first + 1, 0).last, 4);

  const uint32_t b = windows.Find(KeyOf("b"));
  EXPECT_EQ(windows.IntervalOf(b, noon - kHour), 1);
  EXPECT_EQ(windows.Find(KeyOf("c")), EntityIndex::kNone);
}

TEST(LabelWindows, WithoutLabelsThereIsNothing) {
  const LabelKeys labels = LabelsOf({{"", 5}});
  const LabelWindows windows(labels, {{1, Grain::kDay}}, *TimeZone::Find("UTC"));
  EXPECT_EQ(windows.span(), std::pair(int64_t{0}, int64_t{0}));
  EXPECT_EQ(windows.Find(KeyOf("a")), EntityIndex::kNone);
}

}  // namespace
}  // namespace tidemill
