#pragma once

/// Small objects of a folder, read with their etag and written under a condition.
///
/// A conditional put is the one atomic step that object stores have: of several writers that create
/// the same object, or replace the same version of it, one succeeds. If its answer is lost, the put
/// is tried again and then fails although it had won; so whoever loses reads the object back and
/// looks for its own mark in it.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "storage/bridge_library.h"
#include "storage/location.h"

namespace tidemill {

struct StoredObject {
  std::string content;
  std::string etag;
};

/// Thread-safe.
class ObjectStore {
 public:
  /// Touches nothing. Errors: the bridge is missing, a location that makes no sense.
  static arrow::Result<std::unique_ptr<ObjectStore>> Open(const Location& folder);
  ~ObjectStore();
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;

  /// `path` is relative to the folder. Nothing if there is no such object.
  arrow::Result<std::optional<StoredObject>> Get(const std::string& path) const;

  /// Writes an object, whatever is there; returns its etag.
  arrow::Result<std::string> Put(const std::string& path, std::string_view content) const;
  /// Only if there is none; false if there is.
  arrow::Result<bool> Create(const std::string& path, std::string_view content) const;
  /// Only if it still has the etag; false if not.
  arrow::Result<bool> ReplaceIf(const std::string& path, std::string_view content,
                                const std::string& etag) const;

  const BridgeLibrary& library() const { return library_; }
  const tdb_store* handle() const { return store_; }
  const std::string& uri() const { return uri_; }

 private:
  ObjectStore(const BridgeLibrary& library, tdb_store* store, std::string uri)
      : library_(library), store_(store), uri_(std::move(uri)) {}

  arrow::Result<bool> PutUnder(tdb_put_mode mode, const std::string& path, std::string_view content,
                               const char* etag, std::string* new_etag) const;

  const BridgeLibrary& library_;
  tdb_store* store_;
  std::string uri_;
};

}  // namespace tidemill
