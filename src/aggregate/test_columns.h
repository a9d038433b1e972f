#pragma once

/// For tests of aggregate functions: columns of any type as the engine hands them over, and states
/// that are moved as the engine moves them.

#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "aggregate/aggregate.h"
#include "aggregate/registry.h"

namespace tidemill {

/// One value of any kind; which member counts follows from the type.
struct TestValue {
  int64_t int64 = 0;
  double real = 0;
  int128_t int128 = 0;
  std::string bytes;
};

using TestColumn = std::vector<TestValue>;
using Types = std::vector<std::shared_ptr<arrow::DataType>>;

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

inline TestColumn Ints(std::initializer_list<int64_t> values) {
  TestColumn column;
  for (const int64_t value : values) column.emplace_back().int64 = value;
  return column;
}

inline TestColumn Reals(std::initializer_list<double> values) {
  TestColumn column;
  for (const double value : values) column.emplace_back().real = value;
  return column;
}

inline TestColumn Texts(std::initializer_list<const char*> values) {
  TestColumn column;
  for (const char* value : values) column.emplace_back().bytes = value;
  return column;
}

/// Owns states, and the memory that argument columns point to, as a morsel or a bucket does.
class TestStates {
 public:
  TestStates(const AggregateKernel& kernel, int64_t n)
      : kernel_(&kernel), memory_(kernel.state_size / 8 * static_cast<size_t>(n)) {
    kernel.initialize(data(), n);
  }

  uint8_t* data() { return reinterpret_cast<uint8_t*>(memory_.data()); }
  uint8_t* row(size_t i) { return data() + i * kernel_->state_size; }
  Arena* arena() { return &arena_; }

  /// Updates with rows `rows` of the columns. `types` are those of the columns. All rows are handed
  /// over, with a mask, if `masked`; else only those in `rows`.
  void Update(const Types& types, const std::vector<const TestColumn*>& columns,
              const std::vector<size_t>& rows, const std::vector<uint32_t>& groups, bool masked) {
    UpdateBatch batch;
    std::vector<size_t> sent = rows;
    std::vector<uint8_t> selected;
    if (masked) {
      const size_t total = columns.empty() ? groups.size() : columns[0]->size();
      selected.assign(total, 0);
      for (const size_t row : rows) selected[row] = 1;
      sent.clear();
      for (size_t row = 0; row < total; ++row) sent.push_back(row);
    }
    std::vector<uint32_t> sent_groups;
    for (const size_t row : sent) sent_groups.push_back(groups[row]);
    batch.num_rows = static_cast<int64_t>(sent.size());
    batch.groups = sent_groups.data();
    batch.selected = masked ? selected.data() : nullptr;
    for (size_t a = 0; a < columns.size(); ++a) {
      batch.arguments[a] = Column(*types[a], *columns[a], sent, selected);
    }
    kernel_->update(data(), batch, &arena_);
  }

  void Merge(size_t into, const uint8_t* from) {
    uint8_t* target = row(into);
    kernel_->merge(&target, 0, &from, 0, 1, &arena_);
  }

  /// The result of one state, as text that tells all bits apart ("NULL", "error").
  std::string Result(size_t i) {
    const auto result = ResultArray(i);
    return result.ok() ? TextOf(**result) : "error";
  }

  /// The same of the first value of an array.
  static std::string TextOf(const arrow::Array& array) {
    if (array.IsNull(0)) return "NULL";
    if (array.type_id() == arrow::Type::LIST) {
      const auto values = static_cast<const arrow::ListArray&>(array).value_slice(0);
      std::string text;
      for (int64_t v = 0; v < values->length(); ++v) {
        text += (text.empty() ? "" : ", ") + values->GetScalar(v).ValueOrDie()->ToString();
      }
      return "[" + text + "]";
    }
    if (array.type_id() == arrow::Type::DOUBLE) {
      const double value = static_cast<const arrow::DoubleArray&>(array).Value(0);
      uint64_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      return std::to_string(value) + " " + std::to_string(bits);
    }
    return array.GetScalar(0).ValueOrDie()->ToString();
  }

  arrow::Result<std::shared_ptr<arrow::Array>> ResultArray(size_t i) {
    std::unique_ptr<arrow::ArrayBuilder> builder;
    ARROW_RETURN_NOT_OK(
        arrow::MakeBuilder(arrow::default_memory_pool(), kernel_->result_type, &builder));
    const uint8_t* from = row(i);
    ARROW_RETURN_NOT_OK(kernel_->finalize(*kernel_, &from, 0, 1, builder.get()));
    ARROW_ASSIGN_OR_RAISE(auto array, builder->Finish());
    ARROW_RETURN_NOT_OK(array->ValidateFull());
    EXPECT_TRUE(array->type()->Equals(kernel_->result_type));
    return array;
  }

  /// The state as a row on disk: its bytes, then what it references.
  std::string Serialize(size_t i) {
    std::string text(reinterpret_cast<const char*>(row(i)), kernel_->state_size);
    for (const size_t reference : kernel_->references) {
      const auto* bytes = reinterpret_cast<const Bytes*>(row(i) + reference);
      text.append(bytes->view());
    }
    return text;
  }

 private:
  ArgumentColumn Column(const arrow::DataType& type, const TestColumn& values,
                        const std::vector<size_t>& rows, const std::vector<uint8_t>& selected) {
    ArgumentColumn column;
    column.kind = ArgumentKindOf(type).ValueOrDie();
    column.is_unsigned = type.id() == arrow::Type::UINT64;
    auto& kept = columns_.emplace_back();
    for (size_t i = 0; i < rows.size(); ++i) {
      const bool garbage = !selected.empty() && selected[i] == 0;
      const TestValue& value = values[rows[i]];
      kept.int64s.push_back(garbage ? -77 : value.int64);
      kept.reals.push_back(garbage ? 1e300 : value.real);
      kept.int128s.push_back(garbage ? -1 : value.int128);
      kept.texts.push_back(garbage ? "garbage" : value.bytes);
    }
    for (const std::string& text : kept.texts) {
      kept.bytes.push_back({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    }
    column.int64s = kept.int64s.data();
    column.doubles = kept.reals.data();
    column.int128s = kept.int128s.data();
    column.bytes = kept.bytes.data();
    return column;
  }

  struct Kept {
    std::vector<int64_t> int64s;
    std::vector<double> reals;
    std::vector<int128_t> int128s;
    std::deque<std::string> texts;
    std::vector<Bytes> bytes;
  };

  const AggregateKernel* kernel_;
  std::vector<uint64_t> memory_;
  Arena arena_;
  std::deque<Kept> columns_;
};

/// What a function gives for all rows of the columns.
inline arrow::Result<std::shared_ptr<arrow::Array>> AggregateAll(
    const std::string& name, Types types, const std::vector<TestColumn>& columns,
    const Constants& constants = {}) {
  ARROW_ASSIGN_OR_RAISE(const AggregateKernel kernel,
                        AggregateRegistry::Default().Resolve(name, false, types, constants));
  if (kernel.needs_event_time) types.push_back(arrow::timestamp(arrow::TimeUnit::MICRO));
  std::vector<const TestColumn*> pointers;
  for (const TestColumn& column : columns) pointers.push_back(&column);
  std::vector<size_t> rows;
  for (size_t row = 0; row < columns[0].size(); ++row) rows.push_back(row);
  TestStates states(kernel, 1);
  states.Update(types, pointers, rows, std::vector<uint32_t>(rows.size(), 0), false);
  return states.ResultArray(0);
}

/// A serialised state, as it is after reading: references point into the text, at any alignment.
class ReadState {
 public:
  ReadState(const AggregateKernel& kernel, std::string text)
      : text_(std::move(text)), memory_(kernel.state_size / 8) {
    std::memcpy(memory_.data(), text_.data(), kernel.state_size);
    const auto* next = reinterpret_cast<const uint8_t*>(text_.data()) + kernel.state_size;
    for (const size_t reference : kernel.references) {
      auto* bytes =
          reinterpret_cast<Bytes*>(reinterpret_cast<uint8_t*>(memory_.data()) + reference);
      if (bytes->data == nullptr) continue;
      bytes->data = next;
      next += bytes->size;
    }
  }
  ReadState(const ReadState&) = delete;
  ReadState& operator=(const ReadState&) = delete;

  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(memory_.data()); }

 private:
  std::string text_;
  std::vector<uint64_t> memory_;
};

}  // namespace tidemill
