#include "table/quarantine.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "table/durable_files.h"
#include "table/run_id.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr const char* kFolder = "_tidemill/quarantine";
constexpr const char* kEnding = ".quarantine";
constexpr int64_t kRowGroupRows = 131'072;
constexpr int64_t kDay = int64_t{86'400} * 1'000'000;

/// Runs `work`; what it throws becomes an error that names the file.
template <typename Work>
auto Guard(const std::string& path, const Work& work) -> decltype(work()) {
  const auto failure = [&](const std::string& why) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("{}: quarantined rows cannot be written: {}", path, why));
  };
  try {
    auto result = work();
    if (result.ok()) return result;
    return failure(arrow::ToStatus(result).message());
  } catch (const std::exception& error) {
    return failure(error.what());
  }
}

}  // namespace

std::string QuarantinePath(const std::string& run_id, const std::string& name) {
  return fmt::format("{}/{}/{}{}", kFolder, run_id, name, kEnding);
}

std::string QuarantinePattern(const std::string& run_id) { return QuarantinePath(run_id, "*"); }

arrow::Result<std::unique_ptr<QuarantineFile>> QuarantineFile::Create(
    const std::string& path, const std::shared_ptr<arrow::Schema>& schema) {
  return Guard(path, [&]() -> arrow::Result<std::unique_ptr<QuarantineFile>> {
    auto file = std::make_unique<QuarantineFile>();
    file->path_ = path;
    ARROW_ASSIGN_OR_RAISE(file->stream_, arrow::io::FileOutputStream::Open(path));
    parquet::WriterProperties::Builder properties;
    properties.compression(parquet::Compression::ZSTD)
        ->max_row_group_length(kRowGroupRows)
        ->created_by("tidemill");
    // Where all rows fail, looking for values that repeat costs more than all else.
    for (const auto& field : schema->fields()) {
      if (!arrow::is_base_binary_like(field->type()->id())) {
        properties.disable_dictionary(field->name());
      }
    }
    ARROW_ASSIGN_OR_RAISE(file->writer_,
                          parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(),
                                                           file->stream_, properties.build()));
    return file;
  });
}

arrow::Status QuarantineFile::Write(const arrow::RecordBatch& batch) {
  return Guard(path_, [&] { return writer_->WriteRecordBatch(batch); });
}

arrow::Result<int64_t> QuarantineFile::Close() {
  return Guard(path_, [&]() -> arrow::Result<int64_t> {
    ARROW_RETURN_NOT_OK(writer_->Close());
    ARROW_ASSIGN_OR_RAISE(const int64_t bytes, stream_->Tell());
    ARROW_RETURN_NOT_OK(stream_->Close());
    const std::string folder = ParentOf(path_);
    ARROW_RETURN_NOT_OK(SyncFiles(folder, path_.substr(folder.size() + 1)));
    return bytes;
  });
}

arrow::Result<std::vector<Leftover>> QuarantineLeftovers(const Location& table,
                                                         const Ledger& ledger, bool apply) {
  std::vector<Leftover> leftovers;
  arrow::fs::FileSelector selector;
  selector.base_dir = table.path + "/" + kFolder;
  selector.recursive = true;
  selector.allow_not_found = true;
  ARROW_ASSIGN_OR_RAISE(const auto infos, table.filesystem->GetFileInfo(selector));
  struct OfRun {
    int64_t bytes = 0;
    int64_t changed_at = 0;  ///< microseconds since the epoch
  };
  std::map<std::string, OfRun> runs;
  for (const auto& info : infos) {
    const std::string below = info.path().substr(selector.base_dir.size() + 1);
    OfRun& run = runs[below.substr(0, below.find('/'))];
    if (!info.IsFile()) continue;
    run.bytes += info.size();
    run.changed_at = std::max<int64_t>(
        run.changed_at,
        std::chrono::duration_cast<std::chrono::microseconds>(info.mtime().time_since_epoch())
            .count());
  }
  if (runs.empty()) return leftovers;
  std::set<std::string> needed;
  ARROW_ASSIGN_OR_RAISE(const auto entries, ledger.ReadAll("", ""));
  for (const LedgerEntry& entry : entries) {
    if (entry.published) needed.insert(entry.published->run_id);
    if (entry.last_attempt) needed.insert(entry.last_attempt->run_id);
  }
  for (const auto& [run_id, run] : runs) {
    if (needed.contains(run_id)) continue;
    // A run that has no record yet may still be at work.
    ARROW_ASSIGN_OR_RAISE(const auto record, table.filesystem->GetFileInfo(
                                                 table.path + "/" + Ledger::RunPath(run_id)));
    if (!record.IsFile() && NowMicros() - run.changed_at < kDay) continue;
    const std::string path = fmt::format("{}/{}", selector.base_dir, run_id);
    leftovers.push_back(
        {fmt::format("{}/{}/{}", table.uri, kFolder, run_id), "quarantined rows", run.bytes});
    if (apply) ARROW_RETURN_NOT_OK(table.filesystem->DeleteDir(path));
  }
  return leftovers;
}

}  // namespace tidemill
