#include "engine/tile_file.h"

#include <algorithm>
#include <cstring>

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/io/interfaces.h>
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
  // The batch may be a slice of a larger one.
  const int32_t* offsets = lists.raw_value_offsets();
  const int32_t first = offsets[0];
  const int32_t count = offsets[lists.length()] - first;
  if (count == 0) return values;
  const auto& identities = static_cast<const arrow::FixedSizeBinaryArray&>(*lists.values());
  values.values.resize(static_cast<size_t>(count));
  std::memcpy(values.values.data(), identities.GetValue(first),
              values.values.size() * sizeof(Hash128));
  for (int64_t r = 0; r <= lists.length(); ++r) {
    values.begin.push_back(static_cast<uint32_t>(offsets[r] - first));
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

arrow::Result<TileFileReader> TileFileReader::Open(const TileFile& file) {
  arrow::fs::FileInfo info(file.path, arrow::fs::FileType::File);
  info.set_size(file.bytes);
  ARROW_ASSIGN_OR_RAISE(auto stream, file.filesystem->OpenInputFile(info));
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  TileFileReader reader;
  ARROW_ASSIGN_OR_RAISE(reader.reader_,
                        arrow::ipc::RecordBatchFileReader::Open(std::move(stream), options));
  return reader;
}

arrow::Result<TileRun> TileFileReader::Read(const TileLayout& layout, size_t segment,
                                            const KeyRange& range) {
  ARROW_ASSIGN_OR_RAISE(auto batch, reader_->ReadRecordBatch(static_cast<int>(segment)));
  const auto& keys = static_cast<const arrow::LargeBinaryArray&>(*batch->column(0));
  const auto first_not_below = [&](const std::string& key) {
    int64_t begin = 0;
    int64_t end = keys.length();
    while (begin < end) {
      const int64_t middle = begin + (end - begin) / 2;
      if (keys.GetView(middle) < key) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    return begin;
  };
  const int64_t begin = first_not_below(range.first);
  const int64_t end = range.is_last ? keys.length() : first_not_below(range.end);
  return DecodeTiles(layout, *batch->Slice(begin, std::max(begin, end) - begin));
}

arrow::Result<std::unique_ptr<TileFileWriter>> TileFileWriter::Create(
    std::shared_ptr<arrow::fs::FileSystem> filesystem, const std::string& path,
    const TileLayout& layout) {
  auto writer = std::make_unique<TileFileWriter>();
  writer->layout_ = &layout;
  writer->file_.path = path;
  ARROW_ASSIGN_OR_RAISE(writer->stream_, filesystem->OpenOutputStream(path));
  writer->file_.filesystem = std::move(filesystem);
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
  file_.first_keys.emplace_back(HeaderOf(segment.row(*layout_, 0)).key().view());
  file_.num_rows += segment.num_rows;
  file_.memory += segment.memory;
  return arrow::Status::OK();
}

arrow::Result<TileFile> TileFileWriter::Finish() {
  ARROW_RETURN_NOT_OK(writer_->Close());
  ARROW_ASSIGN_OR_RAISE(file_.bytes, stream_->Tell());
  ARROW_RETURN_NOT_OK(stream_->Close());
  return std::move(file_);
}

}  // namespace tidemill
