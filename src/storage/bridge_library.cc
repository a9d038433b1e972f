#include "storage/bridge_library.h"

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <fmt/format.h>

#include "tidemill/error.h"

namespace tidemill {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFileName = "libtidemill_delta_bridge.so";
constexpr const char* kVariable = "TIDEMILL_DELTA_BRIDGE";

/// Where the library may lie, best first.
std::vector<fs::path> Candidates() {
  if (const char* given = std::getenv(kVariable); given != nullptr && *given != '\0') {
    return {given};
  }
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&LoadBridge), &info) == 0) return {kFileName};
  std::error_code error;
  // The program's own name may be relative, or whatever its parent made of it.
  fs::path self = fs::canonical(info.dli_fname, error);
  if (error) self = fs::canonical("/proc/self/exe", error);
  const fs::path folder = self.parent_path();
  return {folder / kFileName, folder.parent_path() / "lib" / kFileName};
}

template <typename Function>
bool Find(void* handle, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(handle, name));
  return *function != nullptr;
}

arrow::Status Missing(const std::string& why) {
  return MakeError(
      ErrorCode::kRunFailed,
      fmt::format("Delta tables and object stores need {}, {}", kFileName, why),
      fmt::format("install Rust (rustup.rs) and build again, or name the file in {}", kVariable));
}

arrow::Result<BridgeLibrary> Open(const fs::path& path) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return Missing(fmt::format("which cannot be loaded: {}", dlerror()));
  decltype(&tdb_abi_version) abi_version = nullptr;
  if (!Find(handle, "tdb_abi_version", &abi_version) || abi_version() != TDB_ABI_VERSION) {
    return Missing(fmt::format("and {} is of another version", path.string()));
  }
  BridgeLibrary library;
  const bool complete = Find(handle, "tdb_string_free", &library.string_free) &&
                        Find(handle, "tdb_bytes_free", &library.bytes_free) &&
                        Find(handle, "tdb_store_open", &library.store_open) &&
                        Find(handle, "tdb_store_free", &library.store_free) &&
                        Find(handle, "tdb_store_get", &library.store_get) &&
                        Find(handle, "tdb_store_put", &library.store_put) &&
                        Find(handle, "tdb_snapshot_open", &library.snapshot_open) &&
                        Find(handle, "tdb_snapshot_free", &library.snapshot_free) &&
                        Find(handle, "tdb_snapshot_update", &library.snapshot_update) &&
                        Find(handle, "tdb_snapshot_describe", &library.snapshot_describe) &&
                        Find(handle, "tdb_snapshot_files", &library.snapshot_files) &&
                        Find(handle, "tdb_snapshot_deleted_rows", &library.snapshot_deleted_rows) &&
                        Find(handle, "tdb_snapshot_transaction", &library.snapshot_transaction) &&
                        Find(handle, "tdb_snapshot_checkpoint", &library.snapshot_checkpoint) &&
                        Find(handle, "tdb_snapshot_vacuum", &library.snapshot_vacuum);
  if (!complete) return Missing(fmt::format("and {} is incomplete", path.string()));
  return library;
}

arrow::Result<BridgeLibrary> FindAndOpen() {
  std::error_code error;
  std::string looked;
  for (const fs::path& path : Candidates()) {
    if (fs::exists(path, error)) return Open(path);
    looked += (looked.empty() ? "" : " and ") + path.string();
  }
  return Missing(fmt::format("which is not there (looked for {})", looked));
}

}  // namespace

arrow::Result<const BridgeLibrary*> LoadBridge() {
  static const arrow::Result<BridgeLibrary> library = FindAndOpen();
  ARROW_RETURN_NOT_OK(library.status());
  return &*library;
}

std::string TakeText(const BridgeLibrary& library, char* text) {
  if (text == nullptr) return "";
  std::string copy = text;
  library.string_free(text);
  return copy;
}

arrow::Status BridgeError(const BridgeLibrary& library, tdb_code code, char* error,
                          const std::string& what) {
  const std::string text = TakeText(library, error);
  return MakeError(code == TDB_INVALID ? ErrorCode::kInvalid : ErrorCode::kRunFailed,
                   what + ": " + (text.empty() ? "failed without a reason" : text));
}

}  // namespace tidemill
