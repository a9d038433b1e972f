#pragma once

/// Delta Lake, on a local disk or in an object store: one commit replaces exactly the files of a
/// date.
///
/// Data files go to their place first, under names that nobody else uses; until a commit names them
/// no reader of the table looks at them. The commit (delta_commits.h) removes the date's old files,
/// adds the new ones, and carries two things more. A `txn` action with an id for the pipeline and
/// the date, and a version that only grows, says which attempt published the date last. And the
/// commit's information holds the date's whole ledger entry, so that table and ledger change in one
/// step: the ledger's own file is written afterwards, and whoever finds it older than the table's
/// transaction reads the entry from the log.
///
/// On a local disk the files of a run that died are known from an intent and removed by the next
/// run of the date; in an object store they are left for `table vacuum`.

#include <memory>
#include <string>

#include <arrow/result.h>

#include "table/delta_snapshot.h"
#include "table/publication.h"
#include "table/table.h"

namespace tidemill {

/// The id of a date's transactions.
std::string DeltaAppId(const std::string& pipeline, const std::string& date);

arrow::Result<std::unique_ptr<TableWriter>> MakeDeltaWriter(const Table& table, std::string run_id,
                                                            PublishProbe probe);

/// The entry that holds for a date (Ledger::Reconcile), for the ledger of a Delta table.
Ledger::Reconcile DeltaReconcile(const Location& location,
                                 const std::shared_ptr<const TableFiles>& files,
                                 const std::string& pipeline);

}  // namespace tidemill
