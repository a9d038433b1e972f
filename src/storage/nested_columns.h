#pragma once

/// Columns of lists and maps: the results of collect_list, top_k, histogram and the like.
///
/// A list is a run of values, a map a run of pairs. In memory both are offsets into child columns;
/// in Parquet files the children are columns of their own, whose *levels* tell where runs begin and
/// which are empty or NULL. One level of nesting is all that aggregates make, and all that is known
/// here.

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/type.h>

namespace tidemill {

/// Whether the type is a list of values that are not nested, or a map from and to such.
bool IsListOrMap(const arrow::DataType& type);

/// The types of the children: the element, or key and value.
std::vector<std::shared_ptr<arrow::Field>> ElementFields(const arrow::DataType& type);

/// The list or map type with other children.
std::shared_ptr<arrow::DataType> WithElements(
    const arrow::DataType& type, std::vector<std::shared_ptr<arrow::DataType>> elements);

/// How many elements each row has; 0 for NULL.
std::vector<int32_t> LengthsOf(const arrow::Array& column);

/// The children of all rows, end to end: one array per ElementFields. What hides behind NULL rows
/// is left out.
arrow::Result<arrow::ArrayVector> ElementsOf(const arrow::Array& column);

/// `column` with children of another list or map type, each as `convert(child, type)` makes it.
template <typename Convert>
arrow::Result<std::shared_ptr<arrow::Array>> WithConvertedElements(
    const std::shared_ptr<arrow::Array>& column, const std::shared_ptr<arrow::DataType>& type,
    const Convert& convert) {
  const auto fields = ElementFields(*type);
  const auto data = column->data()->Copy();
  data->type = type;
  if (type->id() == arrow::Type::MAP) {
    auto pairs = data->child_data[0]->Copy();
    pairs->type = static_cast<const arrow::MapType&>(*type).value_type();
    for (size_t i = 0; i < fields.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(auto child,
                            convert(arrow::MakeArray(pairs->child_data[i]), fields[i]->type()));
      pairs->child_data[i] = child->data();
    }
    data->child_data[0] = std::move(pairs);
  } else {
    ARROW_ASSIGN_OR_RAISE(auto child,
                          convert(arrow::MakeArray(data->child_data[0]), fields[0]->type()));
    data->child_data[0] = child->data();
  }
  return arrow::MakeArray(data);
}

/// Definition and repetition levels of the columns that Parquet keeps a list or map in.
struct NestedLevels {
  std::vector<int16_t> definition;
  std::vector<int16_t> repetition;
};

/// The levels of child `child`, whose elements of all rows are `elements`.
NestedLevels LevelsOf(const arrow::Array& column, size_t child, const arrow::Array& elements);

/// Appends a value to a text such that equal values append the same bytes, and lists of values
/// differ where their values do.
void AppendValueBytes(const arrow::Array& column, int64_t row, std::string* text);

}  // namespace tidemill
