#include "engine/argument_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <arrow/array.h>
#include <arrow/compute/api_vector.h>

#include "aggregate/registry.h"
#include "engine/frame_filter.h"
#include "sql/expand_bits.h"

namespace tidemill {
namespace {

/// What empty text points to.
constexpr uint8_t kNoText = 0;

void ExpandValidity(const arrow::Array& array, std::vector<uint8_t>* valid) {
  valid->resize(static_cast<size_t>(array.length()));
  ExpandBits(array.null_bitmap_data(), array.offset(), array.length(), valid->data());
}

template <typename ArrayType>
void Widen(const arrow::Array& array, std::vector<int64_t>* out) {
  const auto* values = static_cast<const ArrayType&>(array).raw_values();
  out->resize(static_cast<size_t>(array.length()));
  for (size_t i = 0; i < out->size(); ++i) (*out)[i] = static_cast<int64_t>(values[i]);
}

/// Floats as doubles with one NaN and one zero, so that equal values have equal bits.
template <typename ArrayType>
void Canonicalize(const arrow::Array& array, std::vector<double>* out) {
  const auto* values = static_cast<const ArrayType&>(array).raw_values();
  out->resize(static_cast<size_t>(array.length()));
  for (size_t i = 0; i < out->size(); ++i) {
    const double value = static_cast<double>(values[i]) + 0.0;
    (*out)[i] = value == value ? value : std::numeric_limits<double>::quiet_NaN();
  }
}

template <typename ArrayType>
void View(const arrow::Array& array, std::vector<Bytes>* out) {
  const auto& texts = static_cast<const ArrayType&>(array);
  out->resize(static_cast<size_t>(array.length()));
  for (size_t i = 0; i < out->size(); ++i) {
    const auto view = texts.GetView(static_cast<int64_t>(i));
    const auto* data = reinterpret_cast<const uint8_t*>(view.data());
    (*out)[i] = {data != nullptr ? data : &kNoText, view.size()};
  }
}

arrow::Status ViewTexts(const arrow::Array& array, std::vector<Bytes>* out) {
  switch (array.type_id()) {
    case arrow::Type::STRING:
      View<arrow::StringArray>(array, out);
      return arrow::Status::OK();
    case arrow::Type::LARGE_STRING:
      View<arrow::LargeStringArray>(array, out);
      return arrow::Status::OK();
    case arrow::Type::BINARY:
      View<arrow::BinaryArray>(array, out);
      return arrow::Status::OK();
    case arrow::Type::LARGE_BINARY:
      View<arrow::LargeBinaryArray>(array, out);
      return arrow::Status::OK();
    default:
      return arrow::Status::Invalid("not text: ", array.type()->ToString());
  }
}

arrow::Status FillValues(const std::shared_ptr<arrow::Array>& array, PreparedColumn* column) {
  ARROW_ASSIGN_OR_RAISE(column->values.kind, ArgumentKindOf(*array->type()));
  column->source = array;
  switch (array->type_id()) {
    case arrow::Type::BOOL: {
      const auto& flags = static_cast<const arrow::BooleanArray&>(*array);
      column->int64s.resize(static_cast<size_t>(array->length()));
      for (size_t i = 0; i < column->int64s.size(); ++i) {
        column->int64s[i] = flags.Value(static_cast<int64_t>(i));
      }
      break;
    }
    case arrow::Type::INT8:
      Widen<arrow::Int8Array>(*array, &column->int64s);
      break;
    case arrow::Type::INT16:
      Widen<arrow::Int16Array>(*array, &column->int64s);
      break;
    case arrow::Type::INT32:
      Widen<arrow::Int32Array>(*array, &column->int64s);
      break;
    case arrow::Type::UINT8:
      Widen<arrow::UInt8Array>(*array, &column->int64s);
      break;
    case arrow::Type::UINT16:
      Widen<arrow::UInt16Array>(*array, &column->int64s);
      break;
    case arrow::Type::UINT32:
      Widen<arrow::UInt32Array>(*array, &column->int64s);
      break;
    case arrow::Type::DATE32:
      Widen<arrow::Date32Array>(*array, &column->int64s);
      break;
    case arrow::Type::TIME32:
      Widen<arrow::Time32Array>(*array, &column->int64s);
      break;
    case arrow::Type::INT64:
    case arrow::Type::UINT64:
    case arrow::Type::DATE64:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
      column->values.int64s = array->data()->GetValues<int64_t>(1);
      column->values.is_unsigned = array->type_id() == arrow::Type::UINT64;
      return arrow::Status::OK();
    case arrow::Type::FLOAT:
      Canonicalize<arrow::FloatArray>(*array, &column->doubles);
      break;
    case arrow::Type::DOUBLE:
      Canonicalize<arrow::DoubleArray>(*array, &column->doubles);
      break;
    case arrow::Type::DECIMAL128: {
      const auto& decimals = static_cast<const arrow::Decimal128Array&>(*array);
      column->int128s.resize(static_cast<size_t>(array->length()));
      if (!column->int128s.empty()) {
        std::memcpy(column->int128s.data(), decimals.raw_values(),
                    column->int128s.size() * sizeof(int128_t));
      }
      break;
    }
    default:
      ARROW_RETURN_NOT_OK(ViewTexts(*array, &column->bytes));
  }
  column->values.int64s = column->int64s.data();
  column->values.doubles = column->doubles.data();
  column->values.int128s = column->int128s.data();
  column->values.bytes = column->bytes.data();
  return arrow::Status::OK();
}

bool IsText(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
      return true;
    default:
      return false;
  }
}

std::string FilteredKey(const ExpressionPtr& expression, const ExpressionPtr& filter) {
  return filter == nullptr ? expression->key : expression->key + " filter " + filter->key;
}

}  // namespace

struct ArgumentReader::Coding {
  CodedColumn column;  ///< codes null: not a dictionary of text
  std::shared_ptr<arrow::Array> array;
  std::vector<Bytes> values;
  std::vector<Hash128> identities;
  std::vector<int32_t> codes;
  std::vector<uint8_t> valid;
};

arrow::Result<arrow::Datum> ArgumentReader::Values(const ExpressionPtr& expression,
                                                   const ExpressionPtr& filter) {
  auto whole = evaluator_->Evaluate(expression);
  if (whole.ok() || filter == nullptr) return whole;
  // The expression fails somewhere, perhaps only in rows that the filter excludes: evaluate the
  // others alone.
  std::vector<uint8_t> mask;
  ARROW_ASSIGN_OR_RAISE(const int64_t selected, evaluator_->EvaluateToMask(filter, &mask));
  ARROW_ASSIGN_OR_RAISE(Frame subset, FilterFrame(*frame_, mask, selected));
  ARROW_ASSIGN_OR_RAISE(auto values, Evaluator(&subset).EvaluateToArray(expression));
  return Scatter(*values, mask);
}

arrow::Result<const PreparedColumn*> ArgumentReader::Column(const ExpressionPtr& expression,
                                                            const ExpressionPtr& filter) {
  // Most expressions cannot fail, so the column is shared between filters unless evaluation needs
  // one.
  auto found = columns_.find(expression->key);
  if (found != columns_.end()) return found->second.get();
  const bool needs_filter = filter != nullptr && !evaluator_->Evaluate(expression).ok();
  const std::string key = needs_filter ? FilteredKey(expression, filter) : expression->key;
  found = columns_.find(key);
  if (found != columns_.end()) return found->second.get();

  ARROW_ASSIGN_OR_RAISE(arrow::Datum datum, Values(expression, filter));
  auto column = std::make_unique<PreparedColumn>();
  const bool is_text_dictionary =
      datum.is_array() && datum.type()->id() == arrow::Type::DICTIONARY &&
      IsText(*static_cast<const arrow::DictionaryType&>(*datum.type()).value_type());
  if (is_text_dictionary) {
    ARROW_ASSIGN_OR_RAISE(const CodedColumn* coded, Coded(expression, filter));
    column->values.kind = ArgumentKind::kBytes;
    column->bytes.resize(static_cast<size_t>(num_rows_));
    for (size_t i = 0; i < column->bytes.size(); ++i) {
      column->bytes[i] = coded->values[coded->codes[i]];
    }
    column->values.bytes = column->bytes.data();
    column->valid = coded->valid;
  } else {
    ARROW_ASSIGN_OR_RAISE(auto array, Materialize(datum, num_rows_));
    ARROW_RETURN_NOT_OK(FillValues(array, column.get()));
    if (array->null_count() > 0) {
      ExpandValidity(*array, &column->valid_bytes);
      column->valid = column->valid_bytes.data();
    }
  }
  return columns_.emplace(key, std::move(column)).first->second.get();
}

arrow::Result<const CodedColumn*> ArgumentReader::Coded(const ExpressionPtr& expression,
                                                        const ExpressionPtr& filter) {
  const std::string key = FilteredKey(expression, filter);
  auto found = codings_.find(key);
  if (found == codings_.end()) {
    auto coding = std::make_shared<Coding>();
    ARROW_ASSIGN_OR_RAISE(arrow::Datum datum, Values(expression, filter));
    if (datum.is_array() && datum.type()->id() == arrow::Type::DICTIONARY) {
      const auto array = std::static_pointer_cast<arrow::DictionaryArray>(datum.make_array());
      const auto& dictionary = array->dictionary();
      if (IsText(*dictionary->type()) && array->indices()->type_id() == arrow::Type::INT32) {
        coding->array = array;
        ARROW_RETURN_NOT_OK(ViewTexts(*dictionary, &coding->values));
        // NULL rows have code 0, so there is a value of that code even if all rows are NULL.
        if (coding->values.empty()) coding->values.push_back({&kNoText, 0});
        coding->identities.reserve(coding->values.size());
        for (const Bytes& value : coding->values) {
          coding->identities.push_back(HashBytes128(value.view()));
        }
        const auto& indices = static_cast<const arrow::Int32Array&>(*array->indices());
        coding->column.codes = indices.raw_values();
        if (indices.null_count() > 0 || dictionary->null_count() > 0) {
          // Codes under NULL are not defined: make them valid, and NULL values of the dictionary
          // NULL rows.
          const auto n = static_cast<size_t>(num_rows_);
          coding->codes.resize(n);
          coding->valid.resize(n);
          if (indices.null_count() > 0) {
            ExpandValidity(indices, &coding->valid);
          } else {
            std::fill(coding->valid.begin(), coding->valid.end(), 1);
          }
          const int32_t* codes = indices.raw_values();
          for (size_t i = 0; i < n; ++i) coding->codes[i] = coding->valid[i] ? codes[i] : 0;
          if (dictionary->null_count() > 0) {
            for (size_t i = 0; i < n; ++i) {
              coding->valid[i] &= static_cast<uint8_t>(dictionary->IsValid(coding->codes[i]));
            }
          }
          coding->column.codes = coding->codes.data();
          coding->column.valid = coding->valid.data();
        }
        coding->column.num_values = static_cast<int32_t>(coding->values.size());
        coding->column.values = coding->values.data();
        coding->column.identities = coding->identities.data();
      }
    }
    found = codings_.emplace(key, std::move(coding)).first;
  }
  return found->second->column.codes == nullptr ? nullptr : &found->second->column;
}

arrow::Result<const uint8_t*> ArgumentReader::Validity(const ExpressionPtr& expression,
                                                       const ExpressionPtr& filter) {
  ARROW_ASSIGN_OR_RAISE(const CodedColumn* coded, Coded(expression, filter));
  if (coded != nullptr) return coded->valid;
  ARROW_ASSIGN_OR_RAISE(const PreparedColumn* column, Column(expression, filter));
  return column->valid;
}

arrow::Result<const uint8_t*> ArgumentReader::Selection(
    const uint8_t* base, const ExpressionPtr& filter, const std::vector<ExpressionPtr>& arguments) {
  std::string key = (base == nullptr ? "all " : "some ") + (filter ? filter->key : std::string());
  for (const ExpressionPtr& argument : arguments) key += "\n" + argument->key;
  auto found = selections_.find(key);
  if (found != selections_.end()) return found->second.empty() ? base : found->second.data();

  const auto n = static_cast<size_t>(num_rows_);
  std::vector<const uint8_t*> parts;
  if (filter != nullptr) {
    auto& mask = masks_[filter->key];
    if (mask.empty()) ARROW_RETURN_NOT_OK(evaluator_->EvaluateToMask(filter, &mask).status());
    parts.push_back(mask.data());
  }
  for (const ExpressionPtr& argument : arguments) {
    ARROW_ASSIGN_OR_RAISE(const uint8_t* valid, Validity(argument, filter));
    if (valid != nullptr) parts.push_back(valid);
  }
  std::vector<uint8_t> selection;
  if (!parts.empty()) {
    if (base != nullptr) {
      selection.assign(base, base + n);
    } else {
      selection.assign(parts[0], parts[0] + n);
    }
    for (const uint8_t* part : parts) {
      for (size_t i = 0; i < n; ++i) selection[i] &= part[i];
    }
  }
  found = selections_.emplace(std::move(key), std::move(selection)).first;
  return found->second.empty() ? base : found->second.data();
}

}  // namespace tidemill
