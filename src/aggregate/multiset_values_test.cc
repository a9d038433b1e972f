/// What the functions of multisets, pairs and powers give: ties, NaN, nothing, p at the ends.

#include <cmath>

#include "aggregate/test_columns.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

Constants Number(double value) { return {arrow::MakeScalar(value)}; }
Constants Integer(int64_t value) { return {arrow::MakeScalar(value)}; }

std::string Text(const std::string& name, const Types& types,
                 const std::vector<TestColumn>& columns, const Constants& constants = {}) {
  const auto result = AggregateAll(name, types, columns, constants);
  if (!result.ok()) return result.status().message();
  if ((*result)->IsNull(0)) return "null";
  if ((*result)->type_id() == arrow::Type::DOUBLE) {
    return (*result)->GetScalar(0).ValueOrDie()->ToString();
  }
  if ((*result)->type_id() == arrow::Type::MAP) {
    const auto& map = static_cast<const arrow::MapArray&>(**result);
    std::string text;
    for (int64_t i = 0; i < map.keys()->length(); ++i) {
      text += map.keys()->GetScalar(i).ValueOrDie()->ToString() + ":" +
              map.items()->GetScalar(i).ValueOrDie()->ToString() + " ";
    }
    return text;
  }
  return TestStates::TextOf(**result);
}

const auto kInt = arrow::int64();
const auto kReal = arrow::float64();
const auto kText = arrow::utf8();

TEST(ModeTest, TakesTheSmallestOfEquallyFrequentValues) {
  EXPECT_EQ(Text("mode", {kText}, {Texts({"b", "a", "c", "b", "a"})}), "a");
  EXPECT_EQ(Text("mode", {kInt}, {Ints({3, 1, 3, 2})}), "3");
  EXPECT_EQ(Text("mode", {arrow::uint64()}, {Ints({-1, 1})}), "1");
  EXPECT_EQ(Text("mode", {arrow::boolean()}, {Ints({1, 0, 1, 0})}), "false");
  EXPECT_EQ(Text("mode", {kText}, {Texts({"", "b"})}), "");
  EXPECT_EQ(Text("mode", {kInt}, {Ints({})}), "null");
  EXPECT_NE(Text("mode", {kReal}, {Reals({kNaN, 1, kNaN})}).find("nan"), std::string::npos);
}

TEST(TopKTest, OrdersByCountAndThenByValue) {
  const auto column = Texts({"d", "b", "a", "c", "b", "a", "c", "c"});
  EXPECT_EQ(Text("top_k", {kText}, {column}, Integer(3)), "[c, a, b]");
  EXPECT_EQ(Text("top_k", {kText}, {column}, Integer(1)), "[c]");
  EXPECT_EQ(Text("top_k", {kText}, {column}, Integer(99)), "[c, a, b, d]");
  EXPECT_EQ(Text("top_k", {kText}, {Texts({})}, Integer(3)), "null");
  EXPECT_EQ(Text("top_k", {kText}, {column}, Integer(0)),
            "top_k: k must be an integer from 1 to 10000, not 0");
  EXPECT_EQ(Text("top_k", {kText}, {column}, Number(1.5)),
            "top_k: k must be an integer from 1 to 10000, not 1.5");
  EXPECT_EQ(Text("top_k", {kText}, {column}), "top_k takes 2 arguments, not 1");
}

TEST(HistogramTest, CountsEachValue) {
  EXPECT_EQ(Text("histogram", {kText}, {Texts({"b", "a", "b"})}), "a:1 b:2 ");
  EXPECT_EQ(Text("histogram", {kInt}, {Ints({7})}), "7:1 ");
  EXPECT_EQ(Text("histogram", {kInt}, {Ints({})}), "null");
}

TEST(CollectTest, SetsAscendListsFollowTime) {
  EXPECT_EQ(Text("collect_set", {kText}, {Texts({"b", "a", "b"})}), "[a, b]");
  EXPECT_EQ(Text("collect_set", {kInt}, {Ints({})}), "[]");
  EXPECT_EQ(Text("collect_set", {arrow::uint64()}, {Ints({-1, 1})}), "[1, 18446744073709551615]");
  EXPECT_EQ(Text("collect_list", {kText},
                 {Texts({"late", "b", "a", "b", "early"}), Ints({9, 5, 5, 5, -3})}),
            "[early, a, b, b, late]");
  EXPECT_EQ(Text("collect_list", {kText}, {Texts({}), Ints({})}), "[]");
}

TEST(PercentileTest, Interpolates) {
  const auto four = Reals({4, 1, 3, 2});
  EXPECT_EQ(Text("percentile_cont", {kReal}, {four}, Number(0)), "1");
  EXPECT_EQ(Text("percentile_cont", {kReal}, {four}, Number(1)), "4");
  EXPECT_EQ(Text("percentile_cont", {kReal}, {four}, Number(0.5)), "2.5");
  EXPECT_EQ(Text("percentile_cont", {kReal}, {four}, Number(0.25)), "1.75");
  EXPECT_EQ(Text("median", {kReal}, {four}), "2.5");
  EXPECT_EQ(Text("median", {kReal}, {Reals({3, 3, 9})}), "3");
  EXPECT_EQ(Text("median", {kReal}, {Reals({})}), "null");
  EXPECT_EQ(Text("median", {kReal}, {Reals({-1.7e308, 1.7e308})}), "0");
  EXPECT_EQ(Text("median", {kReal}, {Reals({1, kInfinity})}), "inf");
  EXPECT_EQ(Text("median", {kReal}, {Reals({kInfinity, kInfinity})}), "inf");
  EXPECT_EQ(Text("median", {kReal}, {Reals({1, 2, kNaN})}), "2");
  EXPECT_EQ(Text("percentile_cont", {kReal}, {four}, Number(1.1)),
            "percentile_cont: p must be a number from 0 to 1, not 1.1");
}

TEST(PercentileTest, RanksAreThoseOfTheDecimalNumber) {
  TestColumn ten(10);
  for (size_t i = 0; i < ten.size(); ++i) ten[i].int64 = static_cast<int64_t>(i + 1);
  for (int tenths = 1; tenths <= 10; ++tenths) {
    EXPECT_EQ(Text("percentile_disc", {kInt}, {ten}, Number(tenths / 10.0)),
              std::to_string(tenths));
    EXPECT_EQ(Text("approx_percentile", {kInt}, {ten}, Number(tenths / 10.0)),
              std::to_string(tenths));
  }
  EXPECT_EQ(Text("percentile_disc", {kInt}, {ten}, Number(0)), "1");
  EXPECT_EQ(Text("percentile_disc", {kInt}, {ten}, Number(0.11)), "2");
  EXPECT_EQ(Text("percentile_disc", {kText}, {Texts({"c", "a", "b"})}, Number(0.5)), "b");
  EXPECT_EQ(Text("percentile_disc", {kInt}, {Ints({})}, Number(0.5)), "null");
}

TEST(ApproxPercentileTest, TakesSparksAccuracy) {
  const Constants spark = {arrow::MakeScalar(0.5), arrow::MakeScalar(int64_t{100})};
  EXPECT_EQ(Text("approx_percentile", {kInt}, {Ints({1, 2, 3})}, spark), "2");
  const Constants wrong = {arrow::MakeScalar(0.5), arrow::MakeScalar(int64_t{0})};
  EXPECT_EQ(Text("approx_percentile", {kInt}, {Ints({1})}, wrong),
            "approx_percentile: the accuracy must be a positive integer, not 0");
  EXPECT_EQ(Text("approx_percentile", {kText}, {Texts({"a"})}, Number(0.5)),
            "approx_percentile(text): the argument must be a number");
}

TEST(CovarianceTest, SumsAreExact) {
  // A mean of 1e9 and a spread of 1: in doubles the sums of squares have no digit of it left.
  const auto x = Reals({1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4});
  const auto y = Reals({2, 4, 6, 9});
  EXPECT_EQ(Text("covar_pop", {kReal, kReal}, {y, x}), "2.875");
  EXPECT_EQ(Text("covar_samp", {kReal, kReal}, {y, x}), "3.8333333333333335");
  EXPECT_EQ(Text("corr", {kReal, kReal}, {x, x}), "1");
  EXPECT_EQ(Text("corr", {kReal, kReal}, {Reals({1, 2, 3}), Reals({3, 2, 1})}), "-1");
  EXPECT_NEAR(
      std::stod(Text("corr", {kReal, kReal}, {Reals({1e300, 2e300}), Reals({1e-300, 3e-300})})), 1,
      1e-15);
  EXPECT_EQ(Text("corr", {kReal, kReal}, {Reals({0.1, 0.1, 0.1}), Reals({1, 2, 3})}), "null");
  EXPECT_EQ(Text("corr", {kReal, kReal}, {Reals({1}), Reals({1})}), "null");
  EXPECT_EQ(Text("covar_samp", {kReal, kReal}, {Reals({1}), Reals({1})}), "null");
  EXPECT_EQ(Text("covar_pop", {kReal, kReal}, {Reals({1}), Reals({1})}), "0");
  EXPECT_EQ(Text("corr", {kReal, kReal}, {Reals({1, kInfinity}), Reals({1, 2})}), "nan");
  EXPECT_EQ(Text("corr", {kText, kReal}, {Texts({}), Reals({})}),
            "corr(text): the argument must be a number");
}

TEST(ShapeTest, IsOfThePopulation) {
  EXPECT_EQ(Text("skewness", {kReal}, {Reals({1, 2, 3})}), "0");
  EXPECT_NEAR(std::stod(Text("skewness", {kReal}, {Reals({1, 2, 2.5, 5})})), 0.6919757167317173,
              1e-15);
  EXPECT_EQ(Text("kurtosis", {kReal}, {Reals({1, 1, -1, -1})}), "-2");
  EXPECT_EQ(Text("kurtosis", {kReal}, {Reals({1e9 + 1, 1e9 + 1, 1e9 - 1, 1e9 - 1})}), "-2");
  EXPECT_EQ(Text("kurtosis", {kReal}, {Reals({1e300, 1e300, -1e300, -1e300})}), "-2");
  EXPECT_EQ(Text("kurtosis", {kReal}, {Reals({5e-324, 5e-324, -5e-324, -5e-324})}), "-2");
  EXPECT_EQ(Text("skewness", {kReal}, {Reals({0.1, 0.1})}), "null");
  EXPECT_EQ(Text("skewness", {kReal}, {Reals({})}), "null");
  EXPECT_EQ(Text("skewness", {kReal}, {Reals({1, kNaN})}), "nan");
}

TEST(CountIfTest, CountsConditions) {
  EXPECT_EQ(Text("count_if", {arrow::boolean()}, {Ints({1, 0, 1})}), "2");
  EXPECT_EQ(Text("count_if", {arrow::boolean()}, {Ints({})}), "0");
  EXPECT_EQ(Text("count_if", {kInt}, {Ints({1})}),
            "count_if(bigint): the argument must be a condition");
}

TEST(DistinctTest, IsRefusedWhereItHasNoUse) {
  const auto refusal = [](const std::string& name, const Types& types, const Constants& constants) {
    return AggregateRegistry::Default()
        .ResultType(name, /*distinct=*/true, false, types, constants)
        .status()
        .message();
  };
  EXPECT_EQ(refusal("mode", {kInt}, {}), "mode(distinct ...) is not supported");
  EXPECT_EQ(refusal("collect_list", {kInt}, {}), "collect_list(distinct ...) is not supported");
  EXPECT_EQ(refusal("percentile_disc", {kText}, Number(0.5)),
            "percentile_disc(distinct text) is not supported");
  EXPECT_EQ(refusal("median", {kReal}, {}), "");
  EXPECT_EQ(refusal("collect_set", {kText}, {}), "");
}

}  // namespace
}  // namespace tidemill
