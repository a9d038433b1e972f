#include "base/calendar.h"

#include <array>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace tidemill {
namespace {

constexpr int64_t kHour = 3'600'000'000;

Calendar Days(const std::string& zone) { return {Calendar::Step::kDay, TimeZone::Find(zone)}; }
Calendar Hours(const std::string& zone) { return {Calendar::Step::kHour, TimeZone::Find(zone)}; }

CivilDay Day(const char* text) { return ParseCivilDay(text).value(); }

/// Length of a day in hours.
int64_t HoursOf(const std::string& zone, const char* day) {
  const auto [begin, end] = Days(zone).Instants({Day(day)});
  return (end - begin) / kHour;
}

TEST(CivilDayTest, ParsesOnlyRealDates) {
  EXPECT_EQ(ParseCivilDay("1970-01-01"), 0);
  EXPECT_EQ(ParseCivilDay("1969-12-31"), -1);
  EXPECT_EQ(ParseCivilDay("2000-02-29"), 11016);
  for (const char* text : {"", "2026-3-2", "2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10",
                           "2026-04-31", "2026-01-00", "2026-01-01 ", " 2026-01-01", "2026/01/01",
                           "20260101", "+026-01-01", "0000-01-01", "2026-01-0a", "2026-01-01T00"}) {
    EXPECT_EQ(ParseCivilDay(text), std::nullopt) << text;
  }
}

TEST(CivilDayTest, RoundTripsOverEras) {
  YearMonthDay last = ToYearMonthDay(-800000);
  for (CivilDay day = -799999; day < 800000; ++day) {
    const YearMonthDay date = ToYearMonthDay(day);
    ASSERT_EQ(MakeCivilDay(date.year, date.month, date.day), day);
    const bool next_day =
        date.year == last.year && date.month == last.month && date.day == last.day + 1;
    ASSERT_TRUE(next_day || date.day == 1) << day;
    last = date;
  }
  EXPECT_EQ(FormatCivilDay(Day("0001-01-01")), "0001-01-01");
  EXPECT_EQ(FormatCivilDay(Day("9999-12-31")), "9999-12-31");
}

TEST(TimeZoneTest, Finds) {
  EXPECT_TRUE(TimeZone::Find("UTC")->is_utc());
  EXPECT_FALSE(TimeZone::Find("Europe/Berlin")->is_utc());
  EXPECT_EQ(TimeZone::Find("Europe/Berlin")->name(), "Europe/Berlin");
  EXPECT_EQ(TimeZone::Find("Europe/Berlinn"), nullptr);
  EXPECT_EQ(TimeZone::Find(""), nullptr);
  EXPECT_EQ(TimeZone::Find("../../etc/passwd"), nullptr);
}

TEST(TimeZoneTest, FloorsBeforeTheEpoch) {
  const std::array<int64_t, 4> instants = {-1, 0, -24 * kHour, -24 * kHour - 1};
  std::array<int32_t, 4> days;
  TimeZone::Find("UTC")->CivilDays(instants.data(), 4, days.data());
  EXPECT_EQ(days, (std::array<int32_t, 4>{-1, 0, -1, -2}));
  TimeZone::Find("Asia/Tokyo")->CivilDays(instants.data(), 4, days.data());
  EXPECT_EQ(days, (std::array<int32_t, 4>{0, 0, -1, -1}));
}

TEST(TimeZoneTest, ExtremeInstantsDoNotOverflow) {
  const std::array<int64_t, 2> instants = {std::numeric_limits<int64_t>::min(),
                                           std::numeric_limits<int64_t>::max()};
  std::array<int32_t, 2> slots;
  for (const char* zone : {"UTC", "Asia/Tokyo", "America/New_York"}) {
    Days(zone).SlotsOfInstants(instants.data(), 2, slots.data());
    EXPECT_NEAR(slots[0], -106751991, 5);
    EXPECT_NEAR(slots[1], 106751991, 5);
    Hours(zone).SlotsOfInstants(instants.data(), 2, slots.data());
    EXPECT_EQ(slots[0], std::numeric_limits<int32_t>::min());
    EXPECT_EQ(slots[1], std::numeric_limits<int32_t>::max());
  }
}

TEST(CalendarTest, DaysOfOddLength) {
  EXPECT_EQ(HoursOf("UTC", "2026-03-29"), 24);
  EXPECT_EQ(HoursOf("Europe/Berlin", "2026-03-29"), 23);
  EXPECT_EQ(HoursOf("Europe/Berlin", "2026-10-25"), 25);
  EXPECT_EQ(HoursOf("America/New_York", "2026-03-08"), 23);
  // Clocks changed at midnight.
  EXPECT_EQ(HoursOf("America/Sao_Paulo", "2018-11-04"), 23);
  EXPECT_EQ(HoursOf("America/Sao_Paulo", "2018-02-17"), 25);
  EXPECT_EQ(HoursOf("Africa/Cairo", "2024-04-26"), 23);
  EXPECT_EQ(HoursOf("Asia/Beirut", "2024-03-31"), 23);
  // Skipped when Samoa crossed the date line.
  EXPECT_EQ(HoursOf("Pacific/Apia", "2011-12-30"), 0);
  EXPECT_EQ(HoursOf("Pacific/Apia", "2011-12-29"), 24);
}

TEST(CalendarTest, MidnightInAGapIsTheFirstInstantAfter) {
  // 2018-11-04 began at 01:00 -02:00 in Sao Paulo.
  EXPECT_EQ(Days("America/Sao_Paulo").Instants({Day("2018-11-04")}).first,
            Day("2018-11-04") * 24 * kHour + 3 * kHour);
}

TEST(CalendarTest, DaysTileTimeInEveryZone) {
  for (const char* name :
       {"UTC", "Europe/Berlin", "America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut", "Pacific/Apia",
        "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Kathmandu",
        "Antarctica/Troll", "America/Juneau", "Asia/Manila", "Africa/Casablanca", "Europe/Dublin",
        "Africa/Monrovia", "Pacific/Kwajalein"}) {
    const Calendar calendar = Days(name);
    int64_t last_end = calendar.Instants({Day("1840-01-01") - 1}).second;
    for (CivilDay day = Day("1840-01-01"); day < Day("2039-01-01"); ++day) {
      const auto [begin, end] = calendar.Instants({day});
      ASSERT_EQ(begin, last_end) << name << FormatCivilDay(day);
      ASSERT_LE(begin, end);
      last_end = end;
      if (begin == end) continue;
      const std::array<int64_t, 3> instants = {begin, begin + (end - begin) / 2, end - 1};
      std::array<int32_t, 3> days;
      calendar.SlotsOfInstants(instants.data(), 3, days.data());
      for (const int32_t found : days) ASSERT_EQ(found, day) << name << FormatCivilDay(day);
    }
  }
}

TEST(CalendarTest, HoursTileDaysInEveryZone) {
  for (const char* name :
       {"UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "America/St_Johns",
        "Asia/Kolkata", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Monrovia"}) {
    const Calendar calendar = Hours(name);
    for (CivilDay day = Day("1965-01-01"); day < Day("2030-01-01"); ++day) {
      const SlotRange range = calendar.SlotsOfDay(day);
      ASSERT_EQ(range.first, calendar.SlotsOfDay(day - 1).last + 1) << name;
      for (Slot slot = range.first; slot <= range.last; slot = slot + 1) {
        ASSERT_EQ(calendar.DayOf(slot), day) << name << FormatCivilDay(day);
      }
    }
  }
}

TEST(CalendarTest, HourLabelsRoundTrip) {
  for (const char* name :
       {"UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "America/St_Johns",
        "Asia/Kolkata", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Monrovia"}) {
    const Calendar calendar = Hours(name);
    for (const char* year : {"1971", "2010", "2011", "2024"}) {
      const Slot begin = calendar.SlotsOfDay(Day((std::string(year) + "-01-01").c_str())).first;
      for (int32_t i = 0; i < 366 * 24; ++i) {
        const std::string label = calendar.Format(begin + i);
        ASSERT_EQ(calendar.Parse(label), begin + i) << name << label;
      }
    }
  }
}

TEST(CalendarTest, DayLabels) {
  const Calendar calendar = Days("Europe/Berlin");
  EXPECT_EQ(calendar.Parse("2026-03-02"), Slot{Day("2026-03-02")});
  EXPECT_EQ(calendar.Parse("2026-03-02T14"), std::nullopt);
  EXPECT_EQ(calendar.Format({Day("2026-03-02")}), "2026-03-02");
}

TEST(CalendarTest, HourLabelsTellTheRepeatedHourApart) {
  const Calendar berlin = Hours("Europe/Berlin");
  const Slot first = *berlin.Parse("2026-10-25T02");
  EXPECT_EQ(berlin.Format(first), "2026-10-25T02");
  EXPECT_EQ(berlin.Format(first + 1), "2026-10-25T02+01:00");
  EXPECT_EQ(berlin.Parse("2026-10-25T02+01:00"), first + 1);
  EXPECT_EQ(berlin.Parse("2026-10-25T02+02:00"), first);
  EXPECT_EQ(berlin.Parse("2026-10-25T02+03:00"), std::nullopt);
  EXPECT_EQ(berlin.Parse("2026-03-29T02"), std::nullopt);  // skipped
  EXPECT_EQ(berlin.SlotsOfDay(Day("2026-10-25")).size(), 25);
  EXPECT_EQ(berlin.SlotsOfDay(Day("2026-03-29")).size(), 23);
  EXPECT_EQ(Hours("America/New_York").Format(*Hours("America/New_York").Parse("2026-11-01T01") + 1),
            "2026-11-01T01-05:00");
  for (const char* text :
       {"2026-03-02", "2026-03-02T", "2026-03-02T1", "2026-03-02T24", "2026-03-02t01",
        "2026-03-02 01", "2026-03-02T01:00", "2026-03-02T01+1:00", "2026-03-02T01+01:0",
        "2026-03-02T01Z", "2026-02-30T01"}) {
    EXPECT_EQ(berlin.Parse(text), std::nullopt) << text;
  }
}

TEST(CalendarTest, HoursOfInstantsAndBack) {
  const Calendar calendar = Hours("UTC");
  const Slot slot = *calendar.Parse("1969-12-31T23");
  EXPECT_EQ(slot.index, -1);
  EXPECT_EQ(calendar.Instants(slot), (std::pair<int64_t, int64_t>{-kHour, 0}));
  EXPECT_EQ(calendar.Format(slot), "1969-12-31T23");
  EXPECT_EQ(calendar.DayOf(slot), -1);
}

TEST(CalendarTest, Windows) {
  const Calendar days = Days("UTC");
  EXPECT_EQ(days.Format(days.WindowBegin(*days.Parse("2026-03-02"), 31, Calendar::Step::kDay)),
            "2026-01-31");
  const Calendar hours = Hours("UTC");
  EXPECT_EQ(
      hours.Format(hours.WindowBegin(*hours.Parse("2026-03-02T14"), 6, Calendar::Step::kHour)),
      "2026-03-02T09");
  EXPECT_EQ(hours.Format(hours.WindowBegin(*hours.Parse("2026-03-02T14"), 1, Calendar::Step::kDay)),
            "2026-03-01T15");
}

TEST(CalendarTest, DayWindowsAtGrainHourFollowTheZone) {
  const Calendar berlin = Hours("Europe/Berlin");
  const auto begin = [&](const char* last) {
    return berlin.Format(berlin.WindowBegin(*berlin.Parse(last), 1, Calendar::Step::kDay));
  };
  // The last hour of a day: that day, of 25 or 23 hours.
  EXPECT_EQ(begin("2026-10-25T23"), "2026-10-25T00");
  EXPECT_EQ(begin("2026-03-29T23"), "2026-03-29T00");
  // The same hour the day before was repeated, or skipped.
  EXPECT_EQ(begin("2026-10-26T02"), "2026-10-25T03");
  EXPECT_EQ(begin("2026-10-26T01"), "2026-10-25T02");
  EXPECT_EQ(begin("2026-03-30T02"), "2026-03-29T03");
  EXPECT_EQ(begin("2026-10-25T02+01:00"), "2026-10-24T03");
}

TEST(CalendarTest, DaysAfterAnHourKeepTheLocalHour) {
  const Calendar calendar(Calendar::Step::kHour, TimeZone::Find("Europe/Stockholm"));
  const auto after = [&](const char* label, int32_t days) {
    return calendar.Format(calendar.After(*calendar.Parse(label), days, Calendar::Step::kDay));
  };
  EXPECT_EQ(after("2026-10-24T12", 1), "2026-10-25T12");
  EXPECT_EQ(after("2026-10-24T12", 2), "2026-10-26T12");
  EXPECT_EQ(after("2026-10-24T02", 1), "2026-10-25T02");
  EXPECT_EQ(after("2026-10-25T02+01:00", 1), "2026-10-26T02");
  EXPECT_EQ(after("2026-03-28T02", 1), "2026-03-29T03");
  const Slot noon = *calendar.Parse("2026-03-02T12");
  EXPECT_EQ(calendar.After(noon, 5, Calendar::Step::kHour), noon + 5);
}

TEST(CalendarTest, SlotsTouchADayWhereMidnightIsNotOnTheFullHour) {
  const Calendar calendar(Calendar::Step::kHour, TimeZone::Find("Asia/Kolkata"));
  const CivilDay day = *ParseCivilDay("2026-03-02");
  const SlotRange own = calendar.SlotsOfDay(day);
  const SlotRange touching = calendar.SlotsTouchingDay(day);
  EXPECT_EQ(own.size(), 24);
  EXPECT_EQ(touching.size(), 25);
  EXPECT_EQ(touching.first, own.first - 1);
  EXPECT_EQ(touching.last, own.last);
  EXPECT_EQ(calendar.DaysTouched(own), std::pair(day, day + 1));
}

}  // namespace
}  // namespace tidemill
