//! Failures as data: every kernel error becomes one JSON object in the message of the JavaScript error, which
//! `packages/bindings` turns into an `OperatorError`.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A failure on its way to JavaScript.
#[derive(Debug)]
pub struct Failure {
    pub code: &'static str,
    /// `user`, `external` or `internal`.
    pub domain: &'static str,
    pub message: String,
    /// Values for programs: positions, candidates, paths.
    pub details: BTreeMap<&'static str, Detail>,
}

/// A value in [`Failure::details`].
#[derive(Debug)]
pub enum Detail {
    Number(u64),
    Text(String),
    Texts(Vec<String>),
}

pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub fn new(code: &'static str, domain: &'static str, message: impl ToString) -> Self {
        Self {
            code,
            domain,
            message: message.to_string(),
            details: BTreeMap::new(),
        }
    }

    pub fn user(code: &'static str, message: impl ToString) -> Self {
        Self::new(code, "user", message)
    }

    pub fn internal(message: impl ToString) -> Self {
        Self::new("internal-error", "internal", message)
    }

    pub fn with(mut self, name: &'static str, detail: Detail) -> Self {
        self.details.insert(name, detail);
        self
    }

    /// An input/output error with the code that `packages/operator` gives the same error from Node.
    pub fn io(kind: std::io::ErrorKind, message: impl ToString) -> Self {
        use std::io::ErrorKind;
        let code = match kind {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "permission-denied",
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "disk-full",
            ErrorKind::NotFound => "not-found",
            ErrorKind::NotADirectory => "not-a-folder",
            ErrorKind::IsADirectory => "not-a-file",
            ErrorKind::AlreadyExists => "already-exists",
            _ => "io-error",
        };
        Self::new(code, "external", message)
    }

    fn to_json(&self) -> String {
        let details: Vec<String> = self
            .details
            .iter()
            .map(|(name, detail)| format!("{}:{}", quoted(name), detail.to_json()))
            .collect();
        format!(
            "{{\"code\":{},\"domain\":{},\"message\":{},\"details\":{{{}}}}}",
            quoted(self.code),
            quoted(self.domain),
            quoted(&self.message),
            details.join(",")
        )
    }
}

impl Detail {
    fn to_json(&self) -> String {
        match self {
            Self::Number(value) => value.to_string(),
            Self::Text(text) => quoted(text),
            Self::Texts(texts) => format!(
                "[{}]",
                texts
                    .iter()
                    .map(|text| quoted(text))
                    .collect::<Vec<_>>()
                    .join(",")
            ),
        }
    }
}

impl From<Failure> for napi::Error {
    fn from(failure: Failure) -> Self {
        napi::Error::from_reason(failure.to_json())
    }
}

fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if (c as u32) < 0x20 => {
                write!(json, "\\u{:04x}", c as u32).expect("writing to a String cannot fail")
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}
