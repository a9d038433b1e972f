#include "table/ledger.h"

#include <algorithm>
#include <string_view>

#include "storage/parallel_for.h"
#include "table/ledger_json.h"

namespace tidemill {
namespace {

constexpr std::string_view kSuffix = ".json";

constexpr const char* kFolder = "_tidemill/";
/// Files of the ledger read at the same time.
constexpr int kReaders = 8;

}  // namespace

std::string Ledger::EntryPath(const std::string& date) {
  return std::string(kFolder) + "dates/" + date + std::string(kSuffix);
}

std::string Ledger::IntentPath(const std::string& date) {
  return std::string(kFolder) + "pending/" + date + std::string(kSuffix);
}

std::string Ledger::RunPath(const std::string& run_id) {
  return std::string(kFolder) + "runs/" + run_id + std::string(kSuffix);
}

arrow::Result<std::optional<LedgerEntry>> Ledger::Read(const std::string& date) const {
  const auto recorded = [&]() -> MaybeEntry {
    ARROW_ASSIGN_OR_RAISE(const auto file, files_->Read(EntryPath(date)));
    if (!file.has_value()) return std::nullopt;
    return EntryFromJson(file->text, EntryPath(date));
  };
  return reconcile_ ? reconcile_(date, recorded) : recorded();
}

arrow::Result<std::vector<std::string>> Ledger::Dates() const {
  std::vector<std::string> dates;
  ARROW_ASSIGN_OR_RAISE(const auto names, files_->NamesIn("_tidemill/dates"));
  ARROW_ASSIGN_OR_RAISE(const auto pending, files_->NamesIn("_tidemill/pending"));
  for (const auto* list : {&names, &pending}) {
    for (const std::string& name : *list) {
      if (name.starts_with('.') || !name.ends_with(kSuffix)) continue;
      dates.push_back(name.substr(0, name.size() - kSuffix.size()));
    }
  }
  std::sort(dates.begin(), dates.end());
  dates.erase(std::unique(dates.begin(), dates.end()), dates.end());
  return dates;
}

arrow::Result<std::vector<LedgerEntry>> Ledger::ReadAll(const std::string& first,
                                                        const std::string& last) const {
  ARROW_ASSIGN_OR_RAISE(auto dates, Dates());
  std::erase_if(dates, [&](const std::string& date) {
    return date < first || (!last.empty() && date > last);
  });
  std::vector<std::optional<LedgerEntry>> found(dates.size());
  ARROW_RETURN_NOT_OK(ParallelFor(static_cast<int64_t>(dates.size()), kReaders, nullptr,
                                  [&](int64_t i, int) -> arrow::Status {
                                    const auto at = static_cast<size_t>(i);
                                    ARROW_ASSIGN_OR_RAISE(found[at], Read(dates[at]));
                                    return arrow::Status::OK();
                                  }));
  std::vector<LedgerEntry> entries;
  for (auto& entry : found) {
    if (entry.has_value()) entries.push_back(*std::move(entry));
  }
  return entries;
}

arrow::Result<std::optional<LedgerEntry>> Ledger::LastPublishedBefore(
    const std::string& date) const {
  ARROW_ASSIGN_OR_RAISE(const auto dates, Dates());
  for (auto at = dates.rbegin(); at != dates.rend(); ++at) {
    if (*at >= date) continue;
    ARROW_ASSIGN_OR_RAISE(auto entry, Read(*at));
    if (entry.has_value() && entry->published.has_value()) return entry;
  }
  return std::nullopt;
}

arrow::Result<std::vector<RunRecord>> Ledger::ReadRuns() const {
  std::vector<RunRecord> runs;
  ARROW_ASSIGN_OR_RAISE(const auto names, files_->NamesIn("_tidemill/runs"));
  for (const std::string& name : names) {
    if (name.starts_with('.') || !name.ends_with(kSuffix)) continue;
    const std::string path = RunPath(name.substr(0, name.size() - kSuffix.size()));
    ARROW_ASSIGN_OR_RAISE(const auto file, files_->Read(path));
    if (!file.has_value()) continue;
    ARROW_ASSIGN_OR_RAISE(RunRecord run, RunFromJson(file->text, path));
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace tidemill
