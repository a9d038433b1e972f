#include "engine/entity_key.h"

#include <algorithm>
#include <limits>

#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include "engine/argument_reader.h"
#include "engine/sort_keys.h"

namespace tidemill {
namespace {

using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

std::shared_ptr<arrow::Array> FromJson(const std::shared_ptr<arrow::DataType>& type,
                                       const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

/// Encodes all rows of `columns`.
std::vector<std::vector<uint8_t>> EncodeAll(const EntityKeyCodec& codec, const Arrays& columns) {
  Frame frame;
  frame.num_rows = columns[0]->length();
  std::vector<ExpressionPtr> expressions;
  for (size_t c = 0; c < columns.size(); ++c) {
    frame.columns.emplace_back(columns[c]);
    auto column = std::make_shared<Expression>();
    column->kind = Expression::Kind::kColumn;
    column->column = static_cast<int>(c);
    column->type = columns[c]->type();
    column->key = "c" + std::to_string(c);
    expressions.push_back(column);
  }
  Evaluator evaluator(&frame);
  ArgumentReader reader(&frame, &evaluator);
  std::vector<std::vector<uint8_t>> keys(static_cast<size_t>(frame.num_rows));
  for (size_t c = 0; c < columns.size(); ++c) {
    const PreparedColumn* prepared = reader.Column(expressions[c], nullptr).ValueOrDie();
    for (size_t r = 0; r < keys.size(); ++r) {
      const bool valid = prepared->valid == nullptr || prepared->valid[r];
      codec.Encode(c, prepared->values, valid, static_cast<int64_t>(r), &keys[r]);
    }
  }
  return keys;
}

/// Rows are given in the expected order: their keys must ascend, and decode to the same rows.
void ExpectOrderAndRoundTrip(const Arrays& columns, bool nullable) {
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (const auto& column : columns) types.push_back(column->type());
  const auto codec = EntityKeyCodec::Make(types, nullable).ValueOrDie();
  const auto keys = EncodeAll(codec, columns);
  std::vector<Bytes> views;
  std::vector<const Bytes*> pointers;
  for (const auto& key : keys) views.push_back({key.data(), key.size()});
  for (const Bytes& view : views) pointers.push_back(&view);
  for (size_t i = 1; i < views.size(); ++i) {
    EXPECT_LT(CompareKeys(views[i - 1], views[i]), 0) << "row " << i;
  }
  const auto decoded =
      codec.Decode(pointers.data(), static_cast<int64_t>(pointers.size())).ValueOrDie();
  for (size_t c = 0; c < columns.size(); ++c) {
    EXPECT_TRUE(decoded[c]->Equals(*columns[c], arrow::EqualOptions().nans_equal(true)))
        << decoded[c]->ToString();
  }
}

TEST(EntityKeyTest, EveryKindKeepsOrderAndComesBack) {
  ExpectOrderAndRoundTrip({FromJson(arrow::boolean(), "[false, true]")}, false);
  ExpectOrderAndRoundTrip({FromJson(arrow::int8(), "[-128, -1, 0, 1, 127]")}, false);
  ExpectOrderAndRoundTrip(
      {FromJson(arrow::int64(), "[-9223372036854775808, -5, 0, 7, 9223372036854775807]")}, false);
  ExpectOrderAndRoundTrip({FromJson(arrow::uint64(), "[0, 7, 18446744073709551615]")}, false);
  ExpectOrderAndRoundTrip({FromJson(arrow::float32(), "[-1.5, 0, 0.25, 3]")}, false);
  ExpectOrderAndRoundTrip({FromJson(arrow::decimal128(12, 2), R"(["-3.10", "0.00", "7.25"])")},
                          false);
  ExpectOrderAndRoundTrip({FromJson(arrow::date32(), "[-3, 0, 20000]")}, false);
  ExpectOrderAndRoundTrip({FromJson(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), "[-3, 0, 5]")},
                          false);
  ExpectOrderAndRoundTrip({FromJson(arrow::utf8(), R"(["", "a", "a\u0000", "ab", "å"])")}, false);
  ExpectOrderAndRoundTrip({FromJson(arrow::large_utf8(), R"(["", "b", "c"])")}, false);
}

TEST(EntityKeyTest, NanIsTheLargestDouble) {
  arrow::DoubleBuilder builder;
  ASSERT_TRUE(builder
                  .AppendValues({-std::numeric_limits<double>::infinity(), -2.0, 0.0, 1e300,
                                 std::numeric_limits<double>::infinity(),
                                 std::numeric_limits<double>::quiet_NaN()})
                  .ok());
  ExpectOrderAndRoundTrip({builder.Finish().ValueOrDie()}, false);
}

TEST(EntityKeyTest, NullsComeLast) {
  ExpectOrderAndRoundTrip({FromJson(arrow::utf8(), R"(["", "a", "zz", null])")}, true);
  ExpectOrderAndRoundTrip({FromJson(arrow::int32(), "[-5, 5, null]")}, true);
}

TEST(EntityKeyTest, ColumnsOrderOneAfterTheOther) {
  ExpectOrderAndRoundTrip({FromJson(arrow::utf8(), R"(["", "", "a", "a", "a\u0000", "ab"])"),
                           FromJson(arrow::utf8(), R"(["x", "y", "", "b", "", ""])"),
                           FromJson(arrow::int64(), "[9, 1, 2, 2, 2, 0]")},
                          false);
  ExpectOrderAndRoundTrip({FromJson(arrow::utf8(), R"(["a", "a", null, null])"),
                           FromJson(arrow::utf8(), R"(["b", null, "a", null])")},
                          true);
}

}  // namespace
}  // namespace tidemill
