#include "base/nearest_name.h"

#include <gtest/gtest.h>

namespace tidemill {
namespace {

TEST(NearestNameTest, FindsTypos) {
  const std::vector<std::string> names = {"session_id", "user_id", "timestamp", "value"};
  EXPECT_EQ(NearestName("sesion_id", names), "session_id");
  EXPECT_EQ(NearestName("SESSION_ID", names), "session_id");
  EXPECT_EQ(NearestName("tiemstamp", names), "timestamp");
  EXPECT_EQ(NearestName("valeu", names), "value");
  EXPECT_EQ(NearestName("vaule", names), "value");
}

TEST(NearestNameTest, LeavesStrangersAlone) {
  const std::vector<std::string> names = {"session_id", "user_id", "a"};
  EXPECT_EQ(NearestName("banana", names), std::nullopt);
  EXPECT_EQ(NearestName("b", names), std::nullopt);
  EXPECT_EQ(NearestName("", names), std::nullopt);
  EXPECT_EQ(NearestName("x", {}), std::nullopt);
}

TEST(NearestNameTest, TheFirstOfEqualsWins) {
  EXPECT_EQ(NearestName("cats", {"bats", "hats"}), "bats");
  EXPECT_EQ(NearestName("sun", {"sin", "sum", "SUN"}), "SUN");
}

}  // namespace
}  // namespace tidemill
