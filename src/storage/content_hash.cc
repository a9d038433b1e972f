#include "storage/content_hash.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_reader.h>
#include <arrow/util/checked_cast.h>
#include <fmt/format.h>
#include <xxhash.h>

#include "base/hash.h"
#include "storage/column_types.h"
#include "storage/nested_columns.h"

namespace tidemill {
namespace {

using arrow::internal::checked_cast;

/// Rows that are brought to canonical form at a time; they stay in the first-level cache.
constexpr int64_t kBlockRows = 1024;

/// XXH3-128 of a stream of bytes.
class Stream {
 public:
  Stream() { XXH3_128bits_reset(&state_); }

  void Append(const void* data, size_t size) { XXH3_128bits_update(&state_, data, size); }

  std::string Digest() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(&state_);
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  }

 private:
  XXH3_state_t state_;
};

}  // namespace

struct ContentHasher::Column {
  std::string name;
  std::string type;
  bool is_volatile = false;
  Stream validity;
  Stream values;
  Stream lengths;
  std::vector<std::unique_ptr<Column>> elements;  ///< of lists and maps

  explicit Column(const arrow::Field& field)
      : name(field.name()), type(PlainType(field.type())->ToString()) {
    if (!IsListOrMap(*field.type())) return;
    for (const auto& element : ElementFields(*field.type())) {
      elements.push_back(std::make_unique<Column>(*element));
    }
  }

  arrow::Status Append(const arrow::Array& array) {
    if (array.length() == 0) return arrow::Status::OK();
    AppendValidity(array);
    switch (array.type_id()) {
      case arrow::Type::BOOL:
        AppendBooleans(checked_cast<const arrow::BooleanArray&>(array));
        return arrow::Status::OK();
      case arrow::Type::STRING:
      case arrow::Type::BINARY:
        AppendStrings(checked_cast<const arrow::BinaryArray&>(array));
        return arrow::Status::OK();
      case arrow::Type::LIST:
      case arrow::Type::MAP:
        return AppendElements(array);
      default:
        if (!arrow::is_fixed_width(*array.type()) || array.type()->bit_width() % 8 != 0 ||
            array.type_id() == arrow::Type::DICTIONARY) {
          return arrow::Status::NotImplemented("content hash of ", array.type()->ToString());
        }
        AppendFixed(array, array.type()->bit_width() / 8);
        return arrow::Status::OK();
    }
  }

  arrow::Status AppendElements(const arrow::Array& array) {
    const std::vector<int32_t> sizes = LengthsOf(array);
    lengths.Append(sizes.data(), sizes.size() * sizeof(int32_t));
    ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector children, ElementsOf(array));
    if (children.size() != elements.size()) {
      return arrow::Status::NotImplemented("content hash of ", array.type()->ToString());
    }
    for (size_t i = 0; i < children.size(); ++i) {
      ARROW_RETURN_NOT_OK(elements[i]->Append(*children[i]));
    }
    return arrow::Status::OK();
  }

  std::string Digests() const {
    std::string text =
        fmt::format("{} {} {}", validity.Digest(), values.Digest(), lengths.Digest());
    for (const auto& element : elements) text += " (" + element->Digests() + ")";
    return text;
  }

  void AppendValidity(const arrow::Array& array) {
    uint8_t bytes[kBlockRows];
    std::memset(bytes, 1, sizeof(bytes));
    const bool has_nulls = array.null_count() > 0;
    for (int64_t begin = 0; begin < array.length(); begin += kBlockRows) {
      const int64_t n = std::min(kBlockRows, array.length() - begin);
      if (has_nulls) {
        for (int64_t i = 0; i < n; ++i) bytes[i] = array.IsValid(begin + i) ? 1 : 0;
      }
      validity.Append(bytes, static_cast<size_t>(n));
    }
  }

  void AppendFixed(const arrow::Array& array, int width) {
    const uint8_t* data = array.data()->buffers[1]->data() + array.offset() * width;
    if (array.null_count() == 0) {
      values.Append(data, static_cast<size_t>(array.length() * width));
      return;
    }
    const auto bytes_a_value = static_cast<size_t>(width);
    std::vector<uint8_t> block(kBlockRows * bytes_a_value);
    for (int64_t begin = 0; begin < array.length(); begin += kBlockRows) {
      const int64_t n = std::min(kBlockRows, array.length() - begin);
      const auto size = static_cast<size_t>(n) * bytes_a_value;
      std::memcpy(block.data(), data + begin * width, size);
      for (int64_t i = 0; i < n; ++i) {
        if (array.IsNull(begin + i)) {
          std::memset(block.data() + static_cast<size_t>(i) * bytes_a_value, 0, bytes_a_value);
        }
      }
      values.Append(block.data(), size);
    }
  }

  void AppendBooleans(const arrow::BooleanArray& array) {
    uint8_t bytes[kBlockRows];
    for (int64_t begin = 0; begin < array.length(); begin += kBlockRows) {
      const int64_t n = std::min(kBlockRows, array.length() - begin);
      for (int64_t i = 0; i < n; ++i) {
        bytes[i] = array.IsValid(begin + i) && array.Value(begin + i) ? 1 : 0;
      }
      values.Append(bytes, static_cast<size_t>(n));
    }
  }

  void AppendStrings(const arrow::BinaryArray& array) {
    int32_t sizes[kBlockRows];
    const bool has_nulls = array.null_count() > 0;
    for (int64_t begin = 0; begin < array.length(); begin += kBlockRows) {
      const int64_t n = std::min(kBlockRows, array.length() - begin);
      for (int64_t i = 0; i < n; ++i) sizes[i] = array.value_length(begin + i);
      if (has_nulls) {
        // A NULL slot may have bytes of its own; then the values are not one run.
        for (int64_t i = 0; i < n; ++i) {
          if (array.IsNull(begin + i)) {
            sizes[i] = 0;
          } else {
            values.Append(array.raw_data() + array.value_offset(begin + i),
                          static_cast<size_t>(sizes[i]));
          }
        }
      } else {
        const int32_t first = array.value_offset(begin);
        values.Append(array.raw_data() + first,
                      static_cast<size_t>(array.value_offset(begin + n) - first));
      }
      lengths.Append(sizes, static_cast<size_t>(n) * sizeof(int32_t));
    }
  }
};

ContentHasher::ContentHasher(const arrow::Schema& schema,
                             const std::vector<std::string>& volatile_columns) {
  for (const std::shared_ptr<arrow::Field>& field : schema.fields()) {
    auto column = std::make_unique<Column>(*field);
    column->is_volatile = std::ranges::count(volatile_columns, field->name()) > 0;
    columns_.push_back(std::move(column));
  }
}

ContentHasher::~ContentHasher() = default;
ContentHasher::ContentHasher(ContentHasher&&) noexcept = default;
ContentHasher& ContentHasher::operator=(ContentHasher&&) noexcept = default;

arrow::Status ContentHasher::Update(int column_index, const arrow::Array& values) {
  Column& column = *columns_[static_cast<size_t>(column_index)];
  if (column.is_volatile || values.length() == 0) return arrow::Status::OK();
  return column.Append(values);
}

std::string ContentHasher::Finish(int64_t num_rows) const {
  std::string text = fmt::format("{} rows\n", num_rows);
  for (const std::unique_ptr<Column>& column : columns_) {
    if (column->is_volatile) continue;
    // Lengths before names keep any two lists of columns apart.
    text += fmt::format("{}:{} {} {}\n", column->name.size(), column->name, column->type,
                        column->Digests());
  }
  return HashHex(text);
}

}  // namespace tidemill
