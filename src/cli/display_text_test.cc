#include "cli/display_text.h"

#include <gtest/gtest.h>

namespace tidemill {
namespace {

TEST(DisplayText, MeasuresCells) {
  EXPECT_EQ(DisplayWidth(""), 0);
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("grün"), 4);
  EXPECT_EQ(DisplayWidth("日本"), 4);
  EXPECT_EQ(DisplayWidth("e\xCC\x81"), 1);  // e and a combining accent
  EXPECT_EQ(DisplayWidth("\xFF\xC3"), 2);   // not UTF-8
}

TEST(DisplayText, CutsWithinTheCells) {
  EXPECT_EQ(Cut("abc", 3), "abc");
  EXPECT_EQ(Cut("abcd", 3), "ab…");
  EXPECT_EQ(Cut("日本語", 5), "日本…");
  EXPECT_EQ(Cut("日本語", 4), "日…");
  EXPECT_EQ(Cut("abc", 1), "…");
  EXPECT_EQ(Cut("abc", 0), "");
}

TEST(DisplayText, Pads) {
  EXPECT_EQ(PadRight("ü", 3), "ü  ");
  EXPECT_EQ(PadLeft("日", 3), " 日");
  EXPECT_EQ(PadLeft("long", 2), "long");
}

TEST(DisplayText, WrapsWords) {
  EXPECT_EQ(Wrap("one two three", 10, 2), "one two\n  three");
  EXPECT_EQ(Wrap("one two", 80, 2), "one two");
  EXPECT_EQ(Wrap("incomprehensible word", 8, 0), "incomprehensible\nword");
  EXPECT_EQ(Wrap("", 8, 0), "");
}

TEST(DisplayText, MakesControlCharactersVisible) {
  EXPECT_EQ(Printable("a\nb\t\r\x1b[31m\x7f"), "a\\nb\\t\\r\\x1b[31m\\x7f");
  EXPECT_EQ(Printable("grün \xFF"), "grün \\xff");
  EXPECT_EQ(Printable("\xC2\x9B"), "\\u009b");  // an escape sequence in one character
}

TEST(DisplayText, FormatsNumbers) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1000), "1,000");
  EXPECT_EQ(FormatCount(1234567), "1,234,567");
  EXPECT_EQ(FormatCount(-123456), "-123,456");
  EXPECT_EQ(FormatCount(1, "row", "rows"), "1 row");
  EXPECT_EQ(FormatCount(0, "row", "rows"), "0 rows");
  EXPECT_EQ(FormatShort(12), "12");
  EXPECT_EQ(FormatShort(999.6), "1.0 k");
  EXPECT_EQ(FormatShort(3'400'000), "3.4 M");
  EXPECT_EQ(FormatShort(870'000), "870 k");
  EXPECT_EQ(FormatSeconds(0.0042), "0.004 s");
  EXPECT_EQ(FormatSeconds(0.0423), "0.04 s");
  EXPECT_EQ(FormatSeconds(1.239), "1.24 s");
  EXPECT_EQ(FormatSeconds(192), "3 min 12 s");
  EXPECT_EQ(FormatSeconds(7384), "2 h 3 min");
}

}  // namespace
}  // namespace tidemill
