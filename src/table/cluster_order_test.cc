#include "table/cluster_order.h"

#include <numeric>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "storage/test_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = ClusterSpec::Kind;

std::vector<uint32_t> Order(Kind kind, const arrow::ArrayVector& columns, int threads = 1) {
  std::vector<arrow::ArrayVector> chunked;
  for (const auto& column : columns) chunked.push_back({column});
  return ClusterOrder(kind, chunked, threads, nullptr).ValueOrDie();
}

std::shared_ptr<arrow::Array> Numbers(const std::vector<int64_t>& values) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

/// Two skewed columns that have nothing to do with each other.
std::vector<std::vector<int64_t>> Skewed(size_t n) {
  std::mt19937_64 random(11);
  std::vector<std::vector<int64_t>> columns(2);
  for (size_t i = 0; i < n; ++i) {
    for (auto& column : columns) {
      const double u = static_cast<double>(random() >> 11) / 0x1p53;
      column.push_back(static_cast<int64_t>(1000 / (u + 1e-6)));
    }
  }
  return columns;
}

TEST(ClusterOrderTest, SortsByTheColumnsThenAsRowsCame) {
  const auto a = ArrayOf(arrow::int64(), "[2, null, 1, 2, 1, null]");
  const auto b = ArrayOf(arrow::utf8(), R"(["b", "x", "z", "a", "z", null])");
  EXPECT_THAT(Order(Kind::kSort, {a, b}), ElementsAre(5, 1, 2, 4, 3, 0));
  EXPECT_THAT(Order(Kind::kSort, {a}), ElementsAre(1, 5, 2, 4, 0, 3));
  const auto c = ArrayOf(arrow::float64(), "[NaN, 0.0, -0.0, -1, NaN, 7]");
  EXPECT_THAT(Order(Kind::kSort, {c}), ElementsAre(3, 1, 2, 5, 0, 4));
  EXPECT_THAT(Order(Kind::kSort, {b, a, c}), ElementsAre(5, 3, 0, 1, 2, 4));
}

TEST(ClusterOrderTest, IsAPermutation) {
  const auto values = Skewed(5000);
  const arrow::ArrayVector columns = {Numbers(values[0]), Numbers(values[1])};
  for (const Kind kind : {Kind::kSort, Kind::kZorder, Kind::kHilbert}) {
    std::vector<uint32_t> order = Order(kind, columns);
    EXPECT_FALSE(std::ranges::is_sorted(order));
    std::ranges::sort(order);
    std::vector<uint32_t> all(5000);
    std::iota(all.begin(), all.end(), 0U);
    EXPECT_EQ(order, all);
  }
}

TEST(ClusterOrderTest, DoesNotDependOnChunksOrThreads) {
  const auto values = Skewed(200'000);
  const auto a = Numbers(values[0]);
  const auto b = Numbers(values[1]);
  for (const Kind kind : {Kind::kSort, Kind::kZorder, Kind::kHilbert}) {
    const std::vector<uint32_t> order = Order(kind, {a, b});
    EXPECT_EQ(Order(kind, {a, b}, 7), order);
    const std::vector<arrow::ArrayVector> chunked = {
        {a->Slice(0, 1), a->Slice(1, 90'000), a->Slice(90'001)},
        {b->Slice(0, 150'000), b->Slice(150'000)}};
    EXPECT_EQ(ClusterOrder(kind, chunked, 2, nullptr).ValueOrDie(), order);
  }
}

TEST(ClusterOrderTest, DependsOnTheOrderOfValuesOnly) {
  const auto values = Skewed(10'000);
  std::vector<std::vector<int64_t>> shifted = values;
  for (auto& column : shifted) {
    for (int64_t& value : column) value = value * 3 - 1'000'000;
  }
  for (const Kind kind : {Kind::kZorder, Kind::kHilbert}) {
    EXPECT_EQ(Order(kind, {Numbers(values[0]), Numbers(values[1])}),
              Order(kind, {Numbers(shifted[0]), Numbers(shifted[1])}));
  }
}

TEST(ClusterOrderTest, EqualRowsKeepTheirOrder) {
  for (const Kind kind : {Kind::kSort, Kind::kZorder, Kind::kHilbert}) {
    const auto same = Numbers(std::vector<int64_t>(2000, 7));
    std::vector<uint32_t> as_they_came(2000);
    std::iota(as_they_came.begin(), as_they_came.end(), 0U);
    EXPECT_EQ(Order(kind, {same, same}), as_they_came);
  }
}

TEST(ClusterOrderTest, OneColumnIsSortedByACurveToo) {
  const auto values = Skewed(3000);
  const auto column = Numbers(values[0]);
  EXPECT_EQ(Order(Kind::kHilbert, {column}), Order(Kind::kSort, {column}));
  EXPECT_EQ(Order(Kind::kZorder, {column}), Order(Kind::kSort, {column}));
}

TEST(ClusterOrderTest, RowsOfOneCodeAreOrderedByTheColumns) {
  // Eight columns have 8 bits each: 256 quantiles for 3000 rows.
  std::mt19937_64 random(2);
  std::vector<std::vector<int64_t>> values(8);
  arrow::ArrayVector columns;
  for (auto& column : values) {
    for (int i = 0; i < 3000; ++i) column.push_back(static_cast<int64_t>(random() % 100'000));
  }
  for (size_t c = 1; c < 8; ++c) std::ranges::fill(values[c], 1);
  for (const auto& column : values) columns.push_back(Numbers(column));
  EXPECT_EQ(Order(Kind::kZorder, columns), Order(Kind::kSort, columns));
}

/// The share of blocks of `rows` rows whose values of a column overlap a range that holds a
/// hundredth of all rows; the worst of some ranges.
double ShareRead(const std::vector<int64_t>& values, const std::vector<uint32_t>& order,
                 size_t rows) {
  std::vector<int64_t> sorted = values;
  std::ranges::sort(sorted);
  double worst = 0;
  for (const double start : {0.1, 0.5, 0.9}) {
    const auto n = static_cast<double>(sorted.size());
    const int64_t low = sorted[static_cast<size_t>(start * n)];
    const int64_t high = sorted[static_cast<size_t>((start + 0.01) * n)];
    size_t blocks = 0;
    size_t touched = 0;
    for (size_t begin = 0; begin < order.size(); begin += rows, ++blocks) {
      int64_t least = std::numeric_limits<int64_t>::max();
      int64_t greatest = std::numeric_limits<int64_t>::min();
      for (size_t i = begin; i < std::min(begin + rows, order.size()); ++i) {
        least = std::min(least, values[order[i]]);
        greatest = std::max(greatest, values[order[i]]);
      }
      if (least <= high && greatest >= low) ++touched;
    }
    worst = std::max(worst, static_cast<double>(touched) / static_cast<double>(blocks));
  }
  return worst;
}

TEST(ClusterOrderTest, CurvesSkipByEitherColumn) {
  const auto values = Skewed(500'000);
  const arrow::ArrayVector columns = {Numbers(values[0]), Numbers(values[1])};
  constexpr size_t kRows = 1000;  // 500 blocks
  const auto shares = [&](Kind kind) {
    const std::vector<uint32_t> order = Order(kind, columns);
    return std::pair{ShareRead(values[0], order, kRows), ShareRead(values[1], order, kRows)};
  };
  const auto sorted = shares(Kind::kSort);
  EXPECT_LT(sorted.first, 0.02);
  EXPECT_GT(sorted.second, 0.9);
  for (const Kind kind : {Kind::kZorder, Kind::kHilbert}) {
    const auto curve = shares(kind);
    EXPECT_LT(curve.first, 0.2);
    EXPECT_LT(curve.second, 0.2);
  }
}

TEST(ClusterOrderTest, FewRows) {
  for (const Kind kind : {Kind::kSort, Kind::kZorder, Kind::kHilbert}) {
    EXPECT_TRUE(Order(kind, {Numbers({}), Numbers({})}).empty());
    EXPECT_TRUE(ClusterOrder(kind, {{}, {}}, 1, nullptr).ValueOrDie().empty());
    EXPECT_THAT(Order(kind, {Numbers({3}), Numbers({4})}), ElementsAre(0));
  }
}

TEST(ClusterOrderTest, StopsWhenCancelled) {
  const std::atomic<bool> cancelled = true;
  const auto stopped = ClusterOrder(Kind::kHilbert, {{Numbers({1, 2})}}, 1, &cancelled);
  EXPECT_EQ(CodeOf(stopped.status()), ErrorCode::kInterrupted);
}

TEST(ClusterOrderTest, ChecksTheColumns) {
  const Calendar days(Calendar::Step::kDay, TimeZone::Find("UTC"));
  PartitionTerm country;
  country.kind = PartitionTerm::Kind::kColumn;
  country.column.text = "country";
  const PartitionLayout layout =
      PartitionLayout::Make({PartitionTerm{}, country}, days).ValueOrDie();
  const auto schema = arrow::schema(
      {arrow::field("user_id", arrow::utf8()), arrow::field("country", arrow::utf8())});
  const auto check = [&](const std::string& name) {
    return CheckClustering({Kind::kSort, {{name, {"p.yaml", 3, 9}}}}, layout, *schema);
  };
  EXPECT_TRUE(check("user_id").ok());
  EXPECT_TRUE(CheckClustering({}, layout, *schema).ok());
  for (const auto& [name, words] :
       {std::pair{"country", "partition column"}, std::pair{"user", "not a column of the table"}}) {
    const arrow::Status status = check(name);
    EXPECT_EQ(CodeOf(status), ErrorCode::kInvalid);
    EXPECT_THAT(status.ToString(), HasSubstr(words));
    EXPECT_EQ(DiagnosticsOf(status).front().position.line, 3);
  }
}

}  // namespace
}  // namespace tidemill
