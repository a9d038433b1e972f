//! The Delta Lake log and conditional puts, behind a C ABI.
//!
//! `delta_bridge.h` is the contract; this crate fulfils it. The division of labour: the engine reads and writes rows,
//! this library knows logs and object stores. So what crosses the ABI is small: paths, statistics, deletion vectors,
//! and the few objects (commits, locks) that are put on a condition. There is no call that commits. A commit is an
//! object that must not exist yet, and the engine writes it with `tdb_store_put`, since it alone can judge whether its
//! work still holds when another writer was faster.
//!
//! Two crates do the work. `object_store` talks to local folders, S3, Google Cloud Storage and Azure. `delta_kernel`
//! replays logs: commits, checkpoints of all kinds, deletion vectors. The kernel is asked for the log's own words:
//! paths stay encoded, partition values stay strings under their physical names. Only so can a later remove action
//! repeat what an add action said.
//!
//! How the parts stand together:
//!
//! - `store`: a folder by its URL, get and put, the threads that wait for the network;
//! - `snapshot`: a version of a table; why it cannot be loaded, if it cannot;
//! - `files`: the active files as an Arrow array;
//! - `deletion_vectors`: which rows of a file are gone;
//! - `vacuum`: which files no version needs;
//! - `errors`: codes and texts, free of credentials;
//! - `ffi`: how values pass between C and Rust.
//!
//! This file holds the C functions. Each of them unpacks its arguments, calls into a module and packs the result, all
//! inside [`ffi::call`], which turns failures and panics into a code and a text.

use std::ffi::{c_char, c_int};
use std::slice;

use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};

use crate::errors::{Code, Error, Result};
use crate::snapshot::{Snapshot, Wanted};
use crate::store::{PutCondition, Store};

mod deletion_vectors;
mod errors;
mod ffi;
mod files;
mod snapshot;
mod store;
mod vacuum;

#[no_mangle]
pub extern "C" fn tdb_abi_version() -> u32 {
    1
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_string_free(text: *mut c_char) {
    if !text.is_null() {
        drop(std::ffi::CString::from_raw(text));
    }
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_bytes_free(bytes: ffi::Bytes) {
    if !bytes.data.is_null() {
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(
            bytes.data, bytes.size,
        )));
    }
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_store_open(
    url: *const c_char,
    options: *const c_char,
    store: *mut *mut Store,
    error: *mut *mut c_char,
) -> Code {
    ffi::call(error, || {
        let place = ffi::place(store, "store")?;
        let options = if options.is_null() {
            "{}"
        } else {
            ffi::text(options, "options")?
        };
        let opened = Store::open(ffi::text(url, "url")?, options)?;
        place.write(Box::into_raw(Box::new(opened)));
        Ok(())
    })
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_store_free(store: *mut Store) {
    free(store);
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_store_get(
    store: *const Store,
    path: *const c_char,
    content: *mut ffi::Bytes,
    etag: *mut *mut c_char,
    error: *mut *mut c_char,
) -> Code {
    ffi::call(error, || {
        let place = ffi::place(content, "content")?;
        let (bytes, tag) = ffi::handle(store, "store")?.get(ffi::text(path, "path")?)?;
        place.write(ffi::owned_bytes(bytes.into()));
        write_tag(etag, tag);
        Ok(())
    })
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_store_put(
    store: *const Store,
    path: *const c_char,
    data: *const u8,
    size: usize,
    mode: c_int,
    etag: *const c_char,
    new_etag: *mut *mut c_char,
    error: *mut *mut c_char,
) -> Code {
    ffi::call(error, || {
        let content = match size {
            0 => &[],
            _ => slice::from_raw_parts(ffi::handle(data, "data")?, size),
        };
        let condition = match mode {
            0 => PutCondition::None,
            1 => PutCondition::Absent,
            2 => PutCondition::Tag(ffi::text(etag, "etag")?),
            _ => return Err(Error::invalid(format!("there is no put mode {mode}"))),
        };
        let content = bytes::Bytes::copy_from_slice(content);
        let store = ffi::handle(store, "store")?;
        write_tag(
            new_etag,
            store.put(ffi::text(path, "path")?, content, condition)?,
        );
        Ok(())
    })
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_snapshot_open(
    store: *const Store,
    version: i64,
    timestamp_ms: i64,
    snapshot: *mut *mut Snapshot,
    error: *mut *mut c_char,
) -> Code {
    ffi::call(error, || {
        let place = ffi::place(snapshot, "snapshot")?;
        let wanted = match (u64::try_from(version), timestamp_ms) {
            (Ok(version), _) => Wanted::Version(version),
            (_, 0..) => Wanted::AsOf(timestamp_ms),
            _ => Wanted::Latest,
        };
        let opened = Snapshot::open(ffi::handle(store, "store")?, wanted)?;
        place.write(Box::into_raw(Box::new(opened)));
        Ok(())
    })
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_snapshot_free(snapshot: *mut Snapshot) {
    free(snapshot);
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_snapshot_update(
    snapshot: *mut Snapshot,
    error: *mut *mut c_char,
) -> Code {
    ffi::call(error, || {
        ffi::handle(snapshot, "snapshot")?;
        (*snapshot).update()
    })
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_snapshot_describe(
    snapshot: *const Snapshot,
    json: *mut *mut c_char,
    error: *mut *mut c_char,
) -> Code {
    answer(snapshot, json, error, Snapshot::describe)
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_snapshot_files(
    snapshot: *const Snapshot,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    error: *mut *mut c_char,
) -> Code {
    ffi::call(error, || {
        ffi::export(&ffi::handle(snapshot, "snapshot")?.files()?, schema, array)
    })
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_snapshot_deleted_rows(
    snapshot: *const Snapshot,
    descriptor: *const c_char,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    error: *mut *mut c_char,
) -> Code {
    ffi::call(error, || {
        let descriptor = ffi::text(descriptor, "descriptor")?;
        let rows = ffi::handle(snapshot, "snapshot")?.deleted_rows(descriptor)?;
        ffi::export(&rows, schema, array)
    })
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_snapshot_transaction(
    snapshot: *const Snapshot,
    app_id: *const c_char,
    version: *mut i64,
    error: *mut *mut c_char,
) -> Code {
    ffi::call(error, || {
        let place = ffi::place(version, "version")?;
        let app_id = ffi::text(app_id, "app_id")?;
        place.write(
            ffi::handle(snapshot, "snapshot")?
                .transaction(app_id)?
                .unwrap_or(-1),
        );
        Ok(())
    })
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_snapshot_checkpoint(
    snapshot: *const Snapshot,
    error: *mut *mut c_char,
) -> Code {
    ffi::call(error, || ffi::handle(snapshot, "snapshot")?.checkpoint())
}

/// # Safety
/// As the header says.
#[no_mangle]
pub unsafe extern "C" fn tdb_snapshot_vacuum(
    snapshot: *const Snapshot,
    retention_ms: i64,
    apply: c_int,
    json: *mut *mut c_char,
    error: *mut *mut c_char,
) -> Code {
    answer(snapshot, json, error, |snapshot| {
        snapshot.vacuum(retention_ms, apply != 0)
    })
}

/// A call whose result is a text.
unsafe fn answer(
    snapshot: *const Snapshot,
    json: *mut *mut c_char,
    error: *mut *mut c_char,
    question: impl FnOnce(&Snapshot) -> Result<String>,
) -> Code {
    ffi::call(error, || {
        let place = ffi::place(json, "json")?;
        place.write(ffi::owned_text(question(ffi::handle(
            snapshot, "snapshot",
        )?)?));
        Ok(())
    })
}

unsafe fn write_tag(place: *mut *mut c_char, tag: Option<String>) {
    if !place.is_null() {
        place.write(tag.map_or(std::ptr::null_mut(), ffi::owned_text));
    }
}

unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        ffi::call(std::ptr::null_mut(), || {
            drop(Box::from_raw(handle));
            Ok(())
        });
    }
}
