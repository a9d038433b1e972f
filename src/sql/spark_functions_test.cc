#include "sql/spark_functions.h"

#include <gtest/gtest.h>

#include "sql/spark_zones.h"

namespace tidemill {
namespace {

std::string Java(std::string_view pattern) {
  const auto java = ToJavaRegex(pattern);
  return java.ok() ? *java : "ERROR " + java.status().message();
}

TEST(JavaRegexTest, WhatIsAlikeStaysAsItIs) {
  EXPECT_EQ(Java("^(a|b)*c{2,3}.\\d\\w+\\.\\x41x??$"), "(?d)^(a|b)*c{2,3}.\\d\\w+\\.\\x41x??\\z");
  EXPECT_EQ(Java("(?:tide)(?s:.)"), "(?d)(?:tide)(?s:.)");
  EXPECT_EQ(Java("日.語"), "(?d)日.語");
}

TEST(JavaRegexTest, WhatMeansSomethingElseIsSaidOtherwise) {
  EXPECT_EQ(Java("a$"), "(?d)a\\z");
  EXPECT_EQ(Java("\\s[\\s]\\S"), "(?d)[\\t\\n\\f\\r ][\\t\\n\\f\\r ][^\\t\\n\\f\\r ]");
  EXPECT_EQ(Java("(?i)mühle"), "(?d)(?iu)mühle");
  EXPECT_EQ(Java("[[:alpha:]_][^[:digit:]]"), "(?d)[a-zA-Z_][^0-9]");
  EXPECT_EQ(Java("[]a&&b^[]"), "(?d)[\\]a\\&\\&b\\^\\[]");
  EXPECT_EQ(Java("[$.]"), "(?d)[$.]");
  EXPECT_EQ(Java("a{b}"), "(?d)a\\{b\\}");
  EXPECT_EQ(Java("^a{,2}$"), "(?d)^a\\{,2\\}\\z");
  EXPECT_EQ(Java("a{1}b{2,}c{3,4}?d}+{"), "(?d)a{1}b{2,}c{3,4}?d\\}+\\{");
  EXPECT_EQ(Java("\\Ba"),
            "(?d)(?!(?<![0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<=[0-9A-Za-z_])(?![0-9A-Za-z_]))a");
}

TEST(JavaRegexTest, WhatMayMeanSomethingElseIsRefused) {
  for (const char* pattern : {"(?P<name>a)", "(?m)^a", "(?U)a*", "\\pN", "\\C", "\\Qa.b\\E",
                              "\\x{1F600}", "a*+", "a{2}+", "[[:graph:]]", "[\\S]"}) {
    EXPECT_TRUE(Java(pattern).starts_with("ERROR ")) << pattern << ": " << Java(pattern);
  }
}

TEST(SparkInstantTest, ZonesWithoutGapsNeedNoSpecialCase) {
  EXPECT_EQ(SparkInstantOf("t", "UTC"), "CAST(t AS TIMESTAMP)");
  EXPECT_EQ(SparkInstantOf("t", "Europe/Berlin"),
            "if(CAST(CAST(t AS TIMESTAMP) AS TIMESTAMP_NTZ) = t, CAST(t AS TIMESTAMP), "
            "date_trunc('HOUR', CAST(t AS TIMESTAMP)))");
}

TEST(SparkInstantTest, GapsThatAreNoHourAreCutToTheirLength) {
  const std::string apia = SparkInstantOf("t", "Pacific/Apia");
  EXPECT_EQ(apia.find("date_trunc"), std::string::npos) << apia;
  EXPECT_NE(apia.find("pmod("), std::string::npos) << apia;
  const std::string troll = SparkInstantOf("t", "Antarctica/Troll");
  EXPECT_NE(troll.find("= 7200000000L AND t BETWEEN TIMESTAMP_NTZ '2005-03-27 01:00:00.000000'"),
            std::string::npos)
      << troll;
}

}  // namespace
}  // namespace tidemill
