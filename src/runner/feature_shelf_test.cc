#include "runner/feature_shelf.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <gtest/gtest.h>

#include "storage/scratch_folder.h"

namespace tidemill {
namespace {

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({arrow::field("n", arrow::int64()), arrow::field("text", arrow::utf8())});
}

/// Features that tell their label.
std::shared_ptr<arrow::RecordBatch> FeaturesOf(const std::vector<uint32_t>& labels) {
  arrow::Int64Builder numbers;
  arrow::StringBuilder texts;
  for (const uint32_t label : labels) {
    EXPECT_TRUE(numbers.Append(label).ok());
    EXPECT_TRUE(texts.Append("label " + std::to_string(label)).ok());
  }
  return arrow::RecordBatch::Make(Schema(), static_cast<int64_t>(labels.size()),
                                  {*numbers.Finish(), *texts.Finish()});
}

class FeatureShelfTest : public testing::TestWithParam<int64_t> {};

/// Every third label has no features; the others come in strides, last first.
TEST_P(FeatureShelfTest, GivesBackByLabel) {
  constexpr int64_t kLabels = 300'000;
  constexpr uint32_t kStride = 7;
  ScratchFolder scratch(testing::TempDir());
  FeatureShelf shelf(Schema(), kLabels, GetParam(), 2, [&] { return scratch.NewPath(); });
  for (uint32_t offset = kStride; offset-- > 0;) {
    std::vector<uint32_t> labels;
    for (uint32_t label = offset; label < kLabels; label += kStride) {
      if (label % 3 != 0) labels.push_back(label);
    }
    ASSERT_TRUE(shelf.Add(labels, FeaturesOf(labels)).ok());
  }
  ASSERT_TRUE(shelf.Finish().ok());
  EXPECT_EQ(shelf.spilled_bytes() > 0, GetParam() < 1'000'000);
  int64_t next = 0;
  for (const int64_t count : {int64_t{1}, int64_t{150'000}, int64_t{0}, int64_t{149'999}}) {
    const auto columns = shelf.Take(next, count);
    ASSERT_TRUE(columns.ok()) << columns.status();
    const auto& numbers = static_cast<const arrow::Int64Array&>(*(*columns)[0]);
    const auto& texts = static_cast<const arrow::StringArray&>(*(*columns)[1]);
    ASSERT_EQ(numbers.length(), count);
    ASSERT_EQ(texts.length(), count);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t label = next + i;
      ASSERT_EQ(numbers.IsNull(i), label % 3 == 0);
      ASSERT_EQ(texts.IsNull(i), label % 3 == 0);
      if (label % 3 == 0) continue;
      ASSERT_EQ(numbers.Value(i), label);
      ASSERT_EQ(texts.GetView(i), "label " + std::to_string(label));
    }
    next += count;
  }
}

INSTANTIATE_TEST_SUITE_P(Budgets, FeatureShelfTest, testing::Values(1, 100'000, 1'000'000'000));

TEST(FeatureShelf, WideFeaturesAreTakenAFewAtATime) {
  constexpr int64_t kLabels = 3'000;
  const std::string wide(50'000, 'x');
  ScratchFolder scratch(testing::TempDir());
  FeatureShelf shelf(Schema(), kLabels, 4'000'000, 2, [&] { return scratch.NewPath(); });
  for (uint32_t begin = 0; begin < kLabels; begin += 100) {
    std::vector<uint32_t> labels;
    arrow::Int64Builder numbers;
    arrow::StringBuilder texts;
    for (uint32_t label = begin; label < begin + 100; ++label) {
      labels.push_back(label);
      ASSERT_TRUE(numbers.Append(label).ok());
      // What comes first is narrow, and tells nothing of what follows.
      ASSERT_TRUE(texts.Append(label < 1000 ? "narrow" : wide).ok());
    }
    ASSERT_TRUE(shelf
                    .Add(labels, arrow::RecordBatch::Make(Schema(), 100,
                                                          {*numbers.Finish(), *texts.Finish()}))
                    .ok());
  }
  ASSERT_TRUE(shelf.Finish().ok());
  int64_t times = 0;
  for (int64_t next = 0; next < kLabels; ++times) {
    const auto fitting = shelf.Fitting(next, kLabels - next);
    ASSERT_TRUE(fitting.ok()) << fitting.status();
    ASSERT_GT(*fitting, 0);
    const auto columns = shelf.Take(next, *fitting);
    ASSERT_TRUE(columns.ok()) << columns.status();
    for (int64_t i = 0; i < *fitting; ++i, ++next) {
      ASSERT_EQ(static_cast<const arrow::Int64Array&>(*(*columns)[0]).Value(i), next);
      const auto& texts = static_cast<const arrow::StringArray&>(*(*columns)[1]);
      ASSERT_EQ(texts.GetView(i), next < 1000 ? "narrow" : wide);
    }
  }
  EXPECT_GT(times, 2);
}

TEST(FeatureShelf, WithoutFeaturesEverythingIsNull) {
  FeatureShelf shelf(Schema(), 3, 1000, 1, {});
  ASSERT_TRUE(shelf.Finish().ok());
  const auto columns = shelf.Take(0, 3);
  ASSERT_TRUE(columns.ok());
  EXPECT_EQ((*columns)[1]->null_count(), 3);
}

}  // namespace
}  // namespace tidemill
