//! Any CF file as a table: the variables along one dimension.

mod constant;
mod dimension;

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use self::constant::Constant;
use self::dimension::{Dimensions, is_bare_dimension};
use crate::cf::{Packing, TimeUnits, missing_texts, native_column, native_type, text_column};
use crate::container::{Container, Variable, with_container};
use crate::error::{NetcdfError, Result};
use crate::glm::{Coverage, is_offset};
use crate::limits::Limits;
use crate::table::{batch, field};

/// What to decode from a CF file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NetcdfParams {
    /// The dimension whose variables become columns. `None`: that of `variables`; else the only one; else the longest
    /// of those that two or more variables share, when one is longer than the others.
    pub dimension: Option<String>,
    /// The variables, in this order; `None` for all that lie along the dimension and no other, in the file's order.
    pub variables: Option<Vec<String>>,
    /// Scalar variables or global attributes that become columns of one repeated value, after the variables; `file` is
    /// the name of the file unless the file itself has something of that name.
    pub constants: Vec<String>,
    /// Bounds on what a file may claim.
    pub limits: Limits,
}

/// The schema of [`decode_netcdf`] for this file, without reading the data along the dimension.
///
/// Numbers with a scale or offset are float64, others have their stored type; CF times in a standard calendar are
/// `timestamp[ns, UTC]`, times in months, years or another calendar stay numbers, and an origin that is no date of its
/// calendar is an error. The attribute `units` is in the field
/// metadata under `unit`, except for timestamps.
///
/// Errors: as [`decode_netcdf`], as far as they do not concern data.
pub fn netcdf_schema(bytes: &[u8], params: &NetcdfParams) -> Result<SchemaRef> {
    with_container(bytes, &params.limits, |container| {
        let contents = Contents::read(container)?;
        Ok(Table::choose(container, &contents, "", params)?.schema())
    })
}

/// Decodes the table of one dimension of a CF file; `file` is the value of the constant `file`, if that is asked for.
///
/// Packed numbers are unpacked in float64 after `_Unsigned`; fill and missing values are null, as many as are named;
/// `valid_range` is not applied. The time offsets of lightning products are read as [`crate::decode_glm`] does. Only the root group is read, and only variables of rank 1 (rank 0, or rank 1 and length 1, for constants).
///
/// Errors: every variant of [`NetcdfError`] but those of GLM tables. Cost: linear in the size of the columns.
pub fn decode_netcdf(bytes: &[u8], file: &str, params: &NetcdfParams) -> Result<RecordBatch> {
    with_container(bytes, &params.limits, |container| {
        let contents = Contents::read(container)?;
        let table = Table::choose(container, &contents, file, params)?;
        params
            .limits
            .check_batch(table.row_count, table.row_bytes())?;
        let coverage = table.coverage(container)?;
        let columns = table
            .columns
            .iter()
            .map(|column| column.decode(container, coverage));
        let constants = table
            .constants
            .iter()
            .map(|constant| constant.repeat(table.row_count, &params.limits));
        let arrays = columns.chain(constants).collect::<Result<_>>()?;
        batch(table.schema(), arrays, table.row_count)
    })
}

/// The attributes of values, and those that tell along which dimensions a variable lies.
const ATTRIBUTES: [&str; 10] = [
    "_FillValue",
    "missing_value",
    "scale_factor",
    "add_offset",
    "_Unsigned",
    "units",
    "calendar",
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
];

/// The prefix under which NetCDF-4 stores a variable whose name is that of a dimension along which it does not lie.
const NON_COORDINATE: &str = "_nc4_non_coord_";

/// What a file has: its variables by the names that netCDF shows, and the dimensions without a variable.
struct Contents<'a> {
    variables: Vec<Variable<'a>>,
    bare_dimensions: Vec<Variable<'a>>,
}

impl<'a> Contents<'a> {
    fn read(container: &dyn Container<'a>) -> Result<Self> {
        let names = container.names()?;
        let opened = names
            .iter()
            .filter_map(|name| container.variable(name, &ATTRIBUTES).transpose())
            .collect::<Result<Vec<_>>>()?;
        let (bare_dimensions, mut variables): (Vec<_>, Vec<_>) =
            opened.into_iter().partition(is_bare_dimension);
        for index in 0..variables.len() {
            if let Some(shown) = variables[index].name.strip_prefix(NON_COORDINATE)
                && !variables.iter().any(|variable| variable.name == shown)
            {
                variables[index].name = shown.to_owned();
            }
        }
        Ok(Self {
            variables,
            bare_dimensions,
        })
    }
}

/// The chosen part of a file.
struct Table<'v, 'a> {
    row_count: usize,
    columns: Vec<Column<'v, 'a>>,
    constants: Vec<Constant>,
}

impl<'v, 'a> Table<'v, 'a> {
    fn choose(
        container: &dyn Container<'a>,
        contents: &'v Contents<'a>,
        file: &str,
        params: &NetcdfParams,
    ) -> Result<Self> {
        let dimensions = Dimensions::of(&contents.variables, &contents.bare_dimensions);
        let chosen = match &params.variables {
            Some(names) => dimensions.named(names, params.dimension.as_deref())?,
            None => dimensions.along(params.dimension.as_deref())?,
        };
        let columns = chosen
            .iter()
            .map(|variable| Column::new(variable))
            .collect::<Result<_>>()?;
        let constants = params
            .constants
            .iter()
            .map(|name| Constant::read(container, &contents.variables, name, file))
            .collect::<Result<_>>()?;
        Ok(Self {
            row_count: common_row_count(&chosen)?,
            columns,
            constants,
        })
    }

    fn schema(&self) -> SchemaRef {
        let columns = self.columns.iter().map(Column::field);
        let constants = self.constants.iter().map(Constant::field);
        Arc::new(Schema::new(columns.chain(constants).collect::<Vec<_>>()))
    }

    /// The time that a lightning product covers, when there are time offsets among the columns.
    fn coverage(&self, container: &dyn Container<'a>) -> Result<Option<Coverage>> {
        let is_offset = |column: &Column<'_, '_>| is_offset(&column.variable.name);
        if self.columns.iter().any(is_offset) {
            Coverage::read(container)
        } else {
            Ok(None)
        }
    }

    /// An upper bound of the bytes of one row, without the text of unbounded length.
    fn row_bytes(&self) -> usize {
        let columns: usize = self
            .columns
            .iter()
            .map(|column| column.variable.element.size().max(size_of::<f64>()))
            .sum();
        columns + self.constants.len() * size_of::<f64>()
    }
}

/// The length of the variables along their dimension, which is the row count whatever else the file says.
fn common_row_count(variables: &[&Variable<'_>]) -> Result<usize> {
    let Some((first, others)) = variables.split_first() else {
        return Ok(0);
    };
    let expected = first.row_count()? as usize;
    for variable in others {
        let rows = variable.row_count()? as usize;
        if rows != expected {
            let (variable, first) = (variable.name.clone(), first.name.clone());
            return Err(NetcdfError::RowCount {
                variable,
                rows,
                first,
                expected,
            });
        }
    }
    Ok(expected)
}

/// A variable that becomes a column.
struct Column<'v, 'a> {
    variable: &'v Variable<'a>,
    packing: Packing,
    time: Option<TimeUnits>,
}

impl<'v, 'a> Column<'v, 'a> {
    fn new(variable: &'v Variable<'a>) -> Result<Self> {
        if !variable.element.is_number() && !variable.element.is_text() {
            return Err(NetcdfError::ElementType {
                variable: variable.name.clone(),
                found: variable.element.describe(),
                expected: "numbers or text",
            });
        }
        let (packing, time) = if variable.element.is_text() {
            (Packing::plain(variable.element), None)
        } else {
            (Packing::of(variable)?, TimeUnits::of(variable)?)
        };
        Ok(Self {
            variable,
            packing,
            time,
        })
    }

    fn field(&self) -> Field {
        let unit = self.variable.text("units").filter(|_| self.time.is_none());
        field(&self.variable.name, self.data_type(), unit)
    }

    fn data_type(&self) -> DataType {
        native_type(&self.packing, self.time)
    }

    fn decode(
        &self,
        container: &dyn Container<'a>,
        coverage: Option<Coverage>,
    ) -> Result<ArrayRef> {
        let variable = self.variable;
        if variable.element.is_text() {
            let texts = container.read_text(variable)?;
            return Ok(text_column(texts, &missing_texts(variable)));
        }
        let raw = container.read(variable)?;
        if let (Some(units), Some(coverage)) = (self.time, coverage)
            && is_offset(&variable.name)
        {
            let packing = coverage.signed(&raw, self.packing.clone(), units);
            return native_column(&variable.name, &raw, &packing, self.time);
        }
        native_column(&variable.name, &raw, &self.packing, self.time)
    }
}
