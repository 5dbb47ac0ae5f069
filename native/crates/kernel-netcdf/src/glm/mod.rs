//! The product `GLM-L2-LCFA`: lightning flashes, their groups and events, as seen from a GOES-R satellite.
//!
//! GOES-R Product Definition and Users' Guide, volume 5 (Level 2+ products). The layout of the files changed over the
//! years under one name, so everything that can be read from a file's attributes is.

mod column;
mod coverage;
mod global;
mod values;

use std::str::FromStr;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use self::column::{Column, Meaning, Source, columns};
use self::global::{Global, constant_time, satellite_longitude};
use self::values::{decode_numbers, decode_time};
use crate::container::{Container, Variable, with_container};
use crate::error::{NetcdfError, Result};
use crate::limits::Limits;
use crate::table::{batch, constant_text};

pub use self::column::glm_schema;
pub(crate) use self::coverage::{Coverage, is_offset};

/// One of the three tables of a GLM file, from the coarsest to the finest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum GlmTable {
    /// A flash: groups close in space and time.
    #[default]
    Flashes,
    /// A group: events in adjacent pixels of one frame.
    Groups,
    /// An event: one bright pixel in one frame of 2 ms.
    Events,
}

impl GlmTable {
    /// All tables, from the coarsest to the finest.
    pub const ALL: [Self; 3] = [Self::Flashes, Self::Groups, Self::Events];
}

impl FromStr for GlmTable {
    type Err = NetcdfError;

    /// Reads `"flashes"`, `"groups"` or `"events"`.
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "flashes" => Ok(Self::Flashes),
            "groups" => Ok(Self::Groups),
            "events" => Ok(Self::Events),
            _ => Err(NetcdfError::UnknownTable {
                name: name.to_owned(),
            }),
        }
    }
}

/// The turn in which longitudes are given, the same for all tables.
///
/// Files mix both near the date line: events run past ±180 where flashes do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Longitude {
    /// -180 ≤ longitude < 180 degrees east.
    #[default]
    Wrapped,
    /// At most 180 degrees away from the satellite's own longitude, so that a storm on the date line stays whole.
    Unwrapped,
}

/// What to decode from a GLM file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GlmParams {
    /// The table.
    pub table: GlmTable,
    /// The turn of the longitudes.
    pub longitude: Longitude,
    /// The columns, in this order; `None` for all of [`glm_schema`]. Columns left out cost nothing.
    pub columns: Option<Vec<String>>,
    /// Bounds on what a file may claim.
    pub limits: Limits,
}

impl GlmParams {
    /// The schema of the batches that these parameters give.
    ///
    /// Errors: [`NetcdfError::UnknownColumn`].
    pub fn schema(&self) -> Result<SchemaRef> {
        self.select().map(|(_, schema)| schema)
    }

    fn select(&self) -> Result<(Vec<&'static Column>, SchemaRef)> {
        let (columns, schema) = (columns(self.table), glm_schema(self.table));
        let Some(names) = &self.columns else {
            return Ok((columns.iter().collect(), schema));
        };
        let mut selected = Vec::with_capacity(names.len());
        let mut fields = Vec::with_capacity(names.len());
        for name in names {
            let index = columns
                .iter()
                .position(|column| column.name == name)
                .ok_or_else(|| {
                    let available = columns
                        .iter()
                        .map(|column| column.name)
                        .collect::<Vec<_>>()
                        .join(", ");
                    NetcdfError::UnknownColumn {
                        name: name.clone(),
                        available,
                    }
                })?;
            selected.push(&columns[index]);
            fields.push(Arc::clone(&schema.fields()[index]));
        }
        Ok((selected, Arc::new(Schema::new(fields))))
    }
}

/// Decodes one table of a GLM file; `file` becomes the `file` column.
///
/// Values are `stored × scale_factor + add_offset` in float64, fill values null, times rounded to the nearest
/// nanosecond, areas converted to m2; `valid_range` is not applied. Time offsets are signed or unsigned, whatever
/// `_Unsigned` says, by which puts more of the values into the time that the product covers, 5 s wider at both ends;
/// the attribute decides on a tie. The row count is the length of the variables along
/// the table's dimension, whatever the scalar counters say; a file without lightning gives an empty batch.
///
/// Errors: every variant of [`NetcdfError`] but those of dimensions. Cost: linear in the rows of the chosen columns; a
/// file of 300 flashes, 7,000 groups and 20,000 events takes well under a millisecond.
pub fn decode_glm(bytes: &[u8], file: &str, params: &GlmParams) -> Result<RecordBatch> {
    with_container(bytes, &params.limits, |container| {
        decode_table(container, file, params)
    })
}

/// Decodes several tables of one GLM file, opening it once, by the limits of the first.
///
/// Errors: as [`decode_glm`], for the first table that fails.
pub fn decode_glm_tables(
    bytes: &[u8],
    file: &str,
    tables: &[GlmParams],
) -> Result<Vec<RecordBatch>> {
    let Some(first) = tables.first() else {
        return Ok(Vec::new());
    };
    with_container(bytes, &first.limits, |container| {
        tables
            .iter()
            .map(|params| decode_table(container, file, params))
            .collect()
    })
}

fn decode_table<'a>(
    container: &dyn Container<'a>,
    file: &str,
    params: &GlmParams,
) -> Result<RecordBatch> {
    let (columns, schema) = params.select()?;
    let variables = open_variables(container, &columns)?;
    let row_count = row_count(container, params.table, &variables)?;
    params
        .limits
        .check_batch(row_count, columns.len() * size_of::<f64>())?;
    let global = Global::read(container, &columns)?;
    let center = match params.longitude {
        Longitude::Wrapped => 0.0,
        Longitude::Unwrapped => satellite_longitude(container)?,
    };
    let decode =
        |(column, variable): (&&Column, &Option<Variable<'a>>)| match (&column.source, variable) {
            (Source::Rows(_, Meaning::Time), Some(variable)) => {
                decode_time(container, variable, &global)
            }
            (Source::Rows(_, meaning), Some(variable)) => {
                decode_numbers(container, variable, *meaning, center)
            }
            (Source::ProductStart, _) => Ok(constant_time(global.product_start, row_count)),
            (Source::Satellite, _) => {
                constant_text(global.satellite.as_deref(), row_count, &params.limits)
            }
            _ => constant_text(Some(file), row_count, &params.limits),
        };
    let arrays = columns
        .iter()
        .zip(&variables)
        .map(decode)
        .collect::<Result<Vec<_>>>()?;
    batch(schema, arrays, row_count)
}

/// The variable of each column, `None` for those that are constant over a file.
fn open_variables<'a>(
    container: &dyn Container<'a>,
    columns: &[&Column],
) -> Result<Vec<Option<Variable<'a>>>> {
    let open = |column: &&Column| match column.source {
        Source::Rows(name, _) => container.required(name).map(Some),
        _ => Ok(None),
    };
    columns.iter().map(open).collect()
}

fn row_count(
    container: &dyn Container<'_>,
    table: GlmTable,
    variables: &[Option<Variable<'_>>],
) -> Result<usize> {
    let mut opened = variables.iter().flatten();
    let Some(first) = opened.next() else {
        let Source::Rows(name, _) = columns(table)[0].source else {
            unreachable!("the first column of every table is a variable")
        };
        return container
            .required(name)?
            .row_count()
            .map(|rows| rows as usize);
    };
    let expected = first.row_count()?;
    for variable in opened {
        let rows = variable.row_count()?;
        if rows != expected {
            return Err(NetcdfError::RowCount {
                variable: variable.name.clone(),
                rows: rows as usize,
                first: first.name.clone(),
                expected: expected as usize,
            });
        }
    }
    Ok(expected as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_from_their_names() {
        assert_eq!("groups".parse::<GlmTable>().unwrap(), GlmTable::Groups);
        assert_eq!(
            "flash".parse::<GlmTable>().unwrap_err().code(),
            "unknown-table"
        );
    }

    #[test]
    fn an_unknown_column_names_the_known_ones() {
        let params = GlmParams {
            columns: Some(vec!["flash_latt".to_owned()]),
            ..GlmParams::default()
        };
        let message = params.schema().unwrap_err().to_string();
        assert!(
            message.contains("flash_latt") && message.contains("flash_lat, flash_lon"),
            "{message}"
        );
    }
}
