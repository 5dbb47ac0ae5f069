//! What is said once per file.

use std::sync::Arc;

use arrow_array::{ArrayRef, TimestampNanosecondArray};

use super::column::{Column, Meaning, Source};
use super::coverage::{COVERAGE, Coverage};
use crate::cf::{Packing, float_column, parse_timestamp};
use crate::container::{Container, Value};
use crate::error::{NetcdfError, Result};

/// What the file says about all its rows; what it does not say is `None`.
#[derive(Default)]
pub(super) struct Global {
    pub(super) satellite: Option<String>,
    pub(super) product_start: Option<i64>,
    /// Read only where a column holds times of rows.
    pub(super) coverage: Option<Coverage>,
}

impl Global {
    /// Reads nothing when no column depends on it.
    pub(super) fn read(container: &dyn Container<'_>, columns: &[&Column]) -> Result<Self> {
        let is_independent = |column: &&Column| match column.source {
            Source::Rows(_, meaning) => meaning != Meaning::Time,
            Source::Satellite | Source::ProductStart => false,
            Source::File => true,
        };
        if columns.iter().all(is_independent) {
            return Ok(Self::default());
        }
        let [start, end] = COVERAGE;
        let attributes = container.global_attributes(&["platform_ID", start, end])?;
        let [start, end] = [&attributes[1], &attributes[2]].map(text_timestamp);
        let is_time = |column: &&Column| matches!(column.source, Source::Rows(_, Meaning::Time));
        let has_times = columns.iter().any(is_time);
        let satellite = attributes[0].as_ref().and_then(Value::text);
        Ok(Self {
            satellite: satellite.map(str::to_owned),
            product_start: start,
            coverage: match has_times {
                true => Coverage::between(container, start, end)?,
                false => None,
            },
        })
    }
}

/// The time that an attribute says, in nanoseconds since 1970.
pub(super) fn text_timestamp(value: &Option<Value<'_>>) -> Option<i64> {
    parse_timestamp(value.as_ref()?.text()?)
}

/// A column of one time, or of nulls.
pub(super) fn constant_time(time: Option<i64>, row_count: usize) -> ArrayRef {
    let column = match time {
        Some(time) => TimestampNanosecondArray::from_value(time, row_count),
        None => TimestampNanosecondArray::new_null(row_count),
    };
    Arc::new(column.with_timezone("UTC"))
}

/// The longitude below the satellite, in degrees east.
pub(super) fn satellite_longitude(container: &dyn Container<'_>) -> Result<f64> {
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
