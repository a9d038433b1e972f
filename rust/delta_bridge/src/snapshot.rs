//! One version of a table.

use std::sync::Arc;

use arrow::array::{StructArray, UInt64Array};
use delta_kernel::history_manager::{get_earliest_commit, latest_version_as_of, HistoryCommitType};
use delta_kernel::{Engine, KernelError, Snapshot as KernelSnapshot, SnapshotRef, Version};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{json, Value};
use url::Url;

use crate::deletion_vectors::{deleted_rows, Descriptor};
use crate::errors::{Error, Result};
use crate::store::{engine_over, runtime, Store};
use crate::{files, vacuum};

/// The kernel is shown each table at the root of a store of its own, whatever its real address is. So that address
/// cannot be misread (spaces, percent signs), and the paths of error texts are relative to the table. The scheme makes
/// the kernel sort what it lists, which local folders and some stores need.
pub const ROOT: &str = "file:///";

/// [`ROOT`] as a URL.
pub fn root() -> Url {
    Url::parse(ROOT).expect("the constant is a URL")
}

pub struct Snapshot {
    store: Store,
    engine: Arc<dyn Engine>,
    state: SnapshotRef,
}

/// Which version to load.
pub enum Wanted {
    Latest,
    Version(Version),
    /// The latest one not after this time, in milliseconds since the epoch.
    AsOf(i64),
}

impl Snapshot {
    pub fn open(store: &Store, wanted: Wanted) -> Result<Snapshot> {
        let engine = engine_over(store.objects().clone())?;
        let load = |version| load(store, engine.as_ref(), version);
        let state = match wanted {
            Wanted::Latest => load(None)?,
            Wanted::Version(version) => load(Some(version))?,
            Wanted::AsOf(time) => {
                let latest = load(None)?;
                let kind = HistoryCommitType::Recreatable;
                let commit = latest_version_as_of(&latest, engine.as_ref(), time, kind)?;
                if commit.version == latest.version() {
                    latest
                } else {
                    load(Some(commit.version))?
                }
            }
        };
        Ok(Snapshot {
            store: store.clone(),
            engine,
            state,
        })
    }

    pub fn update(&mut self) -> Result<()> {
        self.state = self.latest()?;
        Ok(())
    }

    pub fn latest(&self) -> Result<SnapshotRef> {
        let engine = self.engine.as_ref();
        let built = KernelSnapshot::builder_from(self.state.clone()).build(engine);
        built.map_err(|error| cannot_load(&self.store, engine, None, error))
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn describe(&self) -> Result<String> {
        let configuration = self.state.table_configuration();
        let mut description = json!({
            "version": self.state.version(),
            "timestamp": self.state.get_timestamp(self.engine.as_ref()).ok(),
            "protocol": configuration.protocol(),
            "metaData": configuration.metadata(),
        });
        for action in ["protocol", "metaData"] {
            if let Some(fields) = description[action].as_object_mut() {
                fields.retain(|_, value| *value != Value::Null);
            }
        }
        Ok(description.to_string())
    }

    pub fn state(&self) -> &SnapshotRef {
        &self.state
    }

    pub fn files(&self) -> Result<StructArray> {
        self.files_of(&self.state)
    }

    pub fn files_of(&self, state: &SnapshotRef) -> Result<StructArray> {
        files::active(state, self.engine.as_ref())
    }

    pub fn deleted_rows(&self, descriptor: &str) -> Result<UInt64Array> {
        Ok(deleted_rows(&self.store, &Descriptor::parse(descriptor)?)?.into())
    }

    pub fn transaction(&self, app_id: &str) -> Result<Option<i64>> {
        Ok(self
            .state
            .get_app_id_version(app_id, self.engine.as_ref())?)
    }

    pub fn checkpoint(&self) -> Result<()> {
        self.state.checkpoint(self.engine.as_ref(), None)?;
        Ok(())
    }

    pub fn vacuum(&self, retention_ms: i64, apply: bool) -> Result<String> {
        vacuum::vacuum(self, retention_ms, apply)
    }
}

fn load(store: &Store, engine: &dyn Engine, version: Option<Version>) -> Result<SnapshotRef> {
    let mut builder = KernelSnapshot::builder_for(ROOT);
    if let Some(version) = version {
        // The kernel takes a time proportional to a version that is not there, so look first.
        let commit = Path::from(format!("_delta_log/{version:020}.json"));
        if runtime()?.block_on(store.objects().head(&commit)).is_err() {
            missing(store, engine, Some(version)).map_or(Ok(()), Err)?;
        }
        builder = builder.at_version(version);
    }
    builder
        .build(engine)
        .map_err(|error| cannot_load(store, engine, version, error))
}

fn cannot_load(
    store: &Store,
    engine: &dyn Engine,
    version: Option<Version>,
    error: KernelError,
) -> Error {
    match error {
        KernelError::Unsupported(_) => error.into(),
        _ => missing(store, engine, version).unwrap_or_else(|| error.into()),
    }
}

/// What is missing where a table or version cannot be loaded, if something is. The kernel's errors do not tell.
fn missing(store: &Store, engine: &dyn Engine, version: Option<Version>) -> Option<Error> {
    let log = Path::from("_delta_log");
    let listing = store.objects().list(Some(&log)).try_collect::<Vec<_>>();
    let versions = runtime().ok()?.block_on(listing).ok()?;
    let latest = versions
        .iter()
        .filter_map(|object| version_of(object.location.filename()?))
        .max();
    let Some(latest) = latest else {
        return Some(Error::not_found(format!(
            "{} is not a Delta table",
            store.url()
        )));
    };
    let version = version?;
    if version > latest {
        return Some(Error::not_found(format!(
            "version {version} is not there, the latest is {latest}"
        )));
    }
    let log = root().join("_delta_log/").ok()?;
    let earliest = get_earliest_commit(engine, &log, None, HistoryCommitType::Recreatable).ok()?;
    (version < earliest).then(|| {
        Error::not_found(format!(
            "version {version} is not there any more, the earliest is {earliest}"
        ))
    })
}

/// The version of a commit or checkpoint by the name of its file.
pub fn version_of(name: &str) -> Option<Version> {
    let (version, kind) = name.split_once('.')?;
    let is_log_file = version.len() == 20 && (kind == "json" || kind.starts_with("checkpoint."));
    is_log_file.then(|| version.parse().ok()).flatten()
}
