#pragma once

/// How this house opens Parquet files: the properties, and errors in place of exceptions.

#include <exception>
#include <memory>
#include <string>

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <fmt/format.h>
#include <parquet/properties.h>

#include "storage/hive_listing.h"
#include "tidemill/error.h"

namespace tidemill {

/// Page checksums are verified; limits on the footer keep a damaged one from taking all memory.
parquet::ReaderProperties FileProperties();

/// INT96 as microseconds, no pre-buffering, no threads of Arrow's.
parquet::ArrowReaderProperties ColumnProperties();

/// Opens a data file; an error if it is empty or not as long as the listing says. On an object
/// store the listing is believed, which saves a request.
arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenDataFile(const Location& root,
                                                                         const DataFile& file);

/// The message of a status, with the system's words for its errno where it has one.
std::string MessageWithCause(const arrow::Status& status);

/// Runs `work` (a callable that returns a Result or Status); what it throws becomes an error
/// (kRunFailed), and every error gets "PATH: WHAT: " in front.
template <typename Work>
auto GuardParquet(const std::string& path, const std::string& what, const Work& work)
    -> decltype(work()) {
  const auto failure = [&](const std::string& reason) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("{}: {}: {}", path, what, reason));
  };
  try {
    auto result = work();
    if (result.ok()) return result;
    const arrow::Status status = arrow::ToStatus(result);
    if (status.detail() != nullptr && status.detail()->type_id() == ErrorDetail::kTypeId)
      return status;
    return failure(MessageWithCause(status));
  } catch (const std::bad_alloc&) {
    return failure("out of memory; the file may be damaged");
  } catch (const std::exception& error) {
    return failure(error.what());
  }
}

}  // namespace tidemill
