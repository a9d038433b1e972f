#include "storage/multiset_hash.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include <arrow/util/checked_cast.h>
#include <fmt/format.h>

#include "storage/column_types.h"
#include "storage/nested_columns.h"
#include "storage/parquet_sink.h"

namespace tidemill {
namespace {

using arrow::internal::checked_cast;

/// Rows whose hashes stay in the first-level cache.
constexpr int64_t kBlockRows = 1024;

/// Adds, as two words: what matters is that it is a sum, and words are quicker.
void Add(Hash128* sum, uint64_t low, uint64_t high) {
  sum->low += low;
  sum->high += high;
}

void AddNull(const Hash128& seed, Hash128* sum) {
  Add(sum, HashInteger(~seed.low), HashInteger(~seed.high));
}

void AddWord(const Hash128& seed, uint64_t value, Hash128* sum) {
  Add(sum, HashInteger(value ^ seed.low), HashInteger(value + seed.high));
}

void AddBytes(const Hash128& seed, std::string_view bytes, Hash128* sum) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed.low);
  Add(sum, hash.low64, HashInteger(hash.high64 ^ seed.high));
}

template <typename T>
void AddWords(const arrow::Array& values, const Hash128& seed, std::span<Hash128> sums) {
  const T* words = values.data()->GetValues<T>(1);
  const bool has_nulls = values.null_count() > 0;
  for (size_t i = 0; i < sums.size(); ++i) {
    if (has_nulls && values.IsNull(static_cast<int64_t>(i))) {
      AddNull(seed, &sums[i]);
    } else {
      AddWord(seed, static_cast<uint64_t>(words[i]), &sums[i]);
    }
  }
}

template <typename ValueAt>
void AddEach(const arrow::Array& values, const Hash128& seed, std::span<Hash128> sums,
             const ValueAt& value_at) {
  for (size_t i = 0; i < sums.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    if (values.IsNull(row)) {
      AddNull(seed, &sums[i]);
    } else {
      AddBytes(seed, value_at(row), &sums[i]);
    }
  }
}

arrow::Status AddColumn(const arrow::Array& values, const Hash128& seed, std::span<Hash128> sums) {
  const arrow::DataType& type = *values.type();
  if (arrow::is_binary_like(type.id())) {
    const auto& texts = checked_cast<const arrow::BinaryArray&>(values);
    AddEach(values, seed, sums, [&](int64_t row) { return texts.GetView(row); });
    return arrow::Status::OK();
  }
  if (type.id() == arrow::Type::BOOL) {
    const auto& flags = checked_cast<const arrow::BooleanArray&>(values);
    for (size_t i = 0; i < sums.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      if (values.IsNull(row)) {
        AddNull(seed, &sums[i]);
      } else {
        AddWord(seed, flags.Value(row) ? 1 : 0, &sums[i]);
      }
    }
    return arrow::Status::OK();
  }
  if (IsListOrMap(type)) {
    std::string bytes;
    AddEach(values, seed, sums, [&](int64_t row) -> std::string_view {
      bytes.clear();
      AppendValueBytes(values, row, &bytes);
      return bytes;
    });
    return arrow::Status::OK();
  }
  if (type.id() == arrow::Type::FIXED_SIZE_BINARY || type.id() == arrow::Type::DECIMAL128) {
    const auto& texts = checked_cast<const arrow::FixedSizeBinaryArray&>(values);
    AddEach(values, seed, sums, [&](int64_t row) { return texts.GetView(row); });
    return arrow::Status::OK();
  }
  switch (type.bit_width()) {
    case 8:
      AddWords<uint8_t>(values, seed, sums);
      return arrow::Status::OK();
    case 16:
      AddWords<uint16_t>(values, seed, sums);
      return arrow::Status::OK();
    case 32:
      AddWords<uint32_t>(values, seed, sums);
      return arrow::Status::OK();
    case 64:
      AddWords<uint64_t>(values, seed, sums);
      return arrow::Status::OK();
    default:
      return arrow::Status::NotImplemented("hash of ", type.ToString());
  }
}

/// Makes of the sum over a row's values the row's hash: not linear, so that sums over rows see
/// which values stand together.
uint128_t Scramble(const Hash128& sum) {
  const uint64_t low = CombineHashes(sum.low, sum.high);
  const uint64_t high = CombineHashes(sum.high, low);
  return static_cast<uint128_t>(high) << 64 | low;
}

}  // namespace

arrow::Result<MultisetHasher> MultisetHasher::Make(const arrow::Schema& schema) {
  MultisetHasher hasher;
  std::vector<std::string> texts;
  for (const std::shared_ptr<arrow::Field>& field : schema.fields()) {
    ARROW_ASSIGN_OR_RAISE(auto type, StoredType(*field));
    // The length of the name keeps any two pairs of name and type apart.
    texts.push_back(fmt::format("{}:{} {}", field->name().size(), field->name(), type->ToString()));
    hasher.columns_.push_back({std::move(type), HashBytes128(texts.back())});
  }
  std::ranges::sort(texts);
  hasher.schema_ = HashBytes128(fmt::format("{}", fmt::join(texts, "\n")));
  return hasher;
}

arrow::Status MultisetHasher::Update(const arrow::RecordBatch& batch) {
  if (batch.num_columns() != static_cast<int>(columns_.size())) {
    return arrow::Status::Invalid("a batch has ", batch.num_columns(), " columns in place of ",
                                  columns_.size());
  }
  arrow::ArrayVector columns;
  for (size_t c = 0; c < columns_.size(); ++c) {
    ARROW_ASSIGN_OR_RAISE(auto column, ConvertColumn(batch.column(static_cast<int>(c)),
                                                     columns_[c].type, /*as_dictionary=*/false));
    columns.push_back(std::move(column));
  }
  std::vector<Hash128> block(kBlockRows);
  for (int64_t begin = 0; begin < batch.num_rows(); begin += kBlockRows) {
    const int64_t n = std::min(kBlockRows, batch.num_rows() - begin);
    const std::span<Hash128> sums(block.data(), static_cast<size_t>(n));
    std::ranges::fill(sums, Hash128());
    for (size_t c = 0; c < columns_.size(); ++c) {
      ARROW_RETURN_NOT_OK(AddColumn(*columns[c]->Slice(begin, n), columns_[c].seed, sums));
    }
    for (const Hash128& sum : sums) sum_ += Scramble(sum);
  }
  num_rows_ += batch.num_rows();
  return arrow::Status::OK();
}

void MultisetHasher::Merge(const MultisetHasher& other) {
  sum_ += other.sum_;
  num_rows_ += other.num_rows_;
}

std::string MultisetHasher::Finish() const {
  return HashHex(fmt::format("{} rows of {:016x}{:016x}: {:016x}{:016x}", num_rows_, schema_.high,
                             schema_.low, static_cast<uint64_t>(sum_ >> 64),
                             static_cast<uint64_t>(sum_)));
}

}  // namespace tidemill
