//! The columns of the three tables.

use std::sync::{Arc, OnceLock};

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::GlmTable;
use crate::table::{field, timestamp};

/// A column of a GLM table.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) source: Source,
}

/// Where the values of a column come from.
pub(super) enum Source {
    /// A variable along the table's dimension.
    Rows(&'static str, Meaning),
    /// The satellite, such as `G16`: global attribute `platform_ID`.
    Satellite,
    /// The begin of the product's time span: global attribute `time_coverage_start`.
    ProductStart,
    /// The name of the file.
    File,
}

/// What the numbers of a variable are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Meaning {
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

/// The columns of a table, in their order.
pub(super) fn columns(table: GlmTable) -> &'static [Column] {
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
