#pragma once

/// The commit loop of a Delta table: the next free version is created if and only if nobody else
/// has created it; if somebody has, what they did decides whether this commit still stands.
///
/// Conflicts are decided by partitions, not by files: a commit declares the partition that it
/// replaces, and it conflicts with every commit since it was begun that changed rows of that
/// partition, whether or not the two touch the same files. (Two overwrites of a partition that did
/// not exist share no file at all, yet both standing would double its rows.) Commits to other
/// partitions never conflict. A commit that only rearranged rows of the partition, or changed the
/// table's schema or protocol, does not conflict either, but what was planned on the table before
/// it has to be planned anew.
///
/// An answer that is lost leaves open whether the version was created. Every commit carries the
/// name of its attempt, so whoever is told that a version exists looks whether it is its own.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "table/delta_actions.h"
#include "table/table_files.h"

namespace tidemill {

/// What a commit of the log did, as far as conflicts are concerned.
struct DeltaCommitSummary {
  std::string attempt;                      ///< txnId of its commitInfo
  bool changes_table = false;               ///< schema, properties or protocol
  bool touches_unknown = false;             ///< removes files whose partition it does not tell
  std::vector<PartitionValues> changed;     ///< partitions whose rows it changed
  std::vector<PartitionValues> rearranged;  ///< partitions whose files it changed
};

DeltaCommitSummary SummarizeDeltaCommit(const std::string& lines);

/// Path of a version's commit, relative to the table.
std::string DeltaCommitPath(int64_t version);

/// Whether `partition` (all columns of a declaration) and `values` (all partition columns of a
/// file) meet: the file lies in the partition.
bool LiesIn(const PartitionValues& values, const PartitionValues& partition);

/// Thread-safe; one per run on a table.
class DeltaCommits {
 public:
  DeltaCommits(std::shared_ptr<TableFiles> files, std::string table)
      : files_(std::move(files)), table_(std::move(table)) {}

  enum class Verdict { kStands, kReplan, kConflict };
  /// How the commits after `after`, up to and with `until`, bear on a commit that replaces
  /// `partition`. Commits whose file is gone (log clean-up) do not count.
  arrow::Result<Verdict> Judge(int64_t after, int64_t until, const PartitionValues& partition);

  /// Creates the first version after `planned_on` that is free. Nothing if a plan made on that
  /// version no longer holds; an error (kConflict) if the partition was changed.
  arrow::Result<std::optional<int64_t>> Commit(int64_t planned_on, const PartitionValues& partition,
                                               const std::string& attempt,
                                               const std::string& lines);

  /// The error for a partition that somebody else changed.
  static arrow::Status Conflict(const PartitionValues& partition);

 private:
  arrow::Result<std::optional<DeltaCommitSummary>> Summary(int64_t version);

  std::shared_ptr<TableFiles> files_;
  std::string table_;
  std::mutex commit_mutex_;
  std::mutex mutex_;
  std::map<int64_t, DeltaCommitSummary> summaries_;
};

}  // namespace tidemill
