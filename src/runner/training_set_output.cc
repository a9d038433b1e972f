#include "runner/training_set_output.h"

#include <algorithm>

#include <arrow/filesystem/localfs.h>
#include <fmt/format.h>

#include "runner/prepare.h"
#include "table/durable_files.h"
#include "table/run_id.h"

namespace tidemill {
namespace {

constexpr const char* kSuffix = ".parquet";

/// "part-00000.parquet", as sinks call their files.
bool IsPart(const std::string& name) {
  return name.starts_with("part-") && name.ends_with(kSuffix);
}

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

arrow::Result<std::unique_ptr<TrainingSetOutput>> TrainingSetOutput::Open(
    const TrainingSetOptions& options, const std::shared_ptr<arrow::Schema>& schema,
    ScratchFolder* scratch) {
  std::unique_ptr<TrainingSetOutput> output(new TrainingSetOutput);
  ARROW_ASSIGN_OR_RAISE(output->place_, ParseLocation(options.out));
  const std::string& path = output->place_.path;
  output->is_file_ = path.ends_with(kSuffix);
  ARROW_RETURN_NOT_OK(output->CheckPlace(options.overwrite));
  ParquetSinkOptions sink;
  sink.threads = ThreadsOf(options);
  sink.cancelled = options.cancelled;
  if (output->is_file_) sink.file_size = int64_t{1} << 50;
  if (output->place_.is_local) {
    const std::string parent = ParentOf(path);
    ARROW_RETURN_NOT_OK(MakeDirectories(parent));
    sink.directory = fmt::format("{}/.{}.{}", parent, NameOf(path), MakeRunId());
  } else {
    ARROW_ASSIGN_OR_RAISE(sink.directory, scratch->NewPath());
  }
  ARROW_RETURN_NOT_OK(MakeScratchDirectories(sink.directory));
  output->staging_ = sink.directory;
  ARROW_ASSIGN_OR_RAISE(output->sink_, ParquetSink::Open(schema, std::move(sink)));
  return output;
}

TrainingSetOutput::~TrainingSetOutput() {
  sink_.reset();
  if (!staging_.empty()) (void)RemoveTree(staging_);
}

arrow::Status TrainingSetOutput::CheckPlace(bool overwrite) const {
  const auto info = place_.filesystem->GetFileInfo(place_.path);
  if (!info.ok()) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("--out {}: cannot be looked at: {}",
                                                        place_.uri, info.status().message()));
  }
  if (!place_.is_local && !is_file_) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("--out {}: an object store holds no directories", place_.uri),
                     fmt::format("give one file: {}{}", place_.uri, kSuffix));
  }
  if (info->type() == arrow::fs::FileType::NotFound) return arrow::Status::OK();
  if (info->IsFile() != is_file_) {
    return MakeError(
        ErrorCode::kInvalid,
        fmt::format("--out {}: there is a {}", place_.uri, is_file_ ? "directory" : "file"),
        is_file_ ? "give the path of a file" : "a path ending in .parquet is a file");
  }
  if (is_file_) {
    if (overwrite) return arrow::Status::OK();
    return MakeError(ErrorCode::kInvalid, fmt::format("--out {}: the file exists", place_.uri),
                     "say --overwrite to replace it");
  }
  ARROW_ASSIGN_OR_RAISE(const auto names, NamesIn(place_.path));
  if (names.empty()) return arrow::Status::OK();
  const auto other = std::ranges::find_if_not(names, IsPart);
  if (other != names.end()) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("--out {}: the directory holds '{}', which is no part of a "
                                 "training set",
                                 place_.uri, *other),
                     "give a directory that is new or empty");
  }
  if (overwrite) return arrow::Status::OK();
  return MakeError(ErrorCode::kInvalid, fmt::format("--out {}: the directory exists", place_.uri),
                   "say --overwrite to replace it");
}

arrow::Status TrainingSetOutput::Upload() const {
  arrow::fs::LocalFileSystem local;
  ARROW_ASSIGN_OR_RAISE(const auto from, local.OpenInputStream(staging_ + "/part-00000.parquet"));
  ARROW_ASSIGN_OR_RAISE(const auto to, place_.filesystem->OpenOutputStream(place_.path));
  constexpr int64_t kChunk = 8 << 20;
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(const auto chunk, from->Read(kChunk));
    if (chunk->size() == 0) break;
    ARROW_RETURN_NOT_OK(to->Write(chunk));
  }
  return to->Close();
}

arrow::Status TrainingSetOutput::MoveDirectory() {
  ARROW_RETURN_NOT_OK(SyncDirectory(staging_));
  ARROW_ASSIGN_OR_RAISE(const auto there, IdentityOf(place_.path));
  if (!there) {
    ARROW_RETURN_NOT_OK(Rename(staging_, place_.path));
    staging_.clear();
    return arrow::Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(const bool is_exchanged, Exchange(staging_, place_.path));
  if (is_exchanged) return arrow::Status::OK();
  const std::string old = staging_ + ".old";
  ARROW_RETURN_NOT_OK(Rename(place_.path, old));
  ARROW_RETURN_NOT_OK(Rename(staging_, place_.path));
  staging_ = old;
  return arrow::Status::OK();
}

arrow::Status TrainingSetOutput::Finish(TrainingSetReport* report) {
  ARROW_ASSIGN_OR_RAISE(const auto files, sink_->Close());
  report->files_written = static_cast<int64_t>(files.size());
  for (const WrittenFile& file : files) report->bytes_written += file.file.bytes;
  report->out = place_.uri;
  if (!place_.is_local) {
    const auto status = Upload();
    if (status.ok()) return status;
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("--out {}: {}", place_.uri, status.message()));
  }
  if (!is_file_) return MoveDirectory();
  return Rename(staging_ + "/part-00000.parquet", place_.path);
}

}  // namespace tidemill
