#include "storage/retrying_file.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <arrow/io/memory.h>
#include <arrow/util/io_util.h>
#include <gtest/gtest.h>

namespace tidemill {
namespace {

/// Fails the next `failures` reads with `error`, then reads.
class FlakyFile : public arrow::io::RandomAccessFile {
 public:
  FlakyFile(const std::string& content, int failures, int error)
      : content_(arrow::Buffer::FromString(content)), failures_(failures), error_(error) {}

  arrow::Result<int64_t> ReadAt(int64_t position, int64_t nbytes, void* out) override {
    ++calls;
    if (failures_-- > 0) return arrow::internal::IOErrorFromErrno(error_, "flaky");
    return content_.ReadAt(position, nbytes, out);
  }
  arrow::Result<int64_t> Read(int64_t nbytes, void* out) override {
    return content_.Read(nbytes, out);
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t nbytes) override {
    return content_.Read(nbytes);
  }
  arrow::Result<int64_t> GetSize() override { return content_.GetSize(); }
  arrow::Status Seek(int64_t position) override { return content_.Seek(position); }
  arrow::Result<int64_t> Tell() const override { return content_.Tell(); }
  arrow::Status Close() override { return content_.Close(); }
  bool closed() const override { return content_.closed(); }

  int calls = 0;

 private:
  arrow::io::BufferReader content_;
  int failures_;
  int error_;
};

arrow::Result<std::string> ReadThrough(int failures, int error, int64_t* retries, int* calls) {
  auto flaky = std::make_shared<FlakyFile>("0123456789", failures, error);
  auto log = std::make_shared<IoRetries>(std::chrono::milliseconds(1));
  auto file = WithRetries(flaky, log);
  char text[4] = {};
  auto got = file->ReadAt(3, 3, text);
  *retries = log->count();
  *calls = flaky->calls;
  ARROW_RETURN_NOT_OK(got.status());
  return std::string(text, static_cast<size_t>(*got));
}

TEST(RetryingFileTest, ReadsAgainAfterTransientErrorsAndCountsThem) {
  for (const int error : {EIO, EAGAIN, ETIMEDOUT, ESTALE, ECONNRESET}) {
    int64_t retries = 0;
    int calls = 0;
    const auto read = ReadThrough(2, error, &retries, &calls);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(*read, "345");
    EXPECT_EQ(retries, 2);
    EXPECT_EQ(calls, 3);
  }
}

TEST(RetryingFileTest, GivesUpWithTheLastError) {
  int64_t retries = 0;
  int calls = 0;
  const auto read = ReadThrough(100, EIO, &retries, &calls);
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(read.status()), EIO);
  EXPECT_EQ(calls, IoRetries::kAttempts);
  EXPECT_EQ(retries, IoRetries::kAttempts - 1);
}

TEST(RetryingFileTest, DoesNotRepeatWhatCannotSucceed) {
  for (const int error : {EACCES, ENOENT, EISDIR, EINVAL}) {
    int64_t retries = 0;
    int calls = 0;
    EXPECT_FALSE(ReadThrough(1, error, &retries, &calls).ok());
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(retries, 0);
  }
}

TEST(RetryingFileTest, ReadsInSequence) {
  auto flaky = std::make_shared<FlakyFile>("0123456789", 1, EIO);
  auto file = WithRetries(flaky, std::make_shared<IoRetries>(std::chrono::milliseconds(1)));
  char text[3] = {};
  ASSERT_EQ(file->Read(2, text).ValueOrDie(), 2);
  EXPECT_STREQ(text, "01");
  ASSERT_EQ(file->Read(2, text).ValueOrDie(), 2);
  EXPECT_STREQ(text, "23");
  EXPECT_EQ(file->Tell().ValueOrDie(), 4);
}

}  // namespace
}  // namespace tidemill
