#include "storage/remote_filesystem.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <utility>

#include <arrow/filesystem/s3fs.h>
#include <arrow/io/interfaces.h>
#include <fmt/format.h>

#include "base/hash.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr int64_t kRetries = 8;
constexpr int64_t kFirstPauseMs = 100;
constexpr int64_t kLongestPauseMs = 10'000;
/// After a request has failed as often as that, others are not tried again for so long.
constexpr auto kDown = std::chrono::seconds(30);
constexpr double kConnectSeconds = 5;
constexpr double kRequestSeconds = 30;

/// The first of some variables of the environment that is set and not empty.
std::string FromEnvironment(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return "";
}

/// One less than AWS_MAX_ATTEMPTS, as the SDKs of S3 understand it.
int64_t RetriesWanted() {
  const std::string attempts = FromEnvironment({"AWS_MAX_ATTEMPTS"});
  if (attempts.empty()) return kRetries;
  return std::max<int64_t>(0, std::strtoll(attempts.c_str(), nullptr, 10) - 1);
}

/// Exponential backoff with jitter, counting. A store that is gone is given up once, not once for
/// each request that is still to come.
class CountingRetries : public arrow::fs::S3RetryStrategy {
 public:
  explicit CountingRetries(std::shared_ptr<IoRetries> retries)
      : retries_(std::move(retries)), most_(RetriesWanted()) {}

  bool ShouldRetry(const AWSErrorDetail& error, int64_t attempted_retries) override {
    using Clock = std::chrono::steady_clock;
    if (!error.should_retry) return false;
    if (attempted_retries >= most_) {
      down_until_ = (Clock::now() + kDown).time_since_epoch().count();
      return false;
    }
    if (Clock::now().time_since_epoch().count() < down_until_) return false;
    retries_->Count();
    return true;
  }

  int64_t CalculateDelayBeforeNextRetry(const AWSErrorDetail&, int64_t attempted_retries) override {
    const int64_t longest =
        std::min(kLongestPauseMs, kFirstPauseMs << std::min<int64_t>(attempted_retries, 20));
    return longest / 2 + static_cast<int64_t>(RandomBits() % static_cast<uint64_t>(longest));
  }

 private:
  static uint64_t RandomBits() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    return HashInteger(static_cast<uint64_t>(now));
  }

  std::shared_ptr<IoRetries> retries_;
  int64_t most_;
  std::atomic<int64_t> down_until_ = 0;
};

arrow::Status InitializeS3Once() {
  static const arrow::Status initialized = [] {
    arrow::fs::S3GlobalOptions options = arrow::fs::S3GlobalOptions::Defaults();
    options.log_level = arrow::fs::S3LogLevel::Off;
    options.install_sigpipe_handler = true;
    const arrow::Status status = arrow::fs::InitializeS3(options);
    return status.ok() ? arrow::io::SetIOThreadPoolCapacity(kRemoteRequests) : status;
  }();
  return initialized;
}

/// "http://127.0.0.1:7070/" -> scheme and host.
arrow::Status SetEndpoint(std::string endpoint, arrow::fs::S3Options* options) {
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const size_t colon = endpoint.find("://");
  const std::string scheme = colon == std::string::npos ? "https" : endpoint.substr(0, colon);
  const std::string host = colon == std::string::npos ? endpoint : endpoint.substr(colon + 3);
  if ((scheme != "http" && scheme != "https") || host.empty()) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("AWS_ENDPOINT_URL is '{}', which is no address", endpoint),
                     "write it as https://s3.example.com or http://127.0.0.1:9000");
  }
  options->scheme = scheme;
  options->endpoint_override = host;
  return arrow::Status::OK();
}

/// How the crate object_store reaches the same bucket.
std::map<std::string, std::string> StoreOptions(const arrow::fs::S3Options& s3) {
  std::map<std::string, std::string> options;
  if (!s3.region.empty()) options["aws_region"] = s3.region;
  if (!s3.endpoint_override.empty()) {
    options["aws_endpoint"] = s3.scheme + "://" + s3.endpoint_override;
    if (s3.scheme == "http") options["aws_allow_http"] = "true";
  }
  options["aws_access_key_id"] = s3.GetAccessKey();
  options["aws_secret_access_key"] = s3.GetSecretKey();
  if (options["aws_access_key_id"].empty()) return {{"aws_skip_signature", "true"}};
  if (const std::string token = s3.GetSessionToken(); !token.empty()) {
    options["aws_session_token"] = token;
  }
  return options;
}

arrow::Status OpenS3(Location* location) {
  ARROW_RETURN_NOT_OK(InitializeS3Once());
  arrow::fs::S3Options options = arrow::fs::S3Options::Defaults();
  options.region = FromEnvironment({"AWS_REGION", "AWS_DEFAULT_REGION"});
  const std::string endpoint = FromEnvironment({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  if (!endpoint.empty()) {
    ARROW_RETURN_NOT_OK(SetEndpoint(endpoint, &options));
    if (options.region.empty()) options.region = "us-east-1";
  }
  if (options.region.empty()) {
    const std::string bucket = location->path.substr(0, location->path.find('/'));
    ARROW_ASSIGN_OR_RAISE(options.region, arrow::fs::ResolveS3BucketRegion(bucket));
  }
  options.connect_timeout = kConnectSeconds;
  options.request_timeout = kRequestSeconds;
  options.retry_strategy = std::make_shared<CountingRetries>(location->retries);
  ARROW_ASSIGN_OR_RAISE(location->filesystem, arrow::fs::S3FileSystem::Make(options));
  location->store_options = StoreOptions(options);
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<Location> RemoteLocation(const std::string& uri, const std::string& scheme) {
  constexpr std::string_view kKnown[] = {"s3", "s3a", "gs", "abfs", "abfss"};
  if (std::ranges::find(kKnown, scheme) == std::end(kKnown)) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("there are no paths of the kind {}://", scheme),
                     "write a local path, s3://bucket/path, gs://bucket/path or abfs://...");
  }
  Location location;
  location.is_local = false;
  location.path = uri.substr(scheme.size() + 3);
  while (location.path.ends_with('/')) location.path.pop_back();
  const std::string bucket = location.path.substr(0, location.path.find('/'));
  const bool is_s3 = scheme.starts_with("s3");
  const bool is_azure = scheme.starts_with("abfs");  // abfs://container@account/path
  const bool has_secret = bucket.find(':') != std::string::npos ||
                          (!is_azure && bucket.find('@') != std::string::npos) ||
                          location.path.find_first_of("?#") != std::string::npos;
  if (bucket.empty() || has_secret) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("a path of the kind {}:// begins with the "
                                 "name of a bucket and holds nothing secret",
                                 scheme),
                     fmt::format("write {}://bucket/path; credentials and endpoints come from the "
                                 "environment",
                                 scheme));
  }
  location.uri = (is_s3 ? "s3" : scheme) + "://" + location.path;
  if (is_s3) {
    ARROW_RETURN_NOT_OK(WithContext(OpenS3(&location), location.uri));
  } else {
    auto opened = arrow::fs::FileSystemFromUri(location.uri, &location.path);
    if (!opened.ok()) return WithContext(opened.status(), location.uri);
    location.filesystem = *std::move(opened);
  }
  return location;
}

void CloseRemoteFileSystems() {
  if (arrow::fs::IsS3Initialized()) static_cast<void>(arrow::fs::EnsureS3Finalized());
}

}  // namespace tidemill
