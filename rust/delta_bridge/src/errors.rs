//! Errors as they cross the C ABI: a code for programs, a text for people.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use delta_kernel::history_manager::error::LogHistoryError;
use delta_kernel::KernelError;

/// `tdb_code` of the header.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Ok = 0,
    Failed = 1,
    NotFound = 2,
    Precondition = 3,
    Unsupported = 4,
    Invalid = 5,
}

#[derive(Debug)]
pub struct Error {
    pub code: Code,
    pub text: String,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(code: Code, text: impl Display) -> Self {
        let text = text.to_string();
        Error { code, text }
    }

    pub fn failed(text: impl Display) -> Self {
        Self::new(Code::Failed, text)
    }

    pub fn not_found(text: impl Display) -> Self {
        Self::new(Code::NotFound, text)
    }

    pub fn invalid(text: impl Display) -> Self {
        Self::new(Code::Invalid, text)
    }

    /// The text as it may be shown.
    pub fn public_text(&self) -> String {
        let text = without_queries(&without_response_body(&self.text));
        let secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
        // The longest come first: a secret may hold another one.
        let mut by_length: Vec<&String> = secrets.iter().collect();
        by_length.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        by_length
            .iter()
            .fold(text, |text, secret| text.replace(secret.as_str(), "***"))
    }
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        use object_store::Error as E;
        let code = match &error {
            E::NotFound { .. } => Code::NotFound,
            E::AlreadyExists { .. } | E::Precondition { .. } => Code::Precondition,
            E::NotSupported { .. } | E::NotImplemented { .. } => Code::Unsupported,
            E::InvalidPath { .. } | E::UnknownConfigurationKey { .. } => Code::Invalid,
            _ => Code::Failed,
        };
        Error::new(code, with_causes(&error))
    }
}

impl From<KernelError> for Error {
    fn from(error: KernelError) -> Self {
        let code = match &error {
            KernelError::Unsupported(_) => Code::Unsupported,
            // What the kernel says of a table whose commits a catalog keeps, to who has no catalog.
            KernelError::MaxCatalogVersion(_) => {
                return Error::new(
                    Code::Unsupported,
                    "Feature 'catalogManaged' is not supported",
                );
            }
            // Its log was begun and had no version yet when it was listed; it may have one by now.
            KernelError::EmptyLog => Code::NotFound,
            KernelError::LogHistory(history)
                if matches!(**history, LogHistoryError::TimestampOutOfRange { .. }) =>
            {
                Code::NotFound
            }
            _ => Code::Failed,
        };
        let text = with_causes(&error);
        let without_backtrace = text.split("\n   0: ").next().unwrap_or_default();
        Error::new(code, without_backtrace.replace(crate::snapshot::ROOT, ""))
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        Error::failed(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::failed(error)
    }
}

/// The text of an error and what its causes add: libraries tend to keep the telling part there.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let addition = error.to_string();
        if !text.contains(&addition) {
            text = format!("{text}: {addition}");
        }
        cause = error.source();
    }
    text
}

/// Values that stores were opened with and that no text may repeat.
static SECRETS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes the value of a setting that holds a credential, judged by its name.
pub fn remember_if_secret(name: &str, value: &str) {
    let name = name.to_ascii_lowercase();
    let telling = ["secret", "key", "token", "password", "sas", "credential"];
    let harmless = value.len() < 4 || value == "true" || value == "false";
    if !harmless && telling.iter().any(|word| name.contains(word)) {
        let mut secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.insert(value.to_string());
    }
}

/// Cuts the queries out of the URLs of a text: a query may hold a signature.
fn without_queries(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let length = |from: &str| from.find(|c: char| c.is_whitespace() || "\"')>".contains(c));
        let end = start + length(&rest[start..]).unwrap_or(rest.len() - start);
        let url = &rest[..end];
        kept.push_str(
            url.find('?')
                .filter(|at| *at > start)
                .map_or(url, |at| &url[..at]),
        );
        rest = &rest[end..];
    }
    kept + rest
}

/// Reduces the XML that a store answers to its code and message: the rest may repeat the signed
/// request.
fn without_response_body(text: &str) -> String {
    let Some(start) = text.find("<?xml").or_else(|| text.find("<Error>")) else {
        return text.to_string();
    };
    let body = &text[start..];
    let part = |tag: &str| {
        let (_, rest) = body.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once(&format!("</{tag}>"))?.0.trim())
    };
    let code = part("Code").unwrap_or("unreadable answer");
    match part("Message") {
        Some(message) => format!("{}{code}: {message}", &text[..start]),
        None => format!("{}{code}", &text[..start]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_hold_no_credentials() {
        remember_if_secret("AWS_SECRET_ACCESS_KEY", "hunter22");
        remember_if_secret("aws_allow_http_key", "true");
        let shown = |text: &str| Error::failed(text).public_text();
        assert_eq!(shown("a hunter22 b true"), "a *** b true");
        assert_eq!(
            shown("GET https://a/b?sig=x&c in 3s - https://c?d (\"s3://e?f\")"),
            "GET https://a/b in 3s - https://c (\"s3://e\")"
        );
        assert_eq!(shown("really? see https://a"), "really? see https://a");
        assert_eq!(
            shown("403: <?xml ?><Error><Code>Bad</Code><Message>no</Message><StringToSign>x"),
            "403: Bad: no"
        );
    }
}
