#include "table/delta_commits.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tidemill/error.h"

namespace tidemill {
namespace {

using Json = nlohmann::json;
using Verdict = DeltaCommits::Verdict;

/// More writers than this in a row being faster is no longer chance.
constexpr int kMaxAttempts = 500;
/// How often a version that exists and cannot be read is looked at again.
constexpr int kUnseen = 6;
constexpr auto kPause = std::chrono::milliseconds(100);

void Note(const Json& action, DeltaCommitSummary* summary) {
  const auto values = action.find("partitionValues");
  if (values == action.end() || !values->is_object()) {
    summary->touches_unknown = true;
    return;
  }
  auto parsed = ParsePartitionValues(values->dump());
  if (!parsed.ok()) {
    summary->touches_unknown = true;
    return;
  }
  const auto change = action.find("dataChange");
  const bool is_change = change == action.end() || !change->is_boolean() || change->get<bool>();
  auto& list = is_change ? summary->changed : summary->rearranged;
  if (list.empty() || list.back() != *parsed) list.push_back(*std::move(parsed));
}

Verdict VerdictOn(const DeltaCommitSummary& summary, const PartitionValues& partition) {
  const auto meets = [&](const PartitionValues& values) { return LiesIn(values, partition); };
  if (summary.touches_unknown || std::ranges::any_of(summary.changed, meets)) {
    return Verdict::kConflict;
  }
  const bool is_other_plan =
      summary.changes_table || std::ranges::any_of(summary.rearranged, meets);
  return is_other_plan ? Verdict::kReplan : Verdict::kStands;
}

}  // namespace

std::string DeltaCommitPath(int64_t version) {
  return fmt::format("_delta_log/{:020}.json", version);
}

bool LiesIn(const PartitionValues& values, const PartitionValues& partition) {
  return std::ranges::all_of(partition, [&](const auto& declared) {
    const auto at = values.find(declared.first);
    return at != values.end() && at->second == declared.second;
  });
}

DeltaCommitSummary SummarizeDeltaCommit(const std::string& lines) {
  DeltaCommitSummary summary;
  size_t begin = 0;
  while (begin < lines.size()) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    const Json line =
        Json::parse(lines.substr(begin, end - begin), nullptr, /*allow_exceptions=*/false);
    begin = end + 1;
    if (!line.is_object()) continue;
    for (const auto& [kind, action] : line.items()) {
      // Some writers name the actions that a line does not have, as null.
      if (!action.is_object()) continue;
      if (kind == "add" || kind == "remove") Note(action, &summary);
      if (kind == "metaData" || kind == "protocol") summary.changes_table = true;
      if (kind != "commitInfo") continue;
      const auto attempt = action.find("txnId");
      if (attempt != action.end() && attempt->is_string()) summary.attempt = *attempt;
    }
  }
  return summary;
}

arrow::Status DeltaCommits::Conflict(const PartitionValues& partition) {
  std::string name;
  for (const auto& [column, value] : partition) {
    name += fmt::format("{}{} = {}", name.empty() ? "" : ", ", column, value.value_or("NULL"));
  }
  return MakeError(ErrorCode::kConflict,
                   fmt::format("somebody else published {} while this run computed it", name),
                   "what they published stands; run again to replace it");
}

arrow::Result<std::optional<DeltaCommitSummary>> DeltaCommits::Summary(int64_t version) {
  {
    std::lock_guard lock(mutex_);
    if (const auto at = summaries_.find(version); at != summaries_.end()) return at->second;
  }
  ARROW_ASSIGN_OR_RAISE(const auto file, files_->Read(DeltaCommitPath(version)));
  if (!file.has_value()) return std::nullopt;
  DeltaCommitSummary summary = SummarizeDeltaCommit(file->text);
  std::lock_guard lock(mutex_);
  summaries_[version] = summary;
  return summary;
}

arrow::Result<Verdict> DeltaCommits::Judge(int64_t after, int64_t until,
                                           const PartitionValues& partition) {
  Verdict verdict = Verdict::kStands;
  for (int64_t version = after + 1; version <= until; ++version) {
    ARROW_ASSIGN_OR_RAISE(const auto summary, Summary(version));
    if (!summary.has_value()) continue;
    const Verdict one = VerdictOn(*summary, partition);
    if (one == Verdict::kConflict) return one;
    if (one == Verdict::kReplan) verdict = one;
  }
  return verdict;
}

arrow::Result<std::optional<int64_t>> DeltaCommits::Commit(int64_t planned_on,
                                                           const PartitionValues& partition,
                                                           const std::string& attempt,
                                                           const std::string& lines) {
  // Dates of one run need not race with each other.
  std::lock_guard one_at_a_time(commit_mutex_);
  int64_t version = planned_on;
  int unseen = 0;
  for (int i = 0; i < kMaxAttempts; ++i) {
    ++version;
    const arrow::Result<bool> created = files_->Create(DeltaCommitPath(version), lines);
    if (created.ok() && *created) {
      std::lock_guard lock(mutex_);
      summaries_[version] = SummarizeDeltaCommit(lines);
      return version;
    }
    const auto summary = Summary(version);
    if (!created.ok() && (!summary.ok() || !summary->has_value())) return created.status();
    ARROW_RETURN_NOT_OK(summary.status());
    if (!summary->has_value() && unseen++ < kUnseen) {
      // Refused, as some stores do while another writer is at it, or not to be seen yet.
      std::this_thread::sleep_for(kPause * unseen);
      --version;
      continue;
    }
    if (!summary->has_value()) {
      return MakeError(
          ErrorCode::kRunFailed,
          fmt::format("{}: version {} of its log exists and cannot be read", table_, version));
    }
    if ((*summary)->attempt == attempt) return version;
    const Verdict verdict = VerdictOn(**summary, partition);
    if (verdict == Verdict::kConflict) return Conflict(partition);
    if (verdict == Verdict::kReplan) return std::nullopt;
  }
  return MakeError(
      ErrorCode::kRunFailed,
      fmt::format("{}: {} commits of others came first, one after the other", table_, kMaxAttempts),
      "run again when fewer write to the table");
}

}  // namespace tidemill
