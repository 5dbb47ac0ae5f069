//! The climate and forecast (CF) conventions: what attributes make of stored numbers.
//!
//! CF 1.11, sections 2.5.1 (missing data), 4.4 (time coordinate) and 8.1 (packed data);
//! `_Unsigned` and default fill values: NetCDF Users' Guide, appendix B.

mod column;
mod packing;
mod time;

pub(crate) use column::{
    float_column, native_column, native_type, text_column, time_column, unsigned_column,
};
pub(crate) use packing::{Packing, missing_texts};
pub(crate) use time::{TimeUnits, parse_timestamp};
