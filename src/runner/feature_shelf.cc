#include "runner/feature_shelf.h"

#include <algorithm>
#include <utility>

#include <arrow/array/builder_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/compute/api_vector.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/byte_size.h>

#include "storage/parallel_for.h"

namespace tidemill {
namespace {

constexpr int64_t kLongestStretch = 131'072;
constexpr int64_t kShortestStretch = 256;
/// Each has a file open while it is written.
constexpr int64_t kMostStretches = 256;
/// Text of one array ends at 2 GB.
constexpr int64_t kMostMemory = int64_t{1} << 30;
/// A stretch takes about this part of the budget.
constexpr int64_t kPartsOfBudget = 4;
/// Of a batch that is taken.
constexpr int64_t kMostTaken = int64_t{16} << 20;

std::shared_ptr<arrow::Schema> WithLabels(const arrow::Schema& schema) {
  arrow::FieldVector fields = {arrow::field("label", arrow::uint32())};
  fields.insert(fields.end(), schema.fields().begin(), schema.fields().end());
  return arrow::schema(std::move(fields));
}

arrow::Result<std::shared_ptr<arrow::Array>> Joined(const arrow::ArrayVector& parts,
                                                    const std::shared_ptr<arrow::DataType>& type) {
  if (parts.empty()) return arrow::MakeEmptyArray(type);
  if (parts.size() == 1) return parts.front();
  return arrow::Concatenate(parts);
}

}  // namespace

FeatureShelf::FeatureShelf(std::shared_ptr<arrow::Schema> schema, int64_t num_labels,
                           int64_t budget, int threads,
                           std::function<arrow::Result<std::string>()> scratch)
    : schema_(std::move(schema)),
      num_labels_(num_labels),
      budget_(std::clamp<int64_t>(budget, 1, kMostMemory)),
      threads_(threads),
      scratch_(std::move(scratch)) {}

arrow::Status FeatureShelf::Add(std::vector<uint32_t> labels,
                                std::shared_ptr<arrow::RecordBatch> features) {
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, arrow::util::ReferencedBufferSize(*features));
  std::lock_guard lock(mutex_);
  memory_ += bytes + static_cast<int64_t>(labels.size() * sizeof(uint32_t));
  pieces_.push_back({std::move(labels), std::move(features)});
  if (memory_ <= budget_) return arrow::Status::OK();
  return Spill(std::exchange(pieces_, {}));
}

void FeatureShelf::ChooseStretch(const std::vector<Piece>& pieces) {
  int64_t labels = 0;
  for (const Piece& piece : pieces) labels += static_cast<int64_t>(piece.labels.size());
  const int64_t wanted =
      budget_ / kPartsOfBudget * std::max<int64_t>(labels, 1) / std::max<int64_t>(memory_, 1);
  const int64_t fewest = (num_labels_ + kMostStretches - 1) / kMostStretches;
  stretch_ = std::max(fewest, std::clamp(wanted, kShortestStretch, kLongestStretch));
}

arrow::Status FeatureShelf::Spill(const std::vector<Piece>& pieces) {
  if (stretch_ == 0) ChooseStretch(pieces);
  memory_ = 0;
  const auto stretches = static_cast<size_t>((num_labels_ + stretch_ - 1) / stretch_);
  files_.resize(stretches);
  bytes_.resize(stretches);
  const auto schema = WithLabels(*schema_);
  std::vector<std::vector<int32_t>> rows(stretches);
  std::vector<std::shared_ptr<arrow::ipc::RecordBatchWriter>> writers(stretches);
  std::vector<std::shared_ptr<arrow::io::FileOutputStream>> streams(stretches);
  for (const Piece& piece : pieces) {
    for (auto& of_stretch : rows) of_stretch.clear();
    for (size_t i = 0; i < piece.labels.size(); ++i) {
      rows[piece.labels[i] / static_cast<size_t>(stretch_)].push_back(static_cast<int32_t>(i));
    }
    for (size_t s = 0; s < stretches; ++s) {
      if (rows[s].empty()) continue;
      if (writers[s] == nullptr) {
        ARROW_ASSIGN_OR_RAISE(const std::string path, scratch_());
        ARROW_ASSIGN_OR_RAISE(streams[s], arrow::io::FileOutputStream::Open(path));
        ARROW_ASSIGN_OR_RAISE(writers[s], arrow::ipc::MakeStreamWriter(streams[s], schema));
        files_[s].push_back(path);
      }
      arrow::Int32Builder chosen;
      arrow::UInt32Builder labels;
      ARROW_RETURN_NOT_OK(chosen.AppendValues(rows[s]));
      for (const int32_t row : rows[s]) {
        ARROW_RETURN_NOT_OK(labels.Append(piece.labels[static_cast<size_t>(row)]));
      }
      ARROW_ASSIGN_OR_RAISE(const auto indices, chosen.Finish());
      ARROW_ASSIGN_OR_RAISE(auto label_column, labels.Finish());
      arrow::ArrayVector columns = {std::move(label_column)};
      for (const auto& column : piece.features->columns()) {
        ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken, arrow::compute::Take(column, indices));
        columns.push_back(taken.make_array());
      }
      const auto count = static_cast<int64_t>(rows[s].size());
      ARROW_RETURN_NOT_OK(
          writers[s]->WriteRecordBatch(*arrow::RecordBatch::Make(schema, count, columns)));
    }
  }
  for (size_t s = 0; s < stretches; ++s) {
    if (writers[s] == nullptr) continue;
    ARROW_RETURN_NOT_OK(writers[s]->Close());
    ARROW_ASSIGN_OR_RAISE(const int64_t written, streams[s]->Tell());
    spilled_bytes_ += written;
    bytes_[s] += written;
    ARROW_RETURN_NOT_OK(streams[s]->Close());
  }
  return arrow::Status::OK();
}

arrow::Status FeatureShelf::Finish() {
  if (stretch_ > 0 && !pieces_.empty()) {
    ARROW_RETURN_NOT_OK(Spill(std::exchange(pieces_, {})));
  }
  if (stretch_ == 0) {
    ARROW_ASSIGN_OR_RAISE(loaded_, Arrange(0, num_labels_, pieces_));
    pieces_.clear();
  }
  return arrow::Status::OK();
}

arrow::Result<FeatureShelf::Stretch> FeatureShelf::Arrange(int64_t begin, int64_t end,
                                                           const std::vector<Piece>& pieces) const {
  Stretch stretch;
  stretch.begin = begin;
  stretch.end = end;
  stretch.row_of_label.assign(static_cast<size_t>(end - begin), -1);
  int64_t row = 0;
  for (const Piece& piece : pieces) {
    ARROW_ASSIGN_OR_RAISE(const int64_t bytes, arrow::util::ReferencedBufferSize(*piece.features));
    stretch.bytes += bytes;
    for (const uint32_t label : piece.labels) {
      stretch.row_of_label[static_cast<size_t>(label - begin)] = row++;
    }
  }
  stretch.columns.resize(static_cast<size_t>(schema_->num_fields()));
  ARROW_RETURN_NOT_OK(ParallelFor(schema_->num_fields(), threads_, nullptr,
                                  [&](int64_t index, int) -> arrow::Status {
                                    const auto c = static_cast<int>(index);
                                    arrow::ArrayVector parts;
                                    for (const Piece& piece : pieces)
                                      parts.push_back(piece.features->column(c));
                                    ARROW_ASSIGN_OR_RAISE(stretch.columns[static_cast<size_t>(c)],
                                                          Joined(parts, schema_->field(c)->type()));
                                    return arrow::Status::OK();
                                  }));
  return stretch;
}

arrow::Result<std::vector<FeatureShelf::Piece>> FeatureShelf::ReadStretch(size_t stretch,
                                                                          int64_t begin,
                                                                          int64_t end) const {
  std::vector<Piece> pieces;
  for (const std::string& path : files_[stretch]) {
    ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(path));
    ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchStreamReader::Open(file));
    std::shared_ptr<arrow::RecordBatch> batch;
    for (;;) {
      ARROW_RETURN_NOT_OK(reader->ReadNext(&batch));
      if (batch == nullptr) break;
      const auto& labels = static_cast<const arrow::UInt32Array&>(*batch->column(0));
      Piece piece;
      arrow::Int64Builder kept;
      for (int64_t i = 0; i < labels.length(); ++i) {
        if (labels.Value(i) < begin || end <= labels.Value(i)) continue;
        piece.labels.push_back(labels.Value(i));
        ARROW_RETURN_NOT_OK(kept.Append(i));
      }
      if (piece.labels.empty()) continue;
      ARROW_ASSIGN_OR_RAISE(piece.features, batch->RemoveColumn(0));
      if (kept.length() < labels.length()) {
        ARROW_ASSIGN_OR_RAISE(const auto rows, kept.Finish());
        ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken, arrow::compute::Take(piece.features, rows));
        piece.features = taken.record_batch();
      }
      pieces.push_back(std::move(piece));
    }
  }
  return pieces;
}

arrow::Status FeatureShelf::Load(int64_t label) {
  if (loaded_.begin <= label && label < loaded_.end) return arrow::Status::OK();
  loaded_ = {};
  const auto stretch = static_cast<size_t>(label / stretch_);
  const int64_t first = static_cast<int64_t>(stretch) * stretch_;
  const int64_t parts = 1 + bytes_[stretch] / std::max<int64_t>(budget_ / 2, 1);
  const int64_t length = std::max<int64_t>(stretch_ / parts, std::min(stretch_, kShortestStretch));
  const int64_t begin = first + (label - first) / length * length;
  const int64_t end = std::min({begin + length, first + stretch_, num_labels_});
  ARROW_ASSIGN_OR_RAISE(const auto pieces, ReadStretch(stretch, begin, end));
  ARROW_ASSIGN_OR_RAISE(loaded_, Arrange(begin, end, pieces));
  return arrow::Status::OK();
}

arrow::Result<int64_t> FeatureShelf::Fitting(int64_t first, int64_t most) {
  if (most == 0) return 0;
  ARROW_RETURN_NOT_OK(Load(first));
  const int64_t wide = std::max<int64_t>(loaded_.bytes / (loaded_.end - loaded_.begin), 1);
  return std::min({most, std::max<int64_t>(kMostTaken / wide, 1), loaded_.end - first});
}

arrow::Result<arrow::ArrayVector> FeatureShelf::Take(int64_t first, int64_t count) {
  std::vector<arrow::ArrayVector> parts(static_cast<size_t>(schema_->num_fields()));
  for (int64_t begin = first; begin < first + count;) {
    ARROW_RETURN_NOT_OK(Load(begin));
    const int64_t end = std::min(first + count, loaded_.end);
    arrow::Int64Builder rows;
    ARROW_RETURN_NOT_OK(rows.Reserve(end - begin));
    for (int64_t label = begin; label < end; ++label) {
      const int64_t row = loaded_.row_of_label[static_cast<size_t>(label - loaded_.begin)];
      if (row < 0) {
        rows.UnsafeAppendNull();
      } else {
        rows.UnsafeAppend(row);
      }
    }
    ARROW_ASSIGN_OR_RAISE(const auto indices, rows.Finish());
    ARROW_RETURN_NOT_OK(ParallelFor(
        schema_->num_fields(), threads_, nullptr, [&](int64_t index, int) -> arrow::Status {
          const auto c = static_cast<size_t>(index);
          ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken,
                                arrow::compute::Take(loaded_.columns[c], indices));
          parts[c].push_back(taken.make_array());
          return arrow::Status::OK();
        }));
    begin = end;
  }
  arrow::ArrayVector columns;
  for (size_t c = 0; c < parts.size(); ++c) {
    ARROW_ASSIGN_OR_RAISE(auto column,
                          Joined(parts[c], schema_->field(static_cast<int>(c))->type()));
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace tidemill
