#include "engine/spilled_rows.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <arrow/builder.h>
#include <arrow/ipc/reader.h>
#include <arrow/util/compression.h>

#include "base/byte_size.h"
#include "engine/frame_filter.h"
#include "engine/row_joiner.h"
#include "storage/column_types.h"

namespace tidemill {

SpilledRows::SpilledRows(const Plan& plan, int parts, NewPath new_path)
    : pipeline_(*plan.pipeline),
      new_path_(std::move(new_path)),
      has_days_(RowJoiner::NeedsDays(*plan.pipeline)) {
  arrow::FieldVector fields;
  for (int i = 0; i < pipeline_.num_source_columns; ++i) {
    if (!plan.needed_columns[static_cast<size_t>(i)]) continue;
    columns_.push_back(i);
    const auto& field = pipeline_.rows->field(i);
    fields.push_back(arrow::field(std::to_string(i), PlainType(field->type())));
  }
  fields.push_back(arrow::field("stratum", arrow::int32()));
  if (has_days_) fields.push_back(arrow::field("day", arrow::date32()));
  schema_ = arrow::schema(std::move(fields));
  for (int p = 0; p < parts; ++p) parts_.push_back(std::make_unique<Part>());
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> SpilledRows::BatchOf(
    const Frame& frame, const std::vector<int32_t>& strata, int32_t constant_stratum) const {
  arrow::ArrayVector arrays;
  for (const int column : columns_) {
    ARROW_ASSIGN_OR_RAISE(auto plain,
                          Materialize(frame.columns[static_cast<size_t>(column)], frame.num_rows));
    arrays.push_back(std::move(plain));
  }
  arrow::Int32Builder builder;
  if (strata.empty()) {
    for (int64_t i = 0; i < frame.num_rows; ++i) {
      ARROW_RETURN_NOT_OK(builder.Append(constant_stratum));
    }
  } else {
    ARROW_RETURN_NOT_OK(builder.AppendValues(strata));
  }
  ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), builder.Finish());
  if (has_days_) {
    ARROW_ASSIGN_OR_RAISE(
        auto days, Materialize(frame.columns[RowJoiner::DayColumn(pipeline_)], frame.num_rows));
    arrays.push_back(std::move(days));
  }
  return arrow::RecordBatch::Make(schema_, frame.num_rows, std::move(arrays));
}

arrow::Status SpilledRows::Append(const Frame& frame, const std::vector<int32_t>& strata,
                                  int32_t constant_stratum,
                                  const std::vector<int32_t>& part_of_row) {
  std::vector<uint8_t> mask(part_of_row.size());
  for (size_t p = 0; p < parts_.size(); ++p) {
    int64_t rows = 0;
    for (size_t i = 0; i < mask.size(); ++i) {
      mask[i] = part_of_row[i] == static_cast<int32_t>(p);
      rows += mask[i];
    }
    if (rows == 0) continue;
    ARROW_ASSIGN_OR_RAISE(const Frame kept, FilterFrame(frame, mask, rows));
    std::vector<int32_t> kept_strata;
    for (size_t i = 0; i < strata.size(); ++i) {
      if (mask[i]) kept_strata.push_back(strata[i]);
    }
    ARROW_ASSIGN_OR_RAISE(const auto batch, BatchOf(kept, kept_strata, constant_stratum));
    Part& part = *parts_[p];
    const std::lock_guard lock(part.mutex);
    if (part.writer == nullptr) {
      ARROW_ASSIGN_OR_RAISE(part.path, new_path_());
      ARROW_ASSIGN_OR_RAISE(part.file, arrow::io::FileOutputStream::Open(part.path));
      auto options = arrow::ipc::IpcWriteOptions::Defaults();
      ARROW_ASSIGN_OR_RAISE(options.codec,
                            arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME));
      options.use_threads = false;
      ARROW_ASSIGN_OR_RAISE(part.writer, arrow::ipc::MakeFileWriter(part.file, schema_, options));
    }
    ARROW_RETURN_NOT_OK(part.writer->WriteRecordBatch(*batch));
    ++part.batches;
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<int64_t>> SpilledRows::Finish() {
  std::vector<int64_t> batches;
  for (const auto& part : parts_) {
    batches.push_back(part->batches);
    if (part->writer == nullptr) continue;
    ARROW_RETURN_NOT_OK(part->writer->Close());
    ARROW_ASSIGN_OR_RAISE(const int64_t size, part->file->Tell());
    bytes_ += size;
    ARROW_RETURN_NOT_OK(part->file->Close());
  }
  return batches;
}

arrow::Result<SpilledBatch> SpilledRows::Read(int part, int64_t batch) const {
  ARROW_ASSIGN_OR_RAISE(const auto file,
                        arrow::io::ReadableFile::Open(parts_[static_cast<size_t>(part)]->path));
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchFileReader::Open(file, options));
  ARROW_ASSIGN_OR_RAISE(const auto rows, reader->ReadRecordBatch(static_cast<int>(batch)));
  SpilledBatch result;
  result.frame.num_rows = rows->num_rows();
  result.frame.columns.resize(RowJoiner::NumColumns(pipeline_));
  int next = 0;
  for (const int column : columns_) {
    const auto& array = rows->column(next++);
    ARROW_ASSIGN_OR_RAISE(result.frame.columns[static_cast<size_t>(column)],
                          ConvertColumn(array, array->type(), IsReadAsDictionary(*array->type())));
  }
  const auto& strata = static_cast<const arrow::Int32Array&>(*rows->column(next++));
  result.strata.assign(strata.raw_values(), strata.raw_values() + strata.length());
  if (has_days_) result.frame.columns[RowJoiner::DayColumn(pipeline_)] = rows->column(next);
  return result;
}

void SpilledRows::Remove(int part) const {
  const std::string& path = parts_[static_cast<size_t>(part)]->path;
  if (!path.empty()) std::remove(path.c_str());
}

arrow::Result<JoinParts> CutJoins(const Plan& plan, int64_t memory) {
  constexpr int64_t kMostParts = 64;
  if (memory <= 0) return JoinParts{};
  int64_t total = 0;
  int64_t most = 0;
  JoinParts cut;
  for (size_t j = 0; j < plan.dimensions.size(); ++j) {
    if (!plan.needed_joins[j]) continue;
    const int64_t bytes =
        ExpectedMemory(*plan.dimensions[j], plan.pipeline->joins[j], plan.needed_columns);
    total += bytes;
    if (bytes <= most) continue;
    most = bytes;
    cut.join = static_cast<int>(j);
  }
  if (total <= memory) return JoinParts{};
  const int64_t room = memory - (total - most);
  if (room < memory / 4) {
    return MakeError(ErrorCode::kRunFailed,
                     "the dimensions take about " + FormatByteSize(total) +
                         " of memory, and there is room for " + FormatByteSize(memory),
                     "one dimension may be larger than memory, the others must fit: raise "
                     "--memory, or join fewer columns");
  }
  cut.parts = static_cast<int>(std::clamp<int64_t>(most / room + 1, 2, kMostParts));
  return cut;
}

bool DependsOnJoin(const BoundPipeline& pipeline, int join, const std::vector<bool>& columns) {
  std::vector<int> wanted;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i]) wanted.push_back(static_cast<int>(i));
  }
  return IsJoined(pipeline.joins[static_cast<size_t>(join)], ReadFor(pipeline, wanted));
}

}  // namespace tidemill
