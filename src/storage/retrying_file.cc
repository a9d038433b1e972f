#include "storage/retrying_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <utility>

#include <arrow/buffer.h>
#include <arrow/util/io_util.h>

#include "base/hash.h"

namespace tidemill {
namespace {

class RetryingFile : public arrow::io::RandomAccessFile {
 public:
  RetryingFile(std::shared_ptr<arrow::io::RandomAccessFile> file,
               std::shared_ptr<IoRetries> retries)
      : file_(std::move(file)), retries_(std::move(retries)) {}

  arrow::Status Close() override { return file_->Close(); }
  bool closed() const override { return file_->closed(); }
  arrow::Result<int64_t> Tell() const override { return file_->Tell(); }
  arrow::Status Seek(int64_t position) override { return file_->Seek(position); }
  arrow::Result<int64_t> GetSize() override {
    return retries_->Run([&] { return file_->GetSize(); });
  }

  arrow::Result<int64_t> ReadAt(int64_t position, int64_t nbytes, void* out) override {
    return retries_->Run([&] { return file_->ReadAt(position, nbytes, out); });
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t nbytes) override {
    return retries_->Run([&] { return file_->ReadAt(position, nbytes); });
  }

  // A read that failed may have moved the position.
  arrow::Result<int64_t> Read(int64_t nbytes, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t position, Tell());
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(position, nbytes, out));
    ARROW_RETURN_NOT_OK(Seek(position + got));
    return got;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t nbytes) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t position, Tell());
    ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position, nbytes));
    ARROW_RETURN_NOT_OK(Seek(position + buffer->size()));
    return buffer;
  }

 private:
  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  std::shared_ptr<IoRetries> retries_;
};

}  // namespace

bool IoRetries::IsTransient(const arrow::Status& status) {
  constexpr std::array kTransient = {EIO,          EAGAIN,       EINTR,     EBUSY,
                                     ETIMEDOUT,    ESTALE,       EREMOTEIO, ECONNRESET,
                                     ECONNABORTED, EHOSTUNREACH, ENETDOWN,  ENETUNREACH};
  return std::ranges::count(kTransient, arrow::internal::ErrnoFromStatus(status)) > 0;
}

void IoRetries::Pause(int attempt) {
  const auto pause = first_pause_ * (1 << 2 * (attempt - 1));
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  const auto jitter = static_cast<int64_t>(HashInteger(static_cast<uint64_t>(now)) % 512);
  std::this_thread::sleep_for(pause + pause * jitter / 1024);
}

std::shared_ptr<arrow::io::RandomAccessFile> WithRetries(
    std::shared_ptr<arrow::io::RandomAccessFile> file, std::shared_ptr<IoRetries> retries) {
  return std::make_shared<RetryingFile>(std::move(file), std::move(retries));
}

}  // namespace tidemill
