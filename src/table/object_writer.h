#pragma once

/// Parquet in an object store, where nothing can be renamed: the ledger's entry of a date, written
/// by a conditional put, is what publishes.
///
/// The partition is written and audited on the local disk. Publishing uploads its files under names
/// with the run's id, replaces the date's entry if and only if the run that had published the date
/// when it was locked is still the last one, and then removes the files that the entry no longer
/// names. Readers that follow the entry see the old partition or the new one; those that list the
/// folder see both for a moment (a Delta table has no such moment).
///
/// Before it uploads, a run notes the files in `_tidemill/pending/DATE.RUN.json` with the process
/// that it is. The next run of the date removes the files of runs that are dead: their process is
/// gone from this machine, or cannot be seen from here and the note is a day old. A run whose note
/// is gone when it wants to publish does not publish: its files may be gone as well.

#include <memory>
#include <string>

#include <arrow/result.h>

#include "table/ledger_json.h"
#include "table/publication.h"
#include "table/table.h"

namespace tidemill {

/// Whether the files of this note will not be published any more.
bool IsAbandoned(const PublishIntent& note);

arrow::Result<std::unique_ptr<TableWriter>> MakeObjectWriter(const Table& table, std::string run_id,
                                                             PublishProbe probe);

}  // namespace tidemill
