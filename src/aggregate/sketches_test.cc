/// The functions that approximate: within the errors that they document, and functions of the
/// multiset all the same when there are enough values to approximate.

#include <algorithm>
#include <cmath>
#include <set>

#include "aggregate/test_columns.h"

namespace tidemill {
namespace {

using Random = std::mt19937_64;

AggregateKernel KernelOf(const std::string& name, const std::shared_ptr<arrow::DataType>& type,
                         const Constants& constants = {}) {
  return AggregateRegistry::Default().Resolve(name, false, {type}, constants).ValueOrDie();
}

/// The result of `column` in one state, and of many states merged in some order, which must agree.
std::string ResultOf(const AggregateKernel& kernel, const std::shared_ptr<arrow::DataType>& type,
                     const TestColumn& column, Random* random) {
  std::vector<size_t> rows(column.size());
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  TestStates straight(kernel, 1);
  straight.Update({type}, {&column}, rows, std::vector<uint32_t>(rows.size(), 0), false);
  const std::string result = straight.Result(0);

  constexpr size_t kParts = 7;
  std::shuffle(rows.begin(), rows.end(), *random);
  TestStates parts(kernel, kParts);
  std::vector<uint32_t> groups;
  // Parts of very different sizes: some have the exact form, some the approximate one.
  for (size_t i = 0; i < rows.size(); ++i) {
    groups.push_back(static_cast<uint32_t>((*random)() % kParts * ((*random)() % 2)));
  }
  parts.Update({type}, {&column}, rows, groups, false);
  for (size_t p = 0; p < kParts; ++p) {
    if (kernel.shrink != nullptr && (*random)() % 2 == 0) kernel.shrink(parts.row(p), 1);
  }
  std::deque<ReadState> read;
  for (size_t p = 0; p < kParts; ++p) read.emplace_back(kernel, parts.Serialize(p));
  std::vector<size_t> order = {0, 1, 2, 3, 4, 5, 6};
  std::shuffle(order.begin(), order.end(), *random);
  TestStates merged(kernel, 1);
  for (const size_t p : order) merged.Merge(0, read[p].data());
  EXPECT_EQ(merged.Result(0), result) << "another order of rows and merges";
  return result;
}

TEST(ApproxCountDistinctTest, IsExactWhileValuesAreFew) {
  Random random(3);
  const AggregateKernel kernel = KernelOf("approx_count_distinct", arrow::int64());
  for (const size_t distinct : {1, 2, 63, 511, 512}) {
    TestColumn column(4 * distinct);
    for (size_t i = 0; i < column.size(); ++i) {
      column[i].int64 = static_cast<int64_t>(i % distinct * 1000003);
    }
    EXPECT_EQ(ResultOf(kernel, arrow::int64(), column, &random), std::to_string(distinct));
  }
}

TEST(ApproxCountDistinctTest, ErrorsAreAsDocumented) {
  Random random(5);
  const AggregateKernel integers = KernelOf("approx_count_distinct", arrow::int64());
  const AggregateKernel texts = KernelOf("approx_count_distinct", arrow::utf8());
  double squares = 0;
  int rounds = 0;
  for (const size_t distinct : {513, 700, 1500, 4096, 10000, 20000, 60000}) {
    for (int round = 0; round < 6; ++round, ++rounds) {
      TestColumn column(distinct + distinct / 3);
      std::set<int64_t> values;
      for (TestValue& value : column) {
        value.int64 = values.size() < distinct ? static_cast<int64_t>(random())
                                               : column[random() % distinct].int64;
        values.insert(value.int64);
        value.bytes = "value " + std::to_string(value.int64);
      }
      const bool is_text = round % 2 == 0;
      const std::string result = is_text ? ResultOf(texts, arrow::utf8(), column, &random)
                                         : ResultOf(integers, arrow::int64(), column, &random);
      const double error = std::stod(result) / static_cast<double>(values.size()) - 1;
      EXPECT_LT(std::abs(error), 5 * 0.01625) << distinct;
      squares += error * error;
    }
  }
  EXPECT_LT(std::sqrt(squares / rounds), 0.022);
  EXPECT_GT(std::sqrt(squares / rounds), 0.001) << "it approximates";
}

/// The value that percentile_disc gives.
double Exact(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(p * static_cast<double>(values.size()) - 1e-9);
  return values[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

TEST(ApproxPercentileTest, IsWithinAPartIn256AndAValueThatOccurs) {
  Random random(7);
  const std::vector<std::function<double()>> kinds = {
      [&] { return std::exp(std::normal_distribution<double>(0, 3)(random)); },
      [&] { return std::normal_distribution<double>(-5, 100)(random); },
      [&] { return static_cast<double>(random() % 20000) - 1000; },
      [&] { return random() % 3 == 0 ? 0.0 : 1e-300 * static_cast<double>(random() % 5000); },
      [&] { return static_cast<double>(random() % 256); },
  };
  for (size_t kind = 0; kind < kinds.size(); ++kind) {
    for (const size_t size : {1, 255, 300, 5000}) {
      std::vector<double> values;
      TestColumn column(size);
      for (TestValue& value : column) {
        value.real = kinds[kind]() + 0.0;
        values.push_back(value.real);
        value.int64 = static_cast<int64_t>(value.real);
      }
      for (const double p : {0.0, 0.01, 0.25, 0.5, 0.9, 0.999, 1.0}) {
        SCOPED_TRACE(testing::Message() << kind << " " << size << " " << p);
        const double exact = Exact(values, p);
        const auto kernel = KernelOf("approx_percentile", arrow::float64(), {arrow::MakeScalar(p)});
        const std::string text = ResultOf(kernel, arrow::float64(), column, &random);
        const uint64_t bits = std::stoull(text.substr(text.find(' ') + 1));
        double result;
        std::memcpy(&result, &bits, sizeof result);
        EXPECT_NE(std::find(values.begin(), values.end(), result), values.end());
        const std::set<double> distinct(values.begin(), values.end());
        const bool is_exact = p == 0 || p == 1 || distinct.size() <= 256;
        EXPECT_LE(std::abs(result - exact), is_exact ? 0 : std::abs(exact) / 255) << exact;
      }
    }
  }
}

TEST(ApproxPercentileTest, IntegersBelow512AreExact) {
  Random random(9);
  TestColumn column(6000);
  std::vector<double> values;
  for (TestValue& value : column) {
    value.int64 = static_cast<int64_t>(random() % 1023) - 511;
    values.push_back(static_cast<double>(value.int64));
  }
  for (const double p : {0.1, 0.5, 0.77}) {
    const auto kernel = KernelOf("approx_percentile", arrow::int32(), {arrow::MakeScalar(p)});
    EXPECT_EQ(ResultOf(kernel, arrow::int32(), column, &random),
              std::to_string(static_cast<int>(Exact(values, p))));
  }
}

TEST(ApproxPercentileTest, BucketsTakeLittleMemory) {
  Random random(11);
  const auto kernel = KernelOf("approx_percentile", arrow::float64(), {arrow::MakeScalar(0.5)});
  TestColumn column(100000);
  for (TestValue& value : column)
    value.real = std::pow(10, static_cast<double>(random() % 6000) / 1000);
  std::vector<size_t> rows(column.size());
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  TestStates states(kernel, 1);
  states.Update({arrow::float64()}, {&column}, rows, std::vector<uint32_t>(rows.size(), 0), false);
  kernel.shrink(states.row(0), 1);
  EXPECT_LT(states.Serialize(0).size(), 60000U);
}

TEST(MultisetTest, ManyEqualValuesTakeLittleMemory) {
  const auto kernel = KernelOf("mode", arrow::utf8());
  TestColumn column(50000);
  for (size_t i = 0; i < column.size(); ++i) column[i].bytes = "value " + std::to_string(i % 10);
  std::vector<size_t> rows(column.size());
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  TestStates states(kernel, 1);
  states.Update({arrow::utf8()}, {&column}, rows, std::vector<uint32_t>(rows.size(), 0), false);
  EXPECT_LT(states.Serialize(0).size(), 4096U);
  EXPECT_EQ(states.Result(0), "value 0");
}

}  // namespace
}  // namespace tidemill
