#include "table/gather.h"

#include <array>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include <arrow/array/array_binary.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>

namespace tidemill {
namespace {

using arrow::bit_util::BytesForBits;
using arrow::bit_util::GetBit;
using arrow::bit_util::SetBit;
using arrow::internal::checked_cast;

class Gatherer {
 public:
  Gatherer(const arrow::ArrayVector& chunks, int shift, std::span<const uint32_t> rows)
      : chunks_(chunks), shift_(shift), mask_((uint32_t{1} << shift) - 1), rows_(rows) {}

  arrow::Result<std::shared_ptr<arrow::Array>> Run() {
    if (arrow::is_nested(chunks_.front()->type_id())) return TakeNested();
    ARROW_RETURN_NOT_OK(GatherValidity());
    const std::shared_ptr<arrow::DataType>& type = chunks_.front()->type();
    std::vector<std::shared_ptr<arrow::Buffer>> buffers = {validity_};
    if (type->id() == arrow::Type::BOOL) {
      ARROW_RETURN_NOT_OK(GatherBits().Value(&buffers.emplace_back()));
    } else if (arrow::is_binary_like(type->id())) {
      buffers.resize(3);
      ARROW_RETURN_NOT_OK(GatherText(&buffers[1], &buffers[2]));
    } else {
      ARROW_RETURN_NOT_OK(GatherFixed(type->bit_width() / 8).Value(&buffers.emplace_back()));
    }
    return arrow::MakeArray(arrow::ArrayData::Make(type, static_cast<int64_t>(rows_.size()),
                                                   std::move(buffers), null_count_));
  }

 private:
  /// Lists and maps: rare, and not worth a loop of their own.
  arrow::Result<std::shared_ptr<arrow::Array>> TakeNested() const {
    std::vector<int64_t> begins;
    int64_t begin = 0;
    for (const auto& chunk : chunks_) {
      begins.push_back(begin);
      begin += chunk->length();
    }
    ARROW_ASSIGN_OR_RAISE(const auto all, arrow::Concatenate(chunks_));
    arrow::Int64Builder places;
    ARROW_RETURN_NOT_OK(places.Reserve(static_cast<int64_t>(rows_.size())));
    for (const uint32_t row : rows_) places.UnsafeAppend(begins[row >> shift_] + (row & mask_));
    ARROW_ASSIGN_OR_RAISE(const auto indices, places.Finish());
    ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken, arrow::compute::Take(all, indices));
    return taken.make_array();
  }

  arrow::Status GatherValidity() {
    bool has_nulls = false;
    std::vector<const arrow::Array*> chunks;
    for (const auto& chunk : chunks_) {
      has_nulls = has_nulls || chunk->null_count() > 0;
      chunks.push_back(chunk.get());
    }
    if (!has_nulls) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(validity_, Bitmap());
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (chunks[rows_[i] >> shift_]->IsNull(rows_[i] & mask_)) {
        ++null_count_;
      } else {
        SetBit(validity_->mutable_data(), static_cast<int64_t>(i));
      }
    }
    return arrow::Status::OK();
  }

  arrow::Result<std::shared_ptr<arrow::Buffer>> GatherBits() const {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bits, Bitmap());
    for (size_t i = 0; i < rows_.size(); ++i) {
      const arrow::ArrayData& chunk = *chunks_[rows_[i] >> shift_]->data();
      if (GetBit(chunk.buffers[1]->data(), chunk.offset + (rows_[i] & mask_))) {
        SetBit(bits->mutable_data(), static_cast<int64_t>(i));
      }
    }
    return bits;
  }

  arrow::Result<std::shared_ptr<arrow::Buffer>> GatherFixed(int width) const {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> values,
                          arrow::AllocateBuffer(static_cast<int64_t>(rows_.size()) * width));
    std::vector<const uint8_t*> starts;
    for (const auto& chunk : chunks_) {
      const arrow::ArrayData& data = *chunk->data();
      starts.push_back(data.length == 0 ? nullptr : data.buffers[1]->data() + data.offset * width);
    }
    uint8_t* to = values->mutable_data();
    switch (width) {
      case 1:
        CopyFixed<1>(starts, to);
        break;
      case 2:
        CopyFixed<2>(starts, to);
        break;
      case 4:
        CopyFixed<4>(starts, to);
        break;
      case 8:
        CopyFixed<8>(starts, to);
        break;
      case 16:
        CopyFixed<16>(starts, to);
        break;
      default:
        for (const uint32_t row : rows_) {
          const auto size = static_cast<size_t>(width);
          std::memcpy(to, starts[row >> shift_] + size * (row & mask_), size);
          to += size;
        }
    }
    return values;
  }

  template <size_t kWidth>
  void CopyFixed(const std::vector<const uint8_t*>& starts, uint8_t* to) const {
    for (const uint32_t row : rows_) {
      std::memcpy(to, starts[row >> shift_] + kWidth * (row & mask_), kWidth);
      to += kWidth;
    }
  }

  arrow::Status GatherText(std::shared_ptr<arrow::Buffer>* offsets,
                           std::shared_ptr<arrow::Buffer>* bytes) const {
    std::vector<const arrow::BinaryArray*> chunks;
    for (const auto& chunk : chunks_) {
      chunks.push_back(&checked_cast<const arrow::BinaryArray&>(*chunk));
    }
    ARROW_ASSIGN_OR_RAISE(*offsets, arrow::AllocateBuffer(static_cast<int64_t>((rows_.size() + 1) *
                                                                               sizeof(int32_t))));
    auto* ends = reinterpret_cast<int32_t*>((*offsets)->mutable_data());
    int64_t size = 0;
    *ends++ = 0;
    for (const uint32_t row : rows_) {
      const arrow::BinaryArray& chunk = *chunks[row >> shift_];
      if (chunk.IsValid(row & mask_)) size += chunk.value_length(row & mask_);
      if (size > std::numeric_limits<int32_t>::max()) {
        return arrow::Status::CapacityError("more than 2 GB of text in ", rows_.size(), " rows");
      }
      *ends++ = static_cast<int32_t>(size);
    }
    ARROW_ASSIGN_OR_RAISE(*bytes, arrow::AllocateBuffer(size));
    uint8_t* to = (*bytes)->mutable_data();
    for (const uint32_t row : rows_) {
      const arrow::BinaryArray& chunk = *chunks[row >> shift_];
      if (chunk.IsNull(row & mask_)) continue;
      const std::string_view text = chunk.GetView(row & mask_);
      std::memcpy(to, text.data(), text.size());
      to += text.size();
    }
    return arrow::Status::OK();
  }

  arrow::Result<std::shared_ptr<arrow::Buffer>> Bitmap() const {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bitmap,
                          arrow::AllocateBuffer(BytesForBits(static_cast<int64_t>(rows_.size()))));
    std::memset(bitmap->mutable_data(), 0, static_cast<size_t>(bitmap->size()));
    return bitmap;
  }

  const arrow::ArrayVector& chunks_;
  int shift_;
  uint32_t mask_;
  std::span<const uint32_t> rows_;
  std::shared_ptr<arrow::Buffer> validity_;
  int64_t null_count_ = 0;
};

}  // namespace

arrow::Result<std::shared_ptr<arrow::Array>> Gather(const arrow::ArrayVector& chunks, int shift,
                                                    std::span<const uint32_t> rows) {
  return Gatherer(chunks, shift, rows).Run();
}

}  // namespace tidemill
