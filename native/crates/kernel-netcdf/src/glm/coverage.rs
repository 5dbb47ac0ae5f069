//! The time that a product covers, and the signedness of its time offsets.

use super::global::text_timestamp;
use crate::cf::{Packing, TimeUnits, time_column};
use crate::container::{Container, Raw, Stored, VALUE_ATTRIBUTES, with_stored};
use crate::error::Result;

/// The time that the product of a file covers, wider by [`MARGIN`] at both ends, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coverage {
    first: i128,
    last: i128,
}

/// Lightning that was seen in a product may begin before and end after it.
const MARGIN: i128 = 5_000_000_000;

/// The global attributes that name the covered time.
pub(super) const COVERAGE: [&str; 2] = ["time_coverage_start", "time_coverage_end"];

/// Whether a variable of that name holds time offsets of flashes, groups or events.
pub(crate) fn is_offset(variable: &str) -> bool {
    let prefixes = ["flash_", "group_", "event_"];
    let is_table = prefixes.iter().any(|prefix| variable.starts_with(prefix));
    is_table && variable.contains("time_offset")
}

impl Coverage {
    /// Reads the covered time; `None` when the file does not say it.
    pub(crate) fn read(container: &dyn Container<'_>) -> Result<Option<Self>> {
        let attributes = container.global_attributes(&COVERAGE)?;
        let [start, end] = [&attributes[0], &attributes[1]].map(text_timestamp);
        Self::between(container, start, end)
    }

    /// The time between the two global attributes, or else of the variable `product_time_bounds`.
    pub(super) fn between(
        container: &dyn Container<'_>,
        start: Option<i64>,
        end: Option<i64>,
    ) -> Result<Option<Self>> {
        let bounds = match (start, end) {
            (Some(start), Some(end)) => Some((start, end)),
            _ => product_bounds(container)?,
        };
        Ok(bounds.map(|(start, end)| Self {
            first: i128::from(start) - MARGIN,
            last: i128::from(end) + MARGIN,
        }))
    }

    /// The packing of time offsets, signed or unsigned by which puts more of the values into the covered time; as the
    /// attribute `_Unsigned` or the stored type has it on a tie.
    ///
    /// Files of 2018 have unsigned offsets without `_Unsigned`, and signed ones with `_Unsigned = "true"`.
    pub(crate) fn signed(self, raw: &Raw<'_>, packing: Packing, units: TimeUnits) -> Packing {
        if !packing.element.is_integer() {
            return packing;
        }
        let other = Packing {
            element: packing.element.with_other_signedness(),
            is_sign_open: true,
            ..packing.clone()
        };
        if self.count(raw, &other, units) > self.count(raw, &packing, units) {
            other
        } else {
            packing
        }
    }

    /// How many values lie in the covered time, of those that the other signedness would move.
    fn count(self, raw: &Raw<'_>, packing: &Packing, units: TimeUnits) -> usize {
        let stored = |time: i128| {
            let value = (time - units.origin) as f64 / units.unit as f64;
            (value - packing.offset) / packing.scale
        };
        let ends = [stored(self.first), stored(self.last)];
        let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        with_stored!(packing.element, S => {
            let half = S::MAX.to_f64() / 2.0;
            let is_moved = |value: f64| value < 0.0 || (S::MIN.to_f64() == 0.0 && value > half);
            let is_inside = |stored: S| {
                let value = stored.to_f64();
                is_moved(value) & (low <= value) & (value <= high)
            };
            let missing = packing.missing_stored::<S>();
            let inside = raw.count(is_inside);
            if missing.is_empty() || inside == 0 {
                inside
            } else {
                inside - raw.count(|stored: S| is_inside(stored) && missing.contains(&stored))
            }
        }, else 0)
    }
}

fn product_bounds(container: &dyn Container<'_>) -> Result<Option<(i64, i64)>> {
    let Some(bounds) = container.variable("product_time_bounds", &VALUE_ATTRIBUTES)? else {
        return Ok(None);
    };
    let units = match bounds.text("units") {
        Some(_) => TimeUnits::of(&bounds),
        // Bounds have the units of what they bound (CF 1.11, section 7.1).
        None => match container.variable("product_time", &VALUE_ATTRIBUTES)? {
            Some(time) => TimeUnits::of(&time),
            None => Ok(None),
        },
    };
    let Ok(Some(units)) = units else {
        return Ok(None);
    };
    if !bounds.element.is_number() || bounds.shape != [2] {
        return Ok(None);
    }
    let (raw, packing) = (container.read(&bounds)?, Packing::of(&bounds)?);
    let times = time_column(&bounds.name, &raw, &packing, units);
    Ok(times.ok().and_then(|times| {
        let known: Vec<i64> = times.iter().flatten().collect();
        <[i64; 2]>::try_from(known)
            .ok()
            .map(|[start, end]| (start, end))
    }))
}
