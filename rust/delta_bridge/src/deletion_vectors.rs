//! Deletion vectors: sets of row numbers, inline in the log or in files that many of them share.

use std::sync::Arc;

use delta_kernel::actions::deletion_vector::{
    DeletionVectorDescriptor, DeletionVectorStorageType as StorageType,
};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{DynObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::errors::{Code, Error, Result};
use crate::snapshot::root;
use crate::store::{engine_over, runtime, Store};

/// The descriptor, as in the log.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    pub storage_type: String,
    pub path_or_inline_dv: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<i32>,
    pub size_in_bytes: i32,
    pub cardinality: i64,
}

impl Descriptor {
    pub fn parse(json: &str) -> Result<Descriptor> {
        serde_json::from_str(json)
            .map_err(|error| Error::invalid(format!("not a deletion vector's descriptor: {error}")))
    }

    fn checked(&self) -> Result<DeletionVectorDescriptor> {
        self.storage_type
            .parse()
            .and_then(|storage_type| {
                DeletionVectorDescriptor::try_new(
                    storage_type,
                    &self.path_or_inline_dv,
                    self.offset,
                    self.size_in_bytes,
                    self.cardinality,
                )
            })
            .map_err(|error| Error::invalid(Error::from(error).text))
    }

    /// The file that holds the vector: under the table's root, or anywhere.
    pub fn file(&self) -> Result<Option<DeletionVectorFile>> {
        let checked = self.checked()?;
        Ok(
            match (&checked.storage_type, checked.absolute_path(&root())?) {
                (_, None) => None,
                (StorageType::PersistedAbsolute, Some(url)) => {
                    Some(DeletionVectorFile::Elsewhere(url))
                }
                (_, Some(url)) => {
                    let path = Path::from_url_path(url.path()).map_err(Error::invalid)?;
                    Some(DeletionVectorFile::InTable(path))
                }
            },
        )
    }
}

pub enum DeletionVectorFile {
    InTable(Path),
    Elsewhere(Url),
}

/// The numbers of the deleted rows, ascending.
pub fn deleted_rows(store: &Store, descriptor: &Descriptor) -> Result<Vec<u64>> {
    let (objects, path) = match descriptor.file()? {
        None => return decode(Arc::new(InMemory::new()), descriptor.checked()?),
        Some(DeletionVectorFile::InTable(path)) => (store.objects(), path),
        Some(DeletionVectorFile::Elsewhere(url)) => store.locate(&url).ok_or_else(|| {
            Error::new(
                Code::Unsupported,
                "the deletion vector's file is in another store than the table",
            )
        })?,
    };
    decode_part(objects, &path, descriptor)
}

/// Reads just this vector's part of a file, and lets the kernel decode it as a file that holds nothing else.
fn decode_part(
    objects: &Arc<DynObjectStore>,
    path: &Path,
    descriptor: &Descriptor,
) -> Result<Vec<u64>> {
    const FORMAT_VERSION: u8 = 1;
    const LENGTH_AND_CHECKSUM: u64 = 4 + 4;
    let checked = descriptor.checked()?;
    let start = u64::from(checked.offset.unwrap_or(1).unsigned_abs());
    let end = start + u64::from(checked.size_in_bytes.unsigned_abs()) + LENGTH_AND_CHECKSUM;
    let alone: Arc<DynObjectStore> = Arc::new(InMemory::new());
    runtime()?.block_on(async {
        let mut content = vec![FORMAT_VERSION];
        content.extend_from_slice(&objects.get_range(path, start..end).await?);
        alone.put(&Path::from("vector"), content.into()).await
    })?;
    let relocated = DeletionVectorDescriptor::try_new(
        StorageType::PersistedAbsolute,
        root().join("vector").map_err(Error::failed)?,
        Some(1),
        checked.size_in_bytes,
        checked.cardinality,
    )?;
    decode(alone, relocated)
        .map_err(|error| Error::new(error.code, format!("{path}: {}", error.text)))
}

fn decode(objects: Arc<DynObjectStore>, descriptor: DeletionVectorDescriptor) -> Result<Vec<u64>> {
    let rows = descriptor.row_indexes(engine_over(objects)?.storage_handler(), &root())?;
    if i64::try_from(rows.len()) != Ok(descriptor.cardinality) {
        return Err(Error::failed(format!(
            "a deletion vector holds {} rows, its descriptor says {}",
            rows.len(),
            descriptor.cardinality
        )));
    }
    Ok(rows)
}
