#include "storage/object_store.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "storage/percent_encoding.h"
#include "tidemill/error.h"

namespace tidemill {

arrow::Result<std::unique_ptr<ObjectStore>> ObjectStore::Open(const Location& folder) {
  ARROW_ASSIGN_OR_RAISE(const BridgeLibrary* library, LoadBridge());
  // A location's path is what it says; in a URL "%20" would be a space.
  const size_t path = folder.is_local ? 0 : folder.uri.find("://") + 3;
  const std::string scheme = folder.is_local ? "file://" : folder.uri.substr(0, path);
  const std::string url = scheme + PercentEncodeForUri(folder.uri.substr(path));
  const std::string options = nlohmann::json(folder.store_options).dump();
  tdb_store* store = nullptr;
  char* error = nullptr;
  const tdb_code code = library->store_open(url.c_str(), options.c_str(), &store, &error);
  if (code != TDB_OK) return BridgeError(*library, code, error, folder.uri);
  return std::unique_ptr<ObjectStore>(new ObjectStore(*library, store, folder.uri));
}

ObjectStore::~ObjectStore() { library_.store_free(store_); }

arrow::Result<std::optional<StoredObject>> ObjectStore::Get(const std::string& path) const {
  tdb_bytes bytes{};
  char* etag = nullptr;
  char* error = nullptr;
  const tdb_code code = library_.store_get(store_, path.c_str(), &bytes, &etag, &error);
  if (code == TDB_NOT_FOUND) {
    static_cast<void>(TakeText(library_, error));
    return std::nullopt;
  }
  if (code != TDB_OK) {
    return BridgeError(library_, code, error, fmt::format("{}/{}: cannot be read", uri_, path));
  }
  StoredObject object;
  object.content.assign(reinterpret_cast<const char*>(bytes.data), bytes.size);
  object.etag = TakeText(library_, etag);
  library_.bytes_free(bytes);
  return object;
}

arrow::Result<bool> ObjectStore::PutUnder(tdb_put_mode mode, const std::string& path,
                                          std::string_view content, const char* etag,
                                          std::string* new_etag) const {
  char* written = nullptr;
  char* error = nullptr;
  const tdb_code code = library_.store_put(
      store_, path.c_str(), reinterpret_cast<const uint8_t*>(content.data()), content.size(), mode,
      etag, new_etag != nullptr ? &written : nullptr, &error);
  if (code == TDB_PRECONDITION) {
    static_cast<void>(TakeText(library_, error));
    return false;
  }
  if (code != TDB_OK) {
    return BridgeError(library_, code, error, fmt::format("{}/{}: cannot be written", uri_, path));
  }
  if (new_etag != nullptr) *new_etag = TakeText(library_, written);
  return true;
}

arrow::Result<std::string> ObjectStore::Put(const std::string& path,
                                            std::string_view content) const {
  std::string etag;
  ARROW_RETURN_NOT_OK(PutUnder(TDB_OVERWRITE, path, content, nullptr, &etag).status());
  return etag;
}

arrow::Result<bool> ObjectStore::Create(const std::string& path, std::string_view content) const {
  return PutUnder(TDB_CREATE, path, content, nullptr, nullptr);
}

arrow::Result<bool> ObjectStore::ReplaceIf(const std::string& path, std::string_view content,
                                           const std::string& etag) const {
  return PutUnder(TDB_IF_MATCH, path, content, etag.c_str(), nullptr);
}

}  // namespace tidemill
