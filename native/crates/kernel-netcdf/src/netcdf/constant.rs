use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field};

use crate::cf::{Packing, TimeUnits, missing_texts, native_column, native_type};
use crate::container::{Container, ElementType, Number, Raw, Value, Variable};
use crate::error::{NetcdfError, Result};
use crate::limits::Limits;
use crate::table::{constant_text, field};

/// Global attributes in which the netCDF library keeps its own records and which it does not show.
const HIDDEN: [&str; 2] = ["_NCProperties", "_nc3_strict"];

/// A value that is the same for all rows: a scalar variable or a global attribute.
pub(super) struct Constant {
    name: String,
    unit: Option<String>,
    content: Content,
}

enum Content {
    /// Absent for a missing value.
    Text(Option<String>),
    /// One stored element, little-endian.
    Number {
        stored: Vec<u8>,
        packing: Packing,
        time: Option<TimeUnits>,
    },
}

impl Constant {
    /// Reads the scalar variable of that name, or else the global attribute, or else `file` for the name `file`.
    ///
    /// Errors: [`NetcdfError::MissingConstant`], also for the attributes that netCDF hides, and
    /// [`NetcdfError::ManyValues`] for an attribute of several values.
    pub(super) fn read<'a>(
        container: &dyn Container<'a>,
        variables: &[Variable<'a>],
        name: &str,
        file: &str,
    ) -> Result<Self> {
        if let Some(variable) = variables.iter().find(|variable| variable.name == name) {
            return Self::of_variable(container, variable);
        }
        let attribute = match HIDDEN.contains(&name) {
            true => None,
            false => container.global_attributes(&[name])?.pop().flatten(),
        };
        let content = match attribute {
            Some(Value::Texts(texts)) => {
                let text = only(name, &texts)?;
                Content::Text(Some(text.clone().into_owned()))
            }
            Some(Value::Numbers(numbers)) => Content::of_number(*only(name, &numbers)?),
            _ if name == "file" => Content::Text(Some(file.to_owned())),
            _ => {
                return Err(NetcdfError::MissingConstant {
                    name: name.to_owned(),
                });
            }
        };
        Ok(Self {
            name: name.to_owned(),
            unit: None,
            content,
        })
    }

    fn of_variable<'a>(container: &dyn Container<'a>, variable: &Variable<'a>) -> Result<Self> {
        if !matches!(variable.shape[..], [] | [1]) {
            return Err(NetcdfError::Rank {
                variable: variable.name.clone(),
                rank: variable.shape.len(),
            });
        }
        let content = if variable.element.is_text() {
            let text = container.read_text(variable)?.pop().unwrap_or_default();
            Content::Text(
                Some(text).filter(|text| !missing_texts(variable).contains(&text.as_str())),
            )
        } else if variable.element.is_number() {
            let raw = container.read(variable)?;
            let stored = raw
                .runs
                .first()
                .map_or(raw.fill.clone(), |run| run.bytes.to_vec());
            Content::Number {
                stored,
                packing: Packing::of(variable)?,
                time: TimeUnits::of(variable)?,
            }
        } else {
            return Err(NetcdfError::ElementType {
                variable: variable.name.clone(),
                found: variable.element.describe(),
                expected: "a number or text",
            });
        };
        let is_time = matches!(content, Content::Number { time: Some(_), .. });
        let unit = variable
            .text("units")
            .filter(|_| !is_time)
            .map(str::to_owned);
        Ok(Self {
            name: variable.name.clone(),
            unit,
            content,
        })
    }

    pub(super) fn field(&self) -> Field {
        let data_type = match &self.content {
            Content::Text(_) => DataType::Utf8,
            Content::Number { packing, time, .. } => native_type(packing, *time),
        };
        field(&self.name, data_type, self.unit.as_deref())
    }

    pub(super) fn repeat(&self, row_count: usize, limits: &Limits) -> Result<ArrayRef> {
        match &self.content {
            Content::Text(text) => constant_text(text.as_deref(), row_count, limits),
            Content::Number {
                stored,
                packing,
                time,
            } => {
                let raw = Raw {
                    element_count: row_count,
                    runs: Vec::new(),
                    fill: stored.clone(),
                };
                native_column(&self.name, &raw, packing, *time)
            }
        }
    }
}

impl Content {
    fn of_number(number: Number) -> Self {
        let (element, stored) = match number {
            Number::Signed(value) => (ElementType::I64, value.to_le_bytes()),
            Number::Unsigned(value) => (ElementType::U64, value.to_le_bytes()),
            Number::Float(value) => (ElementType::F64, value.to_le_bytes()),
        };
        Self::Number {
            stored: stored.to_vec(),
            packing: Packing::plain(element),
            time: None,
        }
    }
}

fn only<'v, T>(name: &str, values: &'v [T]) -> Result<&'v T> {
    match values {
        [value] => Ok(value),
        _ => Err(NetcdfError::ManyValues {
            name: name.to_owned(),
            count: values.len(),
        }),
    }
}
