/// What each function gives.

#include <set>

#include "aggregate/test_columns.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

TestColumn Decimals(std::initializer_list<int128_t> values) {
  TestColumn column;
  for (const int128_t value : values) column.emplace_back().int128 = value;
  return column;
}

/// The result as text, or the error's message.
std::string Text(const std::string& name, const Types& types,
                 const std::vector<TestColumn>& columns) {
  const auto result = AggregateAll(name, types, columns);
  if (!result.ok()) return result.status().message();
  return (*result)->GetScalar(0).ValueOrDie()->ToString();
}

double Real(const std::string& name, const std::shared_ptr<arrow::DataType>& type,
            const TestColumn& column) {
  const auto result = AggregateAll(name, {type}, {column});
  EXPECT_TRUE(result.ok()) << result.status();
  const auto& array = static_cast<const arrow::DoubleArray&>(**result);
  EXPECT_TRUE(array.IsValid(0));
  return array.Value(0);
}

std::string ResolveError(const std::string& name, bool star, const Types& types) {
  const auto kernel = AggregateRegistry::Default().Resolve(name, star, types);
  EXPECT_FALSE(kernel.ok());
  EXPECT_EQ(CodeOf(kernel.status()), ErrorCode::kInvalid);
  return kernel.status().message();
}

TEST(SumTest, Integers) {
  EXPECT_EQ(Text("sum", {arrow::int8()}, {Ints({127, 127, -1})}), "253");
  EXPECT_EQ(Text("sum", {arrow::int64()}, {Ints({INT64_MAX, INT64_MAX, -INT64_MAX})}),
            "9223372036854775807");
  EXPECT_EQ(Text("sum", {arrow::int64()}, {Ints({INT64_MIN, -1})}),
            "the sum -9223372036854775809 does not fit bigint");
  EXPECT_EQ(Text("sum", {arrow::uint64()}, {Ints({-1})}), "18446744073709551615");
  EXPECT_EQ(Text("sum", {arrow::uint64()}, {Ints({-1, 1})}),
            "the sum 18446744073709551616 does not fit ubigint");
  EXPECT_EQ(Text("sum", {arrow::int32()}, {Ints({})}), "null");
}

TEST(SumTest, Decimals) {
  const auto money = arrow::decimal128(10, 2);
  EXPECT_EQ(Text("sum", {money}, {Decimals({10, 25, -5})}), "0.30");
  EXPECT_EQ((*AggregateAll("sum", {money}, {Decimals({1})}))->type()->ToString(),
            "decimal128(38, 2)");
  int128_t largest = 1;
  for (int i = 0; i < 38; ++i) largest *= 10;
  largest -= 1;
  const auto wide = arrow::decimal128(38, 0);
  EXPECT_EQ(Text("sum", {wide}, {Decimals({largest, largest, -largest, -largest, 7})}), "7");
  EXPECT_EQ(Text("sum", {wide}, {Decimals({largest, 1})}), "the sum does not fit decimal(38,0)");
  EXPECT_EQ(Text("sum", {wide}, {Decimals({-largest, -1})}), "the sum does not fit decimal(38,0)");
  EXPECT_EQ(Text("sum", {wide}, {Decimals({largest, largest})}),
            "the sum does not fit decimal(38,0)");
}

TEST(SumTest, Doubles) {
  const auto real = arrow::float64();
  EXPECT_EQ(Real("sum", real, Reals({0.1, 0.2, 0.3})), 0.6);
  EXPECT_EQ(Real("sum", real, Reals({1e308, 1e-308, 1e308, -1e308, -1e308})), 1e-308);
  EXPECT_EQ(Real("sum", real, Reals({1e308, 1e308})), kInfinity);
  EXPECT_EQ(Real("sum", real, Reals({1, kInfinity})), kInfinity);
  EXPECT_EQ(Real("sum", real, Reals({1, -kInfinity, 1e308})), -kInfinity);
  EXPECT_EQ(Text("sum", {real}, {Reals({kInfinity, -kInfinity})}), "null");
  EXPECT_EQ(Text("sum", {real}, {Reals({1, kNaN})}), "null");
  EXPECT_EQ(Text("avg", {real}, {Reals({kInfinity, kNaN})}), "null");
  EXPECT_FALSE(std::signbit(Real("sum", real, Reals({-1, 1}))));
  // Overflow of the 128 bits, by one value and by many.
  EXPECT_EQ(Real("sum", real, Reals({0x1p61, 0x1p61, 0x1p61, 0x1p61, 0x1p61, 1})), 5 * 0x1p61);
  EXPECT_EQ(Text("sum", {arrow::float32()}, {Reals({})}), "null");
  EXPECT_TRUE((*AggregateAll("sum", {arrow::float32()}, {Reals({1})}))->type()->Equals(real));
}

TEST(AvgTest, DividesTheRoundedSum) {
  EXPECT_EQ(Real("avg", arrow::int64(), Ints({INT64_MAX, INT64_MAX})), 0x1p63);
  EXPECT_EQ(Real("avg", arrow::int32(), Ints({1, 2})), 1.5);
  EXPECT_EQ(Real("avg", arrow::uint64(), Ints({-1})), 0x1p64);
  EXPECT_EQ(Real("avg", arrow::float64(), Reals({0.1, 0.2, 0.3})), 0.6 / 3);
  EXPECT_EQ(Real("avg", arrow::decimal128(10, 2), Decimals({10, 20, 31})), 0.61 / 3);
  EXPECT_EQ(Real("avg", arrow::decimal128(38, 38), Decimals({1})), 1e-38);
  EXPECT_EQ(Text("avg", {arrow::int32()}, {Ints({})}), "null");
}

TEST(CountTest, CountsRows) {
  EXPECT_EQ(Text("count", {arrow::utf8()}, {Texts({"a", ""})}), "2");
  EXPECT_EQ(Text("count", {arrow::utf8()}, {Texts({})}), "0");
  EXPECT_TRUE(AggregateRegistry::Default().Resolve("count", true, {}).ok());
}

TEST(ExtremesTest, OddDoubles) {
  EXPECT_TRUE(std::isnan(Real("max", arrow::float64(), Reals({1, kNaN, kInfinity}))));
  EXPECT_EQ(Real("min", arrow::float64(), Reals({kNaN, kInfinity})), kInfinity);
  EXPECT_TRUE(std::isnan(Real("min", arrow::float64(), Reals({kNaN, kNaN}))));
  EXPECT_EQ(Real("min", arrow::float64(), Reals({-1, -kInfinity, -2})), -kInfinity);
  EXPECT_EQ(Real("max", arrow::float64(), Reals({-1, -1e-300})), -1e-300);
  EXPECT_EQ(Real("min", arrow::float64(), Reals({0, 4.9e-324})), 0);
}

TEST(ExtremesTest, EveryTypeComesBack) {
  EXPECT_EQ(Text("max", {arrow::boolean()}, {Ints({0, 1})}), "true");
  EXPECT_EQ(Text("min", {arrow::int8()}, {Ints({-128, 127})}), "-128");
  EXPECT_EQ(Text("max", {arrow::uint8()}, {Ints({0, 255})}), "255");
  EXPECT_EQ(Text("max", {arrow::uint32()}, {Ints({0, 0xffffffff})}), "4294967295");
  EXPECT_EQ(Text("max", {arrow::uint64()}, {Ints({1, -1})}), "18446744073709551615");
  EXPECT_EQ(Text("min", {arrow::uint64()}, {Ints({1, -1})}), "1");
  EXPECT_EQ(Text("min", {arrow::float32()}, {Reals({0.5, 2})}), "0.5");
  EXPECT_EQ(Text("min", {arrow::decimal128(10, 2)}, {Decimals({-250, 3})}), "-2.50");
  EXPECT_EQ(Text("max", {arrow::utf8()}, {Texts({"b", "\xc3\xa9", "a"})}), "\xc3\xa9");
  EXPECT_EQ(Text("min", {arrow::large_utf8()}, {Texts({"b", "", "a"})}), "");
  EXPECT_EQ(Text("max", {arrow::utf8()}, {Texts({"a", "ab"})}), "ab");
  EXPECT_EQ(Text("max", {arrow::date32()}, {Ints({-1, 0})}), "1970-01-01");
  EXPECT_EQ(Text("max", {arrow::timestamp(arrow::TimeUnit::NANO, "UTC")}, {Ints({1, 2})}),
            "1970-01-01 00:00:00.000000002Z");
}

TEST(MomentsTest, Values) {
  for (const auto& type : {arrow::int64(), arrow::int8(), arrow::uint64(), arrow::uint16()}) {
    EXPECT_EQ(Real("var_samp", type, Ints({4, 7, 13, 16})), 30);
    EXPECT_EQ(Real("variance", type, Ints({4, 7, 13, 16})), 30);
    EXPECT_EQ(Real("var_pop", type, Ints({4, 7, 13, 16})), 22.5);
    EXPECT_EQ(Real("stddev", type, Ints({4, 7, 13, 16})), std::sqrt(30.0));
    EXPECT_EQ(Real("stddev_samp", type, Ints({4, 7, 13, 16})), std::sqrt(30.0));
    EXPECT_EQ(Real("stddev_pop", type, Ints({4, 7, 13, 16})), std::sqrt(22.5));
    EXPECT_EQ(Text("var_samp", {type}, {Ints({5})}), "null");
    EXPECT_EQ(Text("var_pop", {type}, {Ints({5})}), "0");
    EXPECT_EQ(Text("var_pop", {type}, {Ints({})}), "null");
  }
  EXPECT_EQ(Real("var_samp", arrow::int64(), Ints({INT64_MAX, INT64_MAX - 2})), 2);
  EXPECT_EQ(Real("var_pop", arrow::int64(), Ints({INT64_MIN, INT64_MAX})), 0x1p126);
  EXPECT_EQ(Real("var_pop", arrow::uint64(), Ints({-1, -3})), 1);
  EXPECT_EQ(Real("var_samp", arrow::float64(), Reals({1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16})), 30);
  EXPECT_EQ(Real("var_samp", arrow::float64(), Reals({1e-9, 3e-9})),
            Real("var_samp", arrow::float64(), Reals({3e-9, 1e-9})));
  EXPECT_EQ(Real("var_pop", arrow::float64(), Reals({1e200, 1e200})), 0);
  EXPECT_TRUE(std::isnan(Real("var_pop", arrow::float64(), Reals({1, kInfinity}))));
  EXPECT_TRUE(std::isnan(Real("stddev_samp", arrow::float64(), Reals({1, kNaN}))));
  EXPECT_EQ(Text("stddev_samp", {arrow::float64()}, {Reals({kNaN})}), "null");
}

TEST(MomentsTest, Decimals) {
  EXPECT_EQ(Real("var_samp", arrow::decimal128(10, 2), Decimals({1, 3})), 0.0002);
  const int128_t big = int128_t{9} * 1000000000000000000 * 1000000000000000000;
  EXPECT_EQ(Real("var_samp", arrow::decimal128(38, 0), Decimals({big, big + 2})), 2);
  EXPECT_EQ(Real("var_samp", arrow::decimal128(38, 0), Decimals({-big, 2 - big})), 2);
  EXPECT_NEAR(Real("var_pop", arrow::decimal128(38, 0), Decimals({-big, big})), 81e72, 1e58);
}

TEST(BooleansTest, Values) {
  const Types boolean = {arrow::boolean()};
  EXPECT_EQ(Text("bool_and", boolean, {Ints({1, 1})}), "true");
  EXPECT_EQ(Text("every", boolean, {Ints({1, 0})}), "false");
  EXPECT_EQ(Text("bool_or", boolean, {Ints({0, 1})}), "true");
  EXPECT_EQ(Text("bool_or", boolean, {Ints({0, 0})}), "false");
  EXPECT_EQ(Text("bool_and", boolean, {Ints({})}), "null");
  EXPECT_EQ(Text("bool_or", boolean, {Ints({})}), "null");
}

TEST(ChoicesTest, Values) {
  const auto text = arrow::utf8();
  const TestColumn names = Texts({"c", "b", "a", "d"});
  EXPECT_EQ(Text("first", {text}, {names, Ints({2, 1, 1, 5})}), "a");
  EXPECT_EQ(Text("last", {text}, {names, Ints({2, 1, 1, 5})}), "d");
  EXPECT_EQ(Text("last", {text}, {names, Ints({5, 5, 1, 5})}), "b");
  EXPECT_EQ(Text("min_by", {text, arrow::float64()}, {names, Reals({kNaN, 2, 2, 3})}), "a");
  EXPECT_EQ(Text("max_by", {text, arrow::float64()}, {names, Reals({1, kNaN, kInfinity, kNaN})}),
            "b");
  EXPECT_EQ(Text("max_by", {arrow::uint64(), arrow::uint64()}, {Ints({-1, 3}), Ints({-1, 1})}),
            "18446744073709551615");
  EXPECT_EQ(Text("min_by", {text, text}, {names, Texts({"", "x", "", "y"})}), "a");
  EXPECT_EQ(Text("max_by", {arrow::date32(), arrow::decimal128(5, 1)},
                 {Ints({0, 1}), Decimals({-5, -6})}),
            "1970-01-01");
  EXPECT_EQ(Text("min_by", {text, arrow::int64()}, {Texts({}), Ints({})}), "null");
}

TEST(RegistryTest, RefusesWithReasons) {
  EXPECT_EQ(ResolveError("sum", false, {arrow::utf8()}),
            "sum(text): the argument must be a number");
  EXPECT_EQ(ResolveError("avg", false, {arrow::boolean()}),
            "avg(boolean): the argument must be a number");
  EXPECT_EQ(ResolveError("stddev", false, {arrow::date32()}),
            "stddev_samp(date): the argument must be a number");
  EXPECT_EQ(ResolveError("every", false, {arrow::int32()}),
            "bool_and(integer): the argument must be a condition");
  EXPECT_EQ(ResolveError("sum", true, {}), "sum(*): only count takes *");
  EXPECT_EQ(ResolveError("min_by", false, {arrow::int8()}), "min_by takes 2 arguments, not 1");
  EXPECT_EQ(ResolveError("midrange", false, {arrow::int8()}),
            "there is no aggregate function midrange");
  EXPECT_EQ(ResolveError("max", false, {arrow::null()}),
            "an aggregate of an untyped NULL has no type");
  EXPECT_NE(ResolveError("max", false, {arrow::list(arrow::int8())}).find("cannot be aggregated"),
            std::string::npos);
  EXPECT_FALSE(AggregateRegistry::Default().ResultType("count", true, true, {}, {}).ok());
}

TEST(RegistryTest, SumsAndMomentsShareStates) {
  const auto& registry = AggregateRegistry::Default();
  for (const auto& type :
       {arrow::int32(), arrow::uint64(), arrow::float32(), arrow::decimal128(9, 3)}) {
    const AggregateKernel sum = *registry.Resolve("sum", false, {type});
    const AggregateKernel average = *registry.Resolve("avg", false, {type});
    EXPECT_EQ(sum.state_name, average.state_name);
    EXPECT_EQ(sum.state_size, average.state_size);
    EXPECT_EQ(sum.references, average.references);
    const AggregateKernel deviation = *registry.Resolve("stddev", false, {type});
    const AggregateKernel variance = *registry.Resolve("var_pop", false, {type});
    EXPECT_EQ(deviation.state_name, variance.state_name);
    EXPECT_EQ(deviation.state_size, variance.state_size);
  }
}

TEST(RegistryTest, EveryFunctionIsDocumented) {
  for (const AggregateFunction& function : AggregateRegistry::Default().functions()) {
    EXPECT_EQ(function.doc.signature.rfind(function.name + "(", 0), 0u) << function.name;
    EXPECT_FALSE(function.doc.summary.empty()) << function.name;
    EXPECT_FALSE(function.doc.null_rule.empty()) << function.name;
    EXPECT_NE(function.doc.example.find(function.name + "("), std::string::npos) << function.name;
  }
  const std::vector<std::string> names = AggregateRegistry::Default().Names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

}  // namespace
}  // namespace tidemill
