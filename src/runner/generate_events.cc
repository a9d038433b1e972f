// A click stream that looks like one: sessions of half an hour, a few users who make most of the
// events, NULL users now and then, prices only where something is bought or put into the cart.
//
// Each day has a random stream of its own, seeded with the day, so that days can be written in any
// order and by any number of threads, and a stream that is extended by more days keeps its old
// ones. Days are staged under a name that readers skip and moved into place together.

#include "runner/generate_events.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <mutex>
#include <thread>

#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <unistd.h>

namespace tidemill {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMicrosPerDay = 86'400'000'000;
constexpr int64_t kMicrosPerSession = 1'800'000'000;
constexpr int64_t kEventsPerSession = 5;
constexpr int64_t kRowGroupsPerDay = 4;
constexpr int64_t kMinRowGroup = 1'000;
constexpr int64_t kMaxRowGroup = 262'144;
constexpr double kNullUserShare = 0.002;

struct EventType {
  const char* name;
  double share;  ///< cumulative
  bool has_value;
  bool has_category;
};
constexpr std::array<EventType, 5> kEventTypes = {{{"page_view", 0.62, false, true},
                                                   {"click", 0.84, false, true},
                                                   {"add_to_cart", 0.90, true, true},
                                                   {"purchase", 0.93, true, true},
                                                   {"search", 1.00, false, false}}};
constexpr std::array<const char*, 20> kCategories = {
    "books",  "electronics", "fashion",    "home",  "garden",  "toys",   "sports",
    "beauty", "grocery",     "automotive", "music", "video",   "office", "pets",
    "baby",   "health",      "tools",      "shoes", "jewelry", "travel"};

/// Log-normal with median 24.5, in whole cents.
double DrawPrice(RandomStream* random) {
  double normal = -6;
  for (int i = 0; i < 12; ++i) normal += random->NextUnit();
  return std::round(std::exp(3.2 + normal) * 100) / 100;
}

/// Spreads ranks over user numbers, so that the busiest users are not the first ones. The factor is
/// a prime above any number of entities, hence a bijection.
int64_t UserOfRank(int64_t rank, int64_t entities) {
  constexpr int64_t kPrime = 2'654'435'761;
  return static_cast<int64_t>(static_cast<uint64_t>(rank + 1) * kPrime %
                              static_cast<uint64_t>(entities));
}

arrow::Status CheckRange(const char* name, int64_t value, int64_t low, int64_t high) {
  if (low <= value && value <= high) return arrow::Status::OK();
  return MakeError(ErrorCode::kInvalid,
                   fmt::format("{} is {}; it must be between {} and {}", name, value, low, high));
}

arrow::Status CheckOptions(const GenerateOptions& options) {
  ARROW_RETURN_NOT_OK(CheckRange("the number of days", options.days, 1, 36'600));
  ARROW_RETURN_NOT_OK(
      CheckRange("the number of events per day", options.events_per_day, 0, 1'000'000'000));
  ARROW_RETURN_NOT_OK(CheckRange("the number of entities", options.entities, 1, 1'000'000'000));
  if (!(options.skew >= 0 && options.skew <= 10)) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("the skew is {}; it must be between 0 and 10", options.skew));
  }
  if (!ParseCivilDay(options.start)) {
    return MakeError(ErrorCode::kInvalid, fmt::format("'{}' is not a date", options.start),
                     "write it as 2026-01-31");
  }
  return arrow::Status::OK();
}

arrow::Status IoError(const std::string& what, const std::error_code& error) {
  return MakeError(ErrorCode::kRunFailed, fmt::format("{}: {}", what, error.message()));
}

bool IsDayPartition(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename();
  return name.rfind("event_date=", 0) == 0 && ParseCivilDay(name.substr(11)).has_value() &&
         entry.is_directory();
}

/// The day partitions that `directory` holds. An error if it holds anything else, or holds them
/// and may not be overwritten.
arrow::Result<std::vector<fs::path>> ExistingPartitions(const GenerateOptions& options) {
  std::vector<fs::path> partitions;
  std::error_code error;
  const fs::path directory = options.directory;
  if (!fs::exists(directory, error)) return partitions;
  if (!fs::is_directory(directory, error)) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("'{}' is not a directory", options.directory));
  }
  fs::directory_iterator entries(directory, error);
  if (error) return IoError(fmt::format("cannot list '{}'", options.directory), error);
  for (const fs::directory_entry& entry : entries) {
    if (!IsDayPartition(entry)) {
      return MakeError(ErrorCode::kInvalid,
                       fmt::format("'{}' holds '{}', which is not generated events",
                                   options.directory, entry.path().filename().string()),
                       "name a new directory");
    }
    partitions.push_back(entry.path());
  }
  if (!partitions.empty() && !options.overwrite) {
    return MakeError(ErrorCode::kInvalid, fmt::format("'{}' is not empty", options.directory),
                     "name a new directory, or replace the events with --overwrite");
  }
  return partitions;
}

arrow::Result<int64_t> WriteDay(const arrow::Table& events, const fs::path& path) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return IoError(fmt::format("cannot create '{}'", path.parent_path().string()), error);
  ARROW_ASSIGN_OR_RAISE(auto sink, arrow::io::FileOutputStream::Open(path.string()));
  const auto properties = parquet::WriterProperties::Builder()
                              .compression(parquet::Compression::ZSTD)
                              ->max_row_group_length(kMaxRowGroup)
                              ->build();
  const int64_t rows_of_group = std::clamp(
      (events.num_rows() + kRowGroupsPerDay - 1) / kRowGroupsPerDay, kMinRowGroup, kMaxRowGroup);
  ARROW_RETURN_NOT_OK(parquet::arrow::WriteTable(events, arrow::default_memory_pool(), sink,
                                                 rows_of_group, properties));
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, sink->Tell());
  ARROW_RETURN_NOT_OK(sink->Close());
  return bytes;
}

/// A directory that goes away with everything in it.
class StagingDirectory {
 public:
  explicit StagingDirectory(fs::path path) : path_(std::move(path)) {}
  ~StagingDirectory() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Writes all days below `root`, several at a time.
class DayWriter {
 public:
  DayWriter(const GenerateOptions& options, CivilDay first, fs::path root)
      : options_(options), first_(first), root_(std::move(root)) {}

  arrow::Result<int64_t> WriteAll() {
    int threads = options_.threads > 0 ? options_.threads
                                       : static_cast<int>(std::thread::hardware_concurrency());
    threads = std::clamp(threads, 1, options_.days);
    std::vector<std::thread> workers;
    for (int i = 1; i < threads; ++i) workers.emplace_back([this] { WriteSome(); });
    WriteSome();
    for (std::thread& worker : workers) worker.join();
    ARROW_RETURN_NOT_OK(status_);
    return bytes_;
  }

 private:
  void WriteSome() {
    for (int i = next_.fetch_add(1); i < options_.days; i = next_.fetch_add(1)) {
      const arrow::Result<int64_t> bytes = WriteOne(first_ + i);
      const std::lock_guard lock(mutex_);
      if (!bytes.ok()) {
        if (status_.ok()) status_ = bytes.status();
        next_ = options_.days;
        return;
      }
      bytes_ += *bytes;
      ++done_;
      if (options_.on_progress) options_.on_progress({"generate", done_, options_.days, "days"});
    }
  }

  arrow::Result<int64_t> WriteOne(CivilDay day) {
    if (options_.cancelled != nullptr && options_.cancelled->load()) {
      return MakeError(ErrorCode::kInterrupted, "interrupted; no events were written");
    }
    ARROW_ASSIGN_OR_RAISE(const auto events, EventsOfDay(options_, day));
    return WriteDay(*events, root_ / ("event_date=" + FormatCivilDay(day)) / "part-0.parquet");
  }

  const GenerateOptions& options_;
  const CivilDay first_;
  const fs::path root_;
  std::atomic<int> next_{0};
  std::mutex mutex_;
  arrow::Status status_;
  int64_t bytes_ = 0;
  int64_t done_ = 0;
};

}  // namespace

RandomStream::RandomStream(uint64_t seed, uint64_t stream) : state_(seed) {
  state_ = Next() ^ (stream * 0xd1342543de82ef95u);
  state_ = Next();
}

uint64_t RandomStream::Next() {
  state_ += 0x9e3779b97f4a7c15u;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

int64_t RandomStream::NextBelow(int64_t bound) {
  __extension__ typedef unsigned __int128 uint128_t;
  return static_cast<int64_t>(static_cast<uint128_t>(Next()) * static_cast<uint64_t>(bound) >> 64);
}

PowerLawRanks::PowerLawRanks(int64_t count, double skew) : count_(count), skew_(skew) {
  const auto integral = [&](double x) {
    return skew_ == 1 ? std::log(x) : std::pow(x, 1 - skew_) / (1 - skew_);
  };
  low_ = integral(0.5);
  high_ = integral(static_cast<double>(count) + 0.5);
}

int64_t PowerLawRanks::Draw(RandomStream* random) const {
  const double area = low_ + random->NextUnit() * (high_ - low_);
  const double x = skew_ == 1 ? std::exp(area) : std::pow(area * (1 - skew_), 1 / (1 - skew_));
  return std::clamp<int64_t>(static_cast<int64_t>(x + 0.5), 1, count_) - 1;
}

arrow::Result<std::shared_ptr<arrow::Table>> EventsOfDay(const GenerateOptions& options,
                                                         CivilDay day) {
  struct Session {
    int64_t user;
    int64_t start;
  };
  struct Event {
    int64_t time;
    int64_t session;
  };
  RandomStream random(options.seed, static_cast<uint64_t>(static_cast<int64_t>(day)));
  const PowerLawRanks ranks(options.entities, options.skew);
  const int64_t num_events = options.events_per_day;
  std::vector<Session> sessions(
      static_cast<size_t>(std::max<int64_t>(num_events / kEventsPerSession, 1)));
  for (Session& session : sessions) {
    session.user = UserOfRank(ranks.Draw(&random), options.entities);
    session.start = random.NextBelow(kMicrosPerDay);
  }
  std::vector<Event> events(static_cast<size_t>(num_events));
  for (Event& event : events) {
    event.session = random.NextBelow(static_cast<int64_t>(sessions.size()));
    event.time = std::min(
        sessions[static_cast<size_t>(event.session)].start + random.NextBelow(kMicrosPerSession),
        kMicrosPerDay - 1);
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.time < b.time; });

  arrow::Int64Builder event_id;
  arrow::StringBuilder user_id, session_id, event_type, product_category;
  arrow::DoubleBuilder value;
  const auto time_type = arrow::timestamp(arrow::TimeUnit::MICRO);
  arrow::TimestampBuilder timestamp(time_type, arrow::default_memory_pool());
  const YearMonthDay date = ToYearMonthDay(day);
  const std::string session_prefix =
      fmt::format("{:02}{:02}{:02}-", date.year % 100, date.month, date.day);
  int64_t id = static_cast<int64_t>(day) * num_events;
  for (const Event& event : events) {
    const double share = random.NextUnit();
    const EventType& type =
        *std::find_if(kEventTypes.begin(), kEventTypes.end() - 1,
                      [&](const EventType& candidate) { return share < candidate.share; });
    ARROW_RETURN_NOT_OK(event_id.Append(id++));
    if (random.NextUnit() < kNullUserShare) {
      ARROW_RETURN_NOT_OK(user_id.AppendNull());
    } else {
      ARROW_RETURN_NOT_OK(
          user_id.Append(fmt::format("u{:08}", sessions[static_cast<size_t>(event.session)].user)));
    }
    ARROW_RETURN_NOT_OK(session_id.Append(fmt::format("{}{:08x}", session_prefix, event.session)));
    ARROW_RETURN_NOT_OK(event_type.Append(type.name));
    const auto category = static_cast<size_t>(random.NextBelow(kCategories.size()));
    ARROW_RETURN_NOT_OK(type.has_category ? product_category.Append(kCategories[category])
                                          : product_category.AppendNull());
    ARROW_RETURN_NOT_OK(type.has_value ? value.Append(DrawPrice(&random)) : value.AppendNull());
    ARROW_RETURN_NOT_OK(timestamp.Append(int64_t{day} * kMicrosPerDay + event.time));
  }

  const auto schema = arrow::schema(
      {arrow::field("event_id", arrow::int64()), arrow::field("user_id", arrow::utf8()),
       arrow::field("session_id", arrow::utf8()), arrow::field("event_type", arrow::utf8()),
       arrow::field("product_category", arrow::utf8()), arrow::field("value", arrow::float64()),
       arrow::field("timestamp", time_type)});
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (arrow::ArrayBuilder* builder : std::initializer_list<arrow::ArrayBuilder*>{
           &event_id, &user_id, &session_id, &event_type, &product_category, &value, &timestamp}) {
    ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
    columns.push_back(std::move(column));
  }
  return arrow::Table::Make(schema, columns);
}

arrow::Result<GenerateReport> GenerateEvents(const GenerateOptions& options) {
  ARROW_RETURN_NOT_OK(CheckOptions(options));
  ARROW_ASSIGN_OR_RAISE(const std::vector<fs::path> old, ExistingPartitions(options));
  const CivilDay first = *ParseCivilDay(options.start);
  const fs::path directory = options.directory;
  const StagingDirectory staging(directory / fmt::format("_generate-{}", ::getpid()));
  std::error_code error;
  fs::create_directories(staging.path(), error);
  if (error) return IoError(fmt::format("cannot create '{}'", staging.path().string()), error);

  GenerateReport report;
  report.first_day = options.start;
  report.last_day = FormatCivilDay(first + options.days - 1);
  report.files = options.days;
  report.events = options.days * options.events_per_day;
  ARROW_ASSIGN_OR_RAISE(report.bytes, DayWriter(options, first, staging.path()).WriteAll());

  for (const fs::path& partition : old) {
    fs::remove_all(partition, error);
    if (error) return IoError(fmt::format("cannot remove '{}'", partition.string()), error);
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(staging.path())) {
    fs::rename(entry.path(), directory / entry.path().filename(), error);
    if (error) return IoError(fmt::format("cannot move '{}'", entry.path().string()), error);
  }
  return report;
}

}  // namespace tidemill
