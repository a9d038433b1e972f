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
use crate::snapshot::Snapshot;
use crate::store::{runtime, Store};

const CONCURRENT_READS: usize = 16;

/// Finds the files, and removes them if `apply` is set; the answer is a JSON list of their paths.
///
/// A file is needed if it is active in the snapshot or the latest version, or if a commit of the
/// last `retention_ms` added or removed it: then a version of that time had it. (Tombstones would
/// say the same, but checkpoints drop them when the table's own retention has passed, which may be
/// shorter.)
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
    // In this order, so that nothing slips through while other writers commit: a file that a later
    // commit removes is still active in the latest version; a file that a later commit adds is
    // younger than the retention.
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
    // A file of that name in another bucket is taken for the table's: then one too many is kept.
    Ok(absolute
        .prefix_match(store.folder())
        .map(|rest| rest.collect()))
}

fn is_commit(path: &Path) -> bool {
    let name = path
        .as_ref()
        .strip_prefix("_delta_log/")
        .and_then(|name| name.strip_suffix(".json"));
    name.is_some_and(|version| version.len() == 20 && version.parse::<u64>().is_ok())
}

fn is_hidden(path: &Path) -> bool {
    path.parts()
        .any(|part| part.as_ref().starts_with(['_', '.']))
}

fn modified(object: &ObjectMeta) -> i64 {
    object.last_modified.timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_log_are_found_in_the_table() {
        let store = Store::open("file:///data/a%20table", "{}").unwrap();
        let found = |logged: &str| {
            let path = path_in_table(&store, logged).unwrap();
            path.map(|path| path.to_string())
        };
        assert_eq!(
            found("p=50%25/f.parquet").as_deref(),
            Some("p=50%/f.parquet")
        );
        assert_eq!(
            found("p=a%2520b/t:1.parquet").as_deref(),
            Some("p=a%20b/t:1.parquet")
        );
        assert_eq!(found("file:///data/a%20table/f").as_deref(), Some("f"));
        assert_eq!(found("file:/data/a%20table/x/f").as_deref(), Some("x/f"));
        assert_eq!(found("/data/a%20table/f").as_deref(), Some("f"));
        assert_eq!(found("/data/other/f"), None);
        assert_eq!(found("s3://bucket/f"), None);
    }

    #[test]
    fn only_commits_and_visible_files_count() {
        assert!(is_commit(&Path::from(
            "_delta_log/00000000000000000003.json"
        )));
        assert!(!is_commit(&Path::from(
            "_delta_log/00000000000000000003.checkpoint.u.json"
        )));
        assert!(!is_commit(&Path::from(
            "_delta_log/_staged_commits/00000000000000000003.json"
        )));
        assert!(is_hidden(&Path::from("x/_y/z")) && is_hidden(&Path::from(".x")));
        assert!(!is_hidden(&Path::from("a_/b.c")));
    }
}
