#include "storage/prefetched_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <arrow/buffer.h>
#include <arrow/util/future.h>

namespace tidemill {
namespace {

/// A gap this small is cheaper to read than another request.
constexpr int64_t kGap = 1 << 20;
/// A request this large no longer gains from being larger, but several of them from being parallel.
constexpr int64_t kLargest = 8 << 20;

struct Part {
  int64_t offset = 0;
  std::shared_ptr<arrow::Buffer> bytes;

  int64_t end() const { return offset + bytes->size(); }
};

std::vector<arrow::io::ReadRange> Plan(std::vector<arrow::io::ReadRange> ranges) {
  std::erase_if(ranges, [](const auto& range) { return range.length <= 0; });
  std::ranges::sort(ranges, {}, &arrow::io::ReadRange::offset);
  std::vector<arrow::io::ReadRange> joined;
  for (const auto& range : ranges) {
    if (!joined.empty()) {
      auto& last = joined.back();
      const int64_t end = last.offset + last.length;
      if (range.offset <= end + kGap) {
        last.length = std::max(end, range.offset + range.length) - last.offset;
        continue;
      }
    }
    joined.push_back(range);
  }
  std::vector<arrow::io::ReadRange> cut;
  for (const auto& range : joined) {
    const int64_t pieces = (range.length + kLargest - 1) / kLargest;
    const int64_t size = (range.length + pieces - 1) / pieces;
    for (int64_t at = 0; at < range.length; at += size) {
      cut.push_back({range.offset + at, std::min(size, range.length - at)});
    }
  }
  return cut;
}

class PrefetchedFile : public arrow::io::RandomAccessFile {
 public:
  PrefetchedFile(std::shared_ptr<arrow::io::RandomAccessFile> file, std::vector<Part> parts)
      : file_(std::move(file)), parts_(std::move(parts)) {}

  arrow::Status Close() override { return file_->Close(); }
  bool closed() const override { return file_->closed(); }
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Seek(int64_t position) override {
    position_ = position;
    return arrow::Status::OK();
  }
  arrow::Result<int64_t> GetSize() override { return file_->GetSize(); }

  arrow::Result<int64_t> ReadAt(int64_t position, int64_t nbytes, void* out) override {
    size_t part = FirstPart(position);
    if (!Covers(part, position, nbytes)) return file_->ReadAt(position, nbytes, out);
    auto* to = static_cast<uint8_t*>(out);
    for (int64_t left = nbytes; left > 0; ++part) {
      const int64_t skipped = position + nbytes - left - parts_[part].offset;
      const int64_t taken = std::min(left, parts_[part].bytes->size() - skipped);
      std::memcpy(to, parts_[part].bytes->data() + skipped, static_cast<size_t>(taken));
      to += taken;
      left -= taken;
    }
    return nbytes;
  }

  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t nbytes) override {
    const size_t part = FirstPart(position);
    if (!Covers(part, position, nbytes)) return file_->ReadAt(position, nbytes);
    if (position + nbytes <= parts_[part].end()) {
      return arrow::SliceBuffer(parts_[part].bytes, position - parts_[part].offset, nbytes);
    }
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer, arrow::AllocateBuffer(nbytes));
    ARROW_RETURN_NOT_OK(ReadAt(position, nbytes, buffer->mutable_data()).status());
    return buffer;
  }

  arrow::Result<int64_t> Read(int64_t nbytes, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(position_, nbytes, out));
    position_ += got;
    return got;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t nbytes) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, nbytes));
    position_ += buffer->size();
    return buffer;
  }

 private:
  /// The part that holds `position`, or the first one behind it.
  size_t FirstPart(int64_t position) const {
    const auto at = std::ranges::upper_bound(parts_, position, {}, &Part::end);
    return static_cast<size_t>(at - parts_.begin());
  }

  bool Covers(size_t part, int64_t position, int64_t nbytes) const {
    for (const int64_t end = position + nbytes; position < end; ++part) {
      if (part >= parts_.size() || parts_[part].offset > position) return false;
      position = parts_[part].end();
    }
    return nbytes > 0;
  }

  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  std::vector<Part> parts_;  ///< by offset, disjoint
  int64_t position_ = 0;
};

}  // namespace

arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> Prefetch(
    std::shared_ptr<arrow::io::RandomAccessFile> file, std::vector<arrow::io::ReadRange> ranges) {
  const std::vector<arrow::io::ReadRange> plan = Plan(std::move(ranges));
  std::vector<arrow::Future<std::shared_ptr<arrow::Buffer>>> reads;
  for (const auto& range : plan) {
    reads.push_back(file->ReadAsync(file->io_context(), range.offset, range.length));
  }
  std::vector<Part> parts;
  arrow::Status failure;
  // All are waited for, whatever fails: they write into buffers of this call.
  for (size_t i = 0; i < plan.size(); ++i) {
    auto bytes = reads[i].result();
    if (!bytes.ok()) {
      failure = bytes.status();
    } else {
      parts.push_back({plan[i].offset, *std::move(bytes)});
    }
  }
  ARROW_RETURN_NOT_OK(failure);
  return std::make_shared<PrefetchedFile>(std::move(file), std::move(parts));
}

}  // namespace tidemill
