#pragma once

/// Reads of many small ranges of a remote file, done as few large ones at the same time.

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

namespace tidemill {

/// `file` with `ranges` already read: neighbours are joined, large ones cut, and all are asked for
/// at once. Reads within them are served from memory, others go to the file. Errors are those of
/// the reads.
arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> Prefetch(
    std::shared_ptr<arrow::io::RandomAccessFile> file, std::vector<arrow::io::ReadRange> ranges);

}  // namespace tidemill
