#include "storage/multiset_hash.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include <arrow/compute/api_vector.h>
#include <gtest/gtest.h>

#include "storage/test_files.h"

namespace tidemill {
namespace {

using Batch = std::shared_ptr<arrow::RecordBatch>;

Batch Rows(const std::vector<NamedArray>& columns) {
  return TableOf(columns)->CombineChunksToBatch().ValueOrDie();
}

std::string Hash(const std::vector<Batch>& batches) {
  MultisetHasher hasher = MultisetHasher::Make(*batches.front()->schema()).ValueOrDie();
  for (const Batch& batch : batches) {
    const arrow::Status status = hasher.Update(*batch);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  return hasher.Finish();
}

Batch Sample(int64_t n) {
  arrow::Int64Builder ids;
  arrow::DoubleBuilder spends;
  arrow::StringBuilder names;
  arrow::BooleanBuilder flags;
  for (int64_t i = 0; i < n; ++i) {
    EXPECT_TRUE(ids.Append(i / 2).ok());
    EXPECT_TRUE(
        (i % 3 == 0 ? spends.AppendNull() : spends.Append(0.5 * static_cast<double>(i % 7))).ok());
    EXPECT_TRUE((i % 5 == 0 ? names.AppendNull() : names.Append(std::to_string(i % 11))).ok());
    EXPECT_TRUE(flags.Append(i % 2 == 0).ok());
  }
  return Rows({{"id", ids.Finish().ValueOrDie()},
               {"spend", spends.Finish().ValueOrDie()},
               {"name", names.Finish().ValueOrDie()},
               {"flag", flags.Finish().ValueOrDie()}});
}

TEST(MultisetHashTest, DoesNotDependOnOrderBatchesOrColumns) {
  const Batch rows = Sample(5000);
  const std::string hash = Hash({rows});
  EXPECT_EQ(hash.size(), 32U);
  EXPECT_EQ(Hash({rows->Slice(0, 17), rows->Slice(17, 0), rows->Slice(17)}), hash);
  EXPECT_EQ(Hash({rows->Slice(3001), rows->Slice(0, 3001)}), hash);

  std::vector<int64_t> backwards(5000);
  std::iota(backwards.rbegin(), backwards.rend(), 0);
  arrow::Int64Builder indices;
  ASSERT_OK(indices.AppendValues(backwards));
  const auto taken =
      arrow::compute::Take(arrow::Datum(rows), arrow::Datum(indices.Finish().ValueOrDie()));
  EXPECT_EQ(Hash({taken.ValueOrDie().record_batch()}), hash);
  EXPECT_EQ(Hash({rows->SelectColumns({3, 1, 0, 2}).ValueOrDie()}), hash);
}

TEST(MultisetHashTest, PartsAddUp) {
  const Batch rows = Sample(5000);
  MultisetHasher first = MultisetHasher::Make(*rows->schema()).ValueOrDie();
  MultisetHasher second = first;
  ASSERT_OK(first.Update(*rows->Slice(0, 1234)));
  ASSERT_OK(second.Update(*rows->Slice(1234)));
  first.Merge(second);
  EXPECT_EQ(first.num_rows(), 5000);
  EXPECT_EQ(first.Finish(), Hash({rows}));
}

TEST(MultisetHashTest, DoesNotDependOnHowAColumnIsEncoded) {
  const auto plain = ArrayOf(arrow::utf8(), R"(["a", null, "b", "a"])");
  const auto coded = arrow::DictionaryArray::FromArrays(ArrayOf(arrow::int8(), "[1, null, 0, 1]"),
                                                        ArrayOf(arrow::utf8(), R"(["b", "a"])"))
                         .ValueOrDie();
  const auto large = ArrayOf(arrow::large_utf8(), R"(["a", null, "b", "a"])");
  const auto padded = ArrayOf(arrow::utf8(), R"(["x", "a", null, "b", "a"])")->Slice(1);
  const std::string hash = Hash({Rows({{"s", plain}})});
  for (const auto& other : arrow::ArrayVector{coded, large, padded}) {
    EXPECT_EQ(Hash({Rows({{"s", other}})}), hash) << other->type()->ToString();
  }
}

TEST(MultisetHashTest, SeesEveryChange) {
  const auto of = [](const std::shared_ptr<arrow::DataType>& type, const std::string& json,
                     const std::string& name = "x") {
    return Hash({Rows({{name, ArrayOf(type, json)}})});
  };
  const std::string hash = of(arrow::int64(), "[1, 2, 2, null]");
  EXPECT_EQ(of(arrow::int64(), "[2, null, 1, 2]"), hash);
  EXPECT_NE(of(arrow::int64(), "[1, 2, null]"), hash);
  EXPECT_NE(of(arrow::int64(), "[1, 1, 2, null]"), hash);
  EXPECT_NE(of(arrow::int64(), "[1, 2, 2, 0]"), hash);
  EXPECT_NE(of(arrow::int64(), "[1, 2, null, null]"), hash);
  EXPECT_NE(of(arrow::int64(), "[1, 2, 2, null]", "y"), hash);
  EXPECT_NE(of(arrow::int32(), "[1, 2, 2, null]"), hash);
  EXPECT_NE(of(arrow::timestamp(arrow::TimeUnit::MICRO), "[1, 2, 2, null]"), hash);
  EXPECT_NE(of(arrow::int64(), "[]"), of(arrow::int32(), "[]"));
  EXPECT_NE(of(arrow::utf8(), R"(["", "a"])"), of(arrow::utf8(), R"([null, "a"])"));
  EXPECT_NE(of(arrow::utf8(), R"(["ab", "c"])"), of(arrow::utf8(), R"(["a", "bc"])"));
  EXPECT_NE(of(arrow::boolean(), "[true, null]"), of(arrow::boolean(), "[true, false]"));
  EXPECT_NE(of(arrow::decimal128(38, 0), R"(["18446744073709551616"])"),
            of(arrow::decimal128(38, 0), R"(["0"])"));
}

TEST(MultisetHashTest, SeesWhichValuesStandTogether) {
  const auto a = ArrayOf(arrow::int64(), "[1, 2]");
  const auto b = ArrayOf(arrow::utf8(), R"(["x", "y"])");
  const auto swapped = ArrayOf(arrow::utf8(), R"(["y", "x"])");
  EXPECT_NE(Hash({Rows({{"a", a}, {"b", b}})}), Hash({Rows({{"a", a}, {"b", swapped}})}));
  // Two columns exchange their values.
  const auto c = ArrayOf(arrow::int64(), "[3, 4]");
  EXPECT_NE(Hash({Rows({{"a", a}, {"c", c}})}), Hash({Rows({{"a", c}, {"c", a}})}));
}

TEST(MultisetHashTest, DoublesAreTheirBits) {
  const auto of = [](const std::vector<double>& values) {
    arrow::DoubleBuilder builder;
    EXPECT_TRUE(builder.AppendValues(values).ok());
    return Hash({Rows({{"x", builder.Finish().ValueOrDie()}})});
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  uint64_t bits = 0x7ff8000000000001;
  double other_nan = 0;
  std::memcpy(&other_nan, &bits, sizeof(bits));
  EXPECT_EQ(of({nan, 1}), of({1, nan}));
  EXPECT_NE(of({0.0}), of({-0.0}));
  EXPECT_NE(of({nan}), of({other_nan}));
}

TEST(MultisetHashTest, RefusesWhatFilesCannotHold) {
  EXPECT_FALSE(MultisetHasher::Make(*arrow::schema({arrow::field("x", arrow::null())})).ok());
  const Batch rows = Sample(3);
  MultisetHasher hasher = MultisetHasher::Make(*rows->schema()).ValueOrDie();
  EXPECT_FALSE(hasher.Update(*rows->SelectColumns({0}).ValueOrDie()).ok());
}

}  // namespace
}  // namespace tidemill
