//! Why a log cannot be read. The kernel's errors tell neither what is missing nor which file is
//! damaged, so a failure is followed by a look at the files.

use delta_kernel::actions::get_commit_schema;
use delta_kernel::history_manager::{get_earliest_commit, HistoryCommitType};
use delta_kernel::{Engine, FileMeta, KernelError, KernelResult, Version};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use crate::errors::{Error, Result};
use crate::snapshot::root;
use crate::store::{runtime, Store};

/// The error of a table or version (the latest if none) that cannot be loaded.
pub fn explain_load(
    store: &Store,
    engine: &dyn Engine,
    version: Option<Version>,
    error: KernelError,
) -> Error {
    if !is_about_content(&error) {
        return error.into();
    }
    missing(store, engine, version)
        .unwrap_or_else(|| explain_replay(store, engine, version.unwrap_or(Version::MAX), error))
}

/// The error of a log that was found and cannot be replayed.
pub fn explain_replay(
    store: &Store,
    engine: &dyn Engine,
    version: Version,
    error: KernelError,
) -> Error {
    let damage = is_about_content(&error)
        .then(|| damage(store, engine, version))
        .flatten();
    damage.map_or_else(|| error.into(), Error::failed)
}

/// What is missing, if the table or the version is.
pub fn missing(store: &Store, engine: &dyn Engine, version: Option<Version>) -> Option<Error> {
    let files = log_files(store).ok()?;
    let Some(latest) = files.iter().map(|file| file.version).max() else {
        let text = format!("{} is not a Delta table", store.url());
        return Some(Error::not_found(text));
    };
    let version = version?;
    if version > latest {
        let text = format!("version {version} is not there, the latest is {latest}");
        return Some(Error::not_found(text));
    }
    let log = root().join("_delta_log/").ok()?;
    let earliest = get_earliest_commit(engine, &log, None, HistoryCommitType::Recreatable).ok()?;
    let text = format!("version {version} is not there any more, the earliest is {earliest}");
    (version < earliest).then(|| Error::not_found(text))
}

/// The first file that a replay of the version would stumble over, and how.
fn damage(store: &Store, engine: &dyn Engine, version: Version) -> Option<String> {
    let mut files = log_files(store).ok()?;
    files.retain(|file| file.version <= version);
    let checkpoints = files.iter().filter(|file| file.is_checkpoint());
    let start = checkpoints.map(|file| file.version).max().unwrap_or(0);
    files.retain(|file| file.version >= start);
    files.iter().find_map(|file| {
        let error = file.read(engine).err()?;
        Some(format!(
            "{}: {}",
            file.object.location,
            Error::from(error).text
        ))
    })
}

/// Whether an error may come from what the log holds, rather than from the way to it.
fn is_about_content(error: &KernelError) -> bool {
    use KernelError as E;
    !matches!(
        error,
        E::Unsupported(_)
            | E::MaxCatalogVersion(_)
            | E::ObjectStore(_)
            | E::IOError(_)
            | E::Reqwest(_)
            | E::JoinFailure(_)
    )
}

struct LogFile {
    version: Version,
    object: ObjectMeta,
}

impl LogFile {
    fn new(object: ObjectMeta) -> Option<LogFile> {
        let (version, kind) = object.location.filename()?.split_once('.')?;
        let is_known = version.len() == 20 && (kind == "json" || kind.starts_with("checkpoint."));
        let version = version.parse().ok().filter(|_| is_known)?;
        Some(LogFile { version, object })
    }

    fn is_checkpoint(&self) -> bool {
        self.object.location.as_ref().contains(".checkpoint.")
    }

    fn read(&self, engine: &dyn Engine) -> KernelResult<()> {
        let object = &self.object;
        let location = root().join(object.location.as_ref())?;
        let modified = object.last_modified.timestamp_millis();
        let files = [FileMeta::new(location, modified, object.size)];
        let schema = get_commit_schema().clone();
        let mut batches = if object.location.as_ref().ends_with(".json") {
            engine
                .json_handler()
                .read_json_files(&files, schema, None)?
        } else {
            engine
                .parquet_handler()
                .read_parquet_files(&files, schema, None)?
        };
        batches.try_for_each(|batch| batch.map(drop))
    }
}

/// The commits and checkpoints of a log.
fn log_files(store: &Store) -> Result<Vec<LogFile>> {
    let log = Path::from("_delta_log");
    let listing = store.objects().list(Some(&log)).try_collect::<Vec<_>>();
    let objects = runtime()?.block_on(listing)?;
    let mut files: Vec<LogFile> = objects.into_iter().filter_map(LogFile::new).collect();
    files.sort_by_key(|file| file.version);
    Ok(files)
}
