// How an expression is evaluated.
//
// Call by call, arguments first, each distinct subexpression once. Three things make that fast and
// right:
//
// - Constants stay scalars, so a call of constants (a partition value, the feature date) costs one
// row.
// - Dictionaries stay dictionaries. A column of codes is first put in a form without NULL codes: a
// NULL value is
//   appended to its dictionary and NULL rows point there. From then on "the function of the rows"
//   is "the function of the dictionary's values, same codes", whatever the function does with NULL,
//   and results of one column share their codes, so calls of such results stay on the dictionary
//   too. Where two columns meet, both become plain.
// - What fails is tried again with care. An error on a dictionary's value may be one that no row
// has: the call is
//   repeated on the rows. An error in a branch of CASE, COALESCE, AND or OR may be on rows that the
//   branch is not for: the branches are repeated on the rows that reach them (evaluate_branches.h).
//   Nothing is paid where nothing fails.

#include "sql/evaluate.h"

#include <cstring>

#include <arrow/array/array_dict.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/compute/api_vector.h>
#include <arrow/util/bitmap_ops.h>

#include "sql/code_masks.h"
#include "sql/evaluate_branches.h"
#include "sql/expand_bits.h"
#include "sql/function_registry.h"
#include "sql/kernel.h"

namespace tidemill {

namespace {

bool IsDictionary(const Datum& datum) {
  return datum.is_array() && datum.type()->id() == arrow::Type::DICTIONARY;
}

/// Whether two dictionary arrays have the very same codes, not only equal ones.
bool ShareCodes(const arrow::ArrayData& a, const arrow::ArrayData& b) {
  const auto& a_type = static_cast<const arrow::DictionaryType&>(*a.type);
  const auto& b_type = static_cast<const arrow::DictionaryType&>(*b.type);
  return a.buffers[1] == b.buffers[1] && a.buffers[0] == b.buffers[0] && a.offset == b.offset &&
         a.length == b.length && a.dictionary->length == b.dictionary->length &&
         a_type.index_type()->Equals(*b_type.index_type());
}

Datum WithDictionary(const arrow::ArrayData& codes, std::shared_ptr<arrow::ArrayData> values) {
  const auto& type = static_cast<const arrow::DictionaryType&>(*codes.type);
  auto data = codes.Copy();
  data->type = arrow::dictionary(type.index_type(), values->type);
  data->dictionary = std::move(values);
  return Datum(std::move(data));
}

/// Calls `visitor.operator()<C>()` with the C type of a dictionary's codes.
template <typename Visitor>
void VisitCodeType(const arrow::DataType& dictionary_type, Visitor&& visitor) {
  const auto& type = static_cast<const arrow::DictionaryType&>(dictionary_type);
  switch (type.index_type()->id()) {
    case arrow::Type::INT8:
      return visitor.template operator()<int8_t>();
    case arrow::Type::INT16:
      return visitor.template operator()<int16_t>();
    case arrow::Type::INT32:
      return visitor.template operator()<int32_t>();
    case arrow::Type::INT64:
      return visitor.template operator()<int64_t>();
    case arrow::Type::UINT8:
      return visitor.template operator()<uint8_t>();
    case arrow::Type::UINT16:
      return visitor.template operator()<uint16_t>();
    case arrow::Type::UINT32:
      return visitor.template operator()<uint32_t>();
    default:
      return visitor.template operator()<uint64_t>();
  }
}

// ---- masks ----

arrow::Result<int64_t> MaskOfBooleans(const arrow::ArrayData& data, uint8_t* mask) {
  if (data.length == 0) return 0;
  std::shared_ptr<arrow::Buffer> owner;
  const uint8_t* bits = data.buffers[1]->data();
  int64_t offset = data.offset;
  if (data.GetNullCount() > 0) {
    ARROW_ASSIGN_OR_RAISE(
        owner, arrow::internal::BitmapAnd(arrow::default_memory_pool(), bits, offset,
                                          data.buffers[0]->data(), offset, data.length, 0));
    bits = owner->data();
    offset = 0;
  }
  ExpandBits(bits, offset, data.length, mask);
  return arrow::internal::CountSetBits(bits, offset, data.length);
}

/// A dictionary of booleans as bitmaps: the dictionary becomes two bytes per value, which are
/// gathered by code.
arrow::Result<std::shared_ptr<arrow::Array>> GatherBooleans(const arrow::ArrayData& data) {
  const arrow::ArrayData& values = *data.dictionary;
  std::vector<uint8_t> truth(static_cast<size_t>(values.length));
  ARROW_RETURN_NOT_OK(MaskOfBooleans(values, truth.data()));
  std::vector<uint8_t> known(truth.size());
  for (size_t i = 0; i < known.size(); ++i) known[i] = values.IsValid(static_cast<int64_t>(i));
  const bool nulls = data.GetNullCount() > 0;
  std::shared_ptr<arrow::Buffer> bits, validity;
  arrow::Status status;
  VisitCodeType(*data.type, [&]<typename C>() {
    const C* codes = data.GetValues<C>(1);
    const auto gather = [&](const std::vector<uint8_t>& bytes) {
      return GenerateBits(data.length, [&](int64_t row) {
        return (!nulls || data.IsValid(row)) && bytes[static_cast<size_t>(codes[row])] != 0;
      });
    };
    status = gather(truth).Value(&bits);
    if (status.ok() && (nulls || values.GetNullCount() > 0)) {
      status = gather(known).Value(&validity);
    }
  });
  ARROW_RETURN_NOT_OK(status);
  return MakeArrayDatum(arrow::boolean(), data.length, validity, bits).make_array();
}

arrow::Result<int64_t> MaskOfDictionary(const arrow::ArrayData& data, uint8_t* mask) {
  std::vector<uint8_t> truth(static_cast<size_t>(data.dictionary->length));
  ARROW_RETURN_NOT_OK(MaskOfBooleans(*data.dictionary, truth.data()));
  int64_t count = 0;
  const bool nulls = data.buffers[0] != nullptr && data.GetNullCount() > 0;
  VisitCodeType(*data.type, [&]<typename C>() {
    const C* codes = data.GetValues<C>(1);
    if (!nulls) {
      MaskOfCodes(truth, codes, data.length, mask);
    } else {
      for (int64_t row = 0; row < data.length; ++row) {
        mask[row] = data.IsValid(row) ? truth[static_cast<size_t>(codes[row])] : uint8_t{0};
      }
    }
    for (int64_t row = 0; row < data.length; ++row) count += mask[row];
  });
  return count;
}

/// One byte per row, 1 where the condition is TRUE; returns their number.
arrow::Result<int64_t> MaskOf(const Datum& condition, uint8_t* mask, int64_t num_rows) {
  if (condition.is_scalar()) {
    const bool holds = condition.scalar()->is_valid && ScalarValue<bool>(*condition.scalar());
    std::fill_n(mask, num_rows, holds ? uint8_t{1} : uint8_t{0});
    return holds ? num_rows : 0;
  }
  return IsDictionary(condition) ? MaskOfDictionary(*condition.array(), mask)
                                 : MaskOfBooleans(*condition.array(), mask);
}

// ---- calls ----

/// The call on the values of the dictionary that all array arguments share the codes of; nothing if
/// there is none, or if it is not shorter than the rows.
arrow::Result<std::optional<Datum>> CallOnDictionary(const Expression& call,
                                                     const Arguments& arguments, int64_t num_rows) {
  const arrow::ArrayData* codes = nullptr;
  for (const Datum& argument : arguments) {
    if (!argument.is_array()) continue;
    if (!IsDictionary(argument)) return std::nullopt;
    if (codes == nullptr) codes = argument.array().get();
    if (!ShareCodes(*codes, *argument.array())) return std::nullopt;
  }
  if (codes == nullptr || codes->dictionary->length >= num_rows) return std::nullopt;
  const int64_t num_values = codes->dictionary->length;
  Arguments values;
  for (const Datum& argument : arguments) {
    values.push_back(argument.is_array() ? Datum(argument.array()->dictionary) : argument);
  }
  ARROW_ASSIGN_OR_RAISE(Datum result,
                        call.function->evaluate(values, {.call = &call, .num_rows = num_values}));
  if (result.is_scalar()) return result;
  return WithDictionary(*codes, result.array());
}

/// CASE between text constants: its rows are codes of the constants. Nothing for any other call.
arrow::Result<std::optional<Datum>> CaseOfTexts(const Expression& call, const Arguments& arguments,
                                                int64_t num_rows) {
  if (call.function->name != "case" || call.type->id() != arrow::Type::STRING) return std::nullopt;
  const size_t num_conditions = arguments.size() / 2;
  arrow::StringBuilder builder;
  const auto append = [&builder](const Datum& value) {
    return builder.AppendScalar(*value.scalar());
  };
  for (size_t i = 0; i < num_conditions; ++i) {
    if (arguments[2 * i + 1].is_array()) return std::nullopt;
    ARROW_RETURN_NOT_OK(append(arguments[2 * i + 1]));
  }
  const bool has_else = arguments.size() % 2 == 1;
  if (has_else && arguments.back().is_array()) return std::nullopt;
  ARROW_RETURN_NOT_OK(has_else ? append(arguments.back()) : builder.AppendNull());
  if (static_cast<int64_t>(num_conditions) >= num_rows) return std::nullopt;

  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(num_rows * sizeof(int32_t)));
  auto* codes = reinterpret_cast<int32_t*>(buffer->mutable_data());
  std::fill_n(codes, num_rows, static_cast<int32_t>(num_conditions));
  std::vector<uint8_t> mask(static_cast<size_t>(num_rows));
  for (size_t i = num_conditions; i-- > 0;) {  // the first condition that holds is written last
    ARROW_RETURN_NOT_OK(MaskOf(arguments[2 * i], mask.data(), num_rows));
    for (int64_t row = 0; row < num_rows; ++row) {
      codes[row] = mask[static_cast<size_t>(row)] != 0 ? static_cast<int32_t>(i) : codes[row];
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto values, builder.Finish());
  auto result = arrow::ArrayData::Make(arrow::dictionary(arrow::int32(), arrow::utf8()), num_rows,
                                       {nullptr, std::move(buffer)}, 0);
  result->dictionary = values->data();
  return Datum(std::move(result));
}

arrow::Status CheckColumn(const Expression& expression, const Datum& column) {
  if (column.kind() == Datum::NONE) {
    return arrow::Status::Invalid("the frame has no column '", expression.name, "'");
  }
  const arrow::DataType& type =
      IsDictionary(column) ? *column.array()->dictionary->type : *column.type();
  if (type.Equals(*expression.type)) return arrow::Status::OK();
  return arrow::Status::TypeError("column '", expression.name, "' is of type ", type.ToString(),
                                  ", not ", expression.type->ToString());
}

}  // namespace

arrow::Result<Datum> Evaluator::Evaluate(const ExpressionPtr& expression) {
  switch (expression->kind) {
    case Expression::Kind::kLiteral:
      return Datum(expression->value);
    case Expression::Kind::kFeatureDate:
      return Datum(std::static_pointer_cast<arrow::Scalar>(
          std::make_shared<arrow::Date32Scalar>(frame_->feature_date)));
    case Expression::Kind::kRunTimestamp:
      return Datum(std::static_pointer_cast<arrow::Scalar>(
          std::make_shared<arrow::TimestampScalar>(frame_->run_timestamp, expression->type)));
    case Expression::Kind::kColumn:
    case Expression::Kind::kAggregate: {
      const auto& values =
          expression->kind == Expression::Kind::kColumn ? frame_->columns : frame_->aggregates;
      const auto index = static_cast<size_t>(expression->column);
      const Datum& column = index < values.size() ? values[index] : Datum();
      ARROW_RETURN_NOT_OK(CheckColumn(*expression, column));
      return column;
    }
    case Expression::Kind::kCall:
      break;
  }
  const auto known = memo_.find(expression->key);
  if (known != memo_.end()) return known->second;
  arrow::Result<Datum> result = EvaluateCall(*expression);
  if (!result.ok() && HasBranches(*expression)) result = EvaluateBranches(*frame_, *expression);
  ARROW_RETURN_NOT_OK(result);
  if (!expression->key.empty()) memo_.emplace(expression->key, *result);
  return result;
}

arrow::Result<Datum> Evaluator::EvaluateCall(const Expression& call) {
  Arguments arguments;
  for (const ExpressionPtr& argument : call.arguments) {
    ARROW_ASSIGN_OR_RAISE(Datum value, Evaluate(argument));
    ARROW_ASSIGN_OR_RAISE(value, WithoutNullCodes(value));
    arguments.push_back(std::move(value));
  }
  const auto on_dictionary = CallOnDictionary(call, arguments, frame_->num_rows);
  if (on_dictionary.ok() && on_dictionary->has_value()) return **on_dictionary;
  ARROW_ASSIGN_OR_RAISE(const auto texts, CaseOfTexts(call, arguments, frame_->num_rows));
  if (texts.has_value()) return *texts;
  for (Datum& argument : arguments) {
    if (!IsDictionary(argument)) continue;
    ARROW_ASSIGN_OR_RAISE(argument, Materialize(argument, frame_->num_rows));
  }
  return call.function->evaluate(arguments, {.call = &call, .num_rows = frame_->num_rows});
}

arrow::Result<Datum> Evaluator::WithoutNullCodes(const Datum& column) {
  if (!IsDictionary(column)) return column;
  const std::shared_ptr<arrow::ArrayData>& data = column.array();
  if (data->GetNullCount() == 0 || data->buffers[0] == nullptr) return column;
  const auto known = without_null_codes_.find(data.get());
  if (known != without_null_codes_.end()) return known->second;

  ARROW_ASSIGN_OR_RAISE(const auto null, arrow::MakeArrayOfNull(data->dictionary->type, 1));
  ARROW_ASSIGN_OR_RAISE(const auto values,
                        arrow::Concatenate({arrow::MakeArray(data->dictionary), null}));
  const auto null_code = static_cast<int32_t>(data->dictionary->length);
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(data->length * sizeof(int32_t)));
  auto* out = reinterpret_cast<int32_t*>(buffer->mutable_data());
  const uint8_t* valid = data->buffers[0]->data();
  VisitCodeType(*data->type, [&]<typename C>() {
    const C* codes = data->GetValues<C>(1);
    for (int64_t row = 0; row < data->length; ++row) {
      const bool is_valid = arrow::bit_util::GetBit(valid, data->offset + row);
      out[row] = is_valid ? static_cast<int32_t>(codes[row]) : null_code;
    }
  });
  auto result = arrow::ArrayData::Make(arrow::dictionary(arrow::int32(), values->type()),
                                       data->length, {nullptr, std::move(buffer)}, 0);
  result->dictionary = values->data();
  return without_null_codes_[data.get()] = Datum(std::move(result));
}

arrow::Result<std::shared_ptr<arrow::Array>> Evaluator::EvaluateToArray(
    const ExpressionPtr& expression) {
  ARROW_ASSIGN_OR_RAISE(const Datum datum, Evaluate(expression));
  return Materialize(datum, frame_->num_rows);
}

arrow::Result<int64_t> Evaluator::EvaluateToMask(const ExpressionPtr& condition,
                                                 std::vector<uint8_t>* mask) {
  ARROW_ASSIGN_OR_RAISE(const Datum datum, Evaluate(condition));
  mask->resize(static_cast<size_t>(frame_->num_rows));
  return MaskOf(datum, mask->data(), frame_->num_rows);
}

arrow::Result<std::shared_ptr<arrow::Array>> Materialize(const Datum& datum, int64_t num_rows) {
  if (datum.is_scalar()) return arrow::MakeArrayFromScalar(*datum.scalar(), num_rows);
  if (!IsDictionary(datum)) return datum.make_array();
  if (datum.array()->dictionary->type->id() == arrow::Type::BOOL) {
    return GatherBooleans(*datum.array());
  }
  const std::shared_ptr<arrow::Array> array = datum.make_array();
  const auto& codes = static_cast<const arrow::DictionaryArray&>(*array);
  const auto options = arrow::compute::TakeOptions::NoBoundsCheck();
  ARROW_ASSIGN_OR_RAISE(const Datum plain,
                        CallArrow("array_take", {codes.dictionary(), codes.indices()}, &options));
  return plain.make_array();
}

}  // namespace tidemill
