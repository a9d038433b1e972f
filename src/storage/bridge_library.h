#pragma once

/// The shared library behind rust/delta_bridge/delta_bridge.h, loaded when it is first needed.
///
/// The program starts and runs without it; only Delta tables and conditional puts to object stores
/// need it.

#include <functional>
#include <memory>
#include <string>

#include <arrow/result.h>
#include <delta_bridge.h>

namespace tidemill {

/// The functions of the library, under their names without "tdb_".
struct BridgeLibrary {
  decltype(&tdb_string_free) string_free;
  decltype(&tdb_bytes_free) bytes_free;
  decltype(&tdb_store_open) store_open;
  decltype(&tdb_store_free) store_free;
  decltype(&tdb_store_get) store_get;
  decltype(&tdb_store_put) store_put;
  decltype(&tdb_snapshot_open) snapshot_open;
  decltype(&tdb_snapshot_free) snapshot_free;
  decltype(&tdb_snapshot_update) snapshot_update;
  decltype(&tdb_snapshot_describe) snapshot_describe;
  decltype(&tdb_snapshot_files) snapshot_files;
  decltype(&tdb_snapshot_deleted_rows) snapshot_deleted_rows;
  decltype(&tdb_snapshot_transaction) snapshot_transaction;
  decltype(&tdb_snapshot_checkpoint) snapshot_checkpoint;
  decltype(&tdb_snapshot_vacuum) snapshot_vacuum;
};

/// Looks beside the program (or library) that holds this code, then in `lib` beside that folder;
/// $TIDEMILL_DELTA_BRIDGE names another file. Loaded once. An error (kRunFailed) says how to get
/// the library.
arrow::Result<const BridgeLibrary*> LoadBridge();

/// Takes over a text of the library.
std::string TakeText(const BridgeLibrary& library, char* text);

/// An error (kRunFailed) for a failed call; "what: " stands before the library's text, which is
/// freed.
arrow::Status BridgeError(const BridgeLibrary& library, tdb_code code, char* error,
                          const std::string& what);

}  // namespace tidemill
