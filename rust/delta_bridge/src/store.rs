//! Folders in object stores.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use delta_kernel::Engine;
use delta_kernel_default_engine::executor::tokio::TokioMultiThreadExecutor;
use delta_kernel_default_engine::DefaultEngineBuilder;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    BackoffConfig, DynObjectStore, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode,
    RetryConfig, UpdateVersion,
};
use tokio::runtime::Runtime;
use url::Url;

use crate::errors::{remember_if_secret, Code, Error, Result};

/// The threads that wait for stores on behalf of all callers.
pub fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("delta-bridge")
        .enable_all()
        .build()
        .map_err(|error| Error::failed(format!("cannot start threads: {error}")))?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

/// What the kernel reads and writes a store through.
pub fn engine_over(objects: Arc<DynObjectStore>) -> Result<Arc<dyn Engine>> {
    let executor = TokioMultiThreadExecutor::new(runtime()?.handle().clone());
    Ok(Arc::new(
        DefaultEngineBuilder::new(objects)
            .with_task_executor(Arc::new(executor))
            .build(),
    ))
}

/// Which writes a conditional put looks for.
pub enum PutCondition<'a> {
    None,
    Absent,
    Tag(&'a str),
}

/// A folder. Clones share the connections.
#[derive(Clone)]
pub struct Store {
    url: Url,
    /// All that the URL's scheme and host hold, and where the folder lies in it.
    whole: Arc<DynObjectStore>,
    folder: Path,
    /// The folder alone.
    objects: Arc<DynObjectStore>,
}

impl Store {
    pub fn open(url: &str, options: &str) -> Result<Store> {
        let url = Url::parse(url).map_err(|error| Error::invalid(format!("not a URL: {error}")))?;
        // Azure names a container where other URLs name a user.
        let has_user = !url.username().is_empty() && !url.scheme().starts_with("abfs");
        if has_user || url.password().is_some() {
            return Err(Error::invalid(
                "credentials go into the options, not into the URL",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Error::invalid(
                "a '?' or '#' in a store's URL is written %3F or %23",
            ));
        }
        let options = parse_options(options)?;
        let (scheme, folder) = ObjectStoreScheme::parse(&url)
            .map_err(|_| Error::invalid(format!("no store is known for the URL {url}")))?;
        let whole = connect(&scheme, &url, &options)
            .map_err(|error| Error::new(Code::Invalid, error.text))?;
        let objects = Arc::new(PrefixStore::new(whole.clone(), folder.clone()));
        Ok(Store {
            url,
            whole,
            folder,
            objects,
        })
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where the folder lies in the store.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder, as a store of its own.
    pub fn objects(&self) -> &Arc<DynObjectStore> {
        &self.objects
    }

    pub fn get(&self, path: &str) -> Result<(Bytes, Option<String>)> {
        let path = self.absolute(path)?;
        runtime()?.block_on(async {
            let object = self.whole.get(&path).await?;
            let tag = self.tag(object.meta.e_tag.clone(), object.meta.version.clone());
            Ok((object.bytes().await?, tag))
        })
    }

    pub fn put(
        &self,
        path: &str,
        content: Bytes,
        condition: PutCondition,
    ) -> Result<Option<String>> {
        let path = self.absolute(path)?;
        let mode = match condition {
            PutCondition::None => PutMode::Overwrite,
            PutCondition::Absent => PutMode::Create,
            // A store looks at the one that it knows.
            PutCondition::Tag(tag) => PutMode::Update(UpdateVersion {
                e_tag: Some(tag.to_string()),
                version: Some(tag.to_string()),
            }),
        };
        let is_update = matches!(mode, PutMode::Update(_));
        match runtime()?.block_on(self.whole.put_opts(&path, content.into(), mode.into())) {
            Ok(written) => Ok(self.tag(written.e_tag, written.version)),
            Err(gone @ object_store::Error::NotFound { .. }) if is_update => {
                Err(Error::new(Code::Precondition, gone))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Where an absolute URL points, if that is in this store (or beside its folder).
    pub fn locate(&self, url: &Url) -> Option<(&Arc<DynObjectStore>, Path)> {
        let (own_scheme, _) = ObjectStoreScheme::parse(&self.url).ok()?;
        let (scheme, path) = ObjectStoreScheme::parse(url).ok()?;
        let same = scheme == own_scheme
            && url.host_str() == self.url.host_str()
            && url.username() == self.url.username();
        same.then_some((&self.whole, path))
    }

    /// The path of an object of the folder, seen from the root of the store.
    fn absolute(&self, path: &str) -> Result<Path> {
        let path = Path::parse(path).map_err(Error::invalid)?;
        if path.as_ref().is_empty() {
            return Err(Error::invalid("the path of an object is empty"));
        }
        Ok(self.folder.parts().chain(path.parts()).collect())
    }

    /// What a conditional put compares: Google Cloud Storage knows generations only, the others go
    /// by etags.
    fn tag(&self, e_tag: Option<String>, version: Option<String>) -> Option<String> {
        if self.url.scheme() == "gs" {
            version
        } else {
            e_tag
        }
    }
}

fn parse_options(options: &str) -> Result<HashMap<String, String>> {
    let options: HashMap<String, String> = serde_json::from_str(options).map_err(|error| {
        // The error's own text may quote a value.
        let place = format!("line {}, column {}", error.line(), error.column());
        Error::invalid(format!(
            "the options are not a JSON object of strings ({place})"
        ))
    })?;
    let environment = std::env::vars().filter(|(name, _)| {
        ["AWS_", "AZURE_", "GOOGLE_"]
            .iter()
            .any(|p| name.starts_with(p))
    });
    for (name, value) in options.clone().into_iter().chain(environment) {
        remember_if_secret(&name, &value);
    }
    Ok(options)
}

/// One less than `AWS_MAX_ATTEMPTS`, as the SDKs of S3 understand it; 10 without it.
fn max_retries() -> usize {
    std::env::var("AWS_MAX_ATTEMPTS")
        .ok()
        .and_then(|attempts| attempts.parse::<usize>().ok())
        .map_or(10, |attempts| attempts.saturating_sub(1))
}

fn connect(
    scheme: &ObjectStoreScheme,
    url: &Url,
    options: &HashMap<String, String>,
) -> Result<Arc<DynObjectStore>> {
    let retry = RetryConfig {
        // A wait is drawn from between the initial one and `base` times the one before: with 3,
        // ten of them take about ten seconds.
        backoff: BackoffConfig {
            base: 3.0,
            ..BackoffConfig::default()
        },
        max_retries: max_retries(),
        retry_timeout: Duration::from_secs(60),
    };
    Ok(match scheme {
        ObjectStoreScheme::Local => Arc::new(LocalFileSystem::new()),
        ObjectStoreScheme::AmazonS3 => {
            let builder = AmazonS3Builder::from_env()
                .with_url(url.as_str())
                .with_retry(retry);
            Arc::new(configure_s3(builder, options)?.build()?)
        }
        ObjectStoreScheme::GoogleCloudStorage => {
            let builder = GoogleCloudStorageBuilder::from_env().with_url(url.as_str());
            let configured =
                configure(builder.with_retry(retry), options, |builder, key, value| {
                    builder.with_config(key, value)
                })?;
            Arc::new(configured.build()?)
        }
        ObjectStoreScheme::MicrosoftAzure => {
            let builder = MicrosoftAzureBuilder::from_env().with_url(url.as_str());
            let configured =
                configure(builder.with_retry(retry), options, |builder, key, value| {
                    builder.with_config(key, value)
                })?;
            Arc::new(configured.build()?)
        }
        _ => {
            return Err(Error::invalid(format!(
                "no store is known for the URL {url}"
            )))
        }
    })
}

/// Applies options by their names in the object_store crate, in any case.
fn configure<Builder, Key: FromStr<Err = object_store::Error>>(
    builder: Builder,
    options: &HashMap<String, String>,
    set: impl Fn(Builder, Key, &str) -> Builder,
) -> Result<Builder> {
    options.iter().try_fold(builder, |builder, (name, value)| {
        let key = name.to_ascii_lowercase().parse()?;
        Ok(set(builder, key, value))
    })
}

fn configure_s3(
    mut builder: AmazonS3Builder,
    options: &HashMap<String, String>,
) -> Result<AmazonS3Builder> {
    use AmazonS3ConfigKey::{Endpoint, S3Endpoint};
    // The crate prefers AWS_ENDPOINT_URL_S3 of the environment even to an endpoint option.
    for (name, value) in options {
        if matches!(name.to_ascii_lowercase().parse(), Ok(Endpoint)) {
            builder = builder.with_config(S3Endpoint, value);
        }
    }
    builder = configure(builder, options, |builder, key, value| {
        builder.with_config(key, value)
    })?;
    let endpoint = builder
        .get_config_value(&S3Endpoint)
        .or_else(|| builder.get_config_value(&Endpoint));
    if endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")) {
        builder = builder.with_allow_http(true);
    }
    Ok(builder)
}
