#include "storage/parquet_sink.h"

#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <arrow/io/file.h>
#include <arrow/util/checked_cast.h>
#include <fcntl.h>
#include <parquet/arrow/schema.h>
#include <parquet/column_writer.h>
#include <parquet/file_writer.h>
#include <parquet/properties.h>
#include <unistd.h>

#include "base/hash.h"
#include "storage/column_types.h"
#include "storage/content_hash.h"
#include "storage/nan_statistics.h"
#include "storage/nested_columns.h"
#include "storage/parallel_for.h"
#include "storage/parquet_reading.h"
#include "storage/pending_rows.h"
#include "storage/row_group_planner.h"
#include "tidemill/version.h"

namespace tidemill {
namespace {

using arrow::internal::checked_cast;

/// Rows from which the width of rows is guessed before the first row group.
constexpr int64_t kProbeRows = 8192;
/// A dictionary pays if there are at least this many rows for each value.
constexpr int64_t kRowsPerDictionaryValue = 4;

struct Codec {
  parquet::Compression::type type = parquet::Compression::UNCOMPRESSED;
  std::optional<int> level;
};

arrow::Result<Codec> FindCodec(const std::string& name) {
  if (name == "zstd") return Codec{parquet::Compression::ZSTD, 1};
  if (name == "snappy") return Codec{parquet::Compression::SNAPPY, {}};
  if (name == "lz4") return Codec{parquet::Compression::LZ4, {}};
  if (name == "gzip") return Codec{parquet::Compression::GZIP, 6};
  if (name == "none") return Codec{};
  return MakeError(ErrorCode::kInvalid, fmt::format("unknown compression '{}'", name),
                   "one of zstd, snappy, lz4, gzip, none");
}

/// Counts distinct 64-bit hashes up to a limit.
class DistinctCounter {
 public:
  explicit DistinctCounter(int64_t limit)
      : limit_(limit), slots_(std::bit_ceil(static_cast<uint64_t>(2 * limit + 2))) {}

  /// False once there are more than the limit.
  bool Add(uint64_t hash) {
    const uint64_t mask = slots_.size() - 1;
    const uint64_t key = hash | 1;  // 0 marks a free slot
    for (uint64_t at = hash >> 20 & mask;; at = (at + 1) & mask) {
      if (slots_[at] == key) return true;
      if (slots_[at] != 0) continue;
      slots_[at] = key;
      return ++count_ <= limit_;
    }
  }

 private:
  int64_t limit_;
  int64_t count_ = 0;
  std::vector<uint64_t> slots_;
};

bool DictionaryPays(const arrow::Array& column) {
  if (column.type_id() == arrow::Type::BOOL) return false;
  // The writer itself gives up a dictionary that does not pay.
  if (IsListOrMap(*column.type())) return true;
  DistinctCounter counter(column.length() / kRowsPerDictionaryValue);
  if (arrow::is_binary_like(column.type_id())) {
    const auto& strings = checked_cast<const arrow::BinaryArray&>(column);
    for (int64_t i = 0; i < column.length(); ++i) {
      if (column.IsValid(i) && !counter.Add(HashBytes(strings.GetView(i)))) return false;
    }
    return true;
  }
  const int width = column.type()->bit_width() / 8;
  const uint8_t* values = column.data()->buffers[1]->data() + column.offset() * width;
  for (int64_t i = 0; i < column.length(); ++i) {
    if (column.IsNull(i)) continue;
    if (!counter.Add(HashBytes(values + i * width, static_cast<size_t>(width)))) return false;
  }
  return true;
}

std::vector<bool> WhereDictionariesPay(const arrow::ArrayVector& columns) {
  std::vector<bool> pays;
  for (const auto& column : columns) pays.push_back(DictionaryPays(*column));
  return pays;
}

/// Whether delta encoding applies: it makes sorted keys and instants smaller by a fifth at no cost,
/// and Spark (from 3.3), DuckDB, Polars and Arrow read it. Strings stay plain: their delta encoding
/// saves more, but fewer readers know it, and none decodes it to a dictionary.
bool IsStoredAsInteger(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_temporal(type.id());
}

/// One file being written.
class OutputFile {
 public:
  static arrow::Result<std::unique_ptr<OutputFile>> Create(
      const std::string& path, std::shared_ptr<arrow::Schema> schema,
      std::shared_ptr<parquet::WriterProperties> properties) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return arrow::Status::IOError("cannot create the file: ", std::strerror(errno));
    ARROW_ASSIGN_OR_RAISE(auto stream, arrow::io::FileOutputStream::Open(fd));
    auto file = std::make_unique<OutputFile>();
    file->stream_ = std::move(stream);
    file->schema_ = schema;
    file->properties_ = properties;
    file->holds_nan_.assign(static_cast<size_t>(schema->num_fields()), false);
    file->arrow_properties_ = parquet::default_arrow_writer_properties();
    int leaf = 0;
    for (const auto& field : schema->fields()) {
      file->leaves_.push_back(leaf);
      leaf += field->type()->id() == arrow::Type::MAP ? 2 : 1;
    }
    std::shared_ptr<parquet::SchemaDescriptor> descriptor;
    ARROW_RETURN_NOT_OK(parquet::arrow::ToParquetSchema(schema.get(), *properties,
                                                        *file->arrow_properties_, &descriptor));
    auto root = std::static_pointer_cast<parquet::schema::GroupNode>(descriptor->schema_root());
    file->writer_ =
        parquet::ParquetFileWriter::Open(file->stream_, std::move(root), std::move(properties));
    return file;
  }

  /// Writes one row group; returns its compressed bytes.
  arrow::Result<int64_t> WriteRowGroup(const arrow::ArrayVector& columns, int threads,
                                       ContentHasher* hasher) {
    const int64_t num_rows = columns.front()->length();
    ARROW_ASSIGN_OR_RAISE(const int64_t begin, stream_->Tell());
    for (size_t i = 0; i < columns.size(); ++i) {
      if (!arrow::is_floating(columns[i]->type_id())) continue;
      const bool holds_nan = HoldsNaN(*columns[i]);
      SetStatistics(properties_.get(), schema_->field(static_cast<int>(i))->name(), !holds_nan);
      if (holds_nan) holds_nan_[i] = true;
    }
    parquet::RowGroupWriter* group = writer_->AppendBufferedRowGroup();
    ARROW_RETURN_NOT_OK(
        ParallelFor(static_cast<int64_t>(columns.size()), threads, nullptr,
                    [&](int64_t i, int) -> arrow::Status {
                      try {
                        const arrow::Array& column = *columns[static_cast<size_t>(i)];
                        ARROW_RETURN_NOT_OK(hasher->Update(static_cast<int>(i), column));
                        return WriteColumn(group, leaves_[static_cast<size_t>(i)], column);
                      } catch (const std::exception& error) {
                        return arrow::Status::IOError(error.what());
                      }
                    }));
    group->Close();
    rows_ += num_rows;
    ARROW_ASSIGN_OR_RAISE(const int64_t end, stream_->Tell());
    return end - begin;
  }

  /// Ends the file on the disk; returns its size.
  arrow::Result<int64_t> Close() {
    writer_->Close();
    ARROW_ASSIGN_OR_RAISE(const int64_t bytes, stream_->Tell());
    ARROW_RETURN_NOT_OK(stream_->Flush());
    if (fsync(stream_->file_descriptor()) != 0) {
      return arrow::Status::IOError("cannot be flushed to the disk: ", std::strerror(errno));
    }
    ARROW_RETURN_NOT_OK(stream_->Close());
    return bytes;
  }

  int64_t num_rows() const { return rows_; }
  bool holds_nan(size_t column) const { return holds_nan_[column]; }

 private:
  /// Writes the columns of the file that hold `column`, the first of which is `leaf`.
  arrow::Status WriteColumn(parquet::RowGroupWriter* group, int leaf, const arrow::Array& column) {
    parquet::ArrowWriteContext context(arrow::default_memory_pool(), arrow_properties_.get());
    if (IsListOrMap(*column.type())) {
      ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector elements, ElementsOf(column));
      for (size_t i = 0; i < elements.size(); ++i) {
        const NestedLevels levels = LevelsOf(column, i, *elements[i]);
        const bool is_key = column.type_id() == arrow::Type::MAP && i == 0;
        ARROW_RETURN_NOT_OK(group->column(leaf + static_cast<int>(i))
                                ->WriteArrow(levels.definition.data(), levels.repetition.data(),
                                             static_cast<int64_t>(levels.definition.size()),
                                             *elements[i], &context,
                                             /*leaf_field_nullable=*/!is_key));
      }
      return arrow::Status::OK();
    }
    std::vector<int16_t> levels(static_cast<size_t>(column.length()), 1);
    if (column.null_count() > 0) {
      for (int64_t i = 0; i < column.length(); ++i) {
        levels[static_cast<size_t>(i)] = column.IsValid(i) ? 1 : 0;
      }
    }
    return group->column(leaf)->WriteArrow(levels.data(), nullptr, column.length(), column,
                                           &context, /*leaf_field_nullable=*/true);
  }

  std::shared_ptr<arrow::io::FileOutputStream> stream_;
  std::shared_ptr<parquet::ArrowWriterProperties> arrow_properties_;
  std::unique_ptr<parquet::ParquetFileWriter> writer_;
  int64_t rows_ = 0;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<parquet::WriterProperties> properties_;
  std::vector<bool> holds_nan_;  ///< by column
  std::vector<int> leaves_;      ///< by column: the first column of the file that holds it
};

class RollingSink : public ParquetSink {
 public:
  RollingSink(std::shared_ptr<arrow::Schema> schema, ParquetSinkOptions options, Codec codec)
      : schema_(std::move(schema)),
        options_(std::move(options)),
        codec_(codec),
        planner_(options_.file_size, options_.max_rows_per_file),
        pending_(schema_) {
    if (options_.clustered_group_rows > 0) planner_.SetClustered(options_.clustered_group_rows);
  }

  arrow::Status ChooseEncodings(const arrow::RecordBatch& sample) override {
    if (sample.num_rows() == 0) return arrow::Status::OK();
    PendingRows rows(schema_);
    ARROW_RETURN_NOT_OK(rows.Append(sample));
    ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector columns, rows.First(sample.num_rows()));
    use_dictionary_ = WhereDictionariesPay(columns);
    return arrow::Status::OK();
  }

  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) override {
    ARROW_RETURN_NOT_OK(pending_.Append(*batch));
    num_rows_ += batch->num_rows();
    return WritePending(/*all=*/false);
  }

  arrow::Result<std::vector<WrittenFile>> Close() override {
    ARROW_RETURN_NOT_OK(WritePending(/*all=*/true));
    if (file_ == nullptr && files_.empty() && options_.write_empty_file) {
      ARROW_RETURN_NOT_OK(Guard([&] { return OpenFile({}); }));
    }
    ARROW_RETURN_NOT_OK(CloseFile());
    return std::move(files_);
  }

  int64_t num_rows() const override { return num_rows_; }

 private:
  std::string PathOfFile() const { return options_.directory + "/" + name_; }

  /// Runs a step of the current file; errors name it.
  template <typename Work>
  arrow::Status Guard(const Work& work) {
    if (options_.cancelled != nullptr && options_.cancelled->load(std::memory_order_relaxed)) {
      return MakeError(ErrorCode::kInterrupted, "interrupted");
    }
    name_ = fmt::format("part-{:05}.parquet", files_.size());
    return GuardParquet(PathOfFile(), "writing failed", work);
  }

  arrow::Status WritePending(bool all) {
    while (pending_.num_rows() > 0) {
      if (!planner_.knows_row_width()) {
        if (pending_.num_rows() < kProbeRows && !all) return arrow::Status::OK();
        ARROW_RETURN_NOT_OK(GuessRowWidth());
      }
      const int64_t wanted = planner_.RowsOfNextGroup();
      if (pending_.num_rows() < wanted && !all) return arrow::Status::OK();
      ARROW_RETURN_NOT_OK(WriteGroup(std::min(wanted, pending_.num_rows())));
    }
    return arrow::Status::OK();
  }

  arrow::Status GuessRowWidth() {
    ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector columns,
                          pending_.First(std::min(kProbeRows, pending_.num_rows())));
    double bytes = 0;
    for (const auto& column : columns) bytes += MemoryBytes(*column);
    planner_.SetRowWidth(bytes / static_cast<double>(columns.front()->length()));
    return arrow::Status::OK();
  }

  arrow::Status WriteGroup(int64_t rows) {
    ARROW_RETURN_NOT_OK(Guard([&]() -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector columns, pending_.First(rows));
      pending_.Drop(rows);
      if (file_ == nullptr) ARROW_RETURN_NOT_OK(OpenFile(columns));
      ARROW_ASSIGN_OR_RAISE(const int64_t bytes,
                            file_->WriteRowGroup(columns, options_.threads, &*hasher_));
      double memory = 0;
      for (const auto& column : columns) memory += MemoryBytes(*column);
      planner_.GroupWritten(rows, bytes, memory);
      return arrow::Status::OK();
    }));
    return planner_.FileIsFull() ? CloseFile() : arrow::Status::OK();
  }

  /// If not chosen otherwise, the encodings of a file follow from its first row group.
  arrow::Status OpenFile(const arrow::ArrayVector& columns) {
    parquet::WriterProperties::Builder builder;
    builder.created_by(fmt::format("tidemill version {}", kVersion));
    builder.version(parquet::ParquetVersion::PARQUET_2_6);
    builder.data_page_version(parquet::ParquetDataPageVersion::V1);
    builder.compression(codec_.type);
    if (codec_.level.has_value()) builder.compression_level(*codec_.level);
    builder.enable_page_checksum();
    builder.enable_statistics();
    builder.enable_write_page_index();
    const std::vector<bool> use_dictionary =
        use_dictionary_.empty() ? WhereDictionariesPay(columns) : use_dictionary_;
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string& name = schema_->field(static_cast<int>(i))->name();
      if (arrow::is_floating(columns[i]->type_id())) builder.enable_statistics(name);
      if (use_dictionary[i]) continue;
      builder.disable_dictionary(name);
      if (IsStoredAsInteger(*columns[i]->type())) {
        builder.encoding(name, parquet::Encoding::DELTA_BINARY_PACKED);
      }
    }
    ARROW_ASSIGN_OR_RAISE(file_, OutputFile::Create(PathOfFile(), schema_, builder.build()));
    hasher_.emplace(*schema_, options_.volatile_columns);
    return arrow::Status::OK();
  }

  arrow::Status CloseFile() {
    if (file_ == nullptr) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(Guard([&]() -> arrow::Status {
      WrittenFile written;
      written.file.path = name_;
      written.file.rows = file_->num_rows();
      ARROW_ASSIGN_OR_RAISE(written.file.bytes, file_->Close());
      written.file.hash = hasher_->Finish(written.file.rows);
      for (int i = 0; i < schema_->num_fields(); ++i) {
        if (!file_->holds_nan(static_cast<size_t>(i))) continue;
        written.nan_columns.push_back(schema_->field(i)->name());
      }
      files_.push_back(std::move(written));
      return arrow::Status::OK();
    }));
    file_.reset();
    planner_.FileClosed();
    return arrow::Status::OK();
  }

  std::shared_ptr<arrow::Schema> schema_;
  ParquetSinkOptions options_;
  Codec codec_;
  RowGroupPlanner planner_;
  PendingRows pending_;
  std::vector<bool> use_dictionary_;  ///< by column; empty: chosen by each file's first row group
  int64_t num_rows_ = 0;
  std::string name_;
  std::unique_ptr<OutputFile> file_;
  std::optional<ContentHasher> hasher_;
  std::vector<WrittenFile> files_;
};

arrow::Status CannotBeWritten(const std::string& column, const arrow::DataType& type) {
  return MakeError(ErrorCode::kInvalid, fmt::format("column '{}' of type {} cannot be written",
                                                    column, type.ToString()));
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::DataType>> StoredType(const arrow::Field& field) {
  const std::shared_ptr<arrow::DataType> type = PlainType(field.type());
  switch (type->id()) {
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = checked_cast<const arrow::TimestampType&>(*type);
      if (timestamp.unit() != arrow::TimeUnit::SECOND) return type;
      return arrow::timestamp(arrow::TimeUnit::MILLI, timestamp.timezone());
    }
    case arrow::Type::TIME32:
      return arrow::time32(arrow::TimeUnit::MILLI);
    case arrow::Type::TIME64:
    case arrow::Type::BOOL:
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::FIXED_SIZE_BINARY:
    case arrow::Type::DATE32:
    case arrow::Type::DECIMAL128:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
      return type;
    case arrow::Type::NA:
      return MakeError(
          ErrorCode::kInvalid,
          fmt::format("column '{}' is NULL in every row and has no type", field.name()),
          fmt::format("give it one: cast({} as bigint)", field.name()));
    case arrow::Type::LIST:
    case arrow::Type::MAP: {
      if (!IsListOrMap(*type)) return CannotBeWritten(field.name(), *type);
      std::vector<std::shared_ptr<arrow::DataType>> elements;
      for (const auto& element : ElementFields(*type)) {
        ARROW_ASSIGN_OR_RAISE(elements.emplace_back(),
                              StoredType(*arrow::field(field.name(), element->type())));
      }
      return WithElements(*type, std::move(elements));
    }
    default:
      if (arrow::is_integer(type->id())) return type;
      return CannotBeWritten(field.name(), *type);
  }
}

arrow::Result<std::unique_ptr<ParquetSink>> ParquetSink::Open(
    const std::shared_ptr<arrow::Schema>& schema, ParquetSinkOptions options) {
  if (schema->num_fields() == 0) {
    return MakeError(ErrorCode::kInvalid, "a file needs at least one column");
  }
  ARROW_ASSIGN_OR_RAISE(const Codec codec, FindCodec(options.compression));
  arrow::FieldVector fields;
  for (const std::shared_ptr<arrow::Field>& field : schema->fields()) {
    ARROW_ASSIGN_OR_RAISE(auto type, StoredType(*field));
    fields.push_back(arrow::field(field->name(), std::move(type), /*nullable=*/true));
  }
  return std::make_unique<RollingSink>(arrow::schema(std::move(fields)), std::move(options), codec);
}

}  // namespace tidemill
