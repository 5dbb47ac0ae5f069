//! From the variables of a file to the values of columns.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::types::{UInt16Type, UInt32Type};

use super::column::Meaning;
use super::global::Global;
use crate::cf::{Packing, TimeUnits, float_column, time_column, unsigned_column};
use crate::container::{Container, Variable};
use crate::error::{NetcdfError, Result};

/// The values of a variable that is no time, in the units of its column.
pub(super) fn decode_numbers<'a>(
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

/// The values of a variable of time offsets, as timestamps.
pub(super) fn decode_time<'a>(
    container: &dyn Container<'a>,
    variable: &Variable<'a>,
    global: &Global,
) -> Result<ArrayRef> {
    check_numbers(variable, false)?;
    let units = TimeUnits::required(variable)?;
    let (raw, mut packing) = (container.read(variable)?, Packing::of(variable)?);
    if let Some(coverage) = global.coverage {
        packing = coverage.signed(&raw, packing, units);
    }
    let column = time_column(&variable.name, &raw, &packing, units)?;
    Ok(Arc::new(column))
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
}
