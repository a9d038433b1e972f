//! How arguments, results and failures pass between C and Rust.

use std::any::Any;
use std::ffi::{c_char, CStr, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Mutex, Once, PoisonError};

use arrow::array::Array;
use arrow::ffi::{to_ffi, FFI_ArrowArray, FFI_ArrowSchema};

use crate::errors::{Code, Error, Result};

/// `tdb_bytes` of the header.
#[repr(C)]
pub struct Bytes {
    pub data: *mut u8,
    pub size: usize,
}

/// Runs the body of a C function: no panic leaves it, and a failure goes to `*error`.
///
/// # Safety
/// `error` is NULL or may be written.
pub unsafe fn call(error: *mut *mut c_char, body: impl FnOnce() -> Result<()>) -> Code {
    keep_panics_quiet();
    let outcome =
        catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(panicked(payload)));
    match outcome {
        Ok(()) => Code::Ok,
        Err(failure) => {
            if !error.is_null() {
                error.write(owned_text(failure.public_text()));
            }
            failure.code
        }
    }
}

/// The last panic of any thread. A panic of a worker thread reaches the caller as another one, which says less.
static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let mut last = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
            last.get_or_insert_with(|| panic.to_string());
        }));
    });
}

fn panicked(payload: Box<dyn Any + Send>) -> Error {
    let first = LAST_PANIC
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let own = payload.downcast_ref::<&str>().map(|text| text.to_string());
    Error::failed(
        first
            .or(own)
            .unwrap_or_else(|| "the library panicked".to_string()),
    )
}

/// A string argument.
///
/// # Safety
/// `pointer` is NULL or a string that ends with a zero byte and outlives the call.
pub unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(Error::invalid(format!("{name} is NULL")));
    }
    CStr::from_ptr(pointer)
        .to_str()
        .map_err(|_| Error::invalid(format!("{name} is not UTF-8")))
}

/// A handle argument.
///
/// # Safety
/// `pointer` is NULL or a live handle of this type.
pub unsafe fn handle<'a, T>(pointer: *const T, name: &str) -> Result<&'a T> {
    pointer
        .as_ref()
        .ok_or_else(|| Error::invalid(format!("{name} is NULL")))
}

/// The place of a result.
pub fn place<T>(pointer: *mut T, name: &str) -> Result<*mut T> {
    if pointer.is_null() {
        return Err(Error::invalid(format!("{name} is NULL")));
    }
    Ok(pointer)
}

/// A string that the caller frees with `tdb_string_free`.
pub fn owned_text(text: String) -> *mut c_char {
    CString::new(text.replace('\0', "\u{fffd}"))
        .unwrap_or_default()
        .into_raw()
}

/// Bytes that the caller frees with `tdb_bytes_free`.
pub fn owned_bytes(content: Vec<u8>) -> Bytes {
    let size = content.len();
    Bytes {
        data: Box::into_raw(content.into_boxed_slice()).cast(),
        size,
    }
}

/// Hands an array out through the Arrow C data interface.
///
/// # Safety
/// The places are NULL or may be written.
pub unsafe fn export(
    exported: &dyn Array,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
) -> Result<()> {
    let (schema, array) = (place(schema, "schema")?, place(array, "array")?);
    let (exported_array, exported_schema) = to_ffi(&exported.to_data())?;
    array.write(exported_array);
    schema.write(exported_schema);
    Ok(())
}
