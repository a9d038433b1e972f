#include "sql/interval.h"

#include <string>

#include <gtest/gtest.h>

namespace tidemill {
namespace {

std::string Read(const char* text) {
  const auto interval = ParseInterval(text);
  if (!interval.ok()) return interval.status().message();
  return std::to_string(interval->days) + "d " + std::to_string(interval->micros);
}

TEST(Interval, UnitsAndTimes) {
  EXPECT_EQ(Read("7 days"), "7d 0");
  EXPECT_EQ(Read("1 week"), "7d 0");
  EXPECT_EQ(Read("  2 Weeks -1 day "), "13d 0");
  EXPECT_EQ(Read("-3 hours"), "0d -10800000000");
  EXPECT_EQ(Read("90min"), "0d 5400000000");
  EXPECT_EQ(Read("1.5 seconds"), "0d 1500000");
  EXPECT_EQ(Read("0.25 hours"), "0d 900000000");
  EXPECT_EQ(Read("1 day 02:30"), "1d 9000000000");
  EXPECT_EQ(Read("-00:00:01.000001"), "0d -1000001");
  EXPECT_EQ(Read("5 ms 3 us"), "0d 5003");
  EXPECT_EQ(Read("0 days"), "0d 0");
}

TEST(Interval, WhatIsNone) {
  for (const char* text : {"", " ", "soon", "7", "days", "7 dayz", "1:2:3:4", "1:60", "- 7 days",
                           "7 days ago", "1.1234567 seconds", "1..5 seconds", "7 days,"}) {
    EXPECT_EQ(Read(text), "'" + std::string(text) + "' is no interval");
  }
  EXPECT_EQ(Read("1 month"), "intervals of months and years have no fixed length");
  EXPECT_EQ(Read("2 years 1 day"), "intervals of months and years have no fixed length");
  EXPECT_EQ(Read("1.5 days"), "a day of an interval cannot be split; write the hours");
  EXPECT_EQ(Read("99999999 days"), "the interval '99999999 days' is too long");
  EXPECT_EQ(Read("999999999999 hours"), "the interval '999999999999 hours' is too long");
  EXPECT_EQ(Read("999999999999:00"), "the interval '999999999999:00' is too long");
  EXPECT_EQ(Read("9999999999999 s"), "'9999999999999 s' is no interval");
}

}  // namespace
}  // namespace tidemill
