#pragma once

/// The step that makes a partition visible, and what the next run does if that step was cut short.
///
/// A date's directory and its ledger entry must change together, but no file system changes two
/// things at once. So the order is, each step flushed to the disk before the next begins:
///
///     1  the staged directory is complete
///     2  intent: pending/DATE.json, with the whole new entry and the inode of the staged directory
///     3  exchange of the staged directory and the one in place, in one step (a rename if there was
///     none) 4  entry: dates/DATE.json 5  the intent is removed 6  the old directory, now in the
///     staging folder, is removed
///
/// An inode tells where a directory has gone. If the directory in place is the one that the intent
/// speaks of, step 3 happened and recovery goes on with 4; else it did not, and recovery drops the
/// intent. All of this is done under the date's lock.
///
/// Where the file system cannot exchange, step 3 is two renames: the old directory to `STAGED.old`,
/// then the new one into its place. Between the two, readers find no partition; a crash there is
/// undone by recovery, which puts the old one back.

#include <functional>
#include <string>
#include <string_view>

#include <arrow/status.h>

#include "table/ledger_json.h"
#include "table/staging.h"

namespace tidemill {

/// For tests of crashes.
struct PublishProbe {
  std::function<void(std::string_view step)> after_step;  ///< may end the process
  bool without_exchange = false;                          ///< as on file systems that cannot
};

/// The entry that holds for a date: that of the intent if its directory is in place, else what is
/// recorded (Ledger::Reconcile).
Ledger::MaybeEntry EntryInPlace(const std::string& table_path, const std::string& date,
                                const std::function<Ledger::MaybeEntry()>& recorded);

/// Steps 2 to 6. After an error the table and the ledger are as they were, unless the disk refuses
/// even that; then the intent stays for recovery. `intent` needs all but the inode.
arrow::Status PublishStaged(const std::string& table_path, PublishIntent intent,
                            StagingFolder* staging, const PublishProbe& probe);

/// Finishes or drops the publication that a dead run left for `date`, if any. The caller holds the
/// date's lock.
arrow::Status RecoverDate(const std::string& table_path, const std::string& date,
                          StagingFolder* staging, const PublishProbe& probe);

}  // namespace tidemill
