//! Removal of files that no version needs any more.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{AsArray, StructArray};
use futures::{stream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde::Deserialize;
use url::Url;

use crate::deletion_vectors::{DeletionVectorFile, Descriptor};
use crate::errors::{Error, Result};
use crate::files;
use crate::snapshot::{version_of, Snapshot};
use crate::store::{runtime, Store};

const CONCURRENT_READS: usize = 16;

/// Finds the files, and removes them if `apply` is set; the answer is a JSON list of their paths.
///
/// A file is needed if it is active in the snapshot or the latest version, or if a commit of the last `retention_ms`
/// added or removed it: then a version of that time had it. (Tombstones would say the same, but checkpoints drop them
/// when the table's own retention has passed, which may be shorter.)
pub fn vacuum(snapshot: &Snapshot, retention_ms: i64, apply: bool) -> Result<String> {
    if retention_ms < 0 {
        return Err(Error::invalid("the retention is negative"));
    }
    let store = snapshot.store();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(Error::failed)?;
    let oldest_kept = i64::try_from(now.as_millis())
        .unwrap_or(i64::MAX)
        .saturating_sub(retention_ms);
    // In this order, so that nothing slips through while other writers commit: a file that a later commit removes is
    // still active in the latest version; a file that a later commit adds is younger than the retention.
    let latest = snapshot.latest()?;
    let objects = runtime()?.block_on(store.objects().list(None).try_collect::<Vec<_>>())?;
    let mut needed = HashSet::new();
    for state in [snapshot.state(), &latest] {
        add_active(store, &snapshot.files_of(state)?, &mut needed)?;
    }
    let commits: Vec<&ObjectMeta> = objects
        .iter()
        .filter(|object| is_commit(&object.location) && modified(object) >= oldest_kept)
        .collect();
    runtime()?.block_on(add_mentioned(store, &commits, &mut needed))?;
    let mut unneeded: Vec<Path> = objects
        .into_iter()
        .filter(|object| !is_hidden(&object.location) && modified(object) < oldest_kept)
        .map(|object| object.location)
        .filter(|path| !needed.contains(path))
        .collect();
    unneeded.sort();
    if apply {
        runtime()?.block_on(remove(store, &unneeded))?;
    }
    let paths: Vec<&str> = unneeded.iter().map(|path| path.as_ref()).collect();
    Ok(serde_json::to_string(&paths)?)
}

fn add_active(store: &Store, files: &StructArray, needed: &mut HashSet<Path>) -> Result<()> {
    let column = |name| {
        let column = files
            .column_by_name(name)
            .and_then(|column| column.as_string_opt::<i32>());
        column.ok_or_else(|| Error::failed(format!("the list of files has no column {name}")))
    };
    for (path, vector) in column(files::PATH)?
        .iter()
        .zip(column(files::DELETION_VECTOR)?)
    {
        let path = path.unwrap_or_default().to_string();
        let deletion_vector = vector.map(Descriptor::parse).transpose()?;
        FileAction {
            path,
            deletion_vector,
        }
        .add_files(store, needed)?;
    }
    Ok(())
}

async fn add_mentioned(
    store: &Store,
    commits: &[&ObjectMeta],
    needed: &mut HashSet<Path>,
) -> Result<()> {
    let mut contents = stream::iter(commits)
        .map(|commit| async {
            let content = store.objects().get(&commit.location).await?.bytes().await?;
            Ok::<_, Error>((&commit.location, content))
        })
        .buffer_unordered(CONCURRENT_READS);
    while let Some((path, content)) = contents.try_next().await? {
        for line in serde_json::Deserializer::from_slice(&content).into_iter::<LogLine>() {
            let line = line.map_err(|error| Error::failed(format!("{path}: {error}")))?;
            for action in line.add.iter().chain(&line.remove) {
                action.add_files(store, needed)?;
            }
        }
    }
    Ok(())
}

async fn remove(store: &Store, paths: &[Path]) -> Result<()> {
    let paths = stream::iter(paths.to_vec()).map(Ok).boxed();
    let mut removed = store.objects().delete_stream(paths);
    while let Some(outcome) = removed.next().await {
        match outcome {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct LogLine {
    add: Option<FileAction>,
    remove: Option<FileAction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileAction {
    path: String,
    deletion_vector: Option<Descriptor>,
}

impl FileAction {
    /// Adds the files that the action needs, as far as they are in the table's folder.
    fn add_files(&self, store: &Store, needed: &mut HashSet<Path>) -> Result<()> {
        needed.extend(path_in_table(store, &self.path)?);
        match self
            .deletion_vector
            .as_ref()
            .map(Descriptor::file)
            .transpose()?
            .flatten()
        {
            Some(DeletionVectorFile::InTable(path)) => needed.extend([path]),
            Some(DeletionVectorFile::Elsewhere(url)) => {
                needed.extend(path_in_table(store, url.as_str())?)
            }
            None => {}
        }
        Ok(())
    }
}

/// The decoded path of a file of the log, relative to the table; none if it lies elsewhere.
fn path_in_table(store: &Store, logged: &str) -> Result<Option<Path>> {
    let decoded = |path: &str| {
        Path::from_url_path(path).map_err(|error| Error::failed(format!("{logged}: {error}")))
    };
    let absolute = match Url::parse(logged) {
        Ok(url) if logged.contains(":/") => decoded(url.path())?,
        _ if logged.starts_with('/') => decoded(logged)?,
        _ => return decoded(logged).map(Some),
    };
    // A file of the same name in another bucket is taken for the table's: then one file too many is kept.
    Ok(absolute
        .prefix_match(store.folder())
        .map(|rest| rest.collect()))
}

fn is_commit(path: &Path) -> bool {
    let parts: Vec<_> = path.parts().collect();
    matches!(&parts[..], [log, name] if log.as_ref() == "_delta_log"
        && name.as_ref().ends_with(".json") && version_of(name.as_ref()).is_some())
}

fn is_hidden(path: &Path) -> bool {
    path.parts()
        .any(|part| part.as_ref().starts_with(['_', '.']))
}

fn modified(object: &ObjectMeta) -> i64 {
    object.last_modified.timestamp_millis()
}
