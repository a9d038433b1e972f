#include "table/table_files.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include <arrow/buffer.h>
#include <arrow/filesystem/filesystem.h>
#include <arrow/io/file.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "table/durable_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

/// Of an upload: large enough for few requests, small enough that several are under way.
constexpr int64_t kUploadPiece = 16 << 20;

class LocalTableFiles : public TableFiles {
 public:
  LocalTableFiles(std::string root, std::function<std::string()> temporary)
      : root_(std::move(root)), temporary_(std::move(temporary)) {}

  arrow::Result<std::optional<Content>> Read(const std::string& path) const override {
    ARROW_ASSIGN_OR_RAISE(auto text, ReadSmallFile(root_ + "/" + path));
    if (!text.has_value()) return std::nullopt;
    return Content{*std::move(text), ""};
  }

  arrow::Result<std::vector<std::string>> NamesIn(const std::string& folder) const override {
    return tidemill::NamesIn(root_ + "/" + folder);
  }

  arrow::Status Replace(const std::string& path, std::string_view content) override {
    return ReplaceFile(root_ + "/" + path, content, temporary_());
  }

  arrow::Result<bool> Create(const std::string& path, std::string_view content) override {
    return CreateFile(root_ + "/" + path, content, temporary_());
  }

  arrow::Result<bool> ReplaceIf(const std::string&, std::string_view, const std::string&) override {
    return arrow::Status::NotImplemented("local files are guarded by locks");
  }

  arrow::Status Remove(const std::string& path) override { return RemoveFile(root_ + "/" + path); }

  arrow::Status Place(const std::string& local_path, const std::string& path, int64_t) override {
    const std::string to = root_ + "/" + path;
    ARROW_RETURN_NOT_OK(MakeDirectories(ParentOf(to)));
    return Rename(local_path, to);
  }

 private:
  std::string root_;
  std::function<std::string()> temporary_;
};

class ObjectTableFiles : public TableFiles {
 public:
  explicit ObjectTableFiles(const Location& table) : table_(table) {}

  arrow::Result<std::optional<Content>> Read(const std::string& path) const override {
    ARROW_ASSIGN_OR_RAISE(const ObjectStore* store, Store());
    ARROW_ASSIGN_OR_RAISE(auto object, store->Get(path));
    if (!object.has_value()) return std::nullopt;
    return Content{std::move(object->content), std::move(object->etag)};
  }

  arrow::Result<std::vector<std::string>> NamesIn(const std::string& folder) const override {
    arrow::fs::FileSelector selector;
    selector.base_dir = table_.path + "/" + folder;
    selector.allow_not_found = true;
    ARROW_ASSIGN_OR_RAISE(const auto infos, table_.filesystem->GetFileInfo(selector));
    std::vector<std::string> names;
    for (const auto& info : infos) names.push_back(info.base_name());
    std::ranges::sort(names);
    return names;
  }

  arrow::Status Replace(const std::string& path, std::string_view content) override {
    ARROW_ASSIGN_OR_RAISE(const ObjectStore* store, Store());
    return store->Put(path, content).status();
  }

  arrow::Result<bool> Create(const std::string& path, std::string_view content) override {
    ARROW_ASSIGN_OR_RAISE(const ObjectStore* store, Store());
    return store->Create(path, content);
  }

  arrow::Result<bool> ReplaceIf(const std::string& path, std::string_view content,
                                const std::string& revision) override {
    if (revision.empty()) return Create(path, content);
    ARROW_ASSIGN_OR_RAISE(const ObjectStore* store, Store());
    return store->ReplaceIf(path, content, revision);
  }

  arrow::Status Remove(const std::string& path) override {
    const arrow::Status removed = table_.filesystem->DeleteFile(table_.path + "/" + path);
    if (removed.ok()) return removed;
    ARROW_ASSIGN_OR_RAISE(const auto info,
                          table_.filesystem->GetFileInfo(table_.path + "/" + path));
    return info.type() == arrow::fs::FileType::NotFound ? arrow::Status::OK() : removed;
  }

  arrow::Status Place(const std::string& local_path, const std::string& path,
                      int64_t bytes) override {
    const std::string to = table_.path + "/" + path;
    const auto failed = [&](const arrow::Status& status) {
      return MakeError(
          ErrorCode::kRunFailed,
          fmt::format("{}/{}: cannot be uploaded: {}", table_.uri, path, status.message()),
          "nothing was published; run again when the store answers");
    };
    if (auto status = Upload(local_path, to); !status.ok()) return failed(status);
    const auto info = table_.filesystem->GetFileInfo(to);
    if (!info.ok()) return failed(info.status());
    if (info->size() != bytes) {
      return failed(arrow::Status::IOError("it has ", info->size(), " bytes there, not ", bytes));
    }
    return RemoveFile(local_path);
  }

 private:
  arrow::Status Upload(const std::string& from, const std::string& to) {
    ARROW_ASSIGN_OR_RAISE(auto input, arrow::io::ReadableFile::Open(from));
    ARROW_ASSIGN_OR_RAISE(auto output, table_.filesystem->OpenOutputStream(to));
    while (true) {
      ARROW_ASSIGN_OR_RAISE(const auto piece, input->Read(kUploadPiece));
      if (piece->size() == 0) break;
      ARROW_RETURN_NOT_OK(output->Write(piece));
    }
    return output->Close();
  }

  arrow::Result<const ObjectStore*> Store() const {
    std::lock_guard lock(mutex_);
    if (store_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(store_, ObjectStore::Open(table_));
    }
    return store_.get();
  }

  Location table_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<ObjectStore> store_;
};

}  // namespace

std::shared_ptr<TableFiles> MakeLocalTableFiles(std::string table_path,
                                                std::function<std::string()> temporary) {
  return std::make_shared<LocalTableFiles>(std::move(table_path), std::move(temporary));
}

std::shared_ptr<TableFiles> MakeObjectTableFiles(const Location& table) {
  return std::make_shared<ObjectTableFiles>(table);
}

}  // namespace tidemill
