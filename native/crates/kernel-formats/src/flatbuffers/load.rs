//! A schema with its root table, ready to decode and encode with.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::SchemaRef;

use super::bfbs;
use super::fbs::{SchemaText, parse};
use super::plan::Plan;
use super::resolve::resolve;
use super::schema::Definitions;
use crate::error::{FormatsError, Result};

/// A schema file may have so many bytes, and so many files may include each other.
const SCHEMA_BYTES_MAX: u64 = 16 << 20;
const FILES_MAX: usize = 1_000;

/// The columns of one table of a FlatBuffers schema. Cheap to clone.
///
/// Scalars keep their type, with the default of the schema where a message leaves them out, or null where that is
/// `null`. Strings are text, enums the names of their values (an unknown value, as a newer schema may have, its number;
/// enums with `bit_flags` stay integers). Fields of tables and structs inside are columns of their own, named by the path
/// with `_` between; vectors, and arrays of structs, are lists. Deprecated fields are left out. Unions are refused, and
/// tables that hold themselves.
#[derive(Debug, Clone)]
pub struct FlatbuffersSchema {
    plan: Arc<Plan>,
    columns: SchemaRef,
}

impl FlatbuffersSchema {
    /// Reads a schema file: compiled (`.bfbs`), or as text (`.fbs`) with the files that it includes, looked up beside the
    /// file that names them. `root` is the full name of a table; `root_type` of the schema when none.
    ///
    /// Errors: [`FormatsError::Io`], [`FormatsError::FlatbuffersSchema`].
    pub fn open(path: &Path, root: Option<&str>) -> Result<Self> {
        let title = path.display().to_string();
        let bytes = read(path)?;
        if bytes.get(4..8) == Some(bfbs::IDENTIFIER) {
            let definitions = bfbs::read(&bytes).map_err(|fault| unusable(&title, None, fault))?;
            return Self::new(&definitions, &title, root);
        }
        let mut files = Vec::new();
        let mut seen = HashSet::new();
        include(path, bytes, &mut files, &mut seen)?;
        Self::of_texts(&files, root)
    }

    /// As [`open`](Self::open), for the text itself, which can include nothing.
    pub fn of_text(text: &str, root: Option<&str>) -> Result<Self> {
        let title = "the schema";
        let parsed = parse(text).map_err(|(line, reason)| unusable(title, Some(line), reason))?;
        if let Some(file) = parsed.includes.first() {
            let reason = format!("it includes {file:?}, which only a schema in a file can");
            return Err(unusable(title, None, reason));
        }
        Self::of_texts(&[(PathBuf::from(title), parsed)], root)
    }

    /// The columns of the rows.
    #[must_use]
    pub fn columns(&self) -> SchemaRef {
        Arc::clone(&self.columns)
    }

    pub(super) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    fn of_texts(files: &[(PathBuf, SchemaText)], root: Option<&str>) -> Result<Self> {
        let title = |file: usize| files[file].0.display().to_string();
        let texts: Vec<&SchemaText> = files.iter().map(|(_, text)| text).collect();
        let definitions = resolve(&texts)
            .map_err(|error| unusable(&title(error.file), Some(error.line), error.reason))?;
        Self::new(&definitions, &title(0), root)
    }

    fn new(definitions: &Definitions, title: &str, root: Option<&str>) -> Result<Self> {
        let root = root_of(definitions, root).map_err(|reason| unusable(title, None, reason))?;
        let plan = Plan::new(definitions, root).map_err(|(field, reason)| {
            let reason = format!("field {field} cannot be a column: {reason}");
            unusable(title, None, reason)
        })?;
        Ok(Self {
            columns: plan.schema(),
            plan: Arc::new(plan),
        })
    }
}

fn root_of(definitions: &Definitions, root: Option<&str>) -> std::result::Result<usize, String> {
    let tables = || definitions.objects.iter().filter(|one| !one.is_struct);
    let listed = || {
        let names: Vec<&str> = tables().map(|table| table.name.as_str()).collect();
        names.join(", ")
    };
    let index = match root {
        Some(name) => definitions
            .objects
            .iter()
            .position(|object| object.name == name && !object.is_struct)
            .ok_or_else(|| format!("it has no table {name}; it has {}", listed()))?,
        None => definitions.root.ok_or_else(|| {
            format!(
                "it has no root_type; say which table the root is: {}",
                listed()
            )
        })?,
    };
    match definitions.objects[index].is_struct {
        true => Err(format!(
            "its root_type {} is no table",
            definitions.objects[index].name
        )),
        false => Ok(index),
    }
}

fn unusable(schema: &str, line: Option<usize>, reason: impl Into<String>) -> FormatsError {
    FormatsError::FlatbuffersSchema {
        schema: match line {
            Some(line) => format!("{schema}, line {line}"),
            None => schema.to_owned(),
        },
        reason: reason.into(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |error| FormatsError::io("read", path, error);
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > SCHEMA_BYTES_MAX {
        let reason = format!("it has {size} bytes, more than a schema may: {SCHEMA_BYTES_MAX}");
        return Err(unusable(&path.display().to_string(), None, reason));
    }
    fs::read(path).map_err(failed)
}

/// Adds a file and then those that it includes and that are not there yet.
fn include(
    path: &Path,
    bytes: Vec<u8>,
    files: &mut Vec<(PathBuf, SchemaText)>,
    seen: &mut HashSet<PathBuf>,
) -> Result<()> {
    let title = path.display().to_string();
    if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.to_owned())) {
        return Ok(());
    }
    if files.len() >= FILES_MAX {
        return Err(unusable(&title, None, "too many files include each other"));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        let reason = "it is neither text nor a compiled schema (`flatc --binary --schema`)";
        unusable(&title, None, reason)
    })?;
    let parsed = parse(&text).map_err(|(line, reason)| unusable(&title, Some(line), reason))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let included: Vec<PathBuf> = parsed
        .includes
        .iter()
        .map(|file| folder.join(file))
        .collect();
    files.push((path.to_owned(), parsed));
    for file in included {
        include(&file, read(&file)?, files, seen)?;
    }
    Ok(())
}
