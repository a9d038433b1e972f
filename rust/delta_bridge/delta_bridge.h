#pragma once

/* The Delta Lake log and conditional puts, behind a C ABI.
 *
 * The library knows logs and object stores; it never sees a row of a table. Data files are listed
 * here and read or written by the caller.
 *
 * Conventions
 *   - Calls that can fail return a tdb_code. On any other code than TDB_OK, *error (if `error` is
 * not NULL) is set to a text for people, without credentials; free it with tdb_string_free. Outputs
 * are set on TDB_OK alone.
 *   - Strings are UTF-8 and end with a zero byte. Strings and bytes that the library hands out
 * belong to the caller, who frees them with tdb_string_free and tdb_bytes_free.
 *   - Handles belong to the caller, who frees them with the _free function of their type, once;
 * NULL is allowed. A snapshot does not need its store to stay open.
 *   - All functions are thread-safe, except that a handle must not be freed, nor a snapshot
 * updated, while another thread uses it.
 *   - Tables cross as the Arrow C data interface: the caller passes uninitialised structs and
 * releases them.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes with every incompatible change of this file. */
#define TDB_ABI_VERSION 1

struct ArrowSchema;
struct ArrowArray;
typedef struct tdb_store tdb_store;
typedef struct tdb_snapshot tdb_snapshot;

typedef enum {
  TDB_OK = 0,
  TDB_FAILED = 1,    /* I/O, a damaged log */
  TDB_NOT_FOUND = 2, /* no such object, table or version */
  TDB_PRECONDITION =
      3, /* TDB_CREATE: the object exists; TDB_IF_MATCH: its etag is another, or it is gone */
  TDB_UNSUPPORTED = 4, /* the table needs a reader feature that the library lacks, or the store has
                          no such put; the text names it */
  TDB_INVALID = 5      /* an argument that makes no sense: a URL, options, a descriptor */
} tdb_code;

typedef struct {
  uint8_t* data;
  size_t size;
} tdb_bytes;

typedef enum {
  TDB_OVERWRITE = 0,
  TDB_CREATE = 1,  /* only if there is no such object */
  TDB_IF_MATCH = 2 /* only if the object's etag is the given one */
} tdb_put_mode;

/* TDB_ABI_VERSION of the library. */
uint32_t tdb_abi_version(void);

void tdb_string_free(char* text);
void tdb_bytes_free(tdb_bytes bytes);

/* Opens the folder at `url` (file:///..., s3://bucket/..., gs://..., abfs://...). `options` is a
 * JSON object of strings in the names of the object_store crate ("aws_access_key_id",
 * "aws_endpoint", "aws_allow_http", ...); the environment counts where an option is missing. NULL
 * is no options. Requests are tried AWS_MAX_ATTEMPTS times, without it 11 times, with growing
 * pauses. Touches nothing. */
tdb_code tdb_store_open(const char* url, const char* options, tdb_store** store, char** error);
void tdb_store_free(tdb_store* store);

/* Reads an object whole. `path` is relative to the folder, not encoded. `etag` may be NULL; an etag
 * is for TDB_IF_MATCH and says nothing else, and *etag is NULL if the store has none. */
tdb_code tdb_store_get(const tdb_store* store, const char* path, tdb_bytes* content, char** etag,
                       char** error);

/* Writes an object at once. `etag` is needed for TDB_IF_MATCH alone, which local folders lack
 * (TDB_UNSUPPORTED). `new_etag` may be NULL. After TDB_PRECONDITION or TDB_FAILED the object may
 * nevertheless be the new one, if an answer was lost: read it back. */
tdb_code tdb_store_put(const tdb_store* store, const char* path, const uint8_t* data, size_t size,
                       tdb_put_mode mode, const char* etag, char** new_etag, char** error);

/* Loads the Delta table in the store's folder: the given version; or, where it is negative, the
 * latest one not after `timestamp_ms` (milliseconds since the epoch); or, where that is negative
 * too, the latest. */
tdb_code tdb_snapshot_open(const tdb_store* store, int64_t version, int64_t timestamp_ms,
                           tdb_snapshot** snapshot, char** error);
void tdb_snapshot_free(tdb_snapshot* snapshot);

/* Brings the snapshot to the latest version. */
tdb_code tdb_snapshot_update(tdb_snapshot* snapshot, char** error);

/* A JSON object: "version" (number), "timestamp" (of the version's commit, milliseconds, or null),
 * "protocol" and "metaData" (the actions, as in the log). */
tdb_code tdb_snapshot_describe(const tdb_snapshot* snapshot, char** json, char** error);

/* The active files as one struct array, in no particular order:
 *   path               utf8, as in the log (relative and percent-encoded, or absolute)
 *   size               int64, bytes
 *   modification_time  int64, milliseconds since the epoch
 *   partition_values   utf8, a JSON object: column name as in the log -> string or null
 *   stats              utf8, JSON as in the log, or NULL
 *   deletion_vector    utf8, JSON of the descriptor as in the log, or NULL */
tdb_code tdb_snapshot_files(const tdb_snapshot* snapshot, struct ArrowSchema* schema,
                            struct ArrowArray* array, char** error);

/* The numbers of the rows that a deletion vector marks as deleted: uint64, ascending. */
tdb_code tdb_snapshot_deleted_rows(const tdb_snapshot* snapshot, const char* descriptor,
                                   struct ArrowSchema* schema, struct ArrowArray* array,
                                   char** error);

/* The version that the last txn action of an application wrote; -1 if there is none. */
tdb_code tdb_snapshot_transaction(const tdb_snapshot* snapshot, const char* app_id,
                                  int64_t* version, char** error);

/* Writes a checkpoint of the snapshot's version. */
tdb_code tdb_snapshot_checkpoint(const tdb_snapshot* snapshot, char** error);

/* Finds files in the table's folder that neither the snapshot nor any version younger than
 * `retention_ms` needs, and that are older than that; with `apply` not 0 removes them. Folders and
 * files whose name starts with '_' or '.' are left alone. `json` is a list of paths. */
tdb_code tdb_snapshot_vacuum(const tdb_snapshot* snapshot, int64_t retention_ms, int apply,
                             char** json, char** error);

#ifdef __cplusplus
}
#endif
