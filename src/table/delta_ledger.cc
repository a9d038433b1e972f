#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "table/delta_commits.h"
#include "table/delta_writer.h"
#include "table/ledger_json.h"

namespace tidemill {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

/// A snapshot this young need not be brought up to date: what is read is a moment ago anyway.
constexpr auto kFresh = std::chrono::milliseconds(500);
/// A crash leaves an entry behind by one commit of its date; others may have followed.
constexpr int64_t kCommitsSearched = 10'000;

/// The ledger entry in the commit that made a transaction, if these lines are it.
std::optional<std::string> EntryIn(const std::string& lines, const std::string& app_id,
                                   int64_t transaction) {
  std::optional<std::string> entry;
  bool is_it = false;
  size_t begin = 0;
  while (begin < lines.size()) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    const std::string_view line = std::string_view(lines).substr(begin, end - begin);
    begin = end + 1;
    const bool is_transaction = line.starts_with(R"({"txn")");
    if (!is_transaction && !line.starts_with(R"({"commitInfo")")) continue;
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) continue;
    if (is_transaction) {
      const Json& action = json.at("txn");
      is_it = is_it || (action.value("appId", "") == app_id &&
                        action.value("version", int64_t{-1}) == transaction);
    } else if (json.at("commitInfo").contains("tidemill")) {
      entry = json.at("commitInfo").at("tidemill").dump();
    }
  }
  return is_it ? entry : std::nullopt;
}

class DeltaLedger {
 public:
  DeltaLedger(const Location& location, std::shared_ptr<const TableFiles> files,
              std::string pipeline)
      : location_(location), files_(std::move(files)), pipeline_(std::move(pipeline)) {}

  Ledger::MaybeEntry Entry(const std::string& date,
                           const std::function<Ledger::MaybeEntry()>& recorded) {
    ARROW_ASSIGN_OR_RAISE(std::optional<LedgerEntry> entry, recorded());
    const int64_t known =
        entry.has_value() && entry->published.has_value() ? entry->published->transaction : -1;
    const std::string app_id = DeltaAppId(pipeline_, date);
    ARROW_ASSIGN_OR_RAISE(const auto snapshot, Fresh());
    if (snapshot == nullptr) return entry;
    ARROW_ASSIGN_OR_RAISE(const int64_t made, snapshot->Transaction(app_id));
    if (made <= known) return entry;
    for (int64_t version = snapshot->version(), last = version - kCommitsSearched;
         version >= 0 && version > last; --version) {
      ARROW_ASSIGN_OR_RAISE(const auto commit, files_->Read(DeltaCommitPath(version)));
      if (!commit.has_value()) break;
      const auto text = EntryIn(commit->text, app_id, made);
      if (text.has_value()) return EntryFromJson(*text, DeltaCommitPath(version));
    }
    return entry;
  }

 private:
  arrow::Result<std::shared_ptr<DeltaSnapshot>> Fresh() {
    std::lock_guard lock(mutex_);
    if (snapshot_ != nullptr && Clock::now() - updated_ < kFresh) return snapshot_;
    if (snapshot_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(snapshot_, DeltaSnapshot::Open(location_));
    } else {
      ARROW_RETURN_NOT_OK(snapshot_->Update());
    }
    updated_ = Clock::now();
    return snapshot_;
  }

  Location location_;
  std::shared_ptr<const TableFiles> files_;
  std::string pipeline_;
  std::mutex mutex_;
  std::shared_ptr<DeltaSnapshot> snapshot_;
  Clock::time_point updated_;
};

}  // namespace

std::string DeltaAppId(const std::string& pipeline, const std::string& date) {
  return fmt::format("tidemill/{}/{}", pipeline, date);
}

Ledger::Reconcile DeltaReconcile(const Location& location,
                                 const std::shared_ptr<const TableFiles>& files,
                                 const std::string& pipeline) {
  auto ledger = std::make_shared<DeltaLedger>(location, files, pipeline);
  return [ledger](const std::string& date, const std::function<Ledger::MaybeEntry()>& recorded) {
    return ledger->Entry(date, recorded);
  };
}

}  // namespace tidemill
