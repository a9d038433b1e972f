#include "engine/row_joiner.h"

#include <algorithm>
#include <utility>

#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/util/bit_util.h>

#include "engine/join_keys.h"

namespace tidemill {
namespace {

constexpr int32_t kNone = -1;
constexpr int32_t kUnknown = -2;

/// Finds rows of keys in one index: those that rows of the frame have by code are found once.
class Finder {
 public:
  explicit Finder(const JoinKeys& keys) : keys_(keys) {}

  /// All rows.
  void FindAll(const KeyIndex& index, int64_t num_rows, int32_t* matches) {
    if (keys_.codes == nullptr) {
      Find(index, 0, num_rows, matches);
    } else {
      std::vector<int32_t> of_code(static_cast<size_t>(keys_.num_keys));
      Find(index, 0, keys_.num_keys, of_code.data());
      for (int64_t i = 0; i < num_rows; ++i) matches[i] = of_code[keys_.codes[i]];
    }
    if (keys_.valid == nullptr) return;
    for (int64_t i = 0; i < num_rows; ++i) {
      if (!keys_.valid[i]) matches[i] = kNone;
    }
  }

  /// The rows whose state is `state`.
  void FindSome(const KeyIndex& index, const std::vector<int32_t>& states, int32_t state,
                int32_t* matches) {
    std::vector<int32_t> of_code(keys_.codes == nullptr ? 0 : static_cast<size_t>(keys_.num_keys),
                                 kUnknown);
    for (size_t i = 0; i < states.size(); ++i) {
      if (states[i] != state || (keys_.valid != nullptr && !keys_.valid[i])) continue;
      if (keys_.codes == nullptr) {
        Find(index, static_cast<int64_t>(i), 1, &matches[i]);
        continue;
      }
      int32_t& found = of_code[static_cast<size_t>(keys_.codes[i])];
      if (found == kUnknown) Find(index, keys_.codes[i], 1, &found);
      matches[i] = found;
    }
  }

 private:
  void Find(const KeyIndex& index, int64_t begin, int64_t n, int32_t* rows) const {
    if (keys_.integers != nullptr) {
      index.Find(keys_.integers + begin, n, rows);
    } else {
      index.Find(keys_.identities + begin, n, rows);
    }
  }

  const JoinKeys& keys_;
};

/// Rows of a dimension as indices for Take: NULL where there is none.
arrow::Result<std::shared_ptr<arrow::Array>> AsIndices(
    const std::shared_ptr<arrow::Buffer>& matches, int64_t n) {
  auto* rows = reinterpret_cast<int32_t*>(matches->mutable_data());
  int64_t missing = 0;
  for (int64_t i = 0; i < n; ++i) missing += rows[i] < 0;
  std::shared_ptr<arrow::Buffer> validity;
  if (missing > 0) {
    ARROW_ASSIGN_OR_RAISE(validity, arrow::AllocateBitmap(n));
    uint8_t* bits = validity->mutable_data();
    std::fill(bits, bits + validity->size(), 0);
    for (int64_t i = 0; i < n; ++i) {
      if (rows[i] >= 0) {
        arrow::bit_util::SetBit(bits, i);
      } else {
        rows[i] = 0;
      }
    }
  }
  return std::make_shared<arrow::Int32Array>(n, matches, std::move(validity), missing);
}

template <typename From, typename To = From>
arrow::Result<std::shared_ptr<arrow::Array>> GatherAs(const arrow::Array& values,
                                                      const std::shared_ptr<arrow::DataType>& type,
                                                      const arrow::Int32Array& rows) {
  const int64_t n = rows.length();
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(n * static_cast<int64_t>(sizeof(To))));
  auto* target = reinterpret_cast<To*>(buffer->mutable_data());
  const From* source = values.data()->GetValues<From>(1);
  const int32_t* at = rows.raw_values();
  const auto size = static_cast<uint32_t>(values.length());
  for (int64_t i = 0; i < n; ++i) {
    const auto row = static_cast<uint32_t>(at[i]);
    target[i] = row < size ? static_cast<To>(source[row]) : To{};
  }
  return arrow::MakeArray(
      arrow::ArrayData::Make(type, n, {rows.null_bitmap(), buffer}, rows.null_count()));
}

/// The values at `rows`; NULL where a row is. Without NULLs in the dimension the result has those
/// of `rows`, so nothing is to be asked per row; what lies under a NULL does not matter.
arrow::Result<std::shared_ptr<arrow::Array>> Gather(const std::shared_ptr<arrow::Array>& values,
                                                    const arrow::Int32Array& rows) {
  if (values->null_count() == 0 && rows.offset() == 0 && arrow::is_primitive(values->type_id())) {
    switch (values->type()->bit_width()) {
      case 8:
        return GatherAs<uint8_t>(*values, values->type(), rows);
      case 16:
        return GatherAs<uint16_t>(*values, values->type(), rows);
      case 32:
        return GatherAs<uint32_t>(*values, values->type(), rows);
      case 64:
        return GatherAs<uint64_t>(*values, values->type(), rows);
      default:
        break;
    }
  }
  ARROW_ASSIGN_OR_RAISE(
      auto taken,
      arrow::compute::Take(*values, rows, arrow::compute::TakeOptions::NoBoundsCheck()));
  return taken;
}

/// The codes at `rows` as int32, which may be narrower in the dimension.
arrow::Result<std::shared_ptr<arrow::Array>> GatherCodes(const std::shared_ptr<arrow::Array>& codes,
                                                         const arrow::Int32Array& rows) {
  if (codes->null_count() == 0 && rows.offset() == 0) {
    if (codes->type_id() == arrow::Type::UINT8) {
      return GatherAs<uint8_t, int32_t>(*codes, arrow::int32(), rows);
    }
    if (codes->type_id() == arrow::Type::UINT16) {
      return GatherAs<uint16_t, int32_t>(*codes, arrow::int32(), rows);
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto gathered, Gather(codes, rows));
  return arrow::compute::Cast(*gathered, arrow::int32());
}

/// A dictionary much longer than the column would cost more than the column: it is cut down to the
/// values that are there.
arrow::Result<std::shared_ptr<arrow::Array>> Compact(const arrow::DictionaryArray& column) {
  constexpr int64_t kShort = 1024;
  const int64_t n = column.length();
  const int64_t values = column.dictionary()->length();
  if (values <= kShort || values <= n / 2) return arrow::MakeArray(column.data());
  const auto& indices = static_cast<const arrow::Int32Array&>(*column.indices());
  std::vector<int32_t> new_codes(static_cast<size_t>(values), kNone);
  std::vector<int32_t> used;
  ARROW_ASSIGN_OR_RAISE(auto buffer,
                        arrow::AllocateBuffer(n * static_cast<int64_t>(sizeof(int32_t))));
  auto* codes = reinterpret_cast<int32_t*>(buffer->mutable_data());
  for (int64_t i = 0; i < n; ++i) {
    if (indices.IsNull(i)) {
      codes[i] = 0;
      continue;
    }
    int32_t& code = new_codes[static_cast<size_t>(indices.Value(i))];
    if (code == kNone) {
      code = static_cast<int32_t>(used.size());
      used.push_back(indices.Value(i));
    }
    codes[i] = code;
  }
  const arrow::Int32Array taken(static_cast<int64_t>(used.size()), arrow::Buffer::Wrap(used));
  ARROW_ASSIGN_OR_RAISE(auto dictionary, arrow::compute::Take(*column.dictionary(), taken));
  std::shared_ptr<arrow::Buffer> validity = indices.null_bitmap();
  auto compact =
      std::make_shared<arrow::Int32Array>(n, std::shared_ptr<arrow::Buffer>(std::move(buffer)),
                                          std::move(validity), indices.null_count(), 0);
  return std::make_shared<arrow::DictionaryArray>(column.type(), std::move(compact),
                                                  std::move(dictionary));
}

}  // namespace

bool RowJoiner::NeedsDays(const BoundPipeline& pipeline) {
  return std::ranges::any_of(pipeline.spec.source.joins, &JoinSpec::is_dated);
}

arrow::Status RowJoiner::LookUp(size_t join, Frame* frame) const {
  arrow::Datum& matches = frame->columns[MatchColumn(join)];
  if (matches.kind() != arrow::Datum::NONE) return arrow::Status::OK();
  const BoundJoin& bound = pipeline_.joins[join];
  std::vector<bool> needed(static_cast<size_t>(pipeline_.rows->num_fields()), false);
  for (int key : bound.keys) needed[static_cast<size_t>(key)] = true;
  ARROW_RETURN_NOT_OK(Add(needed, frame));
  std::vector<arrow::Datum> columns;
  for (int key : bound.keys) columns.push_back(frame->columns[static_cast<size_t>(key)]);
  const int64_t n = frame->num_rows;
  ARROW_ASSIGN_OR_RAISE(const JoinKeys keys, ReadJoinKeys(columns, bound.key_types, n));
  ARROW_ASSIGN_OR_RAISE(auto buffer,
                        arrow::AllocateBuffer(n * static_cast<int64_t>(sizeof(int32_t))));
  auto* rows = reinterpret_cast<int32_t*>(buffer->mutable_data());
  const DimensionTable& table = *tables_[join];
  Finder finder(keys);
  if (!table.dimension->is_dated) {
    finder.FindAll(table.indexes[0], n, rows);
  } else if (const arrow::Datum& day = frame->columns[DayColumn(pipeline_)]; day.is_scalar()) {
    const auto& date = static_cast<const arrow::Date32Scalar&>(*day.scalar());
    const int state = table.dimension->StateOn(date.value);
    if (state < 0) {
      std::fill(rows, rows + n, kNone);
    } else {
      finder.FindAll(table.indexes[static_cast<size_t>(state)], n, rows);
    }
  } else {
    const auto dates = std::static_pointer_cast<arrow::Date32Array>(day.make_array());
    std::vector<int32_t> states(static_cast<size_t>(n));
    std::vector<bool> is_there(table.indexes.size(), false);
    for (int64_t i = 0; i < n; ++i) {
      const int state = table.dimension->StateOn(dates->Value(i));
      states[static_cast<size_t>(i)] = state;
      if (state >= 0) is_there[static_cast<size_t>(state)] = true;
    }
    std::fill(rows, rows + n, kNone);
    for (size_t state = 0; state < is_there.size(); ++state) {
      if (!is_there[state]) continue;
      finder.FindSome(table.indexes[state], states, static_cast<int32_t>(state), rows);
    }
  }
  ARROW_ASSIGN_OR_RAISE(matches, AsIndices(std::move(buffer), n));
  return arrow::Status::OK();
}

arrow::Status RowJoiner::AddColumn(size_t join, size_t column, Frame* frame) const {
  const auto matches =
      std::static_pointer_cast<arrow::Int32Array>(frame->columns[MatchColumn(join)].make_array());
  const auto& values = tables_[join]->columns[column];
  auto& target = frame->columns[static_cast<size_t>(pipeline_.joins[join].first_column) + column];
  if (values->length() == 0) {
    ARROW_ASSIGN_OR_RAISE(target, arrow::MakeArrayOfNull(values->type(), frame->num_rows));
    return arrow::Status::OK();
  }
  if (values->type_id() != arrow::Type::DICTIONARY) {
    ARROW_ASSIGN_OR_RAISE(target, Gather(values, *matches));
    return arrow::Status::OK();
  }
  const auto& coded = static_cast<const arrow::DictionaryArray&>(*values);
  ARROW_ASSIGN_OR_RAISE(auto codes, GatherCodes(coded.indices(), *matches));
  const arrow::DictionaryArray gathered(
      arrow::dictionary(arrow::int32(), coded.dictionary()->type()), codes, coded.dictionary());
  ARROW_ASSIGN_OR_RAISE(target, Compact(gathered));
  return arrow::Status::OK();
}

arrow::Status RowJoiner::Add(const std::vector<bool>& needed, Frame* frame) const {
  for (size_t j = 0; j < pipeline_.joins.size(); ++j) {
    const BoundJoin& join = pipeline_.joins[j];
    for (size_t c = 0; c < join.columns.size(); ++c) {
      const size_t column = static_cast<size_t>(join.first_column) + c;
      if (!needed[column] || frame->columns[column].kind() != arrow::Datum::NONE) continue;
      ARROW_RETURN_NOT_OK(LookUp(j, frame));
      ARROW_RETURN_NOT_OK(AddColumn(j, c, frame));
    }
  }
  return arrow::Status::OK();
}

int64_t RowJoiner::CountMatched(size_t join, const Frame& frame) const {
  const auto matches = frame.columns[MatchColumn(join)].make_array();
  return matches->length() - matches->null_count();
}

int64_t RowJoiner::Matched(size_t join, const Frame& frame, std::vector<uint8_t>* mask) const {
  const auto matches = frame.columns[MatchColumn(join)].make_array();
  mask->resize(static_cast<size_t>(matches->length()));
  for (int64_t i = 0; i < matches->length(); ++i) {
    (*mask)[static_cast<size_t>(i)] = matches->IsValid(i) ? 1 : 0;
  }
  return matches->length() - matches->null_count();
}

}  // namespace tidemill
