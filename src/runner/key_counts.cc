#include "runner/key_counts.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr size_t kRanges = 64;
constexpr int kRangeShift = 64 - 6;
/// Of an entry of a table: key, count, link, its share of the buckets, and what the allocator adds.
constexpr int64_t kBytesPerKey = 64;
constexpr int64_t kFewestKeys = 1024;

struct Spilled {
  Hash128 key;
  int64_t rows = 0;
};

arrow::Status Broken(const std::string& path, const char* what) {
  return MakeError(ErrorCode::kRunFailed,
                   std::string("counts of keys cannot be ") + what + " " + path,
                   "give a folder with room in --scratch, or more --memory");
}

}  // namespace

KeyCounts::KeyCounts(int64_t memory, ScratchFolder* scratch)
    : most_keys_(std::max(memory / kBytesPerKey, kFewestKeys)),
      scratch_(scratch),
      ranges_(kRanges) {}

arrow::Status KeyCounts::Add(const CountsByKey& counts) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, rows] : counts) {
    const auto [entry, is_new] = ranges_[key.high >> kRangeShift].counts.try_emplace(key, 0);
    entry->second += rows;
    keys_ += is_new;
    if (keys_ > most_keys_) ARROW_RETURN_NOT_OK(Spill());
  }
  return arrow::Status::OK();
}

arrow::Status KeyCounts::Spill() {
  for (Range& range : ranges_) {
    if (range.counts.empty()) continue;
    if (range.path.empty()) {
      ARROW_ASSIGN_OR_RAISE(range.path, scratch_->NewPath());
    }
    std::vector<Spilled> entries;
    entries.reserve(range.counts.size());
    for (const auto& [key, rows] : range.counts) entries.push_back({key, rows});
    CountsByKey().swap(range.counts);
    const auto bytes = static_cast<std::streamsize>(entries.size() * sizeof(Spilled));
    std::ofstream file(range.path, std::ios::binary | std::ios::app);
    file.write(reinterpret_cast<const char*>(entries.data()), bytes);
    file.close();
    if (!file) return Broken(range.path, "written to");
    spilled_bytes_ += bytes;
  }
  keys_ = 0;
  return arrow::Status::OK();
}

arrow::Status KeyCounts::ForEach(
    const std::function<void(const Hash128& key, int64_t rows)>& take) {
  // What is still in tables would stand in the way of a range's own.
  if (spilled_bytes_ > 0) ARROW_RETURN_NOT_OK(Spill());
  for (Range& range : ranges_) {
    if (!range.path.empty()) {
      std::ifstream file(range.path, std::ios::binary);
      std::vector<Spilled> entries(1 << 14);
      while (file) {
        file.read(reinterpret_cast<char*>(entries.data()),
                  static_cast<std::streamsize>(entries.size() * sizeof(Spilled)));
        const auto count = static_cast<size_t>(file.gcount()) / sizeof(Spilled);
        for (size_t i = 0; i < count; ++i) range.counts[entries[i].key] += entries[i].rows;
      }
      if (!file.eof()) return Broken(range.path, "read from");
    }
    for (const auto& [key, rows] : range.counts) take(key, rows);
    CountsByKey().swap(range.counts);
  }
  return arrow::Status::OK();
}

}  // namespace tidemill
