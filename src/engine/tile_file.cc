#include "engine/tile_file.h"

#include <cstring>

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/io/file.h>
#include <arrow/util/compression.h>

#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr int kIdentitySize = sizeof(Hash128);

size_t Align8(size_t size) { return (size + 7) & ~size_t{7}; }

/// Offsets in the states of a tile of everything that is a reference.
std::vector<size_t> References(const TileLayout& layout) {
  std::vector<size_t> offsets;
  for (const StateSlot& slot : layout.states) {
    for (size_t reference : slot.kernel.references) offsets.push_back(slot.offset + reference);
  }
  return offsets;
}

std::shared_ptr<arrow::Schema> SchemaOf(const TileLayout& layout) {
  arrow::FieldVector fields = {
      arrow::field("key", arrow::large_binary()), arrow::field("stratum", arrow::int32()),
      arrow::field("states", arrow::fixed_size_binary(static_cast<int32_t>(layout.states_size)))};
  for (size_t offset : References(layout)) {
    fields.push_back(arrow::field("reference " + std::to_string(offset), arrow::large_binary()));
  }
  for (size_t d = 0; d < layout.distincts.size(); ++d) {
    fields.push_back(arrow::field("values " + std::to_string(d),
                                  arrow::list(arrow::fixed_size_binary(kIdentitySize))));
  }
  return arrow::schema(fields);
}

arrow::Result<std::shared_ptr<arrow::Array>> EncodeValues(const TileValues& values,
                                                          int64_t num_rows) {
  arrow::FixedSizeBinaryBuilder builder(arrow::fixed_size_binary(kIdentitySize));
  ARROW_RETURN_NOT_OK(builder.AppendValues(reinterpret_cast<const uint8_t*>(values.values.data()),
                                           static_cast<int64_t>(values.values.size())));
  ARROW_ASSIGN_OR_RAISE(auto identities, builder.Finish());
  arrow::Int32Builder offsets;
  for (int64_t r = 0; r <= num_rows; ++r) {
    ARROW_RETURN_NOT_OK(offsets.Append(
        values.begin.empty() ? 0 : static_cast<int32_t>(values.begin[static_cast<size_t>(r)])));
  }
  ARROW_ASSIGN_OR_RAISE(auto begin, offsets.Finish());
  return arrow::ListArray::FromArrays(*begin, *identities);
}

TileValues DecodeValues(const arrow::ListArray& lists) {
  TileValues values;
  const auto& identities = static_cast<const arrow::FixedSizeBinaryArray&>(*lists.values());
  if (identities.length() == 0) return values;
  values.values.resize(static_cast<size_t>(identities.length()));
  std::memcpy(values.values.data(), identities.raw_values(),
              values.values.size() * sizeof(Hash128));
  for (int64_t r = 0; r <= lists.length(); ++r) {
    values.begin.push_back(static_cast<uint32_t>(lists.raw_value_offsets()[r]));
  }
  return values;
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatch>> EncodeTiles(const TileLayout& layout,
                                                               const TileRun& run) {
  const std::vector<size_t> references = References(layout);
  arrow::LargeBinaryBuilder keys;
  arrow::Int32Builder strata;
  arrow::FixedSizeBinaryBuilder states(
      arrow::fixed_size_binary(static_cast<int32_t>(layout.states_size)));
  std::vector<arrow::LargeBinaryBuilder> targets(references.size());
  for (int64_t r = 0; r < run.num_rows; ++r) {
    const uint8_t* row = run.row(layout, r);
    const TileHeader& header = HeaderOf(row);
    ARROW_RETURN_NOT_OK(keys.Append(header.key().view()));
    ARROW_RETURN_NOT_OK(strata.Append(header.stratum));
    ARROW_RETURN_NOT_OK(states.Append(row + sizeof(TileHeader)));
    for (size_t i = 0; i < references.size(); ++i) {
      const auto& target =
          *reinterpret_cast<const Bytes*>(row + sizeof(TileHeader) + references[i]);
      ARROW_RETURN_NOT_OK(target.data == nullptr ? targets[i].AppendNull()
                                                 : targets[i].Append(target.view()));
    }
  }
  arrow::ArrayVector columns(3);
  ARROW_RETURN_NOT_OK(keys.Finish(&columns[0]));
  ARROW_RETURN_NOT_OK(strata.Finish(&columns[1]));
  ARROW_RETURN_NOT_OK(states.Finish(&columns[2]));
  for (auto& target : targets) {
    ARROW_ASSIGN_OR_RAISE(auto column, target.Finish());
    columns.push_back(std::move(column));
  }
  for (const TileValues& values : run.distincts) {
    ARROW_ASSIGN_OR_RAISE(auto column, EncodeValues(values, run.num_rows));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(SchemaOf(layout), run.num_rows, std::move(columns));
}

arrow::Result<TileRun> DecodeTiles(const TileLayout& layout, const arrow::RecordBatch& batch) {
  const std::vector<size_t> references = References(layout);
  const auto& keys = static_cast<const arrow::LargeBinaryArray&>(*batch.column(0));
  const auto& strata = static_cast<const arrow::Int32Array&>(*batch.column(1));
  const auto& states = static_cast<const arrow::FixedSizeBinaryArray&>(*batch.column(2));
  TileRun run;
  run.num_rows = batch.num_rows();
  size_t heap_size = 8 + static_cast<size_t>(keys.total_values_length());
  for (size_t i = 0; i < references.size(); ++i) {
    const auto& column =
        static_cast<const arrow::LargeBinaryArray&>(*batch.column(3 + static_cast<int>(i)));
    heap_size += static_cast<size_t>(column.total_values_length()) +
                 8 * static_cast<size_t>(column.length());
  }
  const size_t bytes = static_cast<size_t>(run.num_rows) * layout.row_size();
  run.rows = TileBytes(bytes);
  run.heap = TileBytes(heap_size);
  run.memory = static_cast<int64_t>(bytes + heap_size);
  uint8_t* aligned = run.heap.get();
  uint8_t* key_end = run.heap.get() + heap_size;
  for (int64_t r = 0; r < run.num_rows; ++r) {
    uint8_t* row = run.rows.get() + static_cast<size_t>(r) * layout.row_size();
    const auto key = keys.GetView(r);
    key_end -= key.size();
    std::memcpy(key_end, key.data(), key.size());
    const TileHeader header{key_end, static_cast<uint32_t>(key.size()), strata.Value(r)};
    std::memcpy(row, &header, sizeof header);
    uint8_t* into = row + sizeof header;
    std::memcpy(into, states.GetValue(r), layout.states_size);
    for (size_t i = 0; i < references.size(); ++i) {
      const auto& column =
          static_cast<const arrow::LargeBinaryArray&>(*batch.column(3 + static_cast<int>(i)));
      Bytes target;
      if (column.IsValid(r)) {
        const auto value = column.GetView(r);
        std::memcpy(aligned, value.data(), value.size());
        target = {aligned, value.size()};
        aligned += Align8(value.size());
      }
      std::memcpy(into + references[i], &target, sizeof target);
    }
  }
  const int first_values = 3 + static_cast<int>(references.size());
  for (int c = first_values; c < batch.num_columns(); ++c) {
    run.distincts.push_back(DecodeValues(static_cast<const arrow::ListArray&>(*batch.column(c))));
    run.memory += static_cast<int64_t>(run.distincts.back().values.size() * sizeof(Hash128));
  }
  return run;
}

arrow::Result<std::unique_ptr<TileFileWriter>> TileFileWriter::Create(const std::string& path,
                                                                      const TileLayout& layout) {
  auto writer = std::make_unique<TileFileWriter>();
  writer->layout_ = &layout;
  writer->file_.path_ = path;
  ARROW_ASSIGN_OR_RAISE(writer->stream_, arrow::io::FileOutputStream::Open(path));
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  ARROW_ASSIGN_OR_RAISE(options.codec, arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME));
  options.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(writer->writer_,
                        arrow::ipc::MakeFileWriter(writer->stream_, SchemaOf(layout), options));
  return writer;
}

arrow::Status TileFileWriter::Append(const TileRun& segment) {
  ARROW_ASSIGN_OR_RAISE(auto batch, EncodeTiles(*layout_, segment));
  ARROW_RETURN_NOT_OK(writer_->WriteRecordBatch(*batch));
  file_.first_keys_.emplace_back(HeaderOf(segment.row(*layout_, 0)).key().view());
  file_.num_rows_ += segment.num_rows;
  file_.memory_ += segment.memory;
  return arrow::Status::OK();
}

arrow::Result<TileFile> TileFileWriter::Finish() {
  ARROW_RETURN_NOT_OK(writer_->Close());
  ARROW_ASSIGN_OR_RAISE(file_.bytes_, stream_->Tell());
  ARROW_RETURN_NOT_OK(stream_->Close());
  return std::move(file_);
}

arrow::Result<TileRun> TileFile::ReadSegment(const TileLayout& layout, size_t segment) const {
  ARROW_ASSIGN_OR_RAISE(auto stream, arrow::io::ReadableFile::Open(path_));
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchFileReader::Open(stream, options));
  ARROW_ASSIGN_OR_RAISE(auto batch, reader->ReadRecordBatch(static_cast<int>(segment)));
  return DecodeTiles(layout, *batch);
}

}  // namespace tidemill
