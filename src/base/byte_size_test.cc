#include "base/byte_size.h"

#include <gtest/gtest.h>

namespace tidemill {
namespace {

TEST(ByteSizeTest, Parses) {
  EXPECT_EQ(ParseByteSize("128MB"), 128'000'000);
  EXPECT_EQ(ParseByteSize("48mb"), 48'000'000);
  EXPECT_EQ(ParseByteSize("4GiB"), int64_t{4} << 30);
  EXPECT_EQ(ParseByteSize("1.5GB"), 1'500'000'000);
  EXPECT_EQ(ParseByteSize("0.5KiB"), 512);
  EXPECT_EQ(ParseByteSize("512k"), 512'000);
  EXPECT_EQ(ParseByteSize("4 GB"), 4'000'000'000);
  EXPECT_EQ(ParseByteSize("4096"), 4096);
  EXPECT_EQ(ParseByteSize("7B"), 7);
  EXPECT_EQ(ParseByteSize("0"), 0);
  EXPECT_EQ(ParseByteSize("8388607TiB"), int64_t{8388607} << 40);
}

TEST(ByteSizeTest, RefusesOtherText) {
  for (const char* text : {"", "MB", "-1MB", "1.5", "1.MB", ".5MB", "1 ", "1  MB", "1MBs", "1e3",
                           " 1", "+1", "8388608TiB", "99999999999999999999", "1,5GB", "0x10"}) {
    EXPECT_EQ(ParseByteSize(text), std::nullopt) << text;
  }
}

TEST(ByteSizeTest, Formats) {
  EXPECT_EQ(FormatByteSize(0), "0 B");
  EXPECT_EQ(FormatByteSize(999), "999 B");
  EXPECT_EQ(FormatByteSize(1000), "1 kB");
  EXPECT_EQ(FormatByteSize(128'000'000), "128 MB");
  EXPECT_EQ(FormatByteSize(1'500'000'000), "1.5 GB");
  EXPECT_EQ(FormatByteSize(999'999), "1 MB");
  EXPECT_EQ(FormatByteSize(-2500), "-2.5 kB");
  EXPECT_EQ(FormatByteSize(INT64_MAX), "9.22 EB");
}

}  // namespace
}  // namespace tidemill
