//! The product `GLM-L2-LCFA`: lightning flashes, their groups and events, as seen from a GOES-R satellite.
//!
//! GOES-R Product Definition and Users' Guide, volume 5, section 5.30. The layout of the files changed over the years
//! under one name, so everything that can be read from a file's attributes is.

use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use arrow_array::types::{UInt16Type, UInt32Type};
use arrow_array::{ArrayRef, RecordBatch, TimestampNanosecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::cf::{Packing, TimeUnits, float_column, parse_timestamp, time_column, unsigned_column};
use crate::container::{Container, ElementType, Value, Variable, with_container};
use crate::error::{NetcdfError, Result};
use crate::limits::Limits;
use crate::table::{batch, constant_text, field, timestamp};

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

/// A column, and where its values come from.
struct Column {
    name: &'static str,
    source: Source,
}

enum Source {
    /// A variable along the table's dimension.
    Rows(&'static str, Meaning),
    /// The satellite, such as `G16`: global attribute `platform_ID`.
    Satellite,
    /// The begin of the product's time span: global attribute `time_coverage_start`.
    ProductStart,
    /// The name of the file.
    File,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Meaning {
    Identifier,
    Flag,
    Time,
    Latitude,
    Longitude,
    Energy,
    Area,
}

const fn rows(name: &'static str, variable: &'static str, meaning: Meaning) -> Column {
    Column {
        name,
        source: Source::Rows(variable, meaning),
    }
}

const SATELLITE: Column = Column {
    name: "satellite",
    source: Source::Satellite,
};
const PRODUCT_START: Column = Column {
    name: "product_start",
    source: Source::ProductStart,
};
const FILE: Column = Column {
    name: "file",
    source: Source::File,
};

static FLASHES: [Column; 11] = [
    rows("flash_id", "flash_id", Meaning::Identifier),
    rows(
        "flash_time",
        "flash_time_offset_of_first_event",
        Meaning::Time,
    ),
    rows(
        "flash_end_time",
        "flash_time_offset_of_last_event",
        Meaning::Time,
    ),
    rows("flash_lat", "flash_lat", Meaning::Latitude),
    rows("flash_lon", "flash_lon", Meaning::Longitude),
    rows("flash_energy", "flash_energy", Meaning::Energy),
    rows("flash_area", "flash_area", Meaning::Area),
    rows("quality_flag", "flash_quality_flag", Meaning::Flag),
    SATELLITE,
    PRODUCT_START,
    FILE,
];

static GROUPS: [Column; 11] = [
    rows("group_id", "group_id", Meaning::Identifier),
    rows("group_time", "group_time_offset", Meaning::Time),
    rows("group_lat", "group_lat", Meaning::Latitude),
    rows("group_lon", "group_lon", Meaning::Longitude),
    rows("group_energy", "group_energy", Meaning::Energy),
    rows("group_area", "group_area", Meaning::Area),
    rows(
        "parent_flash_id",
        "group_parent_flash_id",
        Meaning::Identifier,
    ),
    rows("quality_flag", "group_quality_flag", Meaning::Flag),
    SATELLITE,
    PRODUCT_START,
    FILE,
];

static EVENTS: [Column; 9] = [
    rows("event_id", "event_id", Meaning::Identifier),
    rows("event_time", "event_time_offset", Meaning::Time),
    rows("event_lat", "event_lat", Meaning::Latitude),
    rows("event_lon", "event_lon", Meaning::Longitude),
    rows("event_energy", "event_energy", Meaning::Energy),
    rows(
        "parent_group_id",
        "event_parent_group_id",
        Meaning::Identifier,
    ),
    SATELLITE,
    PRODUCT_START,
    FILE,
];

fn columns(table: GlmTable) -> &'static [Column] {
    match table {
        GlmTable::Flashes => &FLASHES,
        GlmTable::Groups => &GROUPS,
        GlmTable::Events => &EVENTS,
    }
}

/// All columns of a table with their units; the same for every file and year.
///
/// Times are `timestamp[ns, UTC]`; latitude and longitude float64 in degrees; energy float64 in J; area float64 in m2;
/// ids `uint32`, unique within one file only; quality flags `uint16`; `satellite` and `file` text. Built once.
pub fn glm_schema(table: GlmTable) -> SchemaRef {
    static SCHEMAS: [OnceLock<SchemaRef>; 3] = [const { OnceLock::new() }; 3];
    let build = || {
        Arc::new(Schema::new(
            columns(table).iter().map(column_field).collect::<Vec<_>>(),
        ))
    };
    Arc::clone(SCHEMAS[table as usize].get_or_init(build))
}

fn column_field(column: &Column) -> Field {
    match &column.source {
        Source::Rows(_, Meaning::Identifier) => field(column.name, DataType::UInt32, None),
        Source::Rows(_, Meaning::Flag) => field(column.name, DataType::UInt16, None),
        Source::Rows(_, Meaning::Time) | Source::ProductStart => {
            field(column.name, timestamp(), None)
        }
        Source::Rows(_, Meaning::Latitude) => {
            field(column.name, DataType::Float64, Some("degrees_north"))
        }
        Source::Rows(_, Meaning::Longitude) => {
            field(column.name, DataType::Float64, Some("degrees_east"))
        }
        Source::Rows(_, Meaning::Energy) => field(column.name, DataType::Float64, Some("J")),
        Source::Rows(_, Meaning::Area) => field(column.name, DataType::Float64, Some("m2")),
        Source::Satellite | Source::File => field(column.name, DataType::Utf8, None),
    }
}

/// Decodes one table of a GLM file; `file` becomes the `file` column.
///
/// Values are `stored × scale_factor + add_offset` in float64, fill values null, times rounded to the nearest
/// nanosecond, areas converted to m2; `valid_range` is not applied. Time offsets without `_Unsigned` are unsigned where
/// only that covers the product's time span. The row count is the length of the variables along
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

fn decode_numbers<'a>(
    container: &dyn Container<'a>,
    variable: &Variable<'a>,
    meaning: Meaning,
    center: f64,
) -> Result<ArrayRef> {
    let is_integral = matches!(meaning, Meaning::Identifier | Meaning::Flag);
    check_numbers(variable, is_integral)?;
    let packing = Packing::of(variable)?;
    let factor = unit_factor(variable, meaning)?;
    let raw = container.read(variable)?;
    Ok(match meaning {
        Meaning::Identifier => Arc::new(unsigned_column::<UInt32Type>(
            &variable.name,
            &raw,
            &packing,
        )?),
        Meaning::Flag => Arc::new(unsigned_column::<UInt16Type>(
            &variable.name,
            &raw,
            &packing,
        )?),
        Meaning::Longitude => Arc::new(float_column(&raw, &packing, turn(center))),
        _ => Arc::new(float_column(&raw, &packing, |value| value * factor)),
    })
}

fn decode_time<'a>(
    container: &dyn Container<'a>,
    variable: &Variable<'a>,
    global: &Global,
) -> Result<ArrayRef> {
    check_numbers(variable, false)?;
    let units = TimeUnits::required(variable)?;
    let mut packing = Packing::of(variable)?;
    if variable.attribute("_Unsigned").is_none() {
        packing.element = time_element(&packing, units, global);
    }
    let column = time_column(&variable.name, &container.read(variable)?, &packing, units)?;
    Ok(Arc::new(column))
}

/// The element type of time offsets that do not state their signedness.
///
/// Files of late 2018 store unsigned offsets without `_Unsigned`; read as signed they would lie up to 17 s before the
/// product. So the reading counts whose range covers more of the product's time span, and the stored one on a tie.
fn time_element(packing: &Packing, units: TimeUnits, global: &Global) -> ElementType {
    let (stored, unsigned) = (packing.element, packing.element.with_signedness(true));
    let (Some(start), Some(end)) = (global.product_start, global.product_end) else {
        return stored;
    };
    let covered = |element: ElementType| {
        let Some((min, max)) = element.integer_range() else {
            return 0.0;
        };
        let time = |stored: f64| (stored * packing.scale + packing.offset) * units.unit as f64;
        let (first, last) = (
            i128::from(start) - units.origin,
            i128::from(end) - units.origin,
        );
        time(max).min(last as f64) - time(min).max(first as f64)
    };
    if covered(unsigned) > covered(stored) {
        unsigned
    } else {
        stored
    }
}

fn check_numbers(variable: &Variable<'_>, is_integral: bool) -> Result<()> {
    let is_fit = if is_integral {
        variable.element.is_integer()
    } else {
        variable.element.is_number()
    };
    if is_fit {
        return Ok(());
    }
    Err(NetcdfError::ElementType {
        variable: variable.name.clone(),
        found: variable.element.describe(),
        expected: if is_integral { "integers" } else { "numbers" },
    })
}

/// Moves a longitude by one turn where that brings it into `center - 180 ≤ longitude < center + 180`.
fn turn(center: f64) -> impl Fn(f64) -> f64 {
    let (west, east) = (center - 180.0, center + 180.0);
    move |longitude| {
        let eastward = if longitude < west {
            longitude + 360.0
        } else {
            longitude
        };
        if longitude >= east {
            longitude - 360.0
        } else {
            eastward
        }
    }
}

/// What a value is multiplied with to be in the units of its column.
fn unit_factor(variable: &Variable<'_>, meaning: Meaning) -> Result<f64> {
    let (known, expected): (&[(&str, f64)], _) = match meaning {
        Meaning::Identifier | Meaning::Flag | Meaning::Time => return Ok(1.0),
        Meaning::Area => (
            &[
                ("m2", 1.0),
                ("km2", 1e6),
                ("m^2", 1.0),
                ("km^2", 1e6),
                ("m**2", 1.0),
            ],
            "m2 or km2",
        ),
        Meaning::Energy => (&[("J", 1.0), ("joule", 1.0), ("joules", 1.0)], "J"),
        Meaning::Latitude => (
            &[
                ("degrees_north", 1.0),
                ("degree_north", 1.0),
                ("degrees", 1.0),
                ("degree", 1.0),
            ],
            "degrees_north",
        ),
        Meaning::Longitude => (
            &[
                ("degrees_east", 1.0),
                ("degree_east", 1.0),
                ("degrees", 1.0),
                ("degree", 1.0),
            ],
            "degrees_east",
        ),
    };
    let Some(units) = variable.text("units") else {
        return Err(NetcdfError::MissingAttribute {
            variable: variable.name.clone(),
            attribute: "units",
        });
    };
    let factor = known
        .iter()
        .find(|(name, _)| *name == units.trim())
        .map(|(_, factor)| *factor);
    factor.ok_or_else(|| NetcdfError::Units {
        variable: variable.name.clone(),
        units: units.to_owned(),
        expected,
    })
}

/// What the file says about all its rows; what it does not say is `None`.
#[derive(Default)]
struct Global {
    satellite: Option<String>,
    product_start: Option<i64>,
    product_end: Option<i64>,
}

impl Global {
    /// Reads nothing when no column depends on it.
    fn read(container: &dyn Container<'_>, columns: &[&Column]) -> Result<Self> {
        let is_independent = |column: &&Column| match column.source {
            Source::Rows(_, meaning) => meaning != Meaning::Time,
            Source::Satellite | Source::ProductStart => false,
            Source::File => true,
        };
        if columns.iter().all(is_independent) {
            return Ok(Self::default());
        }
        let attributes = container.global_attributes(&[
            "platform_ID",
            "time_coverage_start",
            "time_coverage_end",
        ])?;
        let text = |index: usize| attributes[index].as_ref().and_then(Value::text);
        Ok(Self {
            satellite: text(0).map(str::to_owned),
            product_start: text(1).and_then(parse_timestamp),
            product_end: text(2).and_then(parse_timestamp),
        })
    }
}

fn constant_time(time: Option<i64>, row_count: usize) -> ArrayRef {
    let column = match time {
        Some(time) => TimestampNanosecondArray::from_value(time, row_count),
        None => TimestampNanosecondArray::new_null(row_count),
    };
    Arc::new(column.with_timezone("UTC"))
}

fn satellite_longitude(container: &dyn Container<'_>) -> Result<f64> {
    let variable = container.required("nominal_satellite_subpoint_lon")?;
    let column = float_column(
        &container.read(&variable)?,
        &Packing::of(&variable)?,
        |value| value,
    );
    let longitude = column
        .iter()
        .flatten()
        .next()
        .filter(|longitude| longitude.abs() <= 360.0);
    longitude.ok_or_else(|| NetcdfError::Value {
        variable: variable.name,
        row: 0,
        value: "no longitude".to_owned(),
        range: "-360 to 360 degrees",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longitudes_turn_once_and_only_where_needed() {
        let wrapped = turn(0.0);
        assert_eq!(
            [-203.5, -180.0, 179.5, 180.0].map(wrapped),
            [156.5, -180.0, 179.5, -180.0]
        );
        let unwrapped = turn(-137.2);
        assert_eq!([170.0, -179.0, 42.0].map(unwrapped), [-190.0, -179.0, 42.0]);
    }

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
