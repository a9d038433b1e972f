#include "sql/compare.h"

#include <arrow/type.h>

namespace tidemill {

namespace {

template <typename T, typename Holds>
arrow::Result<std::shared_ptr<arrow::Buffer>> CompareWith(const Datum& a, const Datum& b,
                                                          int64_t num_rows, Holds holds) {
  return VisitValues<T>(a, [&](auto left) {
    return VisitValues<T>(b, [&](auto right) {
      return GenerateBits(num_rows, [&](int64_t row) { return holds(left(row), right(row)); });
    });
  });
}

void Invert(arrow::Buffer* bits) {
  uint8_t* bytes = bits->mutable_data();
  for (int64_t i = 0; i < bits->size(); ++i) bytes[i] = static_cast<uint8_t>(~bytes[i]);
}

}  // namespace

bool IsComparable(const arrow::DataType& type) {
  return VisitPhysicalType(type, []<typename T>() {});
}

// The order is total, so that every comparison is "equal" or "less", perhaps swapped, perhaps
// inverted.
arrow::Result<std::shared_ptr<arrow::Buffer>> CompareRows(Comparison comparison, const Datum& a,
                                                          const Datum& b, int64_t num_rows) {
  const bool equality = comparison == Comparison::kEqual || comparison == Comparison::kNotEqual;
  const bool swapped = comparison == Comparison::kGreater || comparison == Comparison::kLessEqual;
  const bool inverted = comparison == Comparison::kNotEqual ||
                        comparison == Comparison::kLessEqual ||
                        comparison == Comparison::kGreaterEqual;
  const Datum& left = swapped ? b : a;
  const Datum& right = swapped ? a : b;
  arrow::Result<std::shared_ptr<arrow::Buffer>> bits =
      arrow::Status::TypeError("values of type ", TypeName(*a.type()), " have no order");
  VisitPhysicalType(*a.type(), [&]<typename T>() {
    bits = equality ? CompareWith<T>(left, right, num_rows, EqualValues<T>)
                    : CompareWith<T>(left, right, num_rows, LessValue<T>);
  });
  if (bits.ok() && inverted) Invert(bits->get());
  return bits;
}

}  // namespace tidemill
