#include "table/ledger.h"

#include <algorithm>
#include <string_view>

#include "table/durable_files.h"
#include "table/ledger_json.h"

namespace tidemill {
namespace {

constexpr std::string_view kSuffix = ".json";

/// Whether the partition in place is the one that the intent was about to publish.
arrow::Result<bool> IsInPlace(const std::string& table_path, const PublishIntent& intent) {
  ARROW_ASSIGN_OR_RAISE(const auto identity,
                        IdentityOf(table_path + "/" + intent.entry.published->partition));
  return identity.has_value() && identity->inode == intent.staged_inode;
}

}  // namespace

std::string Ledger::EntryPath(const std::string& date) const {
  return table_path_ + "/_tidemill/dates/" + date + std::string(kSuffix);
}

std::string Ledger::IntentPath(const std::string& date) const {
  return table_path_ + "/_tidemill/pending/" + date + std::string(kSuffix);
}

std::string Ledger::RunPath(const std::string& run_id) const {
  return table_path_ + "/_tidemill/runs/" + run_id + std::string(kSuffix);
}

arrow::Result<std::optional<LedgerEntry>> Ledger::Read(const std::string& date) const {
  // The intent first: if its writer finishes in between, the entry that is read next is the new
  // one.
  ARROW_ASSIGN_OR_RAISE(const auto pending, ReadSmallFile(IntentPath(date)));
  if (pending.has_value()) {
    ARROW_ASSIGN_OR_RAISE(PublishIntent intent, IntentFromJson(*pending, IntentPath(date)));
    ARROW_ASSIGN_OR_RAISE(const bool is_in_place, IsInPlace(table_path_, intent));
    if (is_in_place) return std::move(intent.entry);
  }
  ARROW_ASSIGN_OR_RAISE(const auto text, ReadSmallFile(EntryPath(date)));
  if (!text.has_value()) return std::nullopt;
  return EntryFromJson(*text, EntryPath(date));
}

arrow::Result<std::vector<std::string>> Ledger::Dates() const {
  std::vector<std::string> dates;
  ARROW_ASSIGN_OR_RAISE(const auto names, NamesIn(table_path_ + "/_tidemill/dates"));
  ARROW_ASSIGN_OR_RAISE(const auto pending, NamesIn(table_path_ + "/_tidemill/pending"));
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
  std::vector<LedgerEntry> entries;
  ARROW_ASSIGN_OR_RAISE(const auto dates, Dates());
  for (const std::string& date : dates) {
    if (date < first || (!last.empty() && date > last)) continue;
    ARROW_ASSIGN_OR_RAISE(auto entry, Read(date));
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
  ARROW_ASSIGN_OR_RAISE(const auto names, NamesIn(table_path_ + "/_tidemill/runs"));
  for (const std::string& name : names) {
    if (name.starts_with('.') || !name.ends_with(kSuffix)) continue;
    const std::string path = RunPath(name.substr(0, name.size() - kSuffix.size()));
    ARROW_ASSIGN_OR_RAISE(const auto text, ReadSmallFile(path));
    if (!text.has_value()) continue;
    ARROW_ASSIGN_OR_RAISE(RunRecord run, RunFromJson(*text, path));
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace tidemill
